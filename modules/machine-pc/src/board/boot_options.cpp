// SPDX-License-Identifier: MIT
#include "board/boot_options.h"

#include <algorithm>
#include <cstring>

#include "backplane/error.h"

namespace backplane::pc {

namespace {

struct Kind {
  char letter;
  u8 number;  // in the CMOS
};
constexpr Kind kKinds[] = {{'a', 1}, {'c', 2}, {'d', 3}, {'n', 4}};
constexpr std::size_t kMostKinds = 3;

// The first two of the order, then the third in the upper half.
constexpr u8 kBootOrder = 0x3d, kBootFlags = 0x38;
constexpr u8 kNoFloppyCheck = 0x01;

template <class T>
std::vector<u8> bytes_of(T value) {
  std::vector<u8> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

const Kind* kind_of(char letter) {
  const auto* const at = std::find_if(std::begin(kKinds), std::end(kKinds),
                                      [&](const Kind& kind) { return kind.letter == letter; });
  return at == std::end(kKinds) ? nullptr : at;
}

}  // namespace

void BootOptions::check_order(std::string_view order) {
  for (std::size_t i = 0; i < order.size(); ++i)
    if (kind_of(order[i]) == nullptr || order.find(order[i]) != i)
      throw Error::of(
          "'{}': expects letters of acdn, each at most once: a floppy disk, c disk, d CD, "
          "n network",
          order);
  if (order.size() > kMostKinds)
    throw Error::of("'{}': firmware takes {} kinds of devices at most", order, kMostKinds);
}

void BootOptions::put_order(std::string_view order, IsaRtc& rtc) {
  unsigned numbers = 0;
  for (std::size_t i = 0; i < order.size(); ++i) numbers |= kind_of(order[i])->number << i * 4;
  rtc.set_cmos(kBootOrder, static_cast<u8>(numbers));
  rtc.set_cmos(kBootFlags, static_cast<u8>(numbers >> 4 & 0xf0) | kNoFloppyCheck);
}

void BootOptions::put_into(FwCfg& fw_cfg) const {
  fw_cfg.set_number<u16>(FwCfg::kBootMenu, menu ? 1 : 0);
  if (menu_wait != 0)
    fw_cfg.set_file("etc/boot-menu-wait", bytes_of(static_cast<u16>(std::min(menu_wait, 0xffffu))));
  if (fail_wait >= -1) fw_cfg.set_file("etc/boot-fail-wait", bytes_of(fail_wait));
}

}  // namespace backplane::pc
