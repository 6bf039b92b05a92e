// SPDX-License-Identifier: MIT
// Instructions that the guest's CPU model, or the host, does not have.
#include "decode/features.h"

#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include "cpuid/features.h"
#include "every_form.h"
#include "example_name.h"
#include "interpreter/isa_features.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using By = TranslatedGuest::By;

// --- The table ----------------------------------------------------------------------------------

TEST(Features, AgreeWithTheInterpreterOnEveryForm) {
  using Features = X86Cpu::Features;
  struct Model {
    std::string_view lacks;
    Features features;
  };
  std::vector<Model> models;
  Features all{};
  for (const x86::Feature& f : x86::all_features())
    if (f.member != nullptr) all.*f.member = true;
  models.push_back({"nothing", all});
  models.push_back({"everything", Features{}});
  for (const x86::Feature& f : x86::all_features()) {
    if (f.member == nullptr) continue;
    models.push_back({f.name, all});
    models.back().features.*f.member = false;
  }

  ZydisDecoder long_mode, compatibility;
  ZydisDecoderInit(&long_mode, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  ZydisDecoderInit(&compatibility, ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
  for (ZydisDecoder* decoder : {&long_mode, &compatibility})
    for (const ZydisDecoderMode mode :
         {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_CLDEMOTE})
      ZydisDecoderEnableMode(decoder, mode, ZYAN_FALSE);
  unsigned compared = 0;
  std::vector<bool> seen(static_cast<unsigned>(Feature::Count));
  const auto compare = [&](const std::vector<u8>& bytes, unsigned code_bits) {
    const ZydisDecoder& decoder = code_bits == 64 ? long_mode : compatibility;
    Insn insn;
    ASSERT_TRUE(decode(bytes.data(), 15, code_bits, insn));
    ZydisDecodedInstruction z;
    if (insn.row.op == Op::Interpret ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, nullptr, bytes.data(), 15, &z)))
      return;
    ++compared;
    const Feature needed = insn.row.feature;
    ASSERT_LT(needed, Feature::Count);
    seen[static_cast<unsigned>(needed)] = true;
    for (const Model& model : models)
      EXPECT_EQ(FeatureMask(model.features).has(needed),
                x86::interpreter::is_offered(model.features, z))
          << ZydisMnemonicGetString(z.mnemonic) << " in " << code_bits
          << "-bit code of a CPU that lacks " << model.lacks;
  };
  for_each_form([&](std::vector<u8> bytes) {
    bytes.resize(15, 0x01);  // displacement and immediate
    compare(bytes, 64);
    compare(bytes, 32);
  });
  EXPECT_GT(compared, 40000u);
  for (unsigned n = 0; n < seen.size(); ++n) EXPECT_TRUE(seen[n]) << "feature " << n;
}

// --- Running ----------------------------------------------------------------------------------

struct Example {
  std::string_view feature;  // as -cpu names it
  std::string_view text;
  std::vector<u8> code;
};

