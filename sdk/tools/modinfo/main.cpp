// SPDX-License-Identifier: MIT
// backplane-modinfo: prints what module files say about themselves. Runs none of their code.
#include <string>
#include <vector>

#include "backplane/log.h"
#include "backplane/module.h"

namespace backplane {
namespace {

constexpr const char* kUsage =
    "Usage: backplane-modinfo [--known] FILE...\n"
    "\n"
    "Prints the metadata of module files, and whether a program built with this SDK\n"
    "accepts them. Nothing of the files is run. Exits with status 1 if a file could\n"
    "not be read or is no module.\n"
    "\n"
    "  --known   print the lines for a known-modules file instead: module, package,\n"
    "            types; what else the module directory's file says can be appended\n"
    "  --help    this text\n";

void print_field(const char* key, const std::string& value) {
  if (!value.empty()) fmt::print("{:<13}{}\n", std::string(key) + ":", value);
}

std::string type_text(const ModuleRecord::Type& type) {
  std::string text = fmt::format("{} ({})", type.name, type.parent);
  if (type.abstract) text += ", abstract";
  if (!type.bus.empty()) text += ", bus " + type.bus;
  if (!type.category.empty()) text += ", " + type.category;
  if (type.board_only) text += ", made by boards only";
  if (!type.description.empty()) text += ": " + type.description;
  return text;
}

void print_record(const ModuleRecord& record) {
  print_field("file", record.path.string());
  print_field("name", record.name);
  print_field("version", record.version);
  print_field("description", record.description);
  print_field("license", record.license);
  print_field("package", record.package);
  print_field("sdk", record.sdk);
  print_field("abi", record.abi);
  print_field("arch", record.arch);
  for (const ModuleRecord::Requirement& required : record.requires_modules)
    print_field("requires", required.version.empty()
                                ? required.module
                                : fmt::format("{} {}", required.module, required.version));
  for (const std::string& library : record.libraries) print_field("library", library);
  for (const ModuleRecord::Type& type : record.types) print_field("type", type_text(type));
  const std::string refusal = refusal_of_metadata(record);
  print_field("accepted", refusal.empty() ? "yes" : "no: " + refusal);
}

void print_known(const ModuleRecord& record) {
  std::string line =
      fmt::format("{} {}", record.name, record.package.empty() ? record.name : record.package);
  for (const ModuleRecord::Type& type : record.types)
    if (!type.abstract) line += " " + type.name;
  fmt::print("{}\n", line);
}

int run(const std::vector<std::string>& arguments) {
  bool known = false;
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      fmt::print("{}", kUsage);
      return 0;
    }
    if (argument == "--known")
      known = true;
    else if (argument.starts_with('-') && argument.size() > 1) {
      log::report(argument + ": unknown option; --help lists the options");
      return 1;
    } else
      files.push_back(argument);
  }
  if (files.empty()) {
    log::report("no file is named; --help says how");
    return 1;
  }
  int status = 0;
  bool first = true;
  for (const std::string& file : files) {
    try {
      const ModuleRecord record = read_module_file(file);
      if (!known && !first) fmt::print("\n");
      first = false;
      known ? print_known(record) : print_record(record);
    } catch (const Error& error) {
      log::report(error.line());
      status = 1;
    }
  }
  return status;
}

}  // namespace
}  // namespace backplane

int main(int argc, char** argv) {
  backplane::log::set_program_name("backplane-modinfo");
  return backplane::run(std::vector<std::string>(argv + 1, argv + argc));
}
