// SPDX-License-Identifier: MIT
#include "backplane/error.h"
#include "backplane/json.h"

namespace backplane {

void JsonSplitter::clear() {
  text_.clear();
  depth_ = 0;
  in_string_ = escaped_ = skipping_ = false;
}

std::optional<std::string> JsonSplitter::take(char byte) {
  const bool is_space = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
  if (skipping_) {
    if (byte == '\n') clear();
    return std::nullopt;
  }
  if (text_.empty() && is_space) return std::nullopt;
  const bool is_end_of_other = depth_ == 0 && byte == '\n' && !text_.empty();
  if (!is_end_of_other) text_ += byte;
  if (in_string_) {
    if (escaped_)
      escaped_ = false;
    else if (byte == '\\')
      escaped_ = true;
    else if (byte == '"')
      in_string_ = false;
  } else if (depth_ != 0 && byte == '"') {
    in_string_ = true;
  } else if (byte == '{' || (depth_ != 0 && byte == '[')) {
    // Not within what does not begin with one.
    if (depth_ != 0 || text_.size() == 1) ++depth_;
  } else if (depth_ != 0 && (byte == '}' || byte == ']')) {
    if (--depth_ == 0) return std::exchange(text_, {});
  }
  if (is_end_of_other) return std::exchange(text_, {});
  if (text_.size() <= longest_) return std::nullopt;
  clear();
  skipping_ = true;
  throw Error::of("JSON parse error, a text of more than {} bytes", longest_);
}

}  // namespace backplane
