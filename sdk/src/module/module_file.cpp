// SPDX-License-Identifier: MIT
#include "module/module_file.h"

#include "backplane/log.h"
#include "module/file_of_address.h"
#include "module/modinfo_strings.h"
#include "module/module_image.h"

namespace backplane {

namespace {

constexpr const char* kReinstall = "reinstall the module's package";
constexpr const char* kRemove = "remove it from the module directory";

ModuleRecord read_unhinted(const ImageBytes& bytes) {
  const ModuleImage image = read_image(bytes);
  if (!image.shared_object)
    throw Error("an object file, but not a shared object").with_hint(kRemove);
  if (!image.has_modinfo)
    throw Error("a shared object, but no Backplane module: it has no .modinfo section")
        .with_hint(kRemove);
  std::vector<ModuleRecord> records = parse_modinfo(image.modinfo);
  ModuleRecord record;
  for (ModuleRecord& candidate : records)
    if (!candidate.name.empty() && record.name.empty()) record = std::move(candidate);
  if (record.name.empty() || record.sdk.empty())
    throw Error::of("a shared object, but no Backplane module: its metadata says no {}",
                    record.name.empty() ? "module name" : "SDK version")
        .with_hint(kRemove);
  if (!detail::is_valid_name(record.name.c_str()))
    throw Error::of("damaged: its module name is '{}'", record.name);
  record.libraries = image.libraries;
  record.library_paths = image.library_paths;
  return record;
}

}  // namespace

ModuleRecord read_module(const ImageBytes& bytes) {
  try {
    return read_unhinted(bytes);
  } catch (const Error& error) {
    if (!error.hint().empty()) throw;
    throw Error(error.what(), kReinstall);
  }
}

ModuleRecord read_module_file(const std::filesystem::path& path) {
  try {
    ModuleRecord record = read_module(FileImage::open(path));
    record.path = path;
    return record;
  } catch (const Error& error) {
    throw error.in(path.string());
  }
}

ModuleRecord parse_module_image(const void* data, std::size_t size) {
  return read_module(MemoryImage(data, size));
}

std::vector<ModuleRecord> read_builtin_modules() {
  std::vector<ModuleRecord> modules;
  try {
    const ModuleImage image = read_image(FileImage::open(program_file()));
    for (ModuleRecord& record : parse_modinfo(image.modinfo)) {
      if (record.name.empty()) continue;
      record.state = ModuleState::Builtin;
      modules.push_back(std::move(record));
    }
  } catch (const Error& error) {
    // A program whose own file cannot be read has no built-in modules that could be listed.
    log::print(LogCategory::Module, "this program's own metadata: {}", error.what());
  }
  return modules;
}

}  // namespace backplane
