// SPDX-License-Identifier: MIT
#include "chardev_fixture.h"

namespace backplane {
namespace {

using Event = ChardevClient::Event;

// A terminal made of two strings.
class Terminal final : public Chardev {
 public:
  Terminal() : Chardev("terminal") {}
  void write(const u8* data, std::size_t size) override {
    shown.append(reinterpret_cast<const char*>(data), size);
  }
  std::string describe() const override { return "terminal"; }
  // Types as much as is taken; returns how much.
  std::size_t type(std::string_view text) {
    const std::size_t size = std::min(text.size(), client()->can_receive());
    client()->receive(reinterpret_cast<const u8*>(text.data()), size);
    return size;
  }
  void open() { client()->event(Event::Opened); }
  void close() { client()->event(Event::Closed); }

  std::string shown;
};

class MuxChardevTest : public ChardevTest {
 protected:
  MuxChardevTest() {
    serial.set_client(&guest);
    monitor.set_client(&operator_);
  }

  static std::unique_ptr<Terminal> make_terminal(Terminal*& terminal) {
    auto made = std::make_unique<Terminal>();
    terminal = made.get();
    return made;
  }

  Terminal* terminal;
  MuxChardev mux{"mux", make_terminal(terminal)};
  Chardev& serial = mux.add_front("serial0");
  Chardev& monitor = mux.add_front("monitor");
  RecordingClient guest, operator_;
};

TEST_F(MuxChardevTest, FirstFrontHasTheFocus) {
  terminal->type("ls\r");
  EXPECT_EQ(guest.received, "ls\r");
  EXPECT_EQ(operator_.received, "");
}

TEST_F(MuxChardevTest, SwitchesToTheNextFrontAndBack) {
  terminal->type("a\001cb\001cd");
  EXPECT_EQ(guest.received, "ad");
  EXPECT_EQ(operator_.received, "b");
}

TEST_F(MuxChardevTest, ShowsWhatEveryFrontWrites) {
  write(serial, "boot ");
  write(monitor, "prompt ");
  write(mux, "own");
  EXPECT_EQ(terminal->shown, "boot prompt own");
}

TEST_F(MuxChardevTest, OpensAFrontWhenItGetsTheFocus) {
  terminal->open();
  EXPECT_TRUE(guest.saw(Event::Opened));
  EXPECT_FALSE(operator_.saw(Event::Opened));
  terminal->type("\001c");
  EXPECT_TRUE(operator_.saw(Event::Opened));
  EXPECT_TRUE(guest.saw(Event::Closed));
  terminal->close();
  EXPECT_TRUE(operator_.saw(Event::Closed));
}

TEST_F(MuxChardevTest, EscapeTwiceSendsOne) {
  terminal->type("x\001\001y");
  EXPECT_EQ(guest.received, "x\001y");
}

TEST_F(MuxChardevTest, EscapeMayBeTheLastByteOfARead) {
  terminal->type("\001");
  terminal->type("b");
  EXPECT_TRUE(guest.saw(Event::Break));
  EXPECT_EQ(guest.received, "");
}

TEST_F(MuxChardevTest, PrintsHelp) {
  terminal->type("\001h");
  EXPECT_NE(terminal->shown.find("Ctrl-A x"), std::string::npos);
  EXPECT_EQ(guest.received, "");
}

TEST_F(MuxChardevTest, QuitsEvenIfTheGuestHasStoppedListening) {
  int quits = 0;
  mux.on_quit([&] { ++quits; });
  guest.room = 0;
  terminal->type("hello\001x");
  EXPECT_EQ(quits, 1);
}

TEST_F(MuxChardevTest, UnknownKeysAfterTheEscapeDoNothing) {
  terminal->type("\001q");
  EXPECT_EQ(guest.received, "");
}

TEST_F(MuxChardevTest, KeepsWhatTheGuestHasNoRoomForUntilItHas) {
  guest.room = 2;
  terminal->type("abcdef");
  EXPECT_EQ(guest.received, "ab");
  guest.room = 3;
  serial.accept_input();
  EXPECT_EQ(guest.received, "abcde");
}

TEST_F(MuxChardevTest, StopsReadingAGuestThatNeverReads) {
  guest.room = 0;
  const std::string text(1'000'000, 'x');
  std::size_t taken = 0;
  while (const std::size_t now = terminal->type(std::string_view(text).substr(taken))) taken += now;
  EXPECT_LT(taken, 100'000u);
  guest.room = RecordingClient::kUnlimited;
  serial.accept_input();
  EXPECT_EQ(guest.received.size(), taken);
}

TEST_F(MuxChardevTest, BytesStayWithTheFrontTheyWereTypedFor) {
  guest.room = 0;
  terminal->type("one\001ctwo");
  EXPECT_EQ(operator_.received, "two");
  guest.room = RecordingClient::kUnlimited;
  serial.accept_input();
  EXPECT_EQ(guest.received, "one");
}

TEST_F(MuxChardevTest, AFrontWithoutAUserTakesNothingBadly) {
  guest.received.clear();
  serial.set_client(nullptr);
  terminal->type("lost");
  serial.set_client(&guest);
  serial.accept_input();
  EXPECT_EQ(guest.received, "lost");
}

}  // namespace
}  // namespace backplane
