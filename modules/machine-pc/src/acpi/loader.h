// SPDX-License-Identifier: MIT
// The script by which firmware places the ACPI tables that fw_cfg gives it.
// [table-loader]
#pragma once

#include "acpi/tables.h"

namespace backplane::pc {

// The files of the two parts, and of the script.
constexpr const char* kAcpiRootFile = "etc/acpi/rsdp";
constexpr const char* kAcpiBodyFile = "etc/acpi/tables";
constexpr const char* kAcpiLoaderFile = "etc/table-loader";

std::vector<u8> loader_script(const AcpiTables& tables);

}  // namespace backplane::pc
