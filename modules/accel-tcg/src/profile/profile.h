// SPDX-License-Identifier: MIT
// What the host's profilers are told of translated code: which guest code each piece is of.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "profile/code_listener.h"
#include "profile/guest_symbols.h"

namespace backplane::tcg {

class Profile {
 public:
  Profile(GuestSymbols symbols, std::vector<std::unique_ptr<CodeListener>> listeners)
      : symbols_(std::move(symbols)), listeners_(std::move(listeners)) {}

  // A block's code, or what of it runs rarely. `pointer`: the guest's address of the block.
  // CodeCache::lock() held.
  void block_made(u64 pointer, std::span<const u8> code, std::span<const u8> cold) {
    tell(symbols_.name_of(pointer), code);
    tell(symbols_.name_of(pointer) + "[rare]", cold);
  }
  // Code of the translator's own, between the guest's.
  void stub_made(const std::string& name, std::span<const u8> code) { tell(name, code); }

 private:
  void tell(const std::string& name, std::span<const u8> code) {
    if (code.empty()) return;
    for (const auto& listener : listeners_) listener->code_made(code, name);
  }

  GuestSymbols symbols_;
  std::vector<std::unique_ptr<CodeListener>> listeners_;
};

}  // namespace backplane::tcg
