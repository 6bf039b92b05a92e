// SPDX-License-Identifier: MIT
#include "chardev/kinds.h"

#include "chardev/file_chardev.h"
#include "chardev/null_chardev.h"
#include "chardev/stdio_chardev.h"

namespace backplane {

std::unique_ptr<Chardev> make_null_chardev(MainLoop&, const std::string& id,
                                           ChardevOptions& options) {
  options.finish();
  return std::make_unique<NullChardev>(id);
}

std::unique_ptr<Chardev> make_stdio_chardev(MainLoop& loop, const std::string& id,
                                            ChardevOptions& options) {
  const bool keep_signals = options.take_flag("signal", true);
  options.finish();
  return std::make_unique<StdioChardev>(loop, id, keep_signals);
}

std::unique_ptr<Chardev> make_file_chardev(MainLoop& loop, const std::string& id,
                                           ChardevOptions& options) {
  const std::string path = options.take_required("path", "the file to write to");
  const std::string input_path = options.take("input-path").value_or("");
  const bool append = options.take_flag("append", false);
  options.finish();
  return std::make_unique<FileChardev>(loop, id, path, append, input_path);
}

}  // namespace backplane
