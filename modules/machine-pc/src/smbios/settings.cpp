// SPDX-License-Identifier: MIT
// -smbios: which fields of which structures can be set.
#include <algorithm>
#include <span>

#include "backplane/error.h"
#include "backplane/property.h"
#include "boot/blob.h"
#include "smbios/smbios.h"

namespace backplane::pc {

namespace {

constexpr std::string_view kBios[] = {"vendor", "version", "date", "release", "uefi"};
constexpr std::string_view kSystem[] = {"manufacturer", "product", "version",
                                        "serial",       "sku",     "family"};
constexpr std::string_view kBoard[] = {"manufacturer", "product", "version",
                                       "serial",       "asset",   "location"};
constexpr std::string_view kChassis[] = {"manufacturer", "version", "serial", "asset", "sku"};
constexpr std::string_view kProcessor[] = {
    "sock_pfx", "manufacturer", "version", "serial", "asset", "part", "max-speed", "current-speed"};
constexpr std::string_view kOem[] = {"value"};
constexpr std::string_view kMemory[] = {"loc_pfx", "bank", "manufacturer", "serial",
                                        "asset",   "part", "speed"};

struct Type {
  unsigned number;
  std::span<const std::string_view> fields;
};
constexpr Type kTypes[] = {{0, kBios},      {1, kSystem}, {2, kBoard},  {3, kChassis},
                           {4, kProcessor}, {11, kOem},   {17, kMemory}};
constexpr unsigned kMostTypes = 255;
constexpr u64 kLargestStructure = 64_KiB;

const Type& type_of(unsigned number) {
  const auto* const at = std::find_if(std::begin(kTypes), std::end(kTypes),
                                      [&](const Type& type) { return type.number == number; });
  if (at == std::end(kTypes))
    throw Error::of("type={}: expects 0, 1, 2, 3, 4, 11 or 17; others as they are, with file=",
                    number);
  return *at;
}

// "MAJOR.MINOR".
void expect_release(const std::string& value) {
  const auto dot = value.find('.');
  if (dot == std::string::npos) throw Error("expects two numbers: 1.2");
  parse_unsigned(value.substr(0, dot), 0, 255);
  parse_unsigned(value.substr(dot + 1), 0, 255);
}

// Throws Error: the field is no text, and the value none for it.
void check_value(const std::string& field, const std::string& value) {
  try {
    if (field == "release") expect_release(value);
    if (field == "uefi") PropertyTraits<bool>::parse(value);
    if (field.ends_with("speed")) parse_unsigned(value, 0, 0xffff);
  } catch (const Error& error) {
    throw error.in(field + "=" + value);
  }
}

}  // namespace

void SmbiosSettings::add(KeyValueList fields) {
  if (const auto file = fields.take("file")) {
    fields.expect_empty("file");
    return add_structure(*file);
  }
  const auto number = fields.take_number("type", 0, kMostTypes);
  if (!number) throw Error("type is missing: expects a number, or file=FILE");
  const Type& type = type_of(static_cast<unsigned>(*number));
  std::string known;
  for (const std::string_view field : type.fields) known += fmt::format("{}, ", field);
  known += "type";
  for (const KeyValue& item : fields) {
    if (type.number == 11 && item.key == "value") {
      oem_strings_.push_back(item.value);
      continue;
    }
    check_value(item.key, item.value);
    if (std::find(type.fields.begin(), type.fields.end(), item.key) != type.fields.end())
      fields_[type.number][item.key] = item.value;
  }
  for (const std::string_view field : type.fields)
    while (fields.take(field)) {
    }
  fields.expect_empty(known);
}

void SmbiosSettings::add_structure(const std::string& file) {
  constexpr std::size_t kHeader = 4;
  const BlobPtr blob =
      Blob::open_file(file, "file=" + file, {kLargestStructure, "the most of one structure"});
  const std::vector<u8> bytes = blob->read(0, blob->size());
  const bool whole = bytes.size() >= kHeader + 2 && bytes[1] >= kHeader &&
                     bytes[1] + 2u <= bytes.size() && bytes.back() == 0 &&
                     bytes[bytes.size() - 2] == 0;
  if (!whole)
    throw Error::of(
        "file={}: is no structure of SMBIOS, which has a header and ends with two zeroes", file);
  structures_.push_back(bytes);
}

bool SmbiosSettings::has_structure(unsigned type) const {
  return std::any_of(structures_.begin(), structures_.end(),
                     [&](const std::vector<u8>& structure) { return structure[0] == type; });
}

std::string SmbiosSettings::text(unsigned type, const std::string& field,
                                 std::string_view otherwise) const {
  const auto of_type = fields_.find(type);
  if (of_type == fields_.end()) return std::string(otherwise);
  const auto at = of_type->second.find(field);
  return at == of_type->second.end() ? std::string(otherwise) : at->second;
}

}  // namespace backplane::pc
