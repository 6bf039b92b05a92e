// SPDX-License-Identifier: MIT
#include "fw_cfg/fw_cfg.h"

#include <algorithm>
#include <cstring>

#include "backplane/error.h"

namespace backplane::pc {

namespace {

// DMA control field.
constexpr u32 kDmaError = 1, kDmaRead = 2, kDmaSkip = 4, kDmaSelect = 8, kDmaWrite = 16;

constexpr std::size_t kNameSize = 56;

void put_big_endian(std::vector<u8>& out, u64 value, unsigned bytes) {
  while (bytes-- != 0) out.push_back(static_cast<u8>(value >> bytes * 8));
}

}  // namespace

FwCfg::FwCfg(AddressSpace& memory) : memory_(memory) {
  set(kSignature, {'Q', 'E', 'M', 'U'});
  set_number<u32>(kId, 3);  // the traditional interface and DMA
  update_directory();
}

void FwCfg::set(u16 selector, std::vector<u8> data) { items_[selector] = std::move(data); }

void FwCfg::set_file(std::string_view name, std::vector<u8> data) {
  if (name.size() >= kNameSize)
    throw Error::of("fw_cfg: file name '{}' is longer than {} bytes", name, kNameSize - 1);
  auto at = files_.find(name);
  if (at == files_.end())
    at = files_.emplace(name, static_cast<u16>(kFirstFile + files_.size())).first;
  makers_.erase(at->second);
  set(at->second, std::move(data));
  update_directory();
}

void FwCfg::set_file(std::string_view name, std::function<std::vector<u8>()> make) {
  set_file(name, make());
  makers_[files_.find(name)->second] = std::move(make);
}

void FwCfg::update_directory() {
  std::vector<u8> directory;
  put_big_endian(directory, files_.size(), 4);
  for (const auto& [name, selector] : files_) {
    put_big_endian(directory, items_.at(selector).size(), 4);
    put_big_endian(directory, selector, 2);
    put_big_endian(directory, 0, 2);
    directory.insert(directory.end(), name.begin(), name.end());
    directory.insert(directory.end(), kNameSize - name.size(), 0);
  }
  set(kFileDirectory, std::move(directory));
}

const std::vector<u8>* FwCfg::item(u16 selector) const {
  const auto at = items_.find(selector);
  return at == items_.end() ? nullptr : &at->second;
}

std::span<const StateMember> FwCfg::State::members() {
  static const StateMember kMembers[] = {
      member<&State::selector>("selector"),
      member<&State::position>("position"),
      member<&State::dma_high>("dma_high"),
  };
  return kMembers;
}

std::span<const StateMember> FwCfg::members() {
  static const StateMember kMembers[] = {
      member<&FwCfg::state_>("state"),
  };
  return kMembers;
}

void FwCfg::reset() { state_ = {}; }

void FwCfg::select(u16 selector) {
  state_.selector = selector;
  state_.position = 0;
  if (selector == kFileDirectory) {
    // What it says of a file's size is what the guest will read.
    for (const auto& [of, make] : makers_) set(of, make());
    update_directory();
  } else if (const auto maker = makers_.find(selector); maker != makers_.end()) {
    set(selector, maker->second());
  }
}

u8 FwCfg::read_byte() {
  const std::vector<u8>* data = item(state_.selector);
  return data != nullptr && state_.position < data->size() ? (*data)[state_.position++] : 0;
}

// Reading the address register back gives a signature.
u32 FwCfg::read_dma(unsigned offset) const {
  return offset == 0 ? 0x554d4551 : 0x47464320;  // "QEMU" " CFG", big-endian
}

void FwCfg::write_dma(unsigned offset, u32 value) {
  const u32 native = __builtin_bswap32(value);
  if (offset == 0) {
    state_.dma_high = native;
    return;
  }
  const u64 descriptor = u64{state_.dma_high} << 32 | native;
  state_.dma_high = 0;
  start_dma(descriptor);
}

bool FwCfg::copy_to_guest(u64 address, u32 length) {
  const std::vector<u8>* data = item(state_.selector);
  // One step per range of RAM; the length is bounded by its 32 bits.
  const auto view = memory_.view();
  while (length != 0) {
    const FlatRange* range = view->find(address);
    if (range == nullptr || !range->is_ram() || range->readonly) return false;
    const u64 room = range->start + range->size - address;
    u32 piece = static_cast<u32>(std::min<u64>(length, room));
    const std::size_t left =
        data != nullptr && state_.position < data->size() ? data->size() - state_.position : 0;
    if (left != 0) {
      piece = static_cast<u32>(std::min<std::size_t>(piece, left));
      if (memory_.write(address, data->data() + state_.position, piece) != MemResult::Ok)
        return false;
      state_.position += piece;
    } else if (memory_.fill(address, 0, piece) != MemResult::Ok) {
      return false;
    }
    address += piece;
    length -= piece;
  }
  return true;
}

void FwCfg::start_dma(u64 descriptor) {
  struct {
    u32 control, length;
    u64 address;
  } raw;
  static_assert(sizeof raw == 16);
  // A descriptor outside RAM has nowhere to report an error to.
  if (memory_.ram_pointer(descriptor, sizeof raw, false) == nullptr) return;
  if (memory_.read(descriptor, &raw, sizeof raw) != MemResult::Ok) return;
  const u32 control = __builtin_bswap32(raw.control);
  const u32 length = __builtin_bswap32(raw.length);
  const u64 address = __builtin_bswap64(raw.address);
  if ((control & kDmaSelect) != 0) select(static_cast<u16>(control >> 16));
  bool ok = true;
  if ((control & kDmaRead) != 0) {
    ok = copy_to_guest(address, length);
  } else if ((control & kDmaWrite) != 0) {
    ok = false;  // no item can be written
  } else if ((control & kDmaSkip) != 0) {
    const std::vector<u8>* data = item(state_.selector);
    const std::size_t size = data != nullptr ? data->size() : 0;
    state_.position = std::min<u64>(size, state_.position + u64{length});
  }
  if (memory_.ram_pointer(descriptor, sizeof raw.control, true) != nullptr)
    memory_.store<u32>(descriptor, __builtin_bswap32(ok ? 0 : kDmaError));
}

}  // namespace backplane::pc
