// SPDX-License-Identifier: MIT
// The program: reads its options, answers what asks for help, launches a machine.
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/error.h"
#include "backplane/log.h"
#include "backplane/object.h"
#include "completion/command_line_completion.h"
#include "launch/daemon.h"
#include "launch/launch.h"
#include "options/config_file.h"
#include "options/configuration.h"
#include "options/option_table.h"
#include "report.h"

namespace backplane::host {
namespace {

// "-complete WORD...": for the completion of shells. No option, as what follows it is no command
// line yet.
constexpr std::string_view kComplete = "-complete";

// What a word that is no option stands for.
constexpr std::string_view kOptionOfWords = "hda";

int run(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments.front() == kComplete) {
    module_call_init(ModuleInit::Qom);
    std::fputs(completion_text(option_table(), {arguments.begin() + 1, arguments.end()}).c_str(),
               stdout);
    return 0;
  }
  const CommandLine line = with_config_files(option_table().parse(arguments, kOptionOfWords));
  module_call_init(ModuleInit::Qom);
  Configuration configuration;
  apply_options(line, OptionPass::Early, configuration);
  if (const auto text = requested_help(line)) {
    std::fputs(text->c_str(), stdout);
    return 0;
  }
  apply_options(line, OptionPass::Main, configuration);
  write_config_file(line);
  Daemon daemon;
  if (configuration.daemonize) with_option("-daemonize", [&] { daemon.begin(); });
  return Launch(configuration, log::program_name(), daemon).run();
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
