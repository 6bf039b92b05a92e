// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <optional>

#include "backplane/module.h"
#include "backplane/testing/test_machine.h"
#include "rfb_session.h"

namespace backplane::vnc {
namespace {

using Bytes = std::vector<u8>;

class Listener final : public Device, public InputDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.property<&Listener::takes_>("takes", "");
    k.stateless();
  }
  unsigned takes() const override { return takes_; }
  std::string_view input_name() const override { return "listener"; }
  void key(KeyCode code, bool down) override {
    said.push_back(fmt::format("key {} {:d}", code, down));
  }
  void button(PointerButton button, bool down) override {
    said.push_back(fmt::format("{} {:d}", pointer_button_names()[static_cast<u8>(button)], down));
  }
  void move_by(i32 dx, i32 dy) override { said.push_back(fmt::format("by {} {}", dx, dy)); }
  void move_to(u32 x, u32 y) override { said.push_back(fmt::format("to {} {}", x, y)); }
  std::vector<std::string> said;

 private:
  u32 takes_ = kKeys | kPosition;
};
BACKPLANE_TYPE(Listener, "vnc-test-listener")

struct Host final : RfbHost {
  Screen* screen() override { return &shown; }
  Inputs* inputs() override { return to; }
  Layout layout() const override { return printed; }
  std::string desktop_name() const override { return "name"; }
  bool asks_password() const override { return asks; }
  Challenge new_challenge() override { return Challenge{1, 2, 3}; }
  bool accepts(const Challenge& challenge, const Challenge& answer) override {
    return challenge == new_challenge() && answer[0] == 9;
  }
  bool entered(RfbSession&, bool shared) override {
    was_shared = shared;
    return true;
  }
  void wants_update() override {}

  Layout printed = Layout::EnUs;
  bool asks = false;
  std::optional<bool> was_shared;
  Inputs* to = nullptr;
  Screen shown{[] {}};
};

struct RfbTest : ::testing::Test {
  RfbTest() { host.shown.resize(64, 32); }
  bool say(std::string_view text) { return say(Bytes(text.begin(), text.end())); }
  bool say(const Bytes& bytes) { return session.receive(bytes); }
  Bytes heard() { return std::exchange(session.output(), {}); }
  void begin() {
    say("RFB 003.008\n");
    say({1});
    say({1});
    heard();
  }
  Host host;
  RfbSession session{host};
};

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST_F(RfbTest, ShakesHandsInVersion8) {
  EXPECT_EQ(heard(), bytes_of("RFB 003.008\n"));
  EXPECT_TRUE(say("RFB 003.008\n"));
  EXPECT_EQ(heard(), (Bytes{1, 1}));
  EXPECT_TRUE(say({1}));
  EXPECT_EQ(heard(), Bytes(4));
  EXPECT_TRUE(say({1}));
  EXPECT_EQ(host.was_shared, true);
  EXPECT_TRUE(session.running());
  Bytes init{0, 64, 0, 32, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 4};
  for (const char c : std::string_view("name")) init.push_back(static_cast<u8>(c));
  EXPECT_EQ(heard(), init);
}

TEST_F(RfbTest, TellsTheFirstVersionsHow) {
  heard();
  say("RFB 003.003\n");
  EXPECT_EQ(heard(), (Bytes{0, 0, 0, 1}));
  say(Bytes{0});
  EXPECT_EQ(host.was_shared, false);
  RfbSession seven(host);
  seven.receive(bytes_of("RFB 003.007\n"));
  seven.receive(Bytes{1, 0});
  EXPECT_TRUE(seven.running());
}

TEST_F(RfbTest, LetsInWhoKnowsThePassword) {
  host.asks = true;
  heard();
  say("RFB 003.008\n");
  EXPECT_EQ(heard(), (Bytes{1, 2}));
  say({2});
  EXPECT_EQ(heard().size(), 16U);
  EXPECT_TRUE(say(Bytes(1, 9)));
  EXPECT_TRUE(say(Bytes(15, 0)));
  EXPECT_EQ(heard(), Bytes(4));
}

TEST_F(RfbTest, RefusesWhoDoesNot) {
  host.asks = true;
  say("RFB 003.008\n");
  say({2});
  heard();
  EXPECT_FALSE(say(Bytes(16, 0)));
  const Bytes said = heard();
  EXPECT_EQ(said[3], 1);
  EXPECT_GT(said.size(), 8U);
  EXPECT_FALSE(session.running());
}

TEST_F(RfbTest, NobodyGetsInByATypeThatWasNotOffered) {
  host.asks = true;
  say("RFB 003.008\n");
  EXPECT_FALSE(say({1}));
  EXPECT_FALSE(session.running());
}

TEST_F(RfbTest, EndsAtWhatIsNotRfb) {
  EXPECT_FALSE(say("GET / HTTP/1.1\r\n"));
  RfbSession other(host);
  other.receive(bytes_of("RFB 003.008\n"));
  other.receive(Bytes{1, 1});
  EXPECT_FALSE(other.receive(Bytes{77}));
}

