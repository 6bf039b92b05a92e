// SPDX-License-Identifier: MIT
#include "dispatch/dispatch.h"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <cerrno>

#include "backplane/error.h"

namespace backplane::whpx {

struct Dispatch::Libraries {
  boost::dll::shared_library platform, emulation;
};

namespace {

namespace dll = boost::dll;

enum class Need { Required, Supplemental };

// What the system says in Boost.DLL's message, without the library's name in front.
std::string system_reason(std::string text, const std::string& name) {
  static constexpr std::string_view kMark = "dlerror system message: ";
  static constexpr std::string_view kPrefix = "boost::dll::shared_library::load() failed: ";
  if (text.starts_with(kPrefix)) text.erase(0, kPrefix.size());
  if (const std::size_t at = text.find(kMark); at != std::string::npos) {
    text.erase(0, at + kMark.size());
    if (const std::size_t end = text.rfind(')'); end != std::string::npos) text.erase(end);
  }
  const std::string prefix = name + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

dll::shared_library load(const std::string& name) {
  const std::filesystem::path path(name);
  auto mode = dll::load_mode::rtld_now | dll::load_mode::rtld_local;
  // Never the working directory.
  if (!path.has_parent_path()) mode |= dll::load_mode::search_system_folders;
  try {
    return dll::shared_library(path, mode);
  } catch (const std::exception& failure) {
    throw Error::of("Could not load library {}. ({})", name,
                    OwnText{system_reason(failure.what(), name)})
        .as_system(ENOSYS);
  }
}

template <class Function>
void find(const dll::shared_library& library, Need need, const char* name, Function*& function) {
  if (library.has(name))
    function = &library.get<Function>(name);
  else if (need == Need::Required)
    throw Error::of("Could not load function {}", name).as_system(ENOSYS);
}

}  // namespace

Dispatch::Dispatch(const LibraryNames& names)
    : libraries_(new Libraries{load(names.platform), load(names.emulation)}) {
#define WHV_FUNCTION(library, need, name, parameters) \
  find(libraries_->library, Need::need, #name, name);
#include "api/functions.inc"
#undef WHV_FUNCTION
}

Dispatch::~Dispatch() = default;

}  // namespace backplane::whpx
