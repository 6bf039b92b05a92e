// SPDX-License-Identifier: MIT
#include "uart16550/uart16550.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "backplane/testing/irq_recorder.h"
#include "backplane/testing/test_machine.h"

namespace backplane::pc {
namespace {

constexpr i64 kMillisecond = 1'000'000;

class Terminal final : public Chardev {
 public:
  void write(const u8* data, std::size_t size) override {
    text.append(reinterpret_cast<const char*>(data), size);
    ++writes;
  }
  std::size_t pending() const override { return backlog; }
  void accept_input() override { ++asked; }
  std::string describe() const override { return "terminal"; }

  // Types as much as the UART takes; returns how much that was.
  std::size_t type(std::string_view input) {
    const std::size_t n = std::min(input.size(), client()->can_receive());
    client()->receive(reinterpret_cast<const u8*>(input.data()), n);
    return n;
  }
  void send_break() { client()->event(ChardevClient::Event::Break); }
  bool connected() const { return client() != nullptr; }

  std::string text;
  unsigned writes = 0;
  unsigned asked = 0;
  std::size_t backlog = 0;
};

enum Port : unsigned { kData, kIer, kIir, kLcr, kMcr, kLsr, kMsr, kScratch };
constexpr u8 kFifo = 0x01, kNone = 0xc1, kTransmit = 0xc2, kReceive = 0xc4, kLine = 0xc6,
             kTimeout = 0xcc, kModem = 0xc0;

class UartTest : public ::testing::Test {
 protected:
  UartTest() {
    uart_.set_backend(&terminal_);
    uart_.write(kMcr, 0x0b);  // DTR, RTS, OUT2
    uart_.read(kMsr);
  }

