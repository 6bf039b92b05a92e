// SPDX-License-Identifier: MIT
// Runs a fuzz target over its seeds and over mutations of them, without libFuzzer. The same
// arguments always give the same inputs. An input that fails is kept in a file, which is then given
// alone to see the failure again:
//
//   NAME [-runs=COUNT] [-seed=NUMBER] [-max_len=BYTES] [FILE...]
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Of AddressSanitizer, where the program is built with it.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kSecondsPerInput = 20;
constexpr const char* kFailureFile = "failing-input";

// The input being tried, for the handlers below.
const std::uint8_t* current_data = nullptr;
std::size_t current_size = 0;

// Safe in a signal handler.
void keep_current_input() {
  const int fd = open(kFailureFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  const bool written = write(fd, current_data, current_size) >= 0;
  close(fd);
  static constexpr std::string_view kNote = "the input is in ./failing-input\n";
  if (written && write(STDERR_FILENO, kNote.data(), kNote.size()) < 0) _exit(1);
}

void on_signal(int signal) {
  if (signal == SIGALRM) {
    static constexpr std::string_view kNote = "an input takes too long\n";
    if (write(STDERR_FILENO, kNote.data(), kNote.size()) < 0) _exit(1);
  }
  keep_current_input();
  _exit(1);
}

void watch_for_failures() {
  if (__sanitizer_set_death_callback != nullptr)
    __sanitizer_set_death_callback(&keep_current_input);
  else
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) std::signal(signal, &on_signal);
  for (const int signal : {SIGABRT, SIGALRM}) std::signal(signal, &on_signal);
}

void try_input(const Bytes& input) {
  // A copy of exactly its size, so that a sanitizer sees any read beyond it.
  const Bytes exact(input.begin(), input.end());
  current_data = exact.data();
  current_size = exact.size();
  alarm(kSecondsPerInput);
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

class Mutator {
 public:
  Mutator(unsigned seed, std::size_t max_length) : random_(seed), max_length_(max_length) {}

  Bytes mutate(const std::vector<Bytes>& seeds) {
    Bytes bytes = seeds[below(seeds.size())];
    for (std::size_t n = 1 + below(6); n != 0; --n) change(bytes, seeds);
    if (bytes.size() > max_length_) bytes.resize(max_length_);
    return bytes;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  // Headers stand at the beginning, tables often at the end.
  std::size_t position(std::size_t size) {
    switch (below(4)) {
      case 0:
        return below(std::min<std::size_t>(size, 128));
      case 1:
        return size - 1 - below(std::min<std::size_t>(size, 2048));
      default:
        return below(size);
    }
  }

  void put_number(Bytes& bytes) {
    static constexpr std::array<std::uint64_t, 14> kNumbers{
        0,      1,          2,          0x7f,       0x80,           0xff,       0x7fff,
        0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000ULL, ~0ULL >> 1, ~0ULL};
    const std::uint64_t value = kNumbers[below(kNumbers.size())] + below(3) - 1;
    const std::size_t width = std::size_t{1} << below(4);
    const std::size_t at = position(bytes.size()) / width * width;
    for (std::size_t n = 0; n < width && at + n < bytes.size(); ++n)
      bytes[at + n] = static_cast<std::uint8_t>(value >> (8 * n));
  }

  void change(Bytes& bytes, const std::vector<Bytes>& seeds) {
    if (bytes.empty()) {
      bytes.assign(1 + below(64), static_cast<std::uint8_t>(random_()));
      return;
    }
    const std::size_t at = position(bytes.size());
    const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto part = static_cast<std::ptrdiff_t>(below(bytes.size() - at + 1));
    switch (below(7)) {
      case 0:
        bytes[at] ^= static_cast<std::uint8_t>(1U << below(8));
        break;
      case 1:
        bytes[at] = static_cast<std::uint8_t>(random_());
        break;
      case 2:
        put_number(bytes);
        break;
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes.erase(here, here + std::min<std::ptrdiff_t>(part, 32));
        break;
      case 5:
        bytes.insert(here, 1 + below(32), static_cast<std::uint8_t>(random_()));
        break;
      default: {
        const Bytes& other = seeds[below(seeds.size())];
        if (other.empty()) break;
        const std::size_t from = below(other.size());
        const std::size_t length =
            std::min({other.size() - from, bytes.size() - at, 1 + below(64)});
        std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(from), length, here);
      }
    }
  }

  std::mt19937 random_;
  std::size_t max_length_;
};

// The number of "-name=NUMBER".
bool take_number(std::string_view argument, std::string_view name, std::size_t& value) {
  if (!argument.starts_with(name)) return false;
  value = std::strtoull(argument.data() + name.size(), nullptr, 10);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t runs = 0;
  std::size_t seed = 1;
  std::size_t max_length = 1 << 20;
  std::vector<Bytes> seeds;
  for (int n = 1; n < argc; ++n) {
    if (take_number(argv[n], "-runs=", runs) || take_number(argv[n], "-seed=", seed) ||
        take_number(argv[n], "-max_len=", max_length))
      continue;
    std::ifstream in(argv[n], std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "%s: cannot be read\n", argv[n]);
      return 1;
    }
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  if (seeds.empty()) seeds.emplace_back();

  watch_for_failures();
  for (const Bytes& bytes : seeds) try_input(bytes);
  Mutator mutator(static_cast<unsigned>(seed), max_length);
  for (std::size_t n = 0; n < runs; ++n) try_input(mutator.mutate(seeds));
  std::printf("%zu inputs\n", seeds.size() + runs);
  return 0;
}
