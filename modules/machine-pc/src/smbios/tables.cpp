// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>

#include "backplane/property.h"
#include "smbios/smbios.h"

namespace backplane::pc {

namespace {

enum Type : u8 {
  kBios = 0,
  kSystem = 1,
  kBoard = 2,
  kChassis = 3,
  kProcessor = 4,
  kOemStrings = 11,
  kMemoryArray = 16,
  kMemoryDevice = 17,
  kMappedAddress = 19,
  kBoot = 32,
  kEnd = 127,
};

// Handles of the structures: each type has its own, from here on. [DSP0134 6.1.2]
constexpr u16 handle_of(unsigned type, unsigned number = 0) {
  return static_cast<u16>(type << 8 | number);
}

constexpr std::string_view kMaker = "Backplane";
constexpr std::string_view kProduct = "Standard PC (i440FX + PIIX)";
constexpr std::string_view kVersion = "pc-i440fx";

// One structure: its fields in order, and the strings that they count. [DSP0134 6.1]
class Structure {
 public:
  Structure(unsigned type, u16 handle) {
    number(type, 1);
    number(0, 1);  // its length, when it is known
    number(handle, 2);
  }
  Structure& number(u64 value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) bytes_.push_back(static_cast<u8>(value >> i * 8));
    return *this;
  }
  Structure& text(std::string_view text) {
    if (text.empty()) return number(0, 1);
    strings_.emplace_back(text);
    return number(strings_.size(), 1);
  }
  Structure& raw(const std::vector<u8>& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Structure& strings(const std::vector<std::string>& strings) {
    strings_.insert(strings_.end(), strings.begin(), strings.end());
    return *this;
  }
  std::vector<u8> finished() const {
    std::vector<u8> bytes = bytes_;
    bytes[1] = static_cast<u8>(bytes.size());
    for (const std::string& text : strings_) {
      bytes.insert(bytes.end(), text.begin(), text.end());
      bytes.push_back(0);
    }
    if (strings_.empty()) bytes.push_back(0);
    bytes.push_back(0);
    return bytes;
  }

 private:
  std::vector<u8> bytes_;
  std::vector<std::string> strings_;
};

class Builder {
 public:
  Builder(const SmbiosSettings& settings, const SmbiosFacts& facts)
      : settings_(settings), facts_(facts) {}

  std::vector<u8> build() {
    bios();
    system();
    board();
    chassis();
    processors();
    oem_strings();
    memory();
    boot();
    add_given();
    add(Structure(kEnd, handle_of(kEnd)));
    return std::move(table_);
  }
  u16 count() const { return count_; }
  u16 largest() const { return largest_; }

 private:
  std::string text(unsigned type, const char* field, std::string_view otherwise = {}) const {
    return settings_.text(type, field, otherwise);
  }
  u64 number(unsigned type, const char* field, std::string_view otherwise) const {
    return parse_unsigned(text(type, field, otherwise), 0, 0xffff);
  }

  void add(const Structure& structure) {
    const std::vector<u8> bytes = structure.finished();
    if (settings_.has_structure(bytes[0])) return;
    append(bytes);
  }
  void append(const std::vector<u8>& bytes) {
    table_.insert(table_.end(), bytes.begin(), bytes.end());
    largest_ = std::max<u16>(largest_, static_cast<u16>(bytes.size()));
    ++count_;
  }
  void add_given() {
    for (const std::vector<u8>& structure : settings_.structures()) append(structure);
  }

  // [DSP0134 7.1 "BIOS Information"] Firmware says it of itself where nothing was given.
  void bios() {
    constexpr u64 kNotSupported = 1 << 3, kVirtual = 1 << 4, kUefi = 1 << 3;
    if (!settings_.has_fields(kBios)) return;
    const std::string release = text(kBios, "release", "0.0");
    const auto dot = release.find('.');
    add(Structure(kBios, handle_of(kBios))
            .text(text(kBios, "vendor", kMaker))
            .text(text(kBios, "version", "1"))
            .number(0xe800, 2)
            .text(text(kBios, "date", "01/01/2026"))
            .number(0, 1)
            .number(kNotSupported, 8)
            .number(0, 1)
            .number(
                kVirtual | (PropertyTraits<bool>::parse(text(kBios, "uefi", "off")) ? kUefi : 0), 1)
            .number(parse_unsigned(release.substr(0, dot), 0, 255), 1)
            .number(parse_unsigned(release.substr(dot + 1), 0, 255), 1)
            .number(0xffff, 2));
  }

