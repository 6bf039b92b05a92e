// SPDX-License-Identifier: MIT
// The program: reads its options, answers what asks for help, launches a machine.
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "backplane/error.h"
#include "backplane/log.h"
#include "backplane/module.h"
#include "backplane/object.h"
#include "help/requested_help.h"
#include "launch/daemon.h"
#include "launch/launch.h"
#include "options/help_words.h"
#include "options/option_table.h"
#include "report.h"

namespace backplane::host {
namespace {

void set_message_form(KeyValueList values) {
  log::set_timestamps(values.take_as<bool>("timestamp").value_or(false));
  values.expect_empty("timestamp");
}

// What must be known before anything is looked for.
void apply_early(const CommandLine& line) {
  for (const GivenOption* option : line.pass(OptionPass::Early))
    with_option(option->text, [&] {
      if (option->name() == "D") log::set_file(option->value);
      if (option->name() == "d" && !is_help(option->value)) log::enable(option->value);
      if (option->name() == "msg") set_message_form(option->list());
      if (option->name() == "module-path") ModuleIndex::instance().add_path(option->value);
    });
}

int run(const std::vector<std::string>& arguments) {
  const CommandLine line = option_table().parse(arguments);
  module_call_init(ModuleInit::Qom);
  apply_early(line);
  if (const auto text = requested_help(line)) {
    std::fputs(text->c_str(), stdout);
    return 0;
  }
  Daemon daemon;
  if (line.has("daemonize")) with_option("-daemonize", [&] { daemon.begin(); });
  return Launch(line, log::program_name(), daemon).run();
}

}  // namespace
}  // namespace backplane::host

int main(int argc, char** argv) {
  using namespace backplane;
  log::set_program_name(argc > 0 ? std::filesystem::path(argv[0]).filename().string()
                                 : "backplane");
  try {
    return host::run({argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const host::ReportedFailure&) {
    return 1;
  } catch (const Error& error) {
    host::report({}, error);
  } catch (...) {
    host::report({}, current_exception_text());
  }
  return 1;
}