// RBX points to 16 bytes of zeros; the other registers hold 0 but RCX: 10h.
const Example kExamples[] = {
    {"sse3", "haddps xmm0, xmm1", {0xf2, 0x0f, 0x7c, 0xc1}},
    {"sse3", "lddqu xmm0, [rbx]", {0xf2, 0x0f, 0xf0, 0x03}},
    {"sse3", "movshdup xmm0, xmm1", {0xf3, 0x0f, 0x16, 0xc1}},
    {"sse3", "fisttp dword [rbx]", {0xdb, 0x0b}},
    {"sse3", "fisttp qword [rbx]", {0xdd, 0x0b}},
    {"ssse3", "pshufb mm0, mm1", {0x0f, 0x38, 0x00, 0xc1}},
    {"ssse3", "palignr xmm0, xmm1, 3", {0x66, 0x0f, 0x3a, 0x0f, 0xc1, 0x03}},
    {"sse4.1", "pmulld xmm0, xmm1", {0x66, 0x0f, 0x38, 0x40, 0xc1}},
    {"sse4.1", "ptest xmm0, xmm1", {0x66, 0x0f, 0x38, 0x17, 0xc1}},
    {"sse4.1", "pinsrd xmm0, ecx, 1", {0x66, 0x0f, 0x3a, 0x22, 0xc1, 0x01}},
    {"sse4.2", "pcmpgtq xmm0, xmm1", {0x66, 0x0f, 0x38, 0x37, 0xc1}},
    {"sse4.2", "pcmpistri xmm0, xmm1, 0", {0x66, 0x0f, 0x3a, 0x63, 0xc1, 0x00}},
    {"sse4.2", "crc32 eax, ecx", {0xf2, 0x0f, 0x38, 0xf1, 0xc1}},
    {"popcnt", "popcnt eax, ecx", {0xf3, 0x0f, 0xb8, 0xc1}},
    {"aes", "aesenc xmm0, xmm1", {0x66, 0x0f, 0x38, 0xdc, 0xc1}},
    {"aes", "vaesenc xmm0, xmm1, xmm2", {0xc4, 0xe2, 0x71, 0xdc, 0xc2}},
    {"pclmulqdq", "pclmulqdq xmm0, xmm1, 0", {0x66, 0x0f, 0x3a, 0x44, 0xc1, 0x00}},
    {"pclmulqdq", "vpclmulqdq xmm0, xmm1, xmm2, 0", {0xc4, 0xe3, 0x71, 0x44, 0xc2, 0x00}},
    {"sha-ni", "sha256rnds2 xmm0, xmm1", {0x0f, 0x38, 0xcb, 0xc1}},
    {"sha-ni", "sha1rnds4 xmm0, xmm1, 0", {0x0f, 0x3a, 0xcc, 0xc1, 0x00}},
    {"gfni", "gf2p8mulb xmm0, xmm1", {0x66, 0x0f, 0x38, 0xcf, 0xc1}},
    {"gfni", "vgf2p8mulb ymm0, ymm1, ymm2", {0xc4, 0xe2, 0x75, 0xcf, 0xc2}},
    {"avx", "vaddps xmm0, xmm1, xmm2", {0xc5, 0xf0, 0x58, 0xc2}},
    {"avx", "vaddps ymm0, ymm1, ymm2", {0xc5, 0xf4, 0x58, 0xc2}},
    {"avx", "vzeroupper", {0xc5, 0xf8, 0x77}},
    {"avx2", "vpaddd ymm0, ymm1, ymm2", {0xc5, 0xf5, 0xfe, 0xc2}},
    {"avx2", "vpsllvd xmm0, xmm1, xmm2", {0xc4, 0xe2, 0x71, 0x47, 0xc2}},
    {"avx2", "vbroadcastss xmm0, xmm1", {0xc4, 0xe2, 0x79, 0x18, 0xc1}},
    {"f16c", "vcvtph2ps xmm0, xmm1", {0xc4, 0xe2, 0x79, 0x13, 0xc1}},
    {"fma", "vfmadd213ps xmm0, xmm1, xmm2", {0xc4, 0xe2, 0x71, 0xa8, 0xc2}},
    {"vaes", "vaesenc ymm0, ymm1, ymm2", {0xc4, 0xe2, 0x75, 0xdc, 0xc2}},
    {"vpclmulqdq", "vpclmulqdq ymm0, ymm1, ymm2, 0", {0xc4, 0xe3, 0x75, 0x44, 0xc2, 0x00}},
    {"bmi1", "andn eax, ecx, edx", {0xc4, 0xe2, 0x70, 0xf2, 0xc2}},
    {"bmi1", "blsr eax, ecx", {0xc4, 0xe2, 0x78, 0xf3, 0xc9}},
    {"bmi2", "mulx eax, ecx, edx", {0xc4, 0xe2, 0x73, 0xf6, 0xc2}},
    {"bmi2", "shlx eax, ecx, edx", {0xc4, 0xe2, 0x69, 0xf7, 0xc1}},
    {"bmi2", "rorx eax, ecx, 3", {0xc4, 0xe3, 0x7b, 0xf0, 0xc1, 0x03}},
    {"movbe", "movbe eax, [rbx]", {0x0f, 0x38, 0xf0, 0x03}},
    {"adx", "adcx eax, ecx", {0x66, 0x0f, 0x38, 0xf6, 0xc1}},
    {"adx", "adox rax, [rbx]", {0xf3, 0x48, 0x0f, 0x38, 0xf6, 0x03}},
    {"cx16", "cmpxchg16b [rbx]", {0x48, 0x0f, 0xc7, 0x0b}},
    {"cx16", "lock cmpxchg16b [rbx]", {0xf0, 0x48, 0x0f, 0xc7, 0x0b}},
    {"lahf-lm", "lahf", {0x9f}},
    {"lahf-lm", "sahf", {0x9e}},
    {"smap", "clac", {0x0f, 0x01, 0xca}},
    {"smap", "stac", {0x0f, 0x01, 0xcb}},
    {"serialize", "serialize", {0x0f, 0x01, 0xe8}},
    {"rdtscp", "rdtscp", {0x0f, 0x01, 0xf9}},
    {"fsgsbase", "rdfsbase rax", {0xf3, 0x48, 0x0f, 0xae, 0xc0}},
    {"fsgsbase", "wrgsbase eax", {0xf3, 0x0f, 0xae, 0xd8}},
};
// Without the feature these are other instructions.
const Example kBitScans[] = {
    {"bmi1", "tzcnt eax, ecx", {0xf3, 0x0f, 0xbc, 0xc1}},
    {"abm", "lzcnt eax, ecx", {0xf3, 0x0f, 0xbd, 0xc1}},
};

bool X86Cpu::Features::*member_of(std::string_view feature) {
  return x86::all_features()[static_cast<std::size_t>(x86::find_feature(feature))].member;
}

class FeatureTest : public ::testing::TestWithParam<Example> {
 protected:
  void SetUp() override {
    if (!(x86::host_cpu_features().*member_of(GetParam().feature)))
      GTEST_SKIP() << "the host processor has no " << GetParam().feature;
  }
  std::string without_feature() const { return fmt::format("max,-{}", GetParam().feature); }

