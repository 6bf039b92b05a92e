// SPDX-License-Identifier: MIT
#include "chardev/kinds.h"

namespace backplane {

namespace {

constexpr ChardevKind kKinds[] = {
    {"stdio", make_stdio_chardev}, {"null", make_null_chardev}, {"file", make_file_chardev}};

}  // namespace

std::span<const ChardevKind> chardev_kinds() { return kKinds; }

}  // namespace backplane
