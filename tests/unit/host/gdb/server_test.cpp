// SPDX-License-Identifier: MIT
#include "gdb/server.h"

#include <gtest/gtest.h>

#include <random>

#include "backplane/testing/test_machine.h"
#include "gdb/hex.h"
#include "gdb/target_description.h"

namespace backplane::host::gdb {
namespace {

// A CPU with two registers, the second of which takes even values alone; it sees memory where it
// is, but for the second page.
class TwoRegisters final : public DebugTarget {
 public:
  explicit TwoRegisters(u8 (&values)[2]) : values_(values) {}
  std::string_view architecture() const override { return "two"; }
  std::span<const DebugFeature> features() const override {
    static constexpr DebugRegister kFirst[] = {{"first", 8, "int8"}};
    static constexpr DebugRegister kSecond[] = {{"second", 8, "int8", "system"}};
    static constexpr DebugFeature kFeatures[] = {{"org.a", "<types/>", kFirst},
                                                 {"org.b", {}, kSecond}};
    return kFeatures;
  }
  void read(unsigned number, std::span<u8> bytes) const override { bytes[0] = values_[number]; }
  bool write(unsigned number, std::span<const u8> bytes) override {
    if (number == 1 && bytes[0] % 2 != 0) return false;
    values_[number] = bytes[0];
    return true;
  }
  u64 code_address() const override { return 0; }
  std::optional<u64> physical(u64 linear) const override {
    if (linear / kPageSize == 1) return std::nullopt;
    return linear;
  }

 private:
  u8 (&values_)[2];
};

class DebuggedCpu final : public Cpu {
 public:
  bool has_work() const override { return false; }
  std::unique_ptr<DebugTarget> debug_target() override {
    return std::make_unique<TwoRegisters>(values);
  }
  u8 values[2] = {0x11, 0x22};
};
BACKPLANE_TYPE(DebuggedCpu, "debugged-cpu")

// A line whose other side is a string.
class Line final : public Chardev {
 public:
  void write(const u8* data, std::size_t size) override {
    sent.append(reinterpret_cast<const char*>(data), size);
  }
  std::string describe() const override { return "line"; }
  void connect() { client()->event(ChardevClient::Event::Opened); }
  void hang_up() { client()->event(ChardevClient::Event::Closed); }
  void say(std::string_view bytes) {
    client()->receive(reinterpret_cast<const u8*>(bytes.data()), bytes.size());
  }
  std::string sent;
};

class GdbServer : public ::testing::Test {
 protected:
  GdbServer() {
    for (unsigned n = 0; n < 2; ++n) {
      auto cpu = std::make_unique<DebuggedCpu>();
      cpus_[n] = cpu.get();
      machine_.add_cpu(std::move(cpu));
    }
    machine_.power_on();
    server_->open(line_);
    line_.connect();
    line_.say(framed("QStartNoAckMode"));
    line_.sent.clear();
  }

  // What a packet is answered by, without its frame.
  std::string ask(std::string_view packet) {
    line_.sent.clear();
    line_.say(framed(packet));
    machine_.run_main_loop();
    return text_of(line_.sent);
  }
  static std::string text_of(const std::string& frame) {
    PacketReader reader;
    for (const char c : frame)
      if (reader.take(static_cast<u8>(c)) == PacketReader::Event::Packet) return reader.text();
    return "nothing";
  }