TEST_F(RfbTest, SendsWhatChangedOnceItIsAskedFor) {
  begin();
  session.update();
  EXPECT_EQ(heard(), Bytes());
  say({3, 1, 0, 0, 0, 0, 0, 64, 0, 32});
  session.update();
  EXPECT_EQ(heard().size(), 4U + 12 + 64 * 32 * 4);
  session.changed({16, 16, 1, 1});
  session.update();
  EXPECT_EQ(heard(), Bytes());
  say({3, 1, 0, 0, 0, 0, 0, 64, 0, 32});
  session.update();
  const Bytes said = heard();
  EXPECT_EQ(said.size(), 4U + 12 + 16 * 16 * 4);
  EXPECT_EQ((Bytes{said.begin(), said.begin() + 16}),
            (Bytes{0, 0, 0, 1, 0, 16, 0, 16, 0, 16, 0, 16, 0, 0, 0, 0}));
}

TEST_F(RfbTest, ANewSizeIsToldToWhoWantsToKnow) {
  begin();
  say({2, 0, 0, 1, 0xff, 0xff, 0xff, 0x21});
  say({3, 1, 0, 0, 0, 0, 0, 64, 0, 32});
  session.update();
  heard();
  host.shown.resize(32, 16);
  session.resized();
  say({3, 1, 0, 0, 0, 0, 0, 64, 0, 32});
  session.update();
  const Bytes said = heard();
  EXPECT_EQ((Bytes{said.begin(), said.begin() + 16}),
            (Bytes{0, 0, 0, 2, 0, 0, 0, 0, 0, 32, 0, 16, 0xff, 0xff, 0xff, 0x21}));
}

TEST_F(RfbTest, ExtendedKeysAreAnnouncedBesideANewSize) {
  begin();
  say({2, 0, 0, 1, 0xff, 0xff, 0xff, 0x21});
  host.shown.resize(32, 16);
  session.resized();
  const Bytes encodings{2, 0, 0, 2, 0xff, 0xff, 0xff, 0x21, 0xff, 0xff, 0xfe, 0xfe};
  say(encodings);
  say(encodings);
  say({3, 1, 0, 0, 0, 0, 0, 64, 0, 32});
  session.update();
  const Bytes said = heard();
  EXPECT_EQ((Bytes{said.begin(), said.begin() + 28}),
            (Bytes{0,    0,    0, 3, 0, 0, 0, 0, 0, 32, 0,    16,   0xff, 0xff,
                   0xff, 0x21, 0, 0, 0, 0, 0, 0, 0, 0,  0xff, 0xff, 0xfe, 0xfe}));
}

TEST_F(RfbTest, AViewerThatCanMayAskForASize) {
  begin();
  const Bytes announced{0, 0, 0, 1, 0, 0, 0, 0, 0, 64, 0, 32, 0xff, 0xff, 0xfe, 0xcc, 1, 0,
                        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 64, 0,    32,   0,    0,    0, 0};
  const Bytes request{3, 1, 0, 0, 0, 0, 0, 64, 0, 32};
  say({2, 0, 0, 1, 0xff, 0xff, 0xfe, 0xcc});
  say(request);
  session.update();
  Bytes said = heard();
  said.resize(announced.size());
  said[3] = 1;  // and the screen
  EXPECT_EQ(said, announced);

  const auto answered = [&](const Bytes& asking) {
    say(asking);
    say(request);
    session.update();
    return heard().at(7);
  };
  const Bytes wanted{251, 0, 0, 200, 0, 100, 1, 0,   0, 0, 0, 0,
                     0,   0, 0, 0,   0, 200, 0, 100, 0, 0, 0, 0};
  EXPECT_EQ(answered(wanted), 1) << "the device cannot";
  std::pair<u32, u32> asked;
  host.shown.on_size_asked([&](u32 width, u32 height) { asked = {width, height}; });
  EXPECT_EQ(answered(wanted), 4);
  EXPECT_EQ(asked, std::pair(200U, 100U));
  EXPECT_EQ(answered({251, 0, 0, 0, 0, 100, 0, 0}), 3);
  EXPECT_TRUE(session.running());
}

TEST_F(RfbTest, ALargeScreenComesInParts) {
  host.shown.resize(4096, 4096);
  begin();
  u64 most = 0;
  unsigned updates = 0;
  do {
    say({3, 1, 0, 0, 0, 0, 0, 64, 0, 32});
    session.update();
    most = std::max<u64>(most, heard().size());
    ++updates;
  } while (session.running() && updates < 100 && [&] {
    say({3, 1, 0, 0, 0, 0, 0, 64, 0, 32});
    return session.has_update();
  }());
  EXPECT_LE(most, u64{9} << 20);
  EXPECT_EQ(updates, 8U);
}

