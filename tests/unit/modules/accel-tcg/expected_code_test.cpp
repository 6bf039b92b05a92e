// SPDX-License-Identifier: MIT
// What host code comes out, as data: expected/*.txt, a file for each group of the manual, so that a
// change of it is a difference that a reader can judge. After one that is meant,
// BACKPLANE_UPDATE_EXPECTED=1 has the test write the files anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "backplane/testing/test_machine.h"
#include "host_text.h"
#include "trace/disassembler.h"
#include "translate/insn_properties.h"

namespace backplane::tcg::testing {
namespace {

// The lines of a file: those of comments as they are, and cases.
struct Case {
  std::vector<std::string> before;  // comments and empty lines
  std::string name, mode = "user64";
  std::set<std::string> options;
  std::vector<std::vector<u8>> guest;
  std::vector<std::string> host;
};

struct File {
  std::vector<Case> cases;
  std::vector<std::string> behind;
};

std::vector<u8> bytes_of(const std::string& text) {
  std::vector<u8> bytes;
  std::istringstream in(text);
  for (std::string word; in >> word && word != ";";)
    bytes.push_back(static_cast<u8>(std::stoul(word, nullptr, 16)));
  return bytes;
}

File read_file(const std::filesystem::path& path) {
  File file;
  std::vector<std::string> comments;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string word = line.substr(0, space);
    const std::string rest = line.substr(std::min(line.find_first_not_of(' ', space), line.size()));
    if (word.empty() || word[0] == '#') {
      comments.push_back(line);
    } else if (word == "case") {
      file.cases.push_back({.before = std::move(comments), .name = rest});
      comments.clear();
    } else if (word == "mode") {
      file.cases.back().mode = rest;
    } else if (word == "with") {
      file.cases.back().options.insert(rest);
    } else if (word == "guest") {
      file.cases.back().guest.push_back(bytes_of(rest));
    } else {
      EXPECT_EQ(word, "host") << path << ": " << line;
      file.cases.back().host.push_back(rest);
    }
  }
  file.behind = comments;
  return file;
}

Mode mode_named(const std::string& name) {
  constexpr u32 kUnits = Mode::kX87 | Mode::kSse | Mode::kAvx | Mode::kTsc | Mode::kFsGsBase;
  Mode mode{kUnits | kMmuUser};
  const auto all_segments = [&mode](SegmentKind kind) {
    for (unsigned n = 0; n < 6; ++n) mode.set_segment(n, kind);
  };
  if (name == "kernel64") {
    mode.bits = kUnits | kMmuKernel | Mode::kRing0;
  } else if (name == "split64") {
    mode.bits |= Mode::kSplit;
  } else if (name == "apart64") {
    mode.bits |= Mode::kApart;
  } else if (name == "flat32") {
    mode.bits |= Mode::kCode32;
    all_segments(SegmentKind::Flat);
  } else if (name == "based32") {
    mode.bits |= Mode::kCode32 | Mode::kCodeBased;
    all_segments(SegmentKind::Based);
  } else if (name == "real16") {
    mode.bits =
        kUnits | kMmuKernel | Mode::kRing0 | Mode::kCode16 | Mode::kStack16 | Mode::kCodeBased;
    all_segments(SegmentKind::Small);
  } else {
    EXPECT_EQ(name, "user64") << "no such mode";
  }
  return mode;
}

// What the host has does not matter: nothing is run.
TranslatorOptions options_of(const Case& c) {
  X86Cpu::Features features;
  std::memset(&features, 1, sizeof features);
  TranslatorOptions options;
  options.features = FeatureMask(features);
  options.bmi2 = !c.options.contains("no BMI2");
  options.count_instructions = c.options.contains("instructions counted");
  options.limits.look_ahead = !options.count_instructions;
  return options;
}

class ExpectedCode : public ::testing::Test {
 protected:
  // The instructions lie at the beginning of a page, before a HLT.
  std::vector<std::string> host_code(const Case& c) {
    backplane::testing::TestMachine machine;
    Engine engine(machine.memory(), 4_MiB, options_of(c));
    const Mode mode = mode_named(c.mode);
    std::vector<u8> page(kPageSize, 0xf4);
    std::size_t at = 0;
    for (const std::vector<u8>& bytes : c.guest) {
      std::copy(bytes.begin(), bytes.end(), page.begin() + static_cast<std::ptrdiff_t>(at));
      at += bytes.size();
    }
    ScanLimits limits = engine.options.limits;
    limits.instructions = static_cast<unsigned>(c.guest.size());
    const GuestBytes bytes{page.data(), nullptr};
    GuestCode code;
    code.scan(bytes, 0, mode, limits, engine.options.features);
    EXPECT_EQ(code.insns().size(), c.guest.size()) << c.name << ": the block ends before";
    for (const ScannedInsn& s : code.insns()) seen_.insert(s.insn.row.op);
    const Block& block = engine.translator.translate(code, bytes, mode);
    return HostText(engine, block).lines(c.options.contains("whole code"));
  }

  static std::string text(const File& file) {
    std::string out;
    const auto add = [&out](const std::vector<std::string>& lines, const char* prefix) {
      for (const std::string& line : lines) out += prefix + line + "\n";
    };
    for (const Case& c : file.cases) {
      add(c.before, "");
      out += "case " + c.name + "\n";
      if (c.mode != "user64") out += "mode " + c.mode + "\n";
      for (const std::string& option : c.options) out += "with " + option + "\n";
      u64 at = 0;
      for (const std::vector<u8>& bytes : c.guest) {
        std::string code;
        for (const u8 byte : bytes) code += fmt::format("{:02x} ", byte);
        out += fmt::format("guest {:<30}; {}\n", code,
                           disassemble(bytes, at, mode_named(c.mode).code_bits()).text);
        at += bytes.size();
      }
      add(c.host, "host  ");
    }
    add(file.behind, "");
    return out;
  }

  std::set<Op> seen_;
};

TEST_F(ExpectedCode, ComesOutForEachGroupOfInstructions) {
  const bool update = std::getenv("BACKPLANE_UPDATE_EXPECTED") != nullptr;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(BACKPLANE_EXPECTED_CODE))
    paths.push_back(entry.path());
  ASSERT_FALSE(paths.empty());
  for (const std::filesystem::path& path : paths) {
    File file = read_file(path);
    for (Case& c : file.cases) {
      const std::vector<std::string> found = host_code(c);
      if (update)
        c.host = found;
      else
        EXPECT_EQ(fmt::format("{}", fmt::join(found, "\n")),
                  fmt::format("{}", fmt::join(c.host, "\n")))
            << path.filename() << ": " << c.name;
    }
    if (update) std::ofstream(path) << text(file);
  }
  constexpr Op kRun[] = {
#define FORM(map, prefixes, opcodes, when, mnemonic, operands, size, imm, reads, writes, may, \
             needs, unit, op)                                                                 \
  Op::op,
#include "decode/opcodes.inc"
#undef FORM
  };
  const std::set<Op> wanted(std::begin(kRun), std::end(kRun));
  for (const Op op : wanted)
    EXPECT_TRUE(seen_.contains(op)) << "no case is of way " << static_cast<int>(op) << " to run";
}

}  // namespace
}  // namespace backplane::tcg::testing
