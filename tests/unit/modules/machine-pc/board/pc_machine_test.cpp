// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "backplane/pci/pci_device.h"
#include "backplane/testing/scratch_directory.h"
#include "board/pc_board.h"
#include "boot/images.h"

namespace backplane::pc {
namespace {

using testing::PcBoard;

std::string message_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

TEST(PcMachine, PutsRamBelowTheHoleAndTheRestAbove4GiB) {
  PcBoard board(5_GiB);
  board.init();
  AddressSpace& memory = board.machine().memory();
  EXPECT_EQ(memory.store<u8>(0x1000, 1), MemResult::Ok);
  EXPECT_EQ(memory.store<u8>(3_GiB - 1, 1), MemResult::Ok);
  EXPECT_EQ(memory.store<u8>(3_GiB, 1), MemResult::DecodeError);
  EXPECT_EQ(memory.store<u8>(6_GiB - 1, 1), MemResult::Ok);
  EXPECT_EQ(memory.store<u8>(6_GiB, 1), MemResult::DecodeError);
  EXPECT_EQ(memory.store<u8>(0xa0000, 1), MemResult::DecodeError);
}

TEST(PcMachine, HasItsBridges) {
  PcBoard board;
  board.power_on();
  EXPECT_EQ(board.config_read(0x00, 0), 0x12378086u);
  EXPECT_EQ(board.config_read(0x08, 0), 0x70008086u);
  EXPECT_EQ(board.config_read(0x0b, 0), 0x71138086u);
  EXPECT_EQ(board.config_read(0x08, 0x0c) >> 16 & 0x80, 0x80u);  // multifunction
}

TEST(PcMachine, CanDoWithoutItsHpet) {
  for (const char* hpet : {"on", "off"}) {
    PcBoard board;
    board.machine().set_property("hpet", hpet);
    board.power_on();
    const bool answers = board.machine().memory().load<u32>(0xfed0'0004) != ~u32{0};
    EXPECT_EQ(answers, hpet == std::string_view("on"));
  }
}

TEST(PcMachine, GivesEveryBarAPlaceThatDecodes) {
  PcBoard board;
  board.init();
  board.machine().create_device("pc-test-function", {{"addr", "04"}},
                                board.machine().find_bus("pci.0"));
  board.power_on();
  const u32 memory = board.config_read(0x20, 0x10), io = board.config_read(0x20, 0x14);
  EXPECT_GE(memory, 0xc0000000u);
  EXPECT_LT(memory, 0xfec00000u);
  EXPECT_EQ(memory & 0xfff, 0u);
  EXPECT_EQ(io & 3, 1u);
  EXPECT_GE(io, 0xc000u);
  EXPECT_EQ(board.config_read(0x20, 0x04) & 3, 3u);
  EXPECT_EQ(board.machine().memory().load<u32>(memory), 0x5a5a5a5au);
  EXPECT_EQ(board.in32(static_cast<u16>(io & ~3u)), 0x5a5a5a5au);
  // A 64-bit BAR of 8 GiB goes above RAM.
  const u64 large = board.config_read(0x20, 0x18) | u64{board.config_read(0x20, 0x1c)} << 32;
  EXPECT_EQ(large & ~u64{15}, 8_GiB);
  EXPECT_EQ(board.config_read(0x20, 0x3c) & 0xff, 10u);  // slot 4, INTA: PIRQ A
}

TEST(PcMachine, ProgramsTheSameAgainAfterAReset) {
  PcBoard board;
  board.init();
  board.machine().create_device("pc-test-function", {{"addr", "04"}},
                                board.machine().find_bus("pci.0"));
  board.power_on();
  const u32 before = board.config_read(0x20, 0x10);
  board.config_write(0x20, 0x10, 0);
  board.machine().run_control().reset();
  EXPECT_EQ(board.config_read(0x20, 0x10), before);
  EXPECT_EQ(board.in16(0x604) & 1, 0);
}

TEST(PcMachine, RoutesPciInterruptsToThePic) {
  PcBoard board;
  board.init();
  auto& device = dynamic_cast<PciDevice&>(board.machine().create_device(
      "pc-test-function", {{"addr", "04"}}, board.machine().find_bus("pci.0")));
  board.power_on();
  board.out8(0xa0, 0x0a);  // read requests
  EXPECT_EQ(board.in8(0xa0) & 0x04, 0);
  device.set_intx(true);
  EXPECT_EQ(board.in8(0xa0) & 0x04, 0x04);  // IRQ 10
  board.config_write(0x08, 0x60, 0x80808080);
  EXPECT_EQ(board.in8(0xa0) & 0x04, 0);
  board.config_write(0x08, 0x60, 0x8080800b);
  EXPECT_EQ(board.in8(0xa0) & 0x08, 0x08);  // IRQ 11
  device.set_intx(false);
  EXPECT_EQ(board.in8(0xa0) & 0x08, 0);
}

TEST(PcMachine, TheTimerReachesThePicAtIrq0) {
  PcBoard board;
  board.power_on();
  board.out8(0x43, 0x34);
  board.out8(0x40, 0xa9);
  board.out8(0x40, 0x04);
  board.out8(0x20, 0x0a);
  board.advance_time(2'000'000);
  EXPECT_EQ(board.in8(0x20) & 1, 1);
}

TEST(PcMachine, HpetLegacyReplacementCutsTheTimerOff) {
  PcBoard board;
  board.power_on();
  board.machine().memory().store<u64>(0xfed00010, 3);
  board.out8(0x43, 0x34);
  board.out8(0x40, 0xa9);
  board.out8(0x40, 0x04);
  board.out8(0x20, 0x0a);
  board.advance_time(20'000'000);
  EXPECT_EQ(board.in8(0x20) & 1, 0);
}

TEST(PcMachine, Port61ShowsCounter2) {
  PcBoard board;
  board.power_on();
  board.out8(0x61, 0x01);
  board.out8(0x43, 0xb0);
  board.out8(0x42, 0xe8);
  board.out8(0x42, 0x03);
  EXPECT_EQ(board.in8(0x61) & 0x20, 0);
  board.advance_time(1'000'000);
  EXPECT_EQ(board.in8(0x61) & 0x20, 0x20);
}

TEST(PcMachine, ThePowerButtonSetsItsStatus) {
  PcBoard board;
  board.power_on();
  board.machine().run_control().request_powerdown();
  while (board.machine().main_loop().iterate(false)) {
  }
  EXPECT_EQ(board.in16(0x600) & 0x100, 0x100);
}

TEST(PcMachine, TheSmiCommandPortHandsOverAcpi) {
  PcBoard board;
  board.power_on();
  board.out8(0xb2, 0xf1);
  EXPECT_EQ(board.in16(0x604) & 1, 1);
  board.out8(0xb2, 0xf0);
  EXPECT_EQ(board.in16(0x604) & 1, 0);
}

TEST(PcMachine, SoftOffEndsTheMachineWithStatusZero) {
  PcBoard board;
  board.power_on();
  board.out16(0x604, 1 << 13);
  EXPECT_EQ(board.machine().main_loop().run(), 0);
  EXPECT_EQ(board.machine().run_control().shutdown_cause(), ShutdownCause::Guest);
}

struct ResetWay {
  const char* name;
  u16 port;
  u8 value;
};
class PcReset : public ::testing::TestWithParam<ResetWay> {};

TEST_P(PcReset, ResetsTheMachine) {
  PcBoard board;
  board.machine().run_control().actions().reboot = RebootAction::Shutdown;
  board.power_on();
  board.out8(GetParam().port, GetParam().value);
  EXPECT_EQ(board.machine().main_loop().run(), kGuestResetStatus);
  EXPECT_EQ(board.machine().run_control().shutdown_cause(), ShutdownCause::GuestReset);
}
INSTANTIATE_TEST_SUITE_P(Ways, PcReset,
                         ::testing::Values(ResetWay{"ResetControl", 0xcf9, 0x06},
                                           ResetWay{"Keyboard", 0x64, 0xfe},
                                           ResetWay{"Port92", 0x92, 0x01}),
                         [](const auto& way) { return way.param.name; });

TEST(PcMachine, AByteAtCf9DoesNotDisturbConfigurationAddress) {
  PcBoard board;
  board.power_on();
  board.out32(0xcf8, 0x80000800);
  board.out8(0xcf9, 0x02);
  EXPECT_EQ(board.in8(0xcf9), 0x02);
  EXPECT_EQ(board.in32(0xcfc), 0x70008086u);
}

TEST(PcMachine, DebugExitEndsTheProgramWithItsStatus) {
  PcBoard board;
  board.init();
  board.machine().add_device("isa-debug-exit", "", "", {{"iobase", "0xf4"}, {"iosize", "0x4"}});
  board.power_on();
  board.out32(0xf4, 0x10);
  EXPECT_EQ(board.machine().main_loop().run(), 0x21);
}

TEST(PcMachine, PvPanicReportsAPanicAndNoCrashThatTheGuestHandles) {
  PcBoard board;
  board.init();
  board.machine().run_control().actions().panic = PanicAction::ExitFailure;
  board.machine().add_device("pvpanic", "", "", {{"ioport", "0x505"}});
  board.power_on();
  EXPECT_EQ(board.in8(0x505), 3);
  board.out8(0x505, 2);
  while (board.machine().main_loop().iterate(false)) {
  }
  EXPECT_FALSE(board.machine().run_control().shutdown_cause());
  board.out8(0x505, 1);
  EXPECT_EQ(board.machine().main_loop().run(), 1);
  EXPECT_EQ(board.machine().run_control().shutdown_cause(), ShutdownCause::Panic);
}

TEST(PcMachine, PortsInUseAreRefused) {
  PcBoard board;
  board.init();
  const std::string message = message_of([&] {
    board.machine().add_device("isa-debug-exit", "", "", {{"iobase", "0x40"}});
  });
  EXPECT_NE(message.find("ports 0x40 to 0x41 are in use by isa-pit"), std::string::npos) << message;
  EXPECT_NE(message_of([&] {
              board.machine().add_device("isa-debug-exit", "", "", {{"iobase", "0xffff"}});
            }).find("port space ends"),
            std::string::npos);
}

TEST(PcMachine, RefusesAnImpossibleAmountOfRam) {
  PcBoard board(1_MiB);
  EXPECT_NE(message_of([&] { board.init(); }).find("the pc machine takes"), std::string::npos);
}

TEST(PcMachine, SaysThatThereIsNothingToBoot) {
  PcBoard board;
  board.init();
  board.machine().config().start_stopped = false;
  EXPECT_NE(message_of([&] { board.machine().finish(); }).find("nothing to boot"),
            std::string::npos);
}

TEST(PcMachine, ShowsFirmwareUntilItIsShadowedByRam) {
  const backplane::testing::ScratchDirectory directory;
  std::string image(128_KiB, 'l');
  std::fill(image.begin() + 64_KiB, image.end(), 'h');
  PcBoard board;
  board.machine().set_property("firmware", directory.write("firmware", image).string());
  board.power_on();
  AddressSpace& memory = board.machine().memory();
  EXPECT_EQ(memory.load<u8>(0xfffffff0), 'h');
  EXPECT_EQ(memory.load<u8>(0xfffe0000), 'l');
  EXPECT_EQ(memory.load<u8>(0xffff0), 'h');
  EXPECT_EQ(memory.load<u8>(0xe0000), 'l');
  EXPECT_NE(memory.store<u8>(0xf0000, 1), MemResult::Ok);
  board.config_write(0, 0x58, 0x3000);  // F0000h: read from RAM, written to RAM
  EXPECT_EQ(memory.load<u8>(0xf0000), 0);
  EXPECT_EQ(memory.store<u8>(0xf0000, 2), MemResult::Ok);
  EXPECT_EQ(memory.load<u8>(0xf0000), 2);
  board.config_write(0, 0x58, 0x1000);  // and not written any more
  EXPECT_NE(memory.store<u8>(0xf0000, 3), MemResult::Ok);
  EXPECT_EQ(memory.load<u8>(0xf0000), 2);
  EXPECT_EQ(memory.load<u8>(0xfffffff0), 'h');
}

TEST(PcMachine, NamesTheOptionWhoseFileIsMissing) {
  PcBoard board;
  board.init();
  board.machine().set_property("kernel", "/nonexistent/kernel");
  EXPECT_EQ(message_of([&] { board.machine().finish(); }),
            "-kernel /nonexistent/kernel: No such file or directory");
}

// A file with a kernel that the board has opened and nobody else can.
void give_kernel(PcBoard& board) {
  const backplane::testing::ScratchDirectory directory;
  const std::vector<u8> image = testing::bzimage();
  board.machine().set_property(
      "kernel", directory.write("pc-machine-test-kernel", {image.begin(), image.end()}).string());
  board.power_on();
}

TEST(PcMachine, AKernelFindsTheKeyboardAsFirmwareLeavesIt) {
  PcBoard board;
  give_kernel(board);
  board.out8(0x64, 0x20);  // read the command byte
  EXPECT_EQ(board.in8(0x60), 0x65);
}

TEST(PcMachine, StartsTheKernelWithItsState) {
  PcBoard board(64_MiB, 2);
  give_kernel(board);

  const x86::X86State& state = board.state();
  EXPECT_EQ(state.rip, 0x1000200u);
  EXPECT_EQ(state.gpr[x86::RSI], kBootInfoAddress);
  EXPECT_TRUE(state.code64());
  EXPECT_EQ(state.cpl(), 0u);
  AddressSpace& memory = board.machine().memory();
  board.machine().run_control().start();
  EXPECT_EQ(memory.load<u8>(0x1000200), 0x90);
  EXPECT_EQ(memory.load<u64>(0xe0000), 0x2052545020445352u);  // "RSD PTR "
  // The kernel's address is mapped to itself.
  const x86::Translation t = x86::probe(state, memory, 0x1000200);
  EXPECT_TRUE(t.ok);
  EXPECT_EQ(t.physical, 0x1000200u);
  // The other CPU waits to be started.
  EXPECT_NE(board.state(1).wait_for_sipi, 0);

  // Whatever the guest did to its memory, a reset starts it anew.
  memory.fill(0x1000000, 0, 4096);
  board.state().rip = 0;
  board.machine().run_control().reset();
  EXPECT_EQ(memory.load<u8>(0x1000200), 0x90);
  EXPECT_EQ(state.rip, 0x1000200u);
}

TEST(PcMachine, CopiesTheKernelWhenItFirstStartsAfterAReset) {
  PcBoard board;
  give_kernel(board);
  Machine& machine = board.machine();
  AddressSpace& memory = machine.memory();
  EXPECT_EQ(memory.load<u8>(0x1000200), 0);
  machine.run_control().start();
  EXPECT_EQ(memory.load<u8>(0x1000200), 0x90);
  // Stopping and continuing is not a reset.
  memory.store<u8>(0x1000200, 0xcc);
  machine.run_control().stop();
  machine.run_control().start();
  EXPECT_EQ(memory.load<u8>(0x1000200), 0xcc);
  machine.run_control().stop();
  machine.run_control().reset();
  machine.run_control().start();
  EXPECT_EQ(memory.load<u8>(0x1000200), 0x90);
}

// How many of our descriptors are open on it, deleted or not.
std::ptrdiff_t open_on(const std::string& name) {
  const std::filesystem::directory_iterator descriptors("/proc/self/fd");
  return std::count_if(begin(descriptors), end(descriptors), [&](const auto& descriptor) {
    std::error_code gone;  // the one that the list itself is read by
    return read_symlink(descriptor.path(), gone).string().find(name) != std::string::npos;
  });
}

TEST(PcMachine, ClosesTheKernelsFileOnceItWasRead) {
  PcBoard board;
  give_kernel(board);
  EXPECT_EQ(open_on("pc-machine-test-kernel"), 1);
  board.machine().run_control().start();
  EXPECT_EQ(open_on("pc-machine-test-kernel"), 0);
}

TEST(PcMachine, TellsFirmwareWhatItIs) {
  PcBoard board(64_MiB, 2);
  board.power_on();
  const auto item = [&](u16 selector, unsigned bytes) {
    board.out16(0x510, selector);
    u64 value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= u64{board.in8(0x511)} << i * 8;
    return value;
  };
  EXPECT_EQ(item(0x00, 4), 0x554d4551u);  // "QEMU"
  EXPECT_EQ(item(0x03, 8), 64_MiB);
  EXPECT_EQ(item(0x05, 2), 2u);
}

TEST(PcMachine, RefusesACpuModelOrFeatureThatDoesNotExist) {
  {
    PcBoard board;
    board.machine().config().cpu_model = "nosuch";
    EXPECT_NE(message_of([&] { board.init(); }).find("-cpu nosuch"), std::string::npos);
  }
  PcBoard board;
  board.machine().config().cpu_model = "max,+nosuch";
  EXPECT_NE(message_of([&] { board.init(); }).find("nosuch"), std::string::npos);
}

// A function with a BAR of each kind.
class TestFunction final : public PciDevice {
 public:
  static void class_init(PciDeviceClass& k) {
    k.identity = {.vendor = 0x1b36, .device = 0x00f2, .class_code = 0xff0000};
    k.stateless();
    k.interrupt_pin = 1;
  }
  void realize() {
    const auto handler = MmioHandler::of<&TestFunction::read, &TestFunction::write>(*this);
    add_bar(0, 4_KiB, handler);
    add_bar(1, 16, handler, BarType::Io);
    add_bar(2, 8_GiB, handler, BarType::Memory64Prefetchable);
  }

 private:
  u64 read(u64, unsigned) { return 0x5a5a5a5a; }
  void write(u64, u64, unsigned) {}
};
BACKPLANE_TYPE(TestFunction, "pc-test-function")

TEST(PcMachine, HandsItsUuidToFirmware) {
  PcBoard board;
  board.machine().config().uuid = "4600cb32-38ec-4b2f-8acb-81c6ea54f2d8";
  board.power_on();
  board.out16(0x510, 2);
  std::vector<u8> bytes;
  for (unsigned n = 0; n < 16; ++n) bytes.push_back(board.in8(0x511));
  EXPECT_EQ(bytes, (std::vector<u8>{0x46, 0x00, 0xcb, 0x32, 0x38, 0xec, 0x4b, 0x2f, 0x8a, 0xcb,
                                    0x81, 0xc6, 0xea, 0x54, 0xf2, 0xd8}));
}

unsigned rtc_register(PcBoard& board, u8 index) {
  board.out8(0x70, index);
  const unsigned bcd = board.in8(0x71);
  return (bcd >> 4) * 10 + (bcd & 15);
}

TEST(PcMachine, ADateMayGoOnWithTheGuestsTime) {
  PcBoard board;
  board.machine().set_property("rtc-base", "utc");
  board.machine().set_property("rtc-clock", "vm");
  board.power_on();
  const unsigned before = rtc_register(board, 0);
  board.advance_time(20'000'000'000);
  EXPECT_EQ(rtc_register(board, 0), (before + 20) % 60);
}

TEST(PcMachine, ADateMayBeWritten) {
  for (const char* clock : {"host", "rt", "vm"}) {
    PcBoard board;
    board.machine().set_property("rtc-base", "2031-02-03T22:05:06");
    board.machine().set_property("rtc-clock", clock);
    board.power_on();
    const std::vector<unsigned> expected{31, 2, 3, 22, 5};
    std::vector<unsigned> found;
    for (const u8 index : {9, 8, 7, 4, 2}) found.push_back(rtc_register(board, index));
    EXPECT_EQ(found, expected) << clock;
  }
}

#ifndef _WIN32  // where the time zone is set otherwise
TEST(PcMachine, ADateMayBeTheHostsLocalOne) {
  const char* const given = std::getenv("TZ");
  const std::string before = given != nullptr ? given : "";
  const auto set_zone = [](const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  };
  const auto hour = [](const char* base) {
    PcBoard board;
    board.machine().set_property("rtc-base", base);
    board.power_on();
    return rtc_register(board, 4);
  };
  set_zone("AHEAD-5");
  const unsigned utc = hour("utc"), local = hour("localtime");
  set_zone(before.c_str());
  if (given == nullptr) unsetenv("TZ");
  EXPECT_TRUE(local == (utc + 5) % 24 || local == (utc + 6) % 24) << utc << ' ' << local;
}
#endif

TEST(PcMachine, ADateThatIsNoneIsRefused) {
  PcBoard board;
  for (const char* base :
       {"", "now", "2026-02-30", "2026-1-2", "2026-01-02T24:00:00", "2026-01-02T10:00",
        "2026-01-02Z", "1969-12-31", "9999-01-01", "-1", "4294967296"})
    EXPECT_THROW(board.machine().set_property("rtc-base", base), Error) << base;
}

}  // namespace
}  // namespace backplane::pc
