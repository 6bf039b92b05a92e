// SPDX-License-Identifier: MIT
#include "script.h"

#include <cstdlib>
#include <sstream>

namespace scripted_platform {
namespace {

std::string hexadecimal(u64 number) {
  std::ostringstream text;
  text << std::hex << number;
  return text.str();
}

// WHPX_SCRIPT in the environment, for tests of the command line: "absent", or
// "CALL=RESULT;CALL=RESULT", or "apics".
void read_environment(Script& script) {
  const char* const set = std::getenv("WHPX_SCRIPT");
  std::istringstream items(set != nullptr ? set : "");
  for (std::string item; std::getline(items, item, ';');) {
    if (item == "absent") script.hypervisor_present = false;
    if (item == "apics") script.features.LocalApicEmulation = 1;
    if (const std::size_t equals = item.find('='); equals != std::string::npos)
      script.failures[item.substr(0, equals)] =
          hresult(static_cast<u32>(std::stoul(item.substr(equals + 1), nullptr, 16)));
  }
}

}  // namespace

HRESULT Script::note(const char* function) {
  calls.emplace_back(function);
  const auto found = failures.find(function);
  return found == failures.end() ? kOk : found->second;
}

HRESULT Script::note(const char* function, u64 number) {
  calls.push_back(std::string(function) + " " + hexadecimal(number));
  for (const std::string& name : {calls.back(), std::string(function)})
    if (const auto found = failures.find(name); found != failures.end()) return found->second;
  return kOk;
}

Script& script() {
  static Script the_script;
  [[maybe_unused]] static const bool initialised = (read_environment(the_script), true);
  return the_script;
}

}  // namespace scripted_platform
