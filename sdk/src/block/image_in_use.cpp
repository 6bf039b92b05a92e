// SPDX-License-Identifier: MIT
#include "block/image_in_use.h"

namespace backplane {

namespace {

const char* state_of(ImageUser user) {
  switch (user) {
    case ImageUser::Writer:
      return "is open for writing in another process, or by another drive of this one";
    case ImageUser::Reader:
      return "is open for reading in another process, or by another drive of this one";
    case ImageUser::ReadLock:
      return "is locked against writers by another program, which may be one that reads it";
    case ImageUser::Exclusive:
      break;
  }
  return "is locked by another process, or by another drive of this one, for itself alone";
}

std::string cure_of(const ImageCures& cures, bool for_writing, ImageUser user) {
  if (for_writing && user == ImageUser::Reader)
    return cures.read_only + " opens it beside those that only read";
  if (cures.unlocked.empty()) return "it can be opened once the other one has closed it";
  const std::string forced = cures.unlocked + " opens it all the same, ";
  if (for_writing) return forced + "and what the other one reads or writes may be damaged";
  return forced + (user == ImageUser::ReadLock
                       ? "which is safe while nobody writes it"
                       : "but what is read while it is written may be wrong");
}

}  // namespace

Error image_in_use(const ImageOptions& options, bool for_writing, ImageUser user) {
  return Error(options.file + " " + state_of(user), cure_of(options.cures, for_writing, user));
}

}  // namespace backplane
