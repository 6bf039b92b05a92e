// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/input.h"
#include "backplane/module.h"
#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

class Tester final : public Device, public InputDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.property<&Tester::takes_>("takes", "");
    k.stateless();
  }
  unsigned takes() const override { return takes_; }
  std::string_view input_name() const override { return "tester"; }
  bool listens() const override { return listening; }
  void key(KeyCode code, bool down) override {
    said.push_back(fmt::format("key {} {}", code, down));
  }
  void button(PointerButton button, bool down) override {
    said.push_back(fmt::format("{} {}", pointer_button_names()[static_cast<u8>(button)], down));
  }
  void move_to(u32 x, u32 y) override { said.push_back(fmt::format("at {} {}", x, y)); }
  void sync() override { said.push_back("sync"); }

  bool listening = true;
  std::vector<std::string> said;

 private:
  u32 takes_ = 0;
};
BACKPLANE_TYPE(Tester, "input-tester")

struct InputsTest : ::testing::Test {
  Tester& add(unsigned takes) {
    return dynamic_cast<Tester&>(
        machine.create_device("input-tester", {{"takes", std::to_string(takes)}}));
  }
  testing::TestMachine machine;
  Inputs inputs{machine};
};
using Said = std::vector<std::string>;

TEST_F(InputsTest, GoToTheLastThatListens) {
  Tester& keyboard = add(InputDevice::kKeys);
  Tester& mouse = add(InputDevice::kMovement);
  Tester& tablet = add(InputDevice::kPosition);
  EXPECT_TRUE(inputs.takes_position());
  inputs.key(30, true);
  inputs.move_to(5, 100'000);
  inputs.sync();
  EXPECT_EQ(keyboard.said, (Said{"key 30 true", "sync"}));
  EXPECT_EQ(tablet.said, (Said{"at 5 32767", "sync"}));
  tablet.listening = false;
  EXPECT_EQ(inputs.pointer(), &mouse);
  inputs.choose_pointer(tablet);
  EXPECT_EQ(inputs.pointer(), &tablet);
}

TEST_F(InputsTest, NobodyTakesThemWhereThereIsNobody) {
  inputs.key(30, true);
  inputs.move_by(1, 1);
  inputs.sync();
  EXPECT_EQ(inputs.pointer(), nullptr);
}

TEST_F(InputsTest, ReleaseWhatIsPressed) {
  Tester& all = add(InputDevice::kKeys | InputDevice::kMovement);
  inputs.key(30, true);
  inputs.button(PointerButton::Left, true);
  inputs.key(31, true);
  inputs.key(31, false);
  all.said.clear();
  inputs.release_all();
  EXPECT_EQ(all.said, (Said{"key 30 false", "left false", "sync"}));
}

TEST(Keys, AreFoundByEachOfTheirNames) {
  EXPECT_EQ(find_key("ret")->code, 28);
  EXPECT_EQ(find_key(KeyCode{103})->name, "up");
  EXPECT_EQ(find_scan_code(0xe053)->name, "delete");
  EXPECT_EQ(find_key("nonsense"), nullptr);
  EXPECT_EQ(find_scan_code(0), nullptr);
}

}  // namespace
}  // namespace backplane
