// SPDX-License-Identifier: MIT
#include "devices/firmware_files.h"

#include "backplane/error.h"
#include "backplane/host_file.h"

namespace backplane::host {

namespace {

constexpr u64 kLargest = 64ULL << 20;

std::vector<u8> contents_of(const std::string& path) {
  HostFile file;
  if (const int error = file.open(path); error != 0) throw Error::system("file=" + path, error);
  std::vector<u8> contents;
  if (const int error = file.read_to_end(contents, kLargest); error != 0)
    throw Error::system("file=" + path, error);
  return contents;
}

}  // namespace

void add_firmware_file(FirmwareConfiguration& firmware, KeyValueList values) {
  const std::string name = values.take("name").value_or("");
  if (name.empty()) throw Error("name is missing: expects one such as opt/org.example/key");
  const auto file = values.take("file");
  const auto text = values.take("string");
  values.expect_empty("file, name, string");
  if (file.has_value() == text.has_value())
    throw Error("expects a file=FILE or a string=TEXT, and not both");
  firmware.add_file(name, file ? contents_of(*file) : std::vector<u8>(text->begin(), text->end()));
}

}  // namespace backplane::host
