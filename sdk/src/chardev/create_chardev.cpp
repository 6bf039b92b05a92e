// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "backplane/chardev.h"
#include "backplane/error.h"
#include "chardev/chardev_options.h"
#include "chardev/file_chardev.h"
#include "chardev/null_chardev.h"
#include "chardev/stdio_chardev.h"

namespace backplane {

std::unique_ptr<Chardev> create_chardev(
    MainLoop& loop, const std::string& kind, const std::string& id,
    const std::vector<std::pair<std::string, std::string>>& pairs) {
  ChardevOptions options(kind, pairs);
  if (kind == "null") {
    options.finish();
    return std::make_unique<NullChardev>(id);
  }
  if (kind == "stdio") {
    const bool keep_signals = options.take_flag("signal", true);
    options.finish();
    return std::make_unique<StdioChardev>(loop, id, keep_signals);
  }
  if (kind == "file") {
    const std::string path = options.take_required("path", "the file to write to");
    const bool append = options.take_flag("append", false);
    const std::string input = options.take("input-path").value_or("");
    options.finish();
    return std::make_unique<FileChardev>(loop, id, path, append, input);
  }
  throw Error::of("no kind of character device is called {}: there are stdio, null, file", kind);
}

std::unique_ptr<Chardev> create_chardev_from_text(MainLoop& loop, const std::string& id,
                                                  const std::string& text) {
  if (text == "none" || text == "null") return create_chardev(loop, "null", id, {});
  if (text == "stdio") return create_chardev(loop, "stdio", id, {});
  if (text.starts_with("mon:"))
    return std::make_unique<MuxChardev>(
        id, create_chardev_from_text(loop, id + "-backend", text.substr(4)));
  if (text.starts_with("file:"))
    return create_chardev(loop, "file", id, {{"path", text.substr(5)}});
  throw Error::of("{} is no character device: expects stdio, null, none, file:PATH", text);
}

}  // namespace backplane
