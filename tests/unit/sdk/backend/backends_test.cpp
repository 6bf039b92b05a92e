// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/backend.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {
namespace {

constexpr Kind kLampKind{
    .base = "lamp", .prefix = "lamp-", .suffix = "", .noun = "lamp", .option = "-lamp"};

class Lamp : public Backend {
  BACKPLANE_OBJECT(Lamp, Backend, "lamp")
 public:
  static void class_init(ObjectClass&) {}
};
BACKPLANE_REGISTER_ABSTRACT(Lamp)

class Bulb final : public Lamp {
 public:
  static void class_init(ObjectClass& k) { k.property<&Bulb::watts_>("watts", "power"); }
  std::string describe() const override { return fmt::format("{} W", watts_); }
  static inline int lit = 0;
  ~Bulb() override { lit -= on_; }

 protected:
  void open() override {
    if (watts_ > 100) throw Error("too bright");
    on_ = true;
    ++lit;
  }

 private:
  u32 watts_ = 40;
  bool on_ = false;
};
BACKPLANE_TYPE(Bulb, "lamp-bulb", .description = "An incandescent one")

// Stands on another one.
class Shade final : public Lamp {
 public:
  static void class_init(ObjectClass& k) { k.property<&Shade::lamp_>("lamp", "what it dims"); }
  std::string describe() const override { return "shade"; }

 private:
  BackendLink<Lamp> lamp_;
};
BACKPLANE_TYPE(Shade, "lamp-shade", .description = "Dims another one")

class Desk final : public Device {
 public:
  static void class_init(DeviceClass& k) {
    k.property<&Desk::lamp_>("lamp", "what lights it").dynamic = true;
  }
  BackendLink<Lamp> lamp_;
};
BACKPLANE_TYPE(Desk, "desk")

class Chair final : public Backend {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return {}; }
};
BACKPLANE_TYPE(Chair, "lamp-chair")

class BackendsTest : public ::testing::Test {
 protected:
  BackendsTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))) {}

  std::string refusal(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  Desk& add_desk(const std::string& id, const std::string& lamp) {
    return dynamic_cast<Desk&>(machine_.add_device("desk", id, "", {{"lamp", lamp}}));
  }

  TestMachine machine_;
  Backends& backends_;
};

TEST_F(BackendsTest, AreFoundByTheNameOfTheirKind) {
  Backend& bulb = backends_.add(kLampKind, "bulb", "left", {{"watts", "60"}});
  EXPECT_EQ(bulb.type_name(), "lamp-bulb");
  EXPECT_EQ(bulb.describe(), "60 W");
  EXPECT_EQ(machine_.find("/backends/left"), &bulb);
}

TEST_F(BackendsTest, AnUnknownNameIsAnsweredWithWhatIsNearToIt) {
  EXPECT_EQ(refusal([&] { backends_.add(kLampKind, "bulbs", "left", {}); }),
            "bulbs: no installed module has such a lamp; near to it: bulb");
  EXPECT_EQ(refusal([&] { backends_.add(kLampKind, "xxxxxxxx", "left", {}); }),
            "xxxxxxxx: no installed module has such a lamp; there are: bulb, shade");
}

TEST_F(BackendsTest, ATypeOfAnotherKindIsRefused) {
  EXPECT_EQ(refusal([&] { backends_.add(kLampKind, "chair", "left", {}); }), "chair is not a lamp");
}

TEST_F(BackendsTest, OneThatCannotBeOpenedLeavesNothingBehind) {
  EXPECT_EQ(refusal([&] {
              backends_.add(kLampKind, "bulb", "left", {{"watts", "101"}});
            }),
            "too bright");
  EXPECT_EQ(refusal([&] {
              backends_.add(kLampKind, "bulb", "left", {{"wat", "1"}});
            }),
            "lamp-bulb.wat: no such property; there are: watts");
  EXPECT_TRUE(backends_.children().empty());
  EXPECT_EQ(Bulb::lit, 0);
}

TEST_F(BackendsTest, NamesAreTheirOwnAndWellFormed) {
  backends_.add(kLampKind, "bulb", "left", {});
  EXPECT_EQ(refusal([&] { backends_.add(kLampKind, "bulb", "left", {}); }),
            "id 'left' is taken, by a lamp-bulb: give each backend an id of its own");
  EXPECT_EQ(refusal([&] { backends_.add(kLampKind, "bulb", "1/2", {}); }),
            "id '1/2' is malformed: an id is a letter, then letters, digits, '-', '.', '_'");
}

TEST_F(BackendsTest, ADeviceClaimsTheOneThatItNames) {
  Backend& bulb = backends_.add(kLampKind, "bulb", "left", {});
  Desk& desk = add_desk("desk0", "left");
  EXPECT_EQ(bulb.user(), &desk);
  EXPECT_EQ(desk.get_property("lamp"), "left");
  EXPECT_EQ(refusal([&] { add_desk("desk1", "left"); }),
            "desk.lamp: 'left': left is used by /peripheral/desk0 already: /peripheral/desk1 needs "
            "one of its own");
  EXPECT_EQ(bulb.user(), &desk);
}

TEST_F(BackendsTest, ALinkTellsWhatItCannotLeadTo) {
  EXPECT_EQ(refusal([&] { add_desk("desk0", "right"); }),
            "desk.lamp: 'right': there is no backend with this id");
  backends_.add(Kind{"backend", "lamp-", "", "thing", "-thing"}, "chair", "chair0", {});
  EXPECT_EQ(refusal([&] { add_desk("desk0", "chair0"); }),
            "desk.lamp: 'chair0': expects the id of a lamp");
}

TEST_F(BackendsTest, NothingStandsOnItself) {
  constexpr const char* kSelf = "lamp-shade.lamp: 'self': the backend with this id is not open yet";
  EXPECT_EQ(refusal([&] { backends_.add(kLampKind, "shade", "self", {{"lamp", "self"}}); }), kSelf);
  EXPECT_EQ(refusal([&] {
              backends_.add(kLampKind, "shade", "self",
                            {{"lamp.driver", "shade"}, {"lamp.lamp", "self"}});
            }),
            kSelf);
  EXPECT_TRUE(backends_.children().empty());
  backends_.add(kLampKind, "shade", "outer", {{"lamp.driver", "bulb"}});
}

TEST_F(BackendsTest, OneInUseStaysAndOneNobodyUsesGoes) {
  backends_.add(kLampKind, "bulb", "left", {});
  Desk& desk = add_desk("desk0", "left");
  EXPECT_EQ(refusal([&] { backends_.remove("left"); }),
            "'left' is in use by /peripheral/desk0: remove that first");
  desk.set_property("lamp", "");
  backends_.remove("left");
  EXPECT_EQ(Bulb::lit, 0);
  EXPECT_EQ(refusal([&] { backends_.remove("left"); }), "'left' is no backend");
}

}  // namespace
}  // namespace backplane::testing