  struct Outcome {
    bool done;
    std::optional<unsigned> fault;
    u64 length;  // of what was executed
    u64 interpreted;
    Registers registers;
  };
  // The example between two instructions that say whether they were reached.
  static Outcome run(TranslatedGuest& guest, const Example& example, By by = By::Translator) {
    std::vector<u8> code = {0xbe, 0x05, 0, 0, 0};  // mov esi, 5
    code.insert(code.end(), example.code.begin(), example.code.end());
    code.insert(code.end(), {0xbf, 0x06, 0, 0, 0});  // mov edi, 6
    Outcome o{};
    o.registers.gpr[x86::RBX] = guest.arena.middle();
    o.registers.gpr[x86::RCX] = 0x10;
    o.registers.rflags = 2;
    const u32 mxcsr = 0x1f80;
    std::memcpy(o.registers.xsave + 24, &mxcsr, sizeof mxcsr);
    std::memset(guest.arena.data(), 0, Arena::kSize);
    guest.state().tsc_valid_until = ~u64{0};  // else RDTSCP would ask for the time
    const u64 before = guest.counters().interpreted;
    o.done = guest.run(code, o.registers, NativeProcessor::Mode::Long, by);
    o.interpreted = guest.counters().interpreted - before;
    o.fault = guest.fault();
    o.length = guest.end() - guest.arena.address();
    return o;
  }
};

constexpr u64 kBefore = 5, kAfter = 5;  // bytes around the example
constexpr u64 kHalt = 1;                // instructions that are always interpreted

using LackedByModel = FeatureTest;
using Offered = FeatureTest;
using BitScan = FeatureTest;

TEST_P(LackedByModel, IsInvalidWhereTheInterpreterSaysSo) {
  TranslatedGuest guest(TranslatedGuest::default_options(), without_feature());
  const Outcome translated = run(guest, GetParam());
  EXPECT_FALSE(translated.done);
  EXPECT_EQ(translated.fault, x86::kUD);
  EXPECT_EQ(translated.length, kBefore);
  EXPECT_EQ(translated.registers.gpr[x86::RSI], 5u);
  EXPECT_EQ(translated.registers.gpr[x86::RDI], 0u);
  EXPECT_EQ(translated.interpreted, 1 + kHalt);

  const Outcome interpreted = run(guest, GetParam(), By::Interpreter);
  EXPECT_EQ(interpreted.fault, translated.fault);
  EXPECT_EQ(interpreted.length, translated.length);
  EXPECT_TRUE(std::equal(std::begin(interpreted.registers.gpr), std::end(interpreted.registers.gpr),
                         translated.registers.gpr));
  EXPECT_EQ(interpreted.registers.rflags, translated.registers.rflags);
}

TEST_P(Offered, IsTranslated) {
  TranslatedGuest guest;
  const Outcome translated = run(guest, GetParam());
  EXPECT_TRUE(translated.done) << "fault " << translated.fault.value_or(~0u);
  EXPECT_EQ(translated.length, kBefore + GetParam().code.size() + kAfter + kHalt);
  EXPECT_EQ(translated.interpreted, kHalt);
}

TEST_P(Offered, IsInterpretedIfTheHostLacksIt) {
  TranslatorOptions options = TranslatedGuest::default_options();
  X86Cpu::Features host = x86::host_cpu_features();
  host.*member_of(GetParam().feature) = false;
  options.features = FeatureMask(host);
  TranslatedGuest guest(options);
  const Outcome o = run(guest, GetParam());
  EXPECT_TRUE(o.done) << "fault " << o.fault.value_or(~0u);
  EXPECT_EQ(o.interpreted, 1 + kHalt);
}

TEST_P(BitScan, CountsOnlyOnAModelThatCounts) {
  TranslatedGuest newer;
  TranslatedGuest older(TranslatedGuest::default_options(), without_feature());
  const bool leading = GetParam().feature == "abm";
  const Outcome counted = run(newer, GetParam());
  EXPECT_EQ(counted.registers.gpr[x86::RAX], leading ? 27u : 4u);
  EXPECT_EQ(counted.interpreted, kHalt);
  const Outcome scanned = run(older, GetParam());
  EXPECT_TRUE(scanned.done);
  EXPECT_EQ(scanned.registers.gpr[x86::RAX], 4u);
  EXPECT_EQ(scanned.interpreted, 1 + kHalt);
}

void PrintTo(const Example& example, std::ostream* out) { *out << example.text; }

INSTANTIATE_TEST_SUITE_P(Examples, LackedByModel, ::testing::ValuesIn(kExamples),
                         example_name<Example>);
INSTANTIATE_TEST_SUITE_P(Examples, Offered, ::testing::ValuesIn(kExamples), example_name<Example>);
INSTANTIATE_TEST_SUITE_P(BitScans, Offered, ::testing::ValuesIn(kBitScans), example_name<Example>);
INSTANTIATE_TEST_SUITE_P(Examples, BitScan, ::testing::ValuesIn(kBitScans), example_name<Example>);

}  // namespace
}  // namespace backplane::tcg::testing
