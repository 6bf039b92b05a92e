// SPDX-License-Identifier: MIT
// The firmware configuration device: named items that firmware and kernels read.
// [QEMU "QEMU Firmware Configuration (fw_cfg) Device"]
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/memory.h"
#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::pc {

// Items are read-only to the guest. Machine lock for all calls.
class FwCfg {
 public:
  // Well-known selectors.
  enum Selector : u16 {
    kSignature = 0x00,
    kId = 0x01,
    kUuid = 0x02,
    kRamSize = 0x03,
    kNoGraphic = 0x04,
    kCpuCount = 0x05,
    kCommandLineSize = 0x14,
    kCommandLineData = 0x15,
    kBootMenu = 0x0e,
    kMaxCpus = 0x0f,
    kFileDirectory = 0x19,
    kFirstFile = 0x20,
    kFirstArchitectural = 0x8000,
    kIrq0Override = 0x8002,
  };

  // `memory` is what the DMA interface reaches; only RAM in it.
  explicit FwCfg(AddressSpace& memory);

  // Adds or replaces an item.
  void set(u16 selector, std::vector<u8> data);
  template <class T>
  void set_number(u16 selector, T value) {
    std::vector<u8> bytes(sizeof value);
    for (std::size_t i = 0; i < sizeof value; ++i) bytes[i] = static_cast<u8>(value >> i * 8);
    set(selector, std::move(bytes));
  }
  // Adds or replaces a file; names are at most 55 bytes.
  void set_file(std::string_view name, std::vector<u8> data);
  // The same of a file that is made anew whenever the guest selects it, or the directory, which
  // has its size of then. `make` is called at once, too.
  void set_file(std::string_view name, std::function<std::vector<u8>()> make);
  // The contents of an item; null if there is none.
  const std::vector<u8>* item(u16 selector) const;

  void reset();
  // What the guest has selected, as state of a device; the items are not.
  static std::span<const StateMember> members();
  void select(u16 selector);
  // The next byte of the selected item; 0 after its end.
  u8 read_byte();

  // The DMA address register: 0: high half, 4: low half, in big-endian order as the guest wrote
  // it. Writing the low half starts the transfer.
  u32 read_dma(unsigned offset) const;
  void write_dma(unsigned offset, u32 value);
  void start_dma(u64 descriptor);

 private:
  struct State {
    u16 selector = 0;
    u64 position = 0;
    u32 dma_high = 0;
    static std::span<const StateMember> members();
  };

  void update_directory();
  // Copies the selected item from the current position on, then zeros. False if not all is RAM.
  bool copy_to_guest(u64 address, u32 length);

  AddressSpace& memory_;
  std::map<u16, std::vector<u8>> items_;
  std::map<std::string, u16, std::less<>> files_;
  std::map<u16, std::function<std::vector<u8>()>> makers_;
  State state_;
};

}  // namespace backplane::pc
