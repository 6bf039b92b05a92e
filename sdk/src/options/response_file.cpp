// SPDX-License-Identifier: MIT
#include "options/response_file.h"

#include <boost/program_options/parsers.hpp>
#include <cerrno>

#include "backplane/error.h"
#include "backplane/host_file.h"

namespace backplane {

namespace {

// As much as a command line may have.
constexpr u64 kLargest = 2_MiB;

// Either quote ends what either began.
bool has_open_quote(const std::string& text) {
  bool open = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"' || text[i] == '\'')
      open = !open;
  }
  return open;
}

}  // namespace

std::vector<std::string> response_file_words(const std::string& path) {
  HostFile file;
  std::vector<u8> bytes;
  int error = file.open(path);
  if (error == 0) error = file.read_to_end(bytes, kLargest);
  if (error == EFBIG) throw Error::of("has more than {} bytes: no file of options", kLargest);
  if (error != 0) throw Error::system("cannot be read", error);
  const std::string text(bytes.begin(), bytes.end());
  if (has_open_quote(text)) throw Error("a quote is not closed");
  try {
    return boost::program_options::split_unix(text, " \t\r\n");
  } catch (const std::exception&) {
    throw Error("a backslash stands before something else than a quote, n, or another one");
  }
}

}  // namespace backplane
