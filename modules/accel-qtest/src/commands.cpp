// SPDX-License-Identifier: MIT
#include "commands.h"

#include <fmt/format.h>
#include <glib.h>

#include <charconv>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "accelerator.h"
#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/module.h"
#include "interceptions.h"

namespace backplane::qtest {

namespace {

// The words after the command.
class Words {
 public:
  explicit Words(std::string_view text) {
    while (!text.empty()) {
      const std::size_t begin = text.find_first_not_of(' ');
      if (begin == text.npos) break;
      const std::size_t end = std::min(text.find(' ', begin), text.size());
      words_.push_back(text.substr(begin, end - begin));
      text.remove_prefix(end);
    }
  }

  std::size_t size() const { return words_.size(); }
  std::string_view operator[](std::size_t index) const { return words_[index]; }

  // Decimal, or hexadecimal with 0x.
  u64 number(std::size_t index) const {
    std::string_view word = words_[index];
    const bool hexadecimal = word.starts_with("0x") || word.starts_with("0X");
    if (hexadecimal) word.remove_prefix(2);
    u64 value = 0;
    const auto [end, error] =
        std::from_chars(word.data(), word.data() + word.size(), value, hexadecimal ? 16 : 10);
    if (error != std::errc() || end != word.data() + word.size() || word.empty())
      throw Error::of("'{}' is no number", words_[index]);
    return value;
  }
  // A number of bytes that a command moves.
  u64 count(std::size_t index) const {
    const u64 count = number(index);
    if (count > kMostBytes) throw Error::of("{} bytes are more than {}", count, kMostBytes);
    return count;
  }
  // A time in ns.
  i64 time(std::size_t index) const {
    const u64 value = number(index);
    if (value > u64{1} << 62) throw Error::of("{} ns are more than a clock counts", value);
    return static_cast<i64>(value);
  }