  testing::TestMachine machine_{1_MiB};
  testing::IrqRecorder irq_;
  Terminal terminal_;
  Uart16550 uart_{machine_.virtual_clock(), irq_.line()};
};

TEST_F(UartTest, SendsWhatIsWritten) {
  for (const char c : std::string("hi")) uart_.write(kData, static_cast<u8>(c));
  EXPECT_EQ(terminal_.text, "hi");
  EXPECT_EQ(uart_.read(kLsr) & 0x60, 0x60);
}

TEST_F(UartTest, GathersOutputUntilItIsFlushed) {
  unsigned requests = 0;
  uart_.set_flush_request([&] { ++requests; });
  for (const char c : std::string("hello")) uart_.write(kData, static_cast<u8>(c));
  EXPECT_EQ(requests, 1u);
  EXPECT_EQ(terminal_.writes, 0u);
  uart_.flush();
  EXPECT_EQ(terminal_.text, "hello");
  EXPECT_EQ(terminal_.writes, 1u);
  uart_.write(kData, '!');
  EXPECT_EQ(requests, 2u);
}

TEST_F(UartTest, FlushesByItselfWhenABatchIsFull) {
  uart_.set_flush_request([] {});
  for (unsigned n = 0; n < 1024; ++n) uart_.write(kData, 'x');
  EXPECT_EQ(terminal_.text.size(), 1024u);
}

TEST_F(UartTest, FlushesBeforeItIsDisconnected) {
  uart_.set_flush_request([] {});
  uart_.write(kData, 'x');
  uart_.set_backend(nullptr);
  EXPECT_EQ(terminal_.text, "x");
  EXPECT_FALSE(terminal_.connected());
}

TEST_F(UartTest, TransmitterInterruptsWhenEnabledAndWhenEmptyAgain) {
  uart_.write(kIir, kFifo);
  uart_.write(kIer, 0x02);
  EXPECT_TRUE(irq_.level());
  EXPECT_EQ(uart_.read(kIir), kTransmit);
  EXPECT_FALSE(irq_.level());
  EXPECT_EQ(uart_.read(kIir), kNone);
  uart_.write(kData, 'x');
  EXPECT_TRUE(irq_.level());
  EXPECT_EQ(irq_.edges(), 2u);
  // Disabling and enabling it raises it again: Linux tests for that.
  uart_.read(kIir);
  uart_.write(kIer, 0x00);
  uart_.write(kIer, 0x02);
  EXPECT_EQ(uart_.read(kIir), kTransmit);
}

TEST_F(UartTest, Out2GatesTheInterruptLine) {
  uart_.write(kMcr, 0x03);
  uart_.write(kIer, 0x02);
  EXPECT_FALSE(irq_.level());
  uart_.write(kMcr, 0x0b);
  EXPECT_TRUE(irq_.level());
}

TEST_F(UartTest, ReceivesIntoItsFifoAndInterruptsAtTheTriggerLevel) {
  uart_.write(kIir, 0x40 | kFifo);  // 4 bytes
  uart_.write(kIer, 0x01);
  EXPECT_EQ(terminal_.type("abc"), 3u);
  EXPECT_FALSE(irq_.level());
  terminal_.type("d");
  EXPECT_EQ(uart_.read(kIir), kReceive);
  EXPECT_EQ(uart_.read(kData), 'a');
  EXPECT_FALSE(irq_.level());
  EXPECT_EQ(uart_.read(kLsr) & 1, 1);
}

TEST_F(UartTest, FewerBytesThanTheTriggerLevelTimeOut) {
  uart_.write(kIir, 0xc0 | kFifo);
  uart_.write(kIer, 0x01);
  terminal_.type("a");
  machine_.advance_time(10 * kMillisecond);
  EXPECT_TRUE(irq_.level());
  EXPECT_EQ(uart_.read(kIir), kTimeout);
  EXPECT_EQ(uart_.read(kData), 'a');
  EXPECT_EQ(uart_.read(kIir), kNone);
  EXPECT_FALSE(irq_.level());
}

TEST_F(UartTest, TakesNoMoreThanFits) {
  EXPECT_EQ(terminal_.type("ab"), 1u);
  EXPECT_EQ(uart_.read(kData), 'a');
  uart_.write(kIir, kFifo);
  EXPECT_EQ(terminal_.type("0123456789abcdefgh"), 16u);
  EXPECT_EQ(terminal_.type("x"), 0u);
}

TEST_F(UartTest, AsksForMoreWhenTheFifoIsEmpty) {
  uart_.write(kIir, kFifo);
  terminal_.type("ab");
  const unsigned before = terminal_.asked;
  uart_.read(kData);
  EXPECT_EQ(terminal_.asked, before);
  uart_.read(kData);
  EXPECT_EQ(terminal_.asked, before + 1);
}

TEST_F(UartTest, ABreakIsALineStatusInterrupt) {
  uart_.write(kIir, kFifo);
  uart_.write(kIer, 0x04);
  terminal_.send_break();
  EXPECT_EQ(uart_.read(kIir), kLine);
  EXPECT_EQ(uart_.read(kLsr) & 0x10, 0x10);
  EXPECT_EQ(uart_.read(kIir), kNone);
  EXPECT_EQ(uart_.read(kData), 0);
}

TEST_F(UartTest, LoopbackReturnsDataAndModemLines) {
  uart_.write(kMcr, 0x1a);  // loopback, RTS, OUT2
  EXPECT_EQ(uart_.read(kMsr) & 0xf0, 0x90);
  uart_.write(kData, 'x');
  EXPECT_EQ(terminal_.text, "");
  EXPECT_EQ(uart_.read(kLsr) & 1, 1);
  EXPECT_EQ(uart_.read(kData), 'x');
  EXPECT_EQ(terminal_.type("y"), 0u);
}

TEST_F(UartTest, LoopbackOverrunsLikeTheReceiver) {
  uart_.write(kMcr, 0x10);
  uart_.write(kIir, kFifo);
  for (unsigned n = 0; n < 20; ++n) uart_.write(kData, static_cast<u8>(n));
  EXPECT_EQ(uart_.read(kLsr) & 3, 3);
  EXPECT_EQ(uart_.read(kLsr) & 3, 1);
  for (unsigned n = 0; n < 16; ++n) EXPECT_EQ(uart_.read(kData), n);
}

TEST_F(UartTest, AModemLineChangeInterrupts) {
  uart_.write(kIir, kFifo);
  uart_.write(kIer, 0x08);
  uart_.write(kMcr, 0x18);  // into loopback: the lines change
  EXPECT_EQ(uart_.read(kIir), kModem);
  EXPECT_NE(uart_.read(kMsr) & 0x0f, 0);
  EXPECT_EQ(uart_.read(kIir), kNone);
}

TEST_F(UartTest, ShowsABackendAsAConnectedPeer) {
  EXPECT_EQ(uart_.read(kMsr) & 0xf0, 0xb0);
  Uart16550 lonely(machine_.virtual_clock(), IrqLine());
  lonely.write(kMcr, 0x0b);
  EXPECT_EQ(lonely.read(kMsr) & 0xf0, 0x00);
  lonely.write(kData, 'x');
  EXPECT_EQ(lonely.read(kLsr) & 0x60, 0x60);
}

TEST_F(UartTest, WaitsForABackendThatIsFarBehind) {
  terminal_.backlog = 1 << 20;
  uart_.write(kIir, kFifo);
  uart_.write(kIer, 0x02);
  uart_.read(kIir);
  uart_.write(kData, 'x');
  EXPECT_EQ(uart_.read(kLsr) & 0x20, 0);
  EXPECT_FALSE(irq_.level());
  machine_.advance_time(10 * kMillisecond);
  EXPECT_EQ(uart_.read(kLsr) & 0x20, 0);
  terminal_.backlog = 0;
  machine_.advance_time(10 * kMillisecond);
  EXPECT_EQ(uart_.read(kLsr) & 0x20, 0x20);
  EXPECT_TRUE(irq_.level());
}

TEST_F(UartTest, TheDivisorIsReachedThroughDlab) {
  uart_.write(kLcr, 0x83);
  uart_.write(kData, 0x34);
  uart_.write(kIer, 0x12);
  EXPECT_EQ(uart_.read(kData), 0x34);
  EXPECT_EQ(uart_.read(kIer), 0x12);
  uart_.write(kLcr, 0x03);
  EXPECT_EQ(uart_.read(kIer), 0x00);
  EXPECT_EQ(terminal_.text, "");
}

TEST_F(UartTest, ADivisorOfZeroDoesNoHarm) {
  uart_.write(kLcr, 0x83);
  uart_.write(kData, 0);
  uart_.write(kIer, 0);
  uart_.write(kLcr, 0x03);
  uart_.write(kIir, 0xc0 | kFifo);
  uart_.write(kIer, 0x01);
  terminal_.type("a");
  machine_.advance_time(kMillisecond);
  EXPECT_EQ(uart_.read(kIir), kTimeout);
}

TEST_F(UartTest, ScratchKeepsItsByteAndReservedBitsReadAsZero) {
  uart_.write(kScratch, 0xa5);
  EXPECT_EQ(uart_.read(kScratch), 0xa5);
  uart_.write(kIer, 0xf0);
  EXPECT_EQ(uart_.read(kIer), 0);
  uart_.write(kMcr, 0xe0);
  EXPECT_EQ(uart_.read(kMcr), 0);
}

TEST_F(UartTest, ResetForgetsInputAndInterrupts) {
  uart_.write(kIir, kFifo);
  uart_.write(kIer, 0x0f);
  terminal_.type("abc");
  uart_.reset();
  EXPECT_FALSE(irq_.level());
  EXPECT_EQ(uart_.read(kLsr), 0x60);
  EXPECT_EQ(uart_.read(kIir), 0x01);
}

}  // namespace
}  // namespace backplane::pc
