// SPDX-License-Identifier: MIT
#include "monitor/line_editor.h"

#include <fmt/format.h>

#include <algorithm>

namespace backplane::host {

namespace {

enum Key : u8 {
  kBackspace = 0x08,
  kTab = 0x09,
  kNewline = 0x0a,
  kReturn = 0x0d,
  kKillLine = 0x15,
  kKillWord = 0x17,
  kEscape = 0x1b,
  kDelete = 0x7f,
};

std::string common_beginning(const std::vector<std::string>& words) {
  std::string common = words.front();
  for (const std::string& word : words) {
    const auto [end, other] = std::ranges::mismatch(common, word);
    common.erase(end, common.end());
  }
  return common;
}

std::string in_columns(const std::vector<std::string>& words) {
  constexpr std::size_t kWidth = 80;
  std::size_t longest = 0;
  for (const std::string& word : words) longest = std::max(longest, word.size());
  const std::size_t columns = std::max<std::size_t>(1, kWidth / (longest + 2));
  std::string text;
  for (std::size_t n = 0; n < words.size(); ++n) {
    const bool last = (n + 1) % columns == 0 || n + 1 == words.size();
    text += last ? words[n] + "\r\n" : fmt::format("{:<{}}", words[n], longest + 2);
  }
  return text;
}

}  // namespace

void LineEditor::clear() {
  text_.clear();
  escape_ = Escape::None;
  recalled_ = history_.size();
}

void LineEditor::replace(std::string text, std::string& echo) {
  for (std::size_t i = 0; i < text_.size(); ++i) echo += "\b \b";
  echo += text;
  text_ = std::move(text);
}

void LineEditor::recall(std::size_t index, std::string& echo) {
  if (index > history_.size()) return;
  recalled_ = index;
  replace(index == history_.size() ? std::string() : history_[index], echo);
}

// The keys Up and Down are sent as "ESC [ A" and "ESC [ B".
void LineEditor::finish_escape(u8 byte, std::string& echo) {
  if (escape_ == Escape::Started) {
    escape_ = byte == '[' || byte == 'O' ? Escape::Parameters : Escape::None;
    return;
  }
  if (byte < 0x40) return;  // a parameter: the sequence goes on
  escape_ = Escape::None;
  if (byte == 'A' && recalled_ > 0) recall(recalled_ - 1, echo);
  if (byte == 'B') recall(recalled_ + 1, echo);
}

void LineEditor::complete(std::string& echo) {
  if (completer_ == nullptr) return;
  const Completions found = completer_(text_);
  if (found.words.empty()) return;
  std::string common = common_beginning(found.words);
  // What has to be followed by something else stays open.
  if (found.words.size() == 1 && !common.ends_with('=') && !common.ends_with('/')) common += ' ';
  const std::size_t typed = text_.size() - found.begin;
  if (common.size() > typed && text_.size() + common.size() <= kMaxLine) {
    echo += common.substr(typed);
    text_ += common.substr(typed);
  } else if (found.words.size() > 1) {
    echo += "\r\n" + in_columns(found.words) + prompt_ + text_;
  }
}

std::optional<std::string> LineEditor::type(u8 byte, std::string& echo) {
  const bool second_of_pair = after_return_ && byte == kNewline;
  after_return_ = byte == kReturn;
  if (second_of_pair) return std::nullopt;
  if (escape_ != Escape::None) {
    finish_escape(byte, echo);
    return std::nullopt;
  }
  switch (byte) {
    case kReturn:
    case kNewline: {
      echo += "\r\n";
      std::string line = std::move(text_);
      if (!line.empty() && (history_.empty() || history_.back() != line)) history_.push_back(line);
      if (history_.size() > kMaxHistory) history_.erase(history_.begin());
      clear();
      return line;
    }
    case kBackspace:
    case kDelete:
      if (text_.empty()) return std::nullopt;
      text_.pop_back();
      echo += "\b \b";
      return std::nullopt;
    case kKillLine:
      replace({}, echo);
      return std::nullopt;
    case kKillWord: {
      const auto last = text_.find_last_not_of(' ');
      const auto blank = last == std::string::npos ? last : text_.find_last_of(' ', last);
      replace(blank == std::string::npos ? std::string() : text_.substr(0, blank + 1), echo);
      return std::nullopt;
    }
    case kTab:
      complete(echo);
      return std::nullopt;
    case kEscape:
      escape_ = Escape::Started;
      return std::nullopt;
    default:
      if (byte < 0x20 || text_.size() >= kMaxLine) return std::nullopt;
      text_ += static_cast<char>(byte);
      echo += static_cast<char>(byte);
      return std::nullopt;
  }
}

}  // namespace backplane::host
