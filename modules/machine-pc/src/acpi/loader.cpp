// SPDX-License-Identifier: MIT
#include "acpi/loader.h"

#include <string_view>

namespace backplane::pc {

namespace {

using Bytes = std::vector<u8>;

enum Command : u32 { kAllocate = 1, kAddPointer = 2, kAddChecksum = 3 };
// Where a file goes: anywhere below 4 GiB, or where the RSDP is looked for.
enum Zone : u8 { kHigh = 1, kFSegment = 2 };
constexpr std::size_t kCommandSize = 128, kNameSize = 56;
constexpr u32 kRootAlignment = 16;

// Commands of a fixed size, one after the other.
class Script {
 public:
  Script& command(Command command) {
    end_ += kCommandSize;
    return number(command, 4);
  }
  Script& file(AcpiTables::Part part) {
    const std::string_view name = part == AcpiTables::Part::Root ? kAcpiRootFile : kAcpiBodyFile;
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    bytes_.insert(bytes_.end(), kNameSize - name.size(), 0);
    return *this;
  }
  Script& number(u64 value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) bytes_.push_back(static_cast<u8>(value >> i * 8));
    return *this;
  }
  void end() { bytes_.resize(end_, 0); }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
  std::size_t end_ = 0;
};

}  // namespace

Bytes loader_script(const AcpiTables& tables) {
  using Part = AcpiTables::Part;
  Script script;
  script.command(kAllocate).file(Part::Root).number(kRootAlignment, 4).number(kFSegment, 1).end();
  script.command(kAllocate).file(Part::Body).number(kTableAlignment, 4).number(kHigh, 1).end();
  for (const AcpiTables::Pointer& p : tables.pointers)
    script.command(kAddPointer)
        .file(p.part)
        .file(Part::Body)
        .number(p.offset, 4)
        .number(p.size, 1)
        .end();
  for (const AcpiTables::Checksum& c : tables.checksums)
    script.command(kAddChecksum)
        .file(c.part)
        .number(c.offset, 4)
        .number(c.start, 4)
        .number(c.length, 4)
        .end();
  return script.take();
}

}  // namespace backplane::pc
