// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "backplane/error.h"
#include "scripted.h"

namespace backplane::whpx::testing {
namespace {

struct Function {
  const char* library;
  bool required;
  const char* name;
};
constexpr bool Required = true, Supplemental = false;
const Function kFunctions[] = {
#define WHV_FUNCTION(library, need, name, parameters) {#library, need, #name},
#include "api/functions.inc"
#undef WHV_FUNCTION
};

// A copy of the scripted platform that has another name in place of one function's.
class LibraryWithout {
 public:
  explicit LibraryWithout(const std::string& function)
      : path_(std::filesystem::temp_directory_path() /
              ("backplane-without-" + function + std::to_string(getpid()))) {
    std::ifstream in(kLibrary, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const std::string name = '\0' + function + '\0';
    for (std::size_t at = 0; (at = bytes.find(name, at)) != std::string::npos;
         at += function.size())
      bytes[at + function.size()] = '_';
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~LibraryWithout() { std::filesystem::remove(path_); }
  LibraryNames names(const std::string& library) const {
    LibraryNames names = kLibraries;
    (library == "platform" ? names.platform : names.emulation) = path_.string();
    return names;
  }

 private:
  std::filesystem::path path_;
};

class WhpxDispatch : public Scripted {};

TEST_F(WhpxDispatch, FindsEveryFunctionOfBothLibraries) {
  const Dispatch dispatch(kLibraries);
#define WHV_FUNCTION(library, need, name, parameters) EXPECT_NE(dispatch.name, nullptr) << #name;
#include "api/functions.inc"
#undef WHV_FUNCTION
}

TEST_F(WhpxDispatch, NamesTheRequiredFunctionThatIsMissing) {
  unsigned required = 0;
  for (const Function& function : kFunctions) {
    if (!function.required) continue;
    ++required;
    const LibraryWithout without(function.name);
    const auto [line, system] =
        error_of([&] { const Dispatch dispatch(without.names(function.library)); });
    EXPECT_EQ(line, std::string("Could not load function ") + function.name);
    EXPECT_EQ(system, "Function not implemented");
  }
  EXPECT_EQ(required, 19U);
}

TEST_F(WhpxDispatch, DoesWithoutSupplementalFunctions) {
  const LibraryWithout without("WHvSuspendPartitionTime");
  const Dispatch dispatch(without.names("platform"));
  EXPECT_EQ(dispatch.WHvSuspendPartitionTime, nullptr);
  EXPECT_NE(dispatch.WHvRequestInterrupt, nullptr);
}

TEST_F(WhpxDispatch, NamesTheLibraryThatIsMissing) {
  for (const char* which : {"platform", "emulation"}) {
    LibraryNames names = kLibraries;
    (which == std::string("platform") ? names.platform : names.emulation) = "/nowhere/none.dll";
    const auto [line, system] = error_of([&] { const Dispatch dispatch(names); });
    EXPECT_TRUE(line.starts_with("Could not load library /nowhere/none.dll. (")) << line;
    EXPECT_EQ(system, "Function not implemented");
  }
}

}  // namespace
}  // namespace backplane::whpx::testing
