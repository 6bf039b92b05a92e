// SPDX-License-Identifier: MIT
// The whole board as state: said by everything in it, complete in a reset, the same after it was
// saved and loaded.
#include "backplane/machine_state.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "backplane/error.h"
#include "backplane/json.h"
#include "backplane/testing/scratch_directory.h"
#include "backplane/testing/state_check.h"
#include "board/pc_board.h"

namespace backplane::pc {
namespace {

using testing::PcBoard;

// The lines of each object's state, by its path.
using States = std::map<std::string, std::string>;

// What of `wanted` is not so, as "PATH: state: got, wanted" from where they first differ.
std::string difference(const States& got, const States& wanted) {
  std::string text;
  for (const auto& [path, lines] : wanted) {
    const auto at = got.find(path);
    const std::string there = at == got.end() ? "nothing" : at->second;
    const auto [a, b] = std::mismatch(there.begin(), there.end(), lines.begin(), lines.end());
    if (a == there.end() && b == lines.end()) continue;
    const auto from = static_cast<std::size_t>(a - there.begin());
    const std::size_t word = there.rfind(',', from == 0 ? 0 : from - 1) + 1;
    text +=
        fmt::format("{}: {}\n  wanted: {}\n", path, there.substr(word, 60), lines.substr(word, 60));
  }
  return text;
}

void visit(Object& object, const std::function<void(Object&)>& fn) {
  fn(object);
  for (const auto& child : object.children()) visit(*child, fn);
}

States states_of(PcBoard& board) {
  States states;
  visit(board.machine(), [&](Object& object) {
    object.saving();
    if (const Value state = describe_state(object); !state.as_record().empty())
      states[object.path()] = to_json(state);
  });
  return states;
}

// A guest that writes anything to where the chips are, while time passes.
void make_noise(PcBoard& board, unsigned seed) {
  constexpr u16 kPorts[] = {0x20, 0x21, 0xa0,  0xa1,  0x4d0, 0x4d1, 0x40,  0x41,  0x42, 0x43,
                            0x61, 0x00, 0x0b,  0x81,  0xc4,  0x70,  0x71,  0x92,  0xb2, 0xb3,
                            0x60, 0x64, 0x510, 0x514, 0x600, 0x602, 0x604, 0x60c, 0x60e};
  constexpr u64 kMemory[] = {0xfec00000, 0xfec00010, 0xfed00010, 0xfed00020, 0xfed000f0,
                             0xfed00100, 0xfed00108, 0xfed00120, 0xfed00128};
  std::mt19937 random(seed);
  for (unsigned n = 0; n < 2000; ++n) {
    const u32 value = static_cast<u32>(random());
    const u16 port = kPorts[random() % std::size(kPorts)];
    const unsigned kind = random() % 8;
    if (kind == 0)
      board.advance_time(random() % 1'000'000);
    else if (kind == 1)
      board.machine().memory().store<u32>(kMemory[random() % std::size(kMemory)], value);
    else if (kind == 2)
      board.in8(port);
    else if (port == 0x604)
      board.out16(port, static_cast<u16>(value & ~0x2000u));  // not off
    else
      board.out8(port, static_cast<u8>(port == 0x92 ? value & ~1u : value));
  }
  board.config_write(0x08, 0x60, 0x0b0a0905);
}

class File {
 public:
  const std::filesystem::path& path() const { return path_; }
  std::vector<char> read() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::vector<char>& bytes) const {
    std::ofstream(path_, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  backplane::testing::ScratchDirectory directory_;
  std::filesystem::path path_ = directory_ / "state";
};

std::string load(PcBoard& board, const File& file) {
  try {
    load_machine(board.machine(), file.path());
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(MachineState, EveryTypeSaysWhatItsStateIs) {
  EXPECT_EQ(backplane::testing::types_without_state(), std::vector<std::string>{});
}

TEST(MachineState, AResetLeavesNothingBehind) {
  PcBoard fresh;
  fresh.power_on();
  for (unsigned seed = 1; seed <= 5; ++seed) {
    PcBoard used;
    used.power_on();
    make_noise(used, seed);
    const i64 time = used.machine().virtual_clock().now();
    used.machine().run_control().reset();
    if (const i64 ahead = time - fresh.machine().virtual_clock().now(); ahead > 0)
      fresh.advance_time(ahead);
    else
      used.advance_time(-ahead);
    used.machine().run_control().reset();
    fresh.machine().run_control().reset();
    States wanted = states_of(fresh);
    // The clock's RESET# leaves date and memory alone.
    std::erase_if(wanted, [](const auto& row) { return row.second.starts_with("{\"mc146818rtc"); });
    EXPECT_EQ(difference(states_of(used), wanted), "") << "seed " << seed;
  }
}

TEST(MachineState, AMachineIsTheSameAfterItWasSavedAndLoaded) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const File file;
    PcBoard saved(64_MiB, 2);
    saved.power_on();
    make_noise(saved, seed);
    saved.machine().run_control().carry_out_reset();  // which the noise may have asked for
    saved.machine().memory().store<u64>(0x345000, 0x1122334455667788);
    saved.state(1).gpr[x86::RBX] = 77;
    save_machine(saved.machine(), file.path());

    PcBoard fresh(64_MiB, 2);
    fresh.power_on();
    fresh.advance_time(saved.machine().virtual_clock().now());
    fresh.machine().memory().store<u64>(0x445000, 1);
    ASSERT_EQ(load(fresh, file), "");
    EXPECT_EQ(difference(states_of(fresh), states_of(saved)), "") << "seed " << seed;
    EXPECT_EQ(fresh.machine().memory().load<u64>(0x345000), 0x1122334455667788u);
    EXPECT_EQ(fresh.machine().memory().load<u64>(0x445000), 0u);
    EXPECT_EQ(fresh.state(1).gpr[x86::RBX], 77u);
    // And goes on in the same way.
    for (PcBoard* const board : {&saved, &fresh}) make_noise(*board, seed + 100);
    EXPECT_EQ(difference(states_of(fresh), states_of(saved)), "") << "later, seed " << seed;
  }
}

TEST(MachineState, AnotherMachineIsRefused) {
  const File file;
  {
    PcBoard board(64_MiB, 2);
    board.power_on();
    save_machine(board.machine(), file.path());
  }
  {
    PcBoard board(64_MiB, 1);
    board.power_on();
    EXPECT_NE(load(board, file).find("the saved machine has CPUs: 2; this one: 1"),
              std::string::npos);
  }
  {
    PcBoard board(32_MiB, 2);
    board.power_on();
    EXPECT_NE(load(board, file).find("the saved machine has RAM:"), std::string::npos);
  }
  PcBoard board(64_MiB, 2);
  board.init();
  board.machine().add_device("isa-debug-exit", "", "", {});
  board.machine().add_device("pvpanic-pci", "", "", {});
  board.power_on();
  EXPECT_NE(load(board, file).find("the saved machine has no pvpanic-pci at "), std::string::npos);
}

TEST(MachineState, ACpuWithOtherFeaturesIsRefused) {
  const File file;
  {
    PcBoard board;
    board.machine().config().cpu_model = "max,-rdrand";
    board.power_on();
    save_machine(board.machine(), file.path());
  }
  PcBoard board;
  board.machine().config().cpu_model = "max,-rdseed";
  board.power_on();
  EXPECT_NE(
      load(board, file)
          .find("this machine's CPU is another one: the saved one differs by -rdrand,+rdseed"),
      std::string::npos);
}

TEST(MachineState, RamCanBePacked) {
  const File plain, packed;
  PcBoard saved(64_MiB);
  saved.power_on();
  for (u64 at = 1_MiB; at < 8_MiB; at += 8) saved.machine().memory().store<u64>(at, at / 64);
  u64 most = 0;
  save_machine(saved.machine(), plain.path());
  save_machine(saved.machine(), packed.path(), "zlib", [&](u64 done, u64 total) {
    EXPECT_LE(done, total);
    most = done;
  });
  EXPECT_GE(most, 7_MiB);
  EXPECT_LT(packed.read().size(), plain.read().size() / 2);
  PcBoard fresh(64_MiB);
  fresh.power_on();
  ASSERT_EQ(load(fresh, packed), "");
  EXPECT_EQ(difference(states_of(fresh), states_of(saved)), "");
  for (u64 at = 1_MiB; at < 8_MiB; at += 8)
    ASSERT_EQ(fresh.machine().memory().load<u64>(at), at / 64);
}

// Where the chunk begins that follows the one at `at`. (chunks.cpp)
std::size_t chunk_after(const std::vector<char>& file, std::size_t at) {
  std::size_t size = 0;
  for (unsigned i = 0; i < 4; ++i)
    size |= std::size_t{static_cast<u8>(file[at + 4 + i])} << (8 * i);
  return at + 12 + size + 4;
}

TEST(MachineState, AFileOfTheFormatBeforeIsRead) {
  constexpr std::size_t kVersion = 8, kHeader = 12;
  const File file;
  PcBoard saved;
  saved.power_on();
  saved.machine().memory().store<u64>(0x345000, 0x1122334455667788);
  save_machine(saved.machine(), file.path());
  std::vector<char> bytes = file.read();
  const std::size_t contents = chunk_after(bytes, kHeader);
  bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(contents),
              bytes.begin() + static_cast<std::ptrdiff_t>(chunk_after(bytes, contents)));
  bytes[kVersion] = 1;
  file.write(bytes);
  PcBoard fresh;
  fresh.power_on();
  EXPECT_EQ(load(fresh, file), "");
  EXPECT_EQ(fresh.machine().memory().load<u64>(0x345000), 0x1122334455667788u);

  bytes[kVersion] = 3;
  file.write(bytes);
  PcBoard other;
  other.power_on();
  EXPECT_NE(load(other, file).find("has format version 3; this program reads versions 1 to 2"),
            std::string::npos);
}

TEST(MachineState, ACompressorThatIsNotThereIsNamed) {
  const File file;
  PcBoard board;
  board.power_on();
  EXPECT_THROW(save_machine(board.machine(), file.path(), "nonsense"), Error);
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

class DamagedState : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Compressors, DamagedState, ::testing::Values("", "zlib"));

TEST_P(DamagedState, AFileThatIsDamagedOrCutOffIsRefused) {
  const File file;
  PcBoard saved(2_MiB);
  saved.power_on();
  save_machine(saved.machine(), file.path(), GetParam());
  const std::vector<char> whole = file.read();
  std::mt19937 random(1);
  for (unsigned n = 0; n < 1000; ++n) {
    std::vector<char> bytes = whole;
    if (n % 2 == 0)
      bytes.resize(random() % whole.size());
    else
      bytes[random() % whole.size()] ^= static_cast<char>(1 << random() % 8);
    file.write(bytes);
    PcBoard board(2_MiB);
    board.power_on();
    const std::string said = load(board, file);
    EXPECT_NE(said, "");
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
  std::vector<char> longer = whole;
  longer.push_back(0);
  file.write(longer);
  PcBoard board(2_MiB);
  board.power_on();
  EXPECT_NE(load(board, file).find("goes on after its end"), std::string::npos);
}

TEST(MachineState, WhatCannotBeWrittenLeavesNothing) {
  const backplane::testing::ScratchDirectory directory;
  PcBoard board;
  board.power_on();
  EXPECT_THROW(save_machine(board.machine(), "/nonexistent/state"), Error);
  EXPECT_THROW(save_machine(board.machine(), directory.path()), Error);
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(MachineState, AFileIsReplacedWhereALinkLeads) {
  const backplane::testing::ScratchDirectory directory;
  directory.write("old", "something else");
  std::filesystem::create_symlink(directory / "old", directory / "link");
  PcBoard board;
  board.power_on();
  save_machine(board.machine(), directory / "link");
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "link"));
  PcBoard fresh;
  fresh.power_on();
  load_machine(fresh.machine(), directory / "old");
}

TEST(MachineState, WhatIsNoFileIsWrittenTo) {
  const backplane::testing::ScratchDirectory directory;
  std::filesystem::create_symlink("/dev/full", directory / "full");
  PcBoard board;
  board.power_on();
  EXPECT_THROW(save_machine(board.machine(), directory / "full"), Error);
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "full"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

}  // namespace
}  // namespace backplane::pc
