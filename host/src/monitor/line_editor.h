// SPDX-License-Identifier: MIT
// Turns typed bytes into lines, and says what the terminal should show meanwhile.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backplane/types.h"

namespace backplane::host {

class LineEditor {
 public:
  static constexpr std::size_t kMaxLine = 4096;
  static constexpr std::size_t kMaxHistory = 100;

  // What may stand where the line ends: words that could be there in place of text[begin...].
  struct Completions {
    std::size_t begin = 0;
    std::vector<std::string> words;
  };
  using Completer = std::function<Completions(const std::string& text)>;

  // `prompt` stands in front of the line; nothing is completed without a completer.
  explicit LineEditor(std::string prompt = {}, Completer completer = {})
      : prompt_(std::move(prompt)), completer_(std::move(completer)) {}

  // One typed byte. Appends to `echo` what the terminal is to be sent; gives the line when this
  // byte ended one. Keys: Enter, Backspace, Ctrl-U (discard the line), Ctrl-W (the last word),
  // Up and Down (earlier lines), Tab (completes a word, or lists what it may be). Other control
  // characters are ignored.
  std::optional<std::string> type(u8 byte, std::string& echo);
  // The line so far.
  const std::string& text() const { return text_; }
  // Forgets the line so far.
  void clear();

 private:
  enum class Escape { None, Started, Parameters };

  void replace(std::string text, std::string& echo);
  void recall(std::size_t index, std::string& echo);
  void finish_escape(u8 byte, std::string& echo);
  void complete(std::string& echo);

  const std::string prompt_;
  const Completer completer_;
  std::string text_;
  std::vector<std::string> history_;
  std::size_t recalled_ = 0;  // index into history_; its size: the line being typed
  Escape escape_ = Escape::None;
  bool after_return_ = false;  // "\r\n" is one end of line
};

}  // namespace backplane::host
