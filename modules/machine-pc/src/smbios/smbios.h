// SPDX-License-Identifier: MIT
// SMBIOS 2.8: what the machine is called and made of, as operating systems show it. [DSP0134 2.8]
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backplane/cpu_topology.h"
#include "backplane/options.h"
#include "backplane/types.h"
#include "board/memory_map.h"

namespace backplane::pc {

// What the user says of structures, by their types.
class SmbiosSettings {
 public:
  // "type" and its fields, or "file" with a structure as it is. Throws Error.
  void add(KeyValueList fields);

  // What was given for a field, or else.
  std::string text(unsigned type, const std::string& field, std::string_view otherwise) const;
  bool has_fields(unsigned type) const { return fields_.contains(type); }
  const std::vector<std::string>& oem_strings() const { return oem_strings_; }
  // Structures as they are, and whether one of them is of a type.
  const std::vector<std::vector<u8>>& structures() const { return structures_; }
  bool has_structure(unsigned type) const;

 private:
  void add_structure(const std::string& file);

  std::map<unsigned, std::map<std::string, std::string, std::less<>>> fields_;
  std::vector<std::string> oem_strings_;
  std::vector<std::vector<u8>> structures_;
};

struct SmbiosFacts {
  std::vector<u8> uuid;  // 16 bytes, as they are written
  CpuTopology topology;
  MemoryMap memory;
};

// The entry point, with the address of the table still to be filled in, and the table.
struct Smbios {
  std::vector<u8> anchor;
  std::vector<u8> table;
};
Smbios build_smbios(const SmbiosSettings& settings, const SmbiosFacts& facts);
// Fills in where the table is.
void place_smbios(Smbios& smbios, u32 address);

}  // namespace backplane::pc
