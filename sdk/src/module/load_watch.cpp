// SPDX-License-Identifier: MIT
#include "module/load_watch.h"

#include <cstdlib>

#include "backplane/error.h"
#include "backplane/log.h"
#include "backplane/shown.h"

namespace backplane {

namespace {

thread_local const std::filesystem::path* loading = nullptr;
std::terminate_handler other_threads_handler = nullptr;

[[noreturn]] void give_up(const std::string& what) {
  log::report(
      fmt::format("{}: its start-up code {}; reinstall the module's package and those it "
                  "needs",
                  loading->string(), what));
  std::_Exit(1);
}

void at_exit() {
  if (loading != nullptr) give_up("ended the program");
}

void at_terminate() {
  if (loading == nullptr) {
    other_threads_handler();
    std::abort();
  }
  if (std::current_exception() == nullptr) give_up("called std::terminate");
  give_up("failed: " + current_exception_text());
}

}  // namespace

LoadWatch::LoadWatch(const std::filesystem::path& file)
    : before_(std::get_terminate()), crashes_(shown(file.string())) {
  static const bool registered = std::atexit(&at_exit) == 0;
  static_cast<void>(registered);
  loading = &file;
  other_threads_handler = before_;
  std::set_terminate(&at_terminate);
}

LoadWatch::~LoadWatch() {
  std::set_terminate(before_);
  loading = nullptr;
}

}  // namespace backplane
