// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "backplane/chardev.h"
#include "backplane/error.h"
#include "chardev/chardev_options.h"
#include "chardev/kinds.h"
#include "chardev/short_form.h"

namespace backplane {

std::unique_ptr<Chardev> create_chardev(
    MainLoop& loop, const std::string& kind, const std::string& id,
    const std::vector<std::pair<std::string, std::string>>& pairs) {
  ChardevOptions options(kind, pairs);
  std::vector<std::string> names;
  for (const ChardevKind& known : chardev_kinds()) {
    if (known.name == kind) return known.make(loop, id, options);
    names.emplace_back(known.name);
  }
  throw Error::of("{} is no kind of character device: expects {}", kind.empty() ? "nothing" : kind,
                  fmt::join(names, ", "));
}

std::unique_ptr<Chardev> create_chardev_from_text(MainLoop& loop, const std::string& id,
                                                  const std::string& text) {
  if (text.starts_with("mon:"))
    return std::make_unique<MuxChardev>(
        id, create_chardev_from_text(loop, id + "-backend", text.substr(4)));
  const ChardevParts parts = parse_short_form(text);
  return create_chardev(loop, parts.kind, id, parts.options);
}

}  // namespace backplane
