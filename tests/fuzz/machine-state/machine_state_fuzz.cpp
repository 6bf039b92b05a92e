// SPDX-License-Identifier: MIT
// A saved machine with bytes of its state, or of its packed RAM, changed, the checksum right: it is
// refused with an Error, or runs on under a guest that reads and writes anything. Nothing may crash
// or hang.
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "../input.h"
#include "backplane/machine_state.h"
#include "board/pc_board.h"

namespace backplane::fuzz {
namespace {

using pc::testing::PcBoard;

constexpr u16 kPorts[] = {0x20,  0x21,  0xa0,  0xa1,  0x4d0, 0x4d1, 0x40,  0x41,
                          0x42,  0x43,  0x60,  0x61,  0x64,  0x70,  0x71,  0x80,
                          0x92,  0xb2,  0x510, 0x511, 0x514, 0x518, 0x600, 0x602,
                          0x604, 0x608, 0x60c, 0x60e, 0xcf8, 0xcf9, 0xcfc, 0xcfe};
constexpr u64 kMemory[] = {0xfec00000, 0xfec00010, 0xfec00040, 0xfed00000, 0xfed00010,
                           0xfed00020, 0xfed000f0, 0xfed00100, 0xfed00108, 0xfee00000};

// A board with one device of each kind that has queues or a timer.
struct Board : PcBoard {
  Board() : PcBoard(2_MiB, 2) {
    init();
    machine().add_device("virtio-rng-pci", "", "", {});
    machine().add_device("virtio-balloon-pci", "", "", {});
    power_on();
  }
};

void use(PcBoard& board, unsigned seed) {
  std::mt19937 random(seed);
  for (unsigned n = 0; n < 300; ++n) {
    const u32 value = static_cast<u32>(random()) >> random() % 32;
    const u16 port = kPorts[random() % std::size(kPorts)];
    switch (random() % 4) {
      case 0:
        board.advance_time(random() % 10'000'000);
        break;
      case 1:
        board.machine().memory().store<u32>(kMemory[random() % std::size(kMemory)], value);
        break;
      case 2:
        board.in8(port);
        break;
      default:
        board.out8(port, static_cast<u8>(value));
        break;
    }
  }
}

// What a board that was used a little is saved as.
class Saved {
 public:
  Saved()
      : path_(std::filesystem::temp_directory_path() /
              ("machine-state-fuzz-" + std::to_string(getpid()))) {
    Board board;
    use(board, 1);
    board.machine().memory().store<u64>(0x100000, 1);
    save_machine(board.machine(), path_, "zlib");
    std::ifstream in(path_, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
  }
  ~Saved() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

  // Writes the file with changes to one of its chunks. (chunks.h)
  void write_changed(Input input) const {
    constexpr std::size_t kStart = 12, kLeader = 12, kTrailer = 4, kRamChunks = 4;
    std::vector<u8> bytes = bytes_;
    const auto size_at = [&](std::size_t chunk) {
      std::size_t size = 0;
      for (unsigned i = 0; i < 4; ++i) size |= std::size_t{bytes[chunk + 4 + i]} << (8 * i);
      return size;
    };
    // Header, contents, objects, RAM: mostly objects, of which there is most to be said.
    const u8 which = input.take<u8>();
    std::size_t chunk = kStart;
    for (std::size_t n = which < 160 ? 2 : which < 176 ? 1 : 3 + which % kRamChunks; n != 0; --n) {
      const std::size_t next = chunk + kLeader + size_at(chunk) + kTrailer;
      if (next + kLeader + kTrailer >= bytes.size()) break;  // the end mark
      chunk = next;
    }
    const std::size_t size = size_at(chunk);
    for (unsigned changes = 1 + input.take<u8>() % 6; changes != 0; --changes) {
      const std::size_t where = chunk + kLeader + input.take<u32>() % size;
      const u8 how = input.take<u8>();
      const u8 value = (how & 3) == 0 ? 0xff : (how & 3) == 1 ? 0 : input.take<u8>();
      const std::size_t run = (how & 4) != 0 ? 8 : 1;
      for (std::size_t i = where; i < std::min(where + run, chunk + kLeader + size); ++i)
        bytes[i] = value;
    }
    const auto crc = static_cast<u32>(crc32_z(0, bytes.data() + chunk, kLeader + size));
    for (unsigned i = 0; i < 4; ++i)
      bytes[chunk + kLeader + size + i] = static_cast<u8>(crc >> (8 * i));
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::filesystem::path path_;
  std::vector<u8> bytes_;
};

void run(const Input& input) {
  static const Saved saved;
  saved.write_changed(input);
  Board board;
  try {
    load_machine(board.machine(), saved.path());
  } catch (const Error&) {
    return;
  }
  use(board, 2);
  board.machine().run_control().reset();
  if (board.config_read(0, 0) != 0x12378086) __builtin_trap();
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  backplane::fuzz::run(backplane::fuzz::Input(data, size));
  return 0;
}