TEST_F(RfbTest, PassesOverTextsOfAnyLength) {
  begin();
  EXPECT_TRUE(say({6, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_TRUE(say(Bytes(100'000, 77)));
  EXPECT_TRUE(session.running());
  RfbSession other(host);
  other.receive(bytes_of("RFB 003.008\n"));
  other.receive(Bytes{1, 1, 6, 0, 0, 0, 0, 0, 0, 2, 'a', 'b'});
  EXPECT_FALSE(other.receive(Bytes{77}));
}

struct RfbInputTest : RfbTest {
  Listener& add(unsigned takes) {
    host.to = &inputs;
    return dynamic_cast<Listener&>(
        machine.create_device("vnc-test-listener", {{"takes", std::to_string(takes)}}));
  }
  testing::TestMachine machine;
  Inputs inputs{machine};
};
using Said = std::vector<std::string>;

TEST_F(RfbInputTest, KeysAreThoseOfTheirSymbolsOrPlaces) {
  Listener& all = add(InputDevice::kKeys | InputDevice::kPosition);
  begin();
  say({4, 1, 0, 0, 0, 0, 0, 'A'});
  say({4, 0, 0, 0, 0, 0, 0xff, 0x0d});
  say({255, 0, 0, 1, 0, 0, 0, 'x', 0, 0, 0, 0xc8});
  say({4, 1, 0, 0, 0x12, 0x34, 0x56, 0x78});
  EXPECT_EQ(all.said, (Said{"key 30 1", "key 28 0", "key 103 1"}));
}

TEST_F(RfbInputTest, LettersAreWhereTheLayoutHasThem) {
  Listener& all = add(InputDevice::kKeys | InputDevice::kPosition);
  begin();
  const auto press = [&](u32 symbol) {
    all.said.clear();
    say({4, 1, 0, 0, 0, 0, static_cast<u8>(symbol >> 8), static_cast<u8>(symbol)});
    return all.said.empty() ? std::string("nothing") : all.said.front();
  };
  EXPECT_EQ(press('z'), "key 44 1");
  EXPECT_EQ(press(0xfc), "nothing");
  host.printed = Layout::De;
  EXPECT_EQ(press('z'), "key 21 1");
  EXPECT_EQ(press(0xfc), "key 26 1");
  EXPECT_EQ(press('@'), "key 16 1");
  EXPECT_EQ(press(' '), "key 57 1");
  EXPECT_EQ(press(0xfe51), "key 13 1") << "a dead key";
  EXPECT_EQ(press(0xff0d), "key 28 1");
  host.printed = Layout::Fr;
  EXPECT_EQ(press('a'), "key 16 1");
  EXPECT_EQ(press('1'), "key 2 1");
  EXPECT_EQ(press('\\'), "key 9 1");
  host.printed = Layout::Es;
  EXPECT_EQ(press(0xf1), "key 39 1");
  host.printed = Layout::EnGb;
  EXPECT_EQ(press(0xa3), "key 4 1");
}

TEST_F(RfbInputTest, ThePointerIsWhereTheViewersIs) {
  Listener& all = add(InputDevice::kKeys | InputDevice::kPosition);
  begin();
  say({5, 1, 0, 63, 0, 0});
  say({5, 8, 0, 0, 0, 31});
  EXPECT_EQ(all.said, (Said{"to 32767 0", "left 1", "to 0 32767", "left 0", "wheel-up 1"}));
}

TEST_F(RfbInputTest, WhatAViewerThatGoesHasPressedIsReleased) {
  Listener& all = add(InputDevice::kKeys | InputDevice::kMovement);
  begin();
  RfbSession other(host);
  other.receive(bytes_of("RFB 003.008\n"));
  other.receive(Bytes{1, 1, 4, 1, 0, 0, 0, 0, 0, 'b'});
  say({4, 1, 0, 0, 0, 0, 0, 'a'});
  say({4, 1, 0, 0, 0, 0, 0, 'c'});
  say({4, 0, 0, 0, 0, 0, 0, 'c'});
  say({5, 1, 0, 0, 0, 0});
  all.said.clear();
  session.release_all();
  EXPECT_EQ(all.said, (Said{"key 30 0", "left 0"}));
  session.release_all();
  EXPECT_EQ(all.said.size(), 2U);
}

TEST_F(RfbInputTest, AMouseMovesAsFarAsTheViewersPointer) {
  Listener& all = add(InputDevice::kMovement);
  begin();
  say({5, 0, 0, 10, 0, 10});
  say({5, 0, 0, 13, 0, 8});
  EXPECT_EQ(all.said, (Said{"by 3 -2"}));
}

TEST_F(RfbInputTest, AViewerThatCanIsToldThatPlacesAreOfNoUse) {
  Listener& all = add(InputDevice::kMovement);
  begin();
  say({2, 0, 0, 1, 0xff, 0xff, 0xfe, 0xff});
  say({3, 1, 0, 0, 0, 0, 0, 64, 0, 32});
  session.update();
  const Bytes said = heard();
  EXPECT_EQ((Bytes{said.begin(), said.begin() + 16}),
            (Bytes{0, 0, 0, 2, 0, 0, 0, 0, 0, 64, 0, 32, 0xff, 0xff, 0xfe, 0xff}));
  say({5, 0, 0x80, 0x04, 0x7f, 0xfe});
  EXPECT_EQ(all.said, (Said{"by 5 -1"}));
}

}  // namespace
}  // namespace backplane::vnc
