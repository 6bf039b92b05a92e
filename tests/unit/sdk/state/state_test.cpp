// SPDX-License-Identifier: MIT
#include "backplane/state.h"

#include <gtest/gtest.h>

#include "backplane/error.h"
#include "backplane/json.h"
#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

using testing::TestBus;
using testing::TestMachine;

// A device with one of each kind of member.
class Recorder : public Device {
  BACKPLANE_OBJECT(Recorder, Device, "test-recorder")
 public:
  enum class Mode : u8 { Idle, Playing, Recording };
  struct Track {
    u16 length = 0;
    bool muted = false;
    static std::span<const StateMember> members() {
      static const StateMember kMembers[] = {member<&Track::length>("length"),
                                             member<&Track::muted>("muted")};
      return kMembers;
    }
  };
  struct State {
    u32 position = 7;
    i64 offset = -1;
    unsigned current = 0;
    Mode mode = Mode::Idle;
    std::array<Track, 2> tracks{};
    std::vector<u8> queue;
    std::vector<u16> levels{1, 2, 3};
    std::optional<u8> marked;
    std::bitset<11> lit;
  };

  static void class_init(DeviceClass& k) {
    k.bus_type = TestBus::kTypeName;
    k.state<&Recorder::state>(
        3, {member<&State::position>("position"), member<&State::offset>("offset"),
            member<&State::current>("current", within(0, 1)),
            member<&State::mode>("mode", within(Mode::Idle, Mode::Recording)),
            member<&State::tracks>("tracks"), member<&State::queue>("queue", up_to(4)),
            member<&State::levels>("levels"), member<&State::marked>("marked"),
            member<&State::lit>("lit")});
    k.state_timer<&Recorder::timer>("tick");
  }
  void realize() {
    timer = std::make_unique<Timer>(machine().virtual_clock(), [this] { ++ticks; });
  }
  void fill() {
    state = {.position = 0xdead'beef,
             .offset = -5,
             .current = 1,
             .mode = Mode::Playing,
             .tracks = {Track{.length = 10, .muted = true}, Track{.length = 20}},
             .queue = {1, 2, 3},
             .levels = {4, 5, 6},
             .marked = 9,
             .lit = 0x402};
    timer->arm_at(500);
  }

  State state;
  std::unique_ptr<Timer> timer;
  unsigned ticks = 0;
};
BACKPLANE_REGISTER(Recorder)

// Adds a part of its own to its parent's.
class StereoRecorder : public Recorder {
  BACKPLANE_OBJECT(StereoRecorder, Recorder, "test-stereo-recorder")
 public:
  struct More {
    u8 balance = 50;
  };
  static void class_init(DeviceClass& k) {
    k.state<&StereoRecorder::more>(1, {member<&More::balance>("balance")});
  }
  More more;
};
BACKPLANE_REGISTER(StereoRecorder)

