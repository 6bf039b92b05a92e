// SPDX-License-Identifier: MIT
// Compiled into every shared object and program that registers types: the file's own list of them,
// and the one symbol through which it is handed over.
#include "backplane/object.h"
#include "backplane/visibility.h"

namespace backplane::detail {

namespace {
// Linked by constructors, which run before any dynamic initialiser of this file could.
constinit TypeInfo* file_types = nullptr;
}  // namespace

void link_type(TypeInfo& type) {
  type.next = file_types;
  file_types = &type;
}

}  // namespace backplane::detail

// Empties the file's list and returns its head. Called under the registry's lock.
extern "C" BACKPLANE_DETAIL_EXPORTED backplane::TypeInfo* backplane_take_types();

backplane::TypeInfo* backplane_take_types() {
  backplane::TypeInfo* head = backplane::detail::file_types;
  backplane::detail::file_types = nullptr;
  return head;
}
