// SPDX-License-Identifier: MIT
#include "chardev_fixture.h"

namespace backplane {
namespace {

using Event = ChardevClient::Event;

// A terminal made of two strings.
class Terminal final : public Chardev {
 public:
  static void class_init(ObjectClass&) {}
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
  void come() { client()->event(Event::Opened); }
  void leave() { client()->event(Event::Closed); }

  std::string shown;
};

BACKPLANE_TYPE(Terminal, "chardev-terminal")

// Who uses it.
struct User : Object {
  BackendLink<Chardev> device;
};

class MuxChardevTest : public ChardevTest {
 protected:
  MuxChardevTest() {
    serial_user.device.assign(serial_user, "mux");
    monitor_user.device.assign(monitor_user, "mux");
    serial().set_client(&guest);
    monitor().set_client(&operator_);
  }
  // Users go before what they use.
  ~MuxChardevTest() override {
    for (User* const user : {&serial_user, &monitor_user}) machine.remove_child(*user);
  }
  Chardev& serial() { return *serial_user.device; }
  Chardev& monitor() { return *monitor_user.device; }

  Chardev& mux = dynamic_cast<Chardev&>(
      backends.add(kChardevKind, "mux", "mux", {{"chardev.driver", "terminal"}}));
  Terminal* terminal = dynamic_cast<Terminal*>(backends.find("mux/chardev"));
  User& serial_user = machine.add_child("serial", std::make_unique<User>());
  User& monitor_user = machine.add_child("monitor", std::make_unique<User>());
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

TEST_F(MuxChardevTest, AUserThatOnlyWritesDoesNotGetTheFocus) {
  User& log = machine.add_child("log", std::make_unique<User>());
  log.device.assign(log, "mux");
  write(*log.device, "line");
  EXPECT_EQ(terminal->shown, "line");
  terminal->type("\001cone\001ctwo");
  EXPECT_EQ(operator_.received, "one");
  EXPECT_EQ(guest.received, "two");
  machine.remove_child(log);
}

TEST_F(MuxChardevTest, TheFirstOneThatReadsHasTheFocus) {
  Backend& other = backends.add(kChardevKind, "mux", "other", {{"chardev.driver", "terminal"}});
  User log, reader;
  log.device.connect(dynamic_cast<Chardev&>(other), log);
  reader.device.connect(dynamic_cast<Chardev&>(other), reader);
  RecordingClient client;
  reader.device->set_client(&client);
  dynamic_cast<Terminal&>(*backends.find("other/chardev")).type("heard");
  EXPECT_EQ(client.received, "heard");
}

TEST_F(MuxChardevTest, AUserThatLeavesGivesTheFocusToTheNext) {
  terminal->come();
  serial().set_client(nullptr);
  serial_user.device.disconnect();
  EXPECT_TRUE(operator_.saw(Event::Opened));
  terminal->type("here");
  EXPECT_EQ(operator_.received, "here");
}

TEST_F(MuxChardevTest, CannotStandOnItself) {
  constexpr const char* kSelf =
      "chardev-mux.chardev: 'm': the backend with this id is not open yet";
  EXPECT_EQ(message_of([&] { backends.add(kChardevKind, "mux", "m", {{"chardev", "m"}}); }), kSelf);
  EXPECT_EQ(message_of([&] {
              backends.add(kChardevKind, "mux", "m",
                           {{"chardev.driver", "mux"}, {"chardev.chardev", "m"}});
            }),
            kSelf);
}

TEST_F(MuxChardevTest, ShowsWhatEveryFrontWrites) {
  write(serial(), "boot ");
  write(monitor(), "prompt ");
  write(mux, "own");
  EXPECT_EQ(terminal->shown, "boot prompt own");
}

TEST_F(MuxChardevTest, OpensAFrontWhenItGetsTheFocus) {
  terminal->come();
  EXPECT_TRUE(guest.saw(Event::Opened));
  EXPECT_FALSE(operator_.saw(Event::Opened));
  terminal->type("\001c");
  EXPECT_TRUE(operator_.saw(Event::Opened));
  EXPECT_TRUE(guest.saw(Event::Closed));
  terminal->leave();
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
  guest.room = 0;
  terminal->type("hello\001x");
  EXPECT_EQ(machine.main_loop().run(), 0) << "it ends, with success";
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
  serial().accept_input();
  EXPECT_EQ(guest.received, "abcde");
}

TEST_F(MuxChardevTest, StopsReadingAGuestThatNeverReads) {
  guest.room = 0;
  const std::string text(1'000'000, 'x');
  std::size_t taken = 0;
  while (const std::size_t now = terminal->type(std::string_view(text).substr(taken))) taken += now;
  EXPECT_LT(taken, 100'000u);
  guest.room = RecordingClient::kUnlimited;
  serial().accept_input();
  EXPECT_EQ(guest.received.size(), taken);
}

TEST_F(MuxChardevTest, BytesStayWithTheFrontTheyWereTypedFor) {
  guest.room = 0;
  terminal->type("one\001ctwo");
  EXPECT_EQ(operator_.received, "two");
  guest.room = RecordingClient::kUnlimited;
  serial().accept_input();
  EXPECT_EQ(guest.received, "one");
}

TEST_F(MuxChardevTest, AFrontWithoutAUserTakesNothingBadly) {
  guest.received.clear();
  serial().set_client(nullptr);
  terminal->type("lost");
  serial().set_client(&guest);
  serial().accept_input();
  EXPECT_EQ(guest.received, "lost");
}

TEST_F(MuxChardevTest, WhoLeavesTakesItsPartAlong) {
  EXPECT_NE(&serial(), &monitor());
  EXPECT_EQ(serial_user.device.print(), "mux");
  EXPECT_EQ(mux.describe(), "terminal, shared");
  serial().set_client(nullptr);
  serial_user.device.disconnect();
  terminal->type("all\001c");
  EXPECT_EQ(operator_.received, "all");
  EXPECT_NE(message_of([&] { backends.remove("mux"); }).find("/monitor"), std::string::npos);
  monitor().set_client(nullptr);
  monitor_user.device.disconnect();
  terminal->type("nobody");
  backends.remove("mux");
}

TEST_F(MuxChardevTest, WithoutItOneUserHasItAlone) {
  backends.add(kChardevKind, "null", "plain", {});
  User& first = machine.add_child("first", std::make_unique<User>());
  first.device.assign(first, "plain");
  User& second = machine.add_child("second", std::make_unique<User>());
  EXPECT_EQ(message_of([&] { second.device.assign(second, "plain"); }),
            "plain is used by /first already: /second needs one of its own");
  first.device.disconnect();
}

}  // namespace
}  // namespace backplane