class StateTest : public ::testing::Test {
 protected:
  template <class T>
  T& make() {
    return dynamic_cast<T&>(machine.create_device(T::kTypeName));
  }
  static std::vector<u8> save(Object& object) {
    StateWriter to;
    save_object(object, to);
    return to.bytes();
  }
  // What loading says, or nothing.
  static std::string load(Object& object, const std::vector<u8>& bytes) {
    try {
      StateReader from(bytes);
      load_object(object, from);
      from.expect_end();
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  }
  TestMachine machine;
};

TEST_F(StateTest, LoadingGivesBackWhatWasSaved) {
  auto& saved = make<Recorder>();
  auto& fresh = make<Recorder>();
  saved.fill();
  EXPECT_NE(describe_state(saved), describe_state(fresh));
  EXPECT_EQ(load(fresh, save(saved)), "");
  EXPECT_EQ(describe_state(saved), describe_state(fresh));
  EXPECT_EQ(fresh.state.position, 0xdead'beef);
  EXPECT_EQ(fresh.state.tracks[1].length, 20);
  EXPECT_EQ(fresh.state.marked, 9);
}

TEST_F(StateTest, ATimerFiresAtTheDeadlineThatWasSaved) {
  auto& saved = make<Recorder>();
  auto& fresh = make<Recorder>();
  saved.fill();
  const std::vector<u8> bytes = save(saved);
  saved.timer->cancel();
  EXPECT_EQ(load(fresh, bytes), "");
  machine.advance_time(499);
  EXPECT_EQ(fresh.ticks, 0u);
  machine.advance_time(1);
  EXPECT_EQ(fresh.ticks, 1u);
}

TEST_F(StateTest, AResetIsComplete) {
  auto& used = make<StereoRecorder>();
  auto& fresh = make<StereoRecorder>();
  used.fill();
  used.more.balance = 3;
  used.reset();
  EXPECT_EQ(describe_state(used), describe_state(fresh));
  EXPECT_FALSE(used.timer->armed());
}

TEST_F(StateTest, ADerivedClassAddsItsPart) {
  auto& saved = make<StereoRecorder>();
  auto& fresh = make<StereoRecorder>();
  saved.fill();
  saved.more.balance = 1;
  EXPECT_EQ(load(fresh, save(saved)), "");
  EXPECT_EQ(fresh.more.balance, 1);
  EXPECT_EQ(fresh.state.offset, -5);
}

TEST_F(StateTest, IsARecordOfRecords) {
  auto& device = make<Recorder>();
  device.fill();
  EXPECT_EQ(describe_state(device), parse_json(R"({
      "test-recorder": {"position": 3735928559, "offset": -5, "current": 1, "mode": 1,
                        "tracks": [{"length": 10, "muted": true}, {"length": 20, "muted": false}],
                        "queue": [1, 2, 3], "levels": [4, 5, 6], "marked": 9, "lit": [1, 10]},
      "test-recorder/tick": {"deadline": 500}})"));
}

TEST_F(StateTest, WhatIsOutOfRangeIsRefusedByName) {
  auto& saved = make<Recorder>();
  auto& fresh = make<Recorder>();
  saved.state.current = 2;
  EXPECT_EQ(load(fresh, save(saved)), "test-recorder: current: 2: expects 0 to 1");
  saved.state.current = 0;
  saved.state.mode = static_cast<Recorder::Mode>(3);
  EXPECT_EQ(load(fresh, save(saved)), "test-recorder: mode: 3: expects 0 to 2");
  saved.state.mode = {};
  saved.state.queue.resize(5);
  EXPECT_EQ(load(fresh, save(saved)), "test-recorder: queue: 5 elements: expects at most 4");
  saved.state.queue.clear();
  saved.state.levels.push_back(4);
  EXPECT_EQ(load(fresh, save(saved)), "test-recorder: levels: 4 elements: expects 3");
  saved.state.levels.pop_back();
  std::vector<u8> bytes = save(saved);
  bytes[bytes.size() - 1] = 0x80;  // of the timer's deadline: before time began
  EXPECT_EQ(load(fresh, bytes).find("test-recorder/tick: deadline: "), 0u);
}

TEST_F(StateTest, ABooleanIsZeroOrOne) {
  StateWriter to;
  to.number(2, 2);
  for (const char* const name : {"length", "muted"}) {
    to.text(name);
    const std::size_t piece = to.begin();
    to.number(2, name[0] == 'l' ? 2 : 1);
    to.end(piece);
  }
  StateReader from(to.bytes());
  Recorder::Track track;
  try {
    load_members(Recorder::Track::members(), &track, from);
    FAIL() << "2 was taken for a boolean";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "muted: 2: expects 0 or 1");
  }
}

TEST_F(StateTest, UnknownMissingAndRepeatedMembersAreRefused) {
  const auto load_track = [](std::initializer_list<std::string_view> names) -> std::string {
    StateWriter to;
    to.number(names.size(), 2);
    for (const std::string_view name : names) {
      to.text(name);
      const std::size_t piece = to.begin();
      to.number(0, name == "length" ? 2 : 1);
      to.end(piece);
    }
    StateReader from(to.bytes());
    Recorder::Track track;
    try {
      load_members(Recorder::Track::members(), &track, from);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(load_track({"muted", "length"}), "");
  EXPECT_EQ(load_track({"length"}), "muted: is missing");
  EXPECT_EQ(load_track({"length", "muted", "volume"}), "volume: no such member");
  EXPECT_EQ(load_track({"length", "length"}), "length: comes twice");
}

TEST_F(StateTest, AnotherVersionIsRefused) {
  auto& device = make<Recorder>();
  std::vector<u8> bytes = save(device);
  const std::string name = "test-recorder";
  const auto at = std::search(bytes.begin(), bytes.end(), name.begin(), name.end());
  ASSERT_NE(at, bytes.end());
  *(at + static_cast<std::ptrdiff_t>(name.size())) = 4;
  EXPECT_EQ(load(device, bytes), "test-recorder: version 4: this program knows version 3");
}

TEST_F(StateTest, WhatIsCutOffAnywhereIsRefused) {
  auto& device = make<Recorder>();
  device.fill();
  const std::vector<u8> bytes = save(device);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(load(device, {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}), "")
        << size;
}

}  // namespace
}  // namespace backplane