  // [DSP0134 7.2 "System Information"]
  void system() {
    constexpr u64 kPowerSwitch = 6;
    add(Structure(kSystem, handle_of(kSystem))
            .text(text(kSystem, "manufacturer", kMaker))
            .text(text(kSystem, "product", kProduct))
            .text(text(kSystem, "version", kVersion))
            .text(text(kSystem, "serial"))
            .raw(uuid())
            .number(kPowerSwitch, 1)
            .text(text(kSystem, "sku"))
            .text(text(kSystem, "family")));
  }
  // Its first three fields have the lowest byte first. [DSP0134 7.2.1]
  std::vector<u8> uuid() const {
    std::vector<u8> bytes = facts_.uuid;
    std::reverse(bytes.begin(), bytes.begin() + 4);
    std::swap(bytes[4], bytes[5]);
    std::swap(bytes[6], bytes[7]);
    return bytes;
  }

  // [DSP0134 7.3 "Baseboard (or Module) Information"] Optional.
  void board() {
    constexpr u64 kHosting = 1, kMotherboard = 0x0a;
    if (!settings_.has_fields(kBoard)) return;
    add(Structure(kBoard, handle_of(kBoard))
            .text(text(kBoard, "manufacturer", kMaker))
            .text(text(kBoard, "product"))
            .text(text(kBoard, "version"))
            .text(text(kBoard, "serial"))
            .text(text(kBoard, "asset"))
            .number(kHosting, 1)
            .text(text(kBoard, "location"))
            .number(handle_of(kChassis), 2)
            .number(kMotherboard, 1)
            .number(0, 1));
  }

  // [DSP0134 7.4 "System Enclosure or Chassis"]
  void chassis() {
    constexpr u64 kOther = 1, kSafe = 3, kNone = 3;
    add(Structure(kChassis, handle_of(kChassis))
            .text(text(kChassis, "manufacturer", kMaker))
            .number(kOther, 1)
            .text(text(kChassis, "version", kVersion))
            .text(text(kChassis, "serial"))
            .text(text(kChassis, "asset"))
            .number(kSafe, 1)
            .number(kSafe, 1)
            .number(kSafe, 1)
            .number(kNone, 1)
            .number(0, 4)
            .number(0, 1)
            .number(0, 1)
            .number(0, 1)
            .number(0, 1)
            .text(text(kChassis, "sku")));
  }

  // One for each socket. [DSP0134 7.5 "Processor Information"]
  void processors() {
    const CpuTopology& topology = facts_.topology;
    for (unsigned socket = 0; socket < topology.sockets; ++socket)
      processor(socket, topology.cpus() / std::max(topology.sockets, 1u));
  }
  void processor(unsigned socket, unsigned cpus) {
    constexpr u64 kCentral = 3, kOther = 1, kEnabled = 0x41, kNoCache = 0xffff;
    const u64 threads = std::min(cpus, 255u);
    const u64 cores = std::max<u64>(threads / std::max(facts_.topology.threads, 1u), 1);
    add(Structure(kProcessor, handle_of(kProcessor, socket))
            .text(text(kProcessor, "sock_pfx", "CPU") + fmt::format(" {}", socket))
            .number(kCentral, 1)
            .number(kOther, 1)
            .text(text(kProcessor, "manufacturer", kMaker))
            .number(0, 8)
            .text(text(kProcessor, "version", kVersion))
            .number(0, 1)
            .number(0, 2)
            .number(number(kProcessor, "max-speed", "2000"), 2)
            .number(number(kProcessor, "current-speed", "2000"), 2)
            .number(kEnabled, 1)
            .number(kOther, 1)
            .number(kNoCache, 2)
            .number(kNoCache, 2)
            .number(kNoCache, 2)
            .text(text(kProcessor, "serial"))
            .text(text(kProcessor, "asset"))
            .text(text(kProcessor, "part"))
            .number(cores, 1)
            .number(cores, 1)
            .number(threads, 1)
            .number(0x02, 2)  // characteristics: unknown
            .number(kOther, 2));
  }

  // [DSP0134 7.12 "OEM Strings"]
  void oem_strings() {
    const std::vector<std::string>& strings = settings_.oem_strings();
    if (strings.empty()) return;
    add(Structure(kOemStrings, handle_of(kOemStrings)).number(strings.size(), 1).strings(strings));
  }