  backplane::testing::TestMachine machine_;
  DebuggedCpu* cpus_[2];
  Line line_;
  std::unique_ptr<Server> server_ = std::make_unique<Server>(machine_);
};

TEST_F(GdbServer, SaysWhatItCanDo) {
  EXPECT_NE(ask("qSupported:swbreak+").find("QStartNoAckMode+"), std::string::npos);
  EXPECT_EQ(ask("vCont?"), "vCont;c;C;s;S");
  EXPECT_EQ(ask("vMustReplyEmpty"), "");
  EXPECT_EQ(ask("qSupportedNot"), "");
}

TEST_F(GdbServer, DescribesRegistersInPieces) {
  const TwoRegisters target(cpus_[0]->values);
  const std::string whole = describe_target(target);
  EXPECT_EQ(ask("qXfer:features:read:target.xml:0,ffff"), "l" + whole);
  EXPECT_EQ(ask("qXfer:features:read:target.xml:0,10"), "m" + whole.substr(0, 16));
  EXPECT_EQ(ask("qXfer:features:read:target.xml:10,ffff"), "l" + whole.substr(16));
  EXPECT_EQ(ask("qXfer:features:read:target.xml:ffff,10"), "l");
  EXPECT_EQ(ask("qXfer:features:read:other.xml:0,10"), "E00");
  EXPECT_NE(whole.find("<feature name=\"org.a\">\n<types/><reg name=\"first\" bitsize=\"8\""),
            std::string::npos)
      << whole;
  EXPECT_NE(whole.find("<reg name=\"second\" bitsize=\"8\" type=\"int8\" group=\"system\"/>"),
            std::string::npos)
      << whole;
}

TEST_F(GdbServer, HasAThreadForEachCpu) {
  EXPECT_EQ(ask("qfThreadInfo"), "m1,2");
  EXPECT_EQ(ask("qsThreadInfo"), "l");
  EXPECT_EQ(ask("qC"), "QC1");
  EXPECT_EQ(ask("Hg2"), "OK");
  EXPECT_EQ(ask("qC"), "QC2");
  EXPECT_EQ(ask("T2"), "OK");
  EXPECT_EQ(ask("T3"), "E03");
  EXPECT_EQ(ask("Hg3"), "E03");
  EXPECT_EQ(ask("qThreadExtraInfo,2"), to_hex(std::string_view("CPU 1")));
}

TEST_F(GdbServer, ReadsAndWritesRegistersOfTheSelectedCpu) {
  EXPECT_EQ(ask("g"), "1122");
  EXPECT_EQ(ask("p1"), "22");
  EXPECT_EQ(ask("Hg2"), "OK");
  EXPECT_EQ(ask("P0=33"), "OK");
  EXPECT_EQ(ask("g"), "3322");
  EXPECT_EQ(ask("G4466"), "OK");
  EXPECT_EQ(cpus_[1]->values[1], 0x66);
  EXPECT_EQ(cpus_[0]->values[0], 0x11);
  EXPECT_EQ(ask("P1=67"), "E16");
  for (const char* bad :
       {"p2", "pffffffffffffffff", "p", "P0", "P0=", "P0=1", "P0=1234", "P2=11", "Gx", "G1"})
    EXPECT_EQ(ask(bad), "E16") << bad;
  EXPECT_EQ(ask("g"), "4466");
}

TEST_F(GdbServer, ReadsAndWritesMemoryAsTheCpuSeesIt) {
  EXPECT_EQ(ask("M10,3:010203"), "OK");
  EXPECT_EQ(ask("m10,4"), "01020300");
  EXPECT_EQ(ask(std::string_view("X12,2:\x23\x2a")), "OK");
  EXPECT_EQ(ask("m10,4"), "0102232a");
  EXPECT_EQ(ask("X10,0:"), "OK");
  // Up to where there is nothing.
  EXPECT_EQ(ask("mffe,4"), "0000");
  EXPECT_EQ(ask("m1000,1"), "E0e");
  EXPECT_EQ(ask("Mfff,2:0102"), "E0e");
  EXPECT_EQ(ask("Qqemu.PhyMemMode:1"), "OK");
  EXPECT_EQ(ask("qqemu.PhyMemMode"), "1");
  EXPECT_EQ(ask("m1000,1"), "00");
  EXPECT_EQ(ask("mffffffffffffffff,2"), "E0e");
  for (const char* bad : {"m", "m1", "m,1", "m1,", "m1,2,3", "M1,2", "M1,2:01", "M1,1:zz", "X1,2:a",
                          "Qqemu.PhyMemMode:2"})
    EXPECT_EQ(ask(bad), "E16") << bad;
}

TEST_F(GdbServer, LetsInterruptsIntoStepsIfItIsToldTo) {
  EXPECT_EQ(ask("qqemu.sstepbits"), "ENABLE=1,NOIRQ=2");
  EXPECT_EQ(ask("qqemu.sstep"), "0x3");
  EXPECT_EQ(ask("Qqemu.sstep=1"), "OK");
  EXPECT_EQ(ask("qqemu.sstep"), "0x1");
  for (const char* bad : {"Qqemu.sstep=0", "Qqemu.sstep=7", "Qqemu.sstep", "Qqemu.sstep=1x"})
    EXPECT_EQ(ask(bad), "E16") << bad;
  // The next one begins as the first did.
  line_.hang_up();
  line_.connect();
  EXPECT_EQ(ask("qqemu.sstep"), "0x3");
}

TEST_F(GdbServer, AnswersALengthThatNoPacketHoldsWithPartOfIt) {
  const std::string reply = ask("m2000,ffffffffffffffff");
  EXPECT_GT(reply.size(), 0x1000u);
  EXPECT_LE(reply.size(), kLongestPacket);
}

TEST_F(GdbServer, SaysThatTheAcceleratorCannotStop) {
  EXPECT_TRUE(ask("Z0,1000,1").starts_with("E.accelerator null "));
  EXPECT_TRUE(ask("vCont;s:1").starts_with("E.accelerator null "));
  for (const char* bad : {"Z", "Z5,0,1", "Z2,0,0", "Z2,ffffffffffffffff,2", "Z0,1", "vCont;x",
                          "vCont", "vCont;", "vCont;c:zz", "vCont;C", "c1000", "Cx"})
    EXPECT_EQ(ask(bad), "E16") << bad;
  EXPECT_EQ(ask("vCont;c:9"), "E03");
}

TEST_F(GdbServer, LetsTheMachineRunUntilItIsInterrupted) {
  EXPECT_EQ(ask("vCont;c"), "O" + to_hex(machine_.accelerator().debug_support().missing + "\n"));
  EXPECT_EQ(machine_.run_control().state(), RunState::Running);
  line_.sent.clear();
  line_.say("\x03");
  machine_.run_main_loop();
  EXPECT_EQ(text_of(line_.sent), "T02thread:1;");
  EXPECT_EQ(machine_.run_control().state(), RunState::Stopped);
  EXPECT_EQ(machine_.run_control().stop_cause(), StopCause::Debug);
}

TEST_F(GdbServer, HoldsTheCpusThatAreNotToGoOn) {
  ask("vCont;c:2");
  EXPECT_TRUE(cpus_[0]->held());
  EXPECT_FALSE(cpus_[1]->held());
  line_.say("\x03");
  machine_.run_main_loop();
  EXPECT_FALSE(cpus_[0]->held());
}

TEST_F(GdbServer, SaysNothingOfAMomentaryStop) {
  ask("vCont;c");
  line_.sent.clear();
  machine_.run_control().reset();
  machine_.run_main_loop();
  EXPECT_EQ(line_.sent, "");
  EXPECT_EQ(machine_.run_control().state(), RunState::Running);
}

TEST_F(GdbServer, TellsOfAStopThatSomebodyElseWanted) {
  ask("vCont;c");
  line_.sent.clear();
  machine_.run_control().request_stop(StopCause::GuestPanic);
  machine_.run_main_loop();
  EXPECT_EQ(text_of(line_.sent), "T06thread:1;");
}

TEST_F(GdbServer, StopsAMachineThatRunsForAClientThatComes) {
  line_.hang_up();
  machine_.run_control().start();
  line_.connect();
  machine_.run_main_loop();
  EXPECT_EQ(machine_.run_control().state(), RunState::Stopped);
  line_.sent.clear();
  line_.say(framed("?"));
  EXPECT_EQ(text_of(line_.sent), "T02thread:1;");
}

TEST_F(GdbServer, LeavesTheMachineAsItIsToWhoeverComesAfterABrokenConnection) {
  ask("vCont;c:2");
  line_.say("$m10");
  line_.hang_up();
  EXPECT_EQ(machine_.run_control().state(), RunState::Running);
  EXPECT_FALSE(cpus_[0]->held());
  line_.connect();
  machine_.run_main_loop();
  line_.hang_up();
  EXPECT_EQ(machine_.run_control().state(), RunState::Stopped);
}

TEST_F(GdbServer, DetachesFromAMachineThatGoesOn) {
  EXPECT_EQ(ask("D"), "OK");
  EXPECT_EQ(machine_.run_control().state(), RunState::Running);
  // What it says to that is nothing new; a packet is.
  line_.say("+\x03");
  machine_.run_main_loop();
  EXPECT_EQ(machine_.run_control().state(), RunState::Running);
  EXPECT_EQ(ask("?"), "T02thread:1;");
  EXPECT_EQ(machine_.run_control().state(), RunState::Stopped);
}

TEST_F(GdbServer, TellsThatTheMachineHasEnded) {
  ask("vCont;c");
  line_.sent.clear();
  machine_.run_control().request_shutdown(ShutdownCause::Guest);
  machine_.run_main_loop();
  server_.reset();
  EXPECT_EQ(text_of(line_.sent), "W00");
}

TEST_F(GdbServer, AsksAgainForWhatCameDamagedAndSaysAgainWhatDid) {
  line_.hang_up();
  line_.connect();
  line_.sent.clear();
  line_.say("$qC#00");
  EXPECT_EQ(line_.sent, "-");
  line_.sent.clear();
  line_.say(framed("qC"));
  EXPECT_EQ(line_.sent, "+" + framed("QC1"));
  line_.sent.clear();
  line_.say("-");
  EXPECT_EQ(line_.sent, framed("QC1"));
}

// Whatever comes, it is answered, or waited for, and the next client is served.
TEST_F(GdbServer, OutlivesWhateverIsSaid) {
  std::mt19937 random(7);
  constexpr std::string_view kLetters = "$#+-}*gGpPmMXZzvcCsSHTDk?qQ:;,=.0123456789abcdefxCont\x03";
  for (unsigned round = 0; round < 2000; ++round) {
    std::string said;
    for (unsigned n = random() % 40; n != 0; --n) said += kLetters[random() % kLetters.size()];
    // Half of them get past the checksum. None is to end the machine.
    if (round % 2 == 0) said = framed(said);
    if (said.find('k') != std::string::npos) continue;
    line_.say(said);
    machine_.run_main_loop();
    if (round % 50 == 0) {
      line_.hang_up();
      line_.connect();
    }
    line_.sent.clear();
  }
  line_.hang_up();
  line_.connect();
  EXPECT_EQ(ask("qfThreadInfo"), "m1,2");
}

}  // namespace
}  // namespace backplane::host::gdb
