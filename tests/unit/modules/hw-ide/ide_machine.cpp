// SPDX-License-Identifier: MIT
#include "ide_machine.h"

namespace backplane::testing {

BACKPLANE_REGISTER(IdeMemoryNode)

int IdeMemoryNode::do_read(u64 offset, std::span<const iovec> iov) {
  for (const iovec& piece : iov) {
    std::memcpy(piece.iov_base, bytes.data() + offset, piece.iov_len);
    offset += piece.iov_len;
  }
  return error;
}

int IdeMemoryNode::do_write(u64 offset, std::span<const iovec> iov) {
  if (error != 0) return error;
  for (const iovec& piece : iov) {
    std::memcpy(bytes.data() + offset, piece.iov_base, piece.iov_len);
    offset += piece.iov_len;
  }
  return 0;
}

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << fmt::format("status {:#04x}, error {:#04x}, {}", outcome.status, outcome.error,
                      outcome.interrupted ? "interrupted" : "not interrupted");
}

IdeTest::IdeTest()
    : isa_(machine_),
      backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))),
      function_((machine_.create_device("pci-host-bridge"), machine_), kSlot) {
  machine_.create_device("piix3-ide", {{"addr", "04"}});
}

IdeMemoryNode& IdeTest::add_drive(const std::string& type, u64 bytes,
                                  const Properties& properties) {
  const std::string id = fmt::format("disk{}", drives_.size());
  auto& node = dynamic_cast<IdeMemoryNode&>(backends_.add(kBlockKind, "ide-memory", id, {}));
  node.bytes.resize(bytes);
  for (std::size_t i = 0; i < bytes; ++i) node.bytes[i] = static_cast<char>(i / 512 + i * 7);
  Properties all = properties;
  all.emplace_back("drive", id);
  drives_.push_back(&machine_.add_device(type, "", "ide.0", all));
  return node;
}

void IdeTest::power_on() {
  machine_.power_on();
  function_.write32(0x40, 0x8000'8000);
  function_.write32(0x20, kBusMaster);
  function_.write16(4, 0x0005);
}

void IdeTest::issue(const Command& c) {
  out8(kPrimary + ide::kDevice,
       static_cast<u8>(c.device | (c.extended ? 0 : c.lba >> 24 & ide::device::kHead)));
  const auto put = [&](unsigned offset, u64 earlier, u64 last) {
    if (c.extended) out8(static_cast<u16>(kPrimary + offset), static_cast<u8>(earlier));
    out8(static_cast<u16>(kPrimary + offset), static_cast<u8>(last));
  };
  put(ide::kErrorOrFeatures, 0, c.features);
  put(ide::kSectorCount, c.count >> 8, c.count);
  put(ide::kLbaLow, c.lba >> 24, c.lba);
  put(ide::kLbaMid, c.lba >> 32, c.lba >> 8);
  put(ide::kLbaHigh, c.lba >> 40, c.lba >> 16);
  out8(kPrimary + ide::kStatusOrCommand, c.command);
}

Outcome IdeTest::wait() {
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return (status() & ide::status::kBusy) == 0; }));
  Outcome outcome;
  outcome.interrupted = interrupt();
  outcome.error = in8(kPrimary + ide::kErrorOrFeatures);
  outcome.status = in8(kPrimary + ide::kStatusOrCommand);
  EXPECT_FALSE(interrupt());
  return outcome;
}

std::string IdeTest::read_words(std::size_t bytes) {
  std::string data;
  while (data.size() < bytes) {
    const u16 word = machine_.io().load<u16>(kPrimary);
    data += static_cast<char>(word);
    data += static_cast<char>(word >> 8);
  }
  return data;
}

void IdeTest::write_words(const std::string& bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
    machine_.io().store<u16>(
        kPrimary, static_cast<u16>(static_cast<u8>(bytes[i]) | static_cast<u8>(bytes[i + 1]) << 8));
}

void IdeTest::put_table(const std::vector<u32>& pieces) {
  u64 at = kTable, data = kPlace;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    machine_.memory().store<u32>(at, static_cast<u32>(data));
    machine_.memory().store<u32>(at + 4,
                                 (pieces[i] & 0xffff) | (i + 1 == pieces.size() ? 0x8000'0000 : 0));
    at += 8;
    data += pieces[i];
  }
  machine_.io().store<u32>(kBusMaster + 4, kTable);
  out8(kBusMaster + 2, 0x06);
}

void IdeTest::start_dma(bool to_memory) {
  out8(kBusMaster, static_cast<u8>((to_memory ? 8 : 0) | 1));
}

std::string IdeTest::memory(u64 address, std::size_t size) {
  std::string text(size, '\0');
  machine_.memory().read(address, text.data(), size);
  return text;
}

}  // namespace backplane::testing