  // One array with one module that has all of it. [DSP0134 7.17, 7.18, 7.20]
  void memory() {
    constexpr u64 kOther = 1, kSystemMemory = 3, kMultiBit = 6, kNoError = 0xfffe;
    constexpr u64 kExtended = 0x8000'0000, kExtendedModule = 0x7fff;
    const u64 kib = facts_.memory.ram >> 10, mib = facts_.memory.ram >> 20;
    const bool many = kib >= kExtended;
    add(Structure(kMemoryArray, handle_of(kMemoryArray))
            .number(kOther, 1)
            .number(kSystemMemory, 1)
            .number(kMultiBit, 1)
            .number(many ? kExtended : kib, 4)
            .number(kNoError, 2)
            .number(1, 2)
            .number(many ? facts_.memory.ram : 0, 8));
    constexpr u64 kDimm = 9, kRam = 7, kUnknownWidth = 0xffff;
    add(Structure(kMemoryDevice, handle_of(kMemoryDevice))
            .number(handle_of(kMemoryArray), 2)
            .number(kNoError, 2)
            .number(kUnknownWidth, 2)
            .number(kUnknownWidth, 2)
            .number(std::min(mib, kExtendedModule), 2)
            .number(kDimm, 1)
            .number(0, 1)
            .text(text(kMemoryDevice, "loc_pfx", "DIMM") + " 0")
            .text(text(kMemoryDevice, "bank"))
            .number(kRam, 1)
            .number(0x02, 2)
            .number(number(kMemoryDevice, "speed", "0"), 2)
            .text(text(kMemoryDevice, "manufacturer", kMaker))
            .text(text(kMemoryDevice, "serial"))
            .text(text(kMemoryDevice, "asset"))
            .text(text(kMemoryDevice, "part"))
            .number(0, 1)
            .number(mib >= kExtendedModule ? mib : 0, 4)
            .number(number(kMemoryDevice, "speed", "0"), 2));
    mapped(0, 0, facts_.memory.low_ram());
    if (facts_.memory.high_ram() != 0) mapped(1, 4_GiB, facts_.memory.high_ram());
  }
  void mapped(unsigned number, u64 start, u64 size) {
    add(Structure(kMappedAddress, handle_of(kMappedAddress, number))
            .number(start >> 10, 4)
            .number(((start + size) >> 10) - 1, 4)
            .number(handle_of(kMemoryArray), 2)
            .number(1, 1));
  }

  // [DSP0134 7.33 "System Boot Information"]
  void boot() { add(Structure(kBoot, handle_of(kBoot)).number(0, 6).number(0, 1)); }

  const SmbiosSettings& settings_;
  const SmbiosFacts& facts_;
  std::vector<u8> table_;
  u16 count_ = 0;
  u16 largest_ = 0;
};

// Makes the bytes from `start` on sum up to zero.
void put_checksum(std::vector<u8>& bytes, std::size_t start, std::size_t size, std::size_t at) {
  bytes[at] = 0;
  const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(start);
  const unsigned sum = std::accumulate(from, from + static_cast<std::ptrdiff_t>(size), 0u);
  bytes[at] = static_cast<u8>(0 - sum);
}

// Offsets in the entry point. [DSP0134 5.2.1]
constexpr std::size_t kChecksum = 0x04, kSize = 0x1f, kInner = 0x10, kInnerChecksum = 0x15,
                      kAddress = 0x18;

}  // namespace

Smbios build_smbios(const SmbiosSettings& settings, const SmbiosFacts& facts) {
  Builder builder(settings, facts);
  Smbios smbios;
  smbios.table = builder.build();
  std::vector<u8>& anchor = smbios.anchor;
  const auto put = [&](u64 value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) anchor.push_back(static_cast<u8>(value >> i * 8));
  };
  const auto text = [&](std::string_view text) {
    anchor.insert(anchor.end(), text.begin(), text.end());
  };
  text("_SM_");
  put(0, 1);
  put(kSize, 1);
  put(2, 1);  // version
  put(8, 1);
  put(builder.largest(), 2);
  put(0, 6);  // formatted area
  text("_DMI_");
  put(0, 1);
  put(smbios.table.size(), 2);
  put(0, 4);  // where the table is
  put(builder.count(), 2);
  put(0x28, 1);
  place_smbios(smbios, 0);
  return smbios;
}

void place_smbios(Smbios& smbios, u32 address) {
  for (unsigned i = 0; i < 4; ++i) smbios.anchor[kAddress + i] = static_cast<u8>(address >> i * 8);
  put_checksum(smbios.anchor, kInner, kSize - kInner, kInnerChecksum);
  put_checksum(smbios.anchor, 0, kSize, kChecksum);
}

}  // namespace backplane::pc