 private:
  std::vector<std::string_view> words_;
};

using Answer = std::string;  // what follows OK

u8 digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<u8>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<u8>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<u8>(c - 'A' + 10);
  throw Error::of("'{}' is no hexadecimal digit", c);
}

SteppedClock& clock_of(const Target& target) {
  auto* const accelerator = dynamic_cast<QtestAccel*>(&target.machine.accelerator());
  if (accelerator == nullptr)
    throw Error::of("accelerator {} has the machine's time: use -accel qtest",
                    target.machine.accelerator().name());
  return accelerator->clock();
}

// --- ports and memory ---------------------------------------------------------------------------

template <class T>
Answer port_in(const Target& target, const Words& words) {
  return fmt::format("0x{:04x}", target.machine.io().load<T>(words.number(0) & 0xffff));
}
template <class T>
Answer port_out(const Target& target, const Words& words) {
  target.machine.io().store<T>(words.number(0) & 0xffff, static_cast<T>(words.number(1)));
  return {};
}
template <class T>
Answer load(const Target& target, const Words& words) {
  return fmt::format("0x{:016x}", target.machine.memory().load<T>(words.number(0)));
}
template <class T>
Answer store(const Target& target, const Words& words) {
  target.machine.memory().store<T>(words.number(0), static_cast<T>(words.number(1)));
  return {};
}

std::vector<u8> bytes_at(const Target& target, const Words& words) {
  std::vector<u8> bytes(words.count(1));
  target.machine.memory().read(words.number(0), bytes.data(), bytes.size());
  return bytes;
}
// As many as were asked for: what is missing is zero, what is too much is left out.
Answer put_bytes(const Target& target, const Words& words, std::vector<u8> bytes) {
  bytes.resize(words.count(1));
  target.machine.memory().write(words.number(0), bytes.data(), bytes.size());
  return {};
}

Answer read_hexadecimal(const Target& target, const Words& words) {
  const std::vector<u8> bytes = bytes_at(target, words);
  return fmt::format("0x{:02x}", fmt::join(bytes, ""));
}
Answer write_hexadecimal(const Target& target, const Words& words) {
  std::string_view digits = words[2];
  if (!digits.starts_with("0x") || digits.size() % 2 != 0)
    throw Error("data is 0x and two digits for each byte");
  digits.remove_prefix(2);
  std::vector<u8> bytes(digits.size() / 2);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    bytes[n] = static_cast<u8>(digit(digits[2 * n]) << 4 | digit(digits[2 * n + 1]));
  return put_bytes(target, words, std::move(bytes));
}
Answer read_base64(const Target& target, const Words& words) {
  const std::vector<u8> bytes = bytes_at(target, words);
  const std::unique_ptr<char, void (*)(void*)> text(g_base64_encode(bytes.data(), bytes.size()),
                                                    g_free);
  return text.get();
}
Answer write_base64(const Target& target, const Words& words) {
  gsize size = 0;
  const std::unique_ptr<guchar, void (*)(void*)> data(
      g_base64_decode(std::string(words[2]).c_str(), &size), g_free);
  return put_bytes(target, words, {data.get(), data.get() + size});
}
Answer fill(const Target& target, const Words& words) {
  const std::vector<u8> bytes(words.count(1), static_cast<u8>(words.number(2)));
  return put_bytes(target, words, bytes);
}

Answer endianness(const Target&, const Words&) { return "little"; }

// --- time, interrupts, modules ------------------------------------------------------------------

Answer step_clock(const Target& target, const Words& words) {
  SteppedClock& clock = clock_of(target);
  if (words.size() == 0)
    clock.advance_to_deadline();
  else
    clock.advance_to(clock.now() + words.time(0));
  return std::to_string(clock.now());
}
Answer set_clock(const Target& target, const Words& words) {
  SteppedClock& clock = clock_of(target);
  clock.advance_to(words.time(0));
  return std::to_string(clock.now());
}

Answer intercept_inputs(const Target& target, const Words& words) {
  target.interceptions.add_inputs(words[0]);
  return {};
}
Answer intercept_outputs(const Target& target, const Words& words) {
  target.interceptions.add_outputs(words[0]);
  return {};
}
Answer set_input(const Target& target, const Words& words) {
  const u64 input = words.number(2), level = words.number(3);
  target.interceptions.receiver(words[0], words[1], input)
      .set_irq(static_cast<unsigned>(input), level != 0);
  return {};
}

// "module_load hw- virtio" is what loads hw-virtio.
Answer load_module(const Target&, const Words& words) {
  ModuleIndex::instance().load(fmt::format("{}{}", words[0], words[1]));
  return {};
}

struct Row {
  std::string_view name;
  std::size_t fewest, most;  // words after it
  Answer (*run)(const Target& target, const Words& words);
};

constexpr Row kRows[] = {
    {"inb", 1, 1, port_in<u8>},
    {"inw", 1, 1, port_in<u16>},
    {"inl", 1, 1, port_in<u32>},
    {"outb", 2, 2, port_out<u8>},
    {"outw", 2, 2, port_out<u16>},
    {"outl", 2, 2, port_out<u32>},
    {"readb", 1, 1, load<u8>},
    {"readw", 1, 1, load<u16>},
    {"readl", 1, 1, load<u32>},
    {"readq", 1, 1, load<u64>},
    {"writeb", 2, 2, store<u8>},
    {"writew", 2, 2, store<u16>},
    {"writel", 2, 2, store<u32>},
    {"writeq", 2, 2, store<u64>},
    {"read", 2, 2, read_hexadecimal},
    {"write", 3, 3, write_hexadecimal},
    {"b64read", 2, 2, read_base64},
    {"b64write", 3, 3, write_base64},
    {"memset", 3, 3, fill},
    {"endianness", 0, 0, endianness},
    {"clock_step", 0, 1, step_clock},
    {"clock_set", 1, 1, set_clock},
    {"irq_intercept_in", 1, 1, intercept_inputs},
    {"irq_intercept_out", 1, 1, intercept_outputs},
    {"set_irq_in", 4, 4, set_input},
    {"module_load", 2, 2, load_module},
};

std::string carry_out(const Target& target, std::string_view line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view name = line.substr(0, end);
  const Words words(line.substr(end));
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    if (words.size() < row.fewest) throw Error::of("{}: words are missing", name);
    if (words.size() > row.most) throw Error::of("{}: there are words too many", name);
    return row.run(target, words);
  }
  throw Error::of("Unknown command '{}'", name);
}

}  // namespace

std::string answer(const Target& target, std::string_view line) {
  try {
    const std::string said = carry_out(target, line);
    return said.empty() ? "OK" : "OK " + said;
  } catch (const Error& error) {
    std::string said = fmt::format("FAIL {}", error.what());
    // A client reads one line.
    std::replace(said.begin(), said.end(), '\n', ' ');
    return said;
  }
}

}  // namespace backplane::qtest
