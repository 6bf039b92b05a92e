// SPDX-License-Identifier: MIT
// Compressors: what makes the RAM of a saved machine smaller. Each is a type that is found and
// loaded by its name, so that a library that a system may lack is a module of its own.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "backplane/catalogue.h"
#include "backplane/object.h"
#include "backplane/room.h"
#include "backplane/types.h"

namespace backplane {

inline constexpr Kind kCompressorKind{.base = "compressor",
                                      .prefix = "compress-",
                                      .suffix = "",
                                      .noun = "compressor",
                                      .option = "savestate -z"};

// A type of its own derives from it, and is registered as "compress-NAME". An object is used by one
// thread at a time, without the machine lock.
class Compressor : public Object {
  BACKPLANE_OBJECT(Compressor, Object, "compressor")
 public:
  static void class_init(ObjectClass&) {}

  // Puts `data`, a megabyte at most, behind what `packed` has. Each call stands alone: what it
  // makes is unpacked without what other calls made.
  virtual void pack(std::span<const u8> data, std::vector<u8>& packed) = 0;
  // The reverse: fills `data`, and throws Error if `packed` is not what pack() made of as many
  // bytes. It may come from a stranger: nothing but `data` is written, and memory in proportion to
  // it used.
  virtual void unpack(std::span<const u8> packed, std::span<u8> data) = 0;

 private:
  [[maybe_unused]] Room<4> room_;
};

// The compressor that users call `name`; its module is loaded if needed. Throws Error as
// class_of_kind() does. Machine lock.
std::unique_ptr<Compressor> create_compressor(std::string_view name);

}  // namespace backplane
