// SPDX-License-Identifier: MIT
// Serial ports as a driver uses them.
#include "backplane/chardev.h"
#include "backplane/event.h"
#include "serial_device.h"
#include "serial_port.h"
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio_console;

// The host's side of a port.
class FakeTerminal final : public Chardev {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return "a fake"; }
  void write(const u8* data, std::size_t size) override {
    written.append(reinterpret_cast<const char*>(data), size);
  }
  std::size_t pending() const override { return pending_bytes; }
  void accept_input() override { hand_over(); }
  void open_it(bool open) {
    client()->event(open ? ChardevClient::Event::Opened : ChardevClient::Event::Closed);
  }
  void say(const std::string& text) {
    waiting += text;
    hand_over();
  }
  void hand_over() {
    while (client() != nullptr && !waiting.empty()) {
      const std::size_t part = std::min(client()->can_receive(), waiting.size());
      if (part == 0) return;
      const std::string text = waiting.substr(0, part);
      waiting.erase(0, part);
      client()->receive(reinterpret_cast<const u8*>(text.data()), text.size());
    }
  }
  std::string written;
  std::string waiting;
  std::size_t pending_bytes = 0;
};
BACKPLANE_TYPE(FakeTerminal, "chardev-fake-terminal")

constexpr u16 kRingSize = 8;
constexpr unsigned kPort1In = 4;
constexpr unsigned kPort1Out = 5;

class SerialTest : public VirtioTest {
 protected:
  SerialTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))),
        agent_(terminal("agent")),
        console_(terminal("console")) {
    add("virtio-serial-pci", {{"max_ports", "4"}});
    machine_.add_device("virtserialport", "port", "",
                        {{"chardev", "agent"}, {"name", "org.example.agent"}});
    machine_.add_device("virtconsole", "", "", {{"chardev", "console"}});
    driver_.emplace(machine_, kSlot);
  }
  FakeTerminal& terminal(const std::string& id) {
    return dynamic_cast<FakeTerminal&>(backends_.add(kChardevKind, "fake-terminal", id, {}));
  }

  void start(u64 features = kModern | virtio::bit(kMultiport) | virtio::bit(kEmergWrite)) {
    ASSERT_TRUE(driver_->negotiate(features));
    queues_.clear();
    for (unsigned i = 0; i < 10; ++i) {
      queues_.emplace_back(machine_.memory(), kRing + i * 0x1000, kRingSize);
      driver_->set_up_queue(i, queues_.back());
    }
    driver_->driver_ok();
    machine_.run_control().start();
    for (u64 i = 0; i < kRingSize; ++i)
      queues_[kControlReceiveQueue].add({}, {{kData + i * 0x100, 0x100}});
    next_message_ = 0;
    driver_->kick(kControlReceiveQueue);
  }
  void control(u32 port, u16 event, u16 value) {
    const Control message{.id = port, .event = event, .value = value};
    machine_.memory().write(kData + 0x1000, &message, sizeof message);
    DriverQueue& queue = queues_[kControlTransmitQueue];
    const u16 head = queue.add({{kData + 0x1000, sizeof message}}, {});
    driver_->kick(kControlTransmitQueue);
    EXPECT_EQ(queue.take_used()->id, head);
  }
  // What the device tells next: "port event value", and a name.
  std::string told() {
    const auto used = queues_[kControlReceiveQueue].take_used();
    if (!used) return "nothing";
    const u64 at = kData + next_message_ * 0x100;
    next_message_ = (next_message_ + 1) % kRingSize;
    Control message{};
    machine_.memory().read(at, &message, sizeof message);
    std::string text = fmt::format("{} {} {}", message.id, message.event, message.value);
    if (used->length > sizeof message) text += " " + get(at + 8, used->length - 9);
    return text;
  }
  void set_up() {
    start();
    control(~0U, kDeviceReady, 1);
    EXPECT_EQ(told(), "1 1 1");
    EXPECT_EQ(told(), "0 1 1");
  }
  void send(unsigned queue, const std::string& text) {
    put(kData + 0x2000, text);
    queues_[queue].add({{kData + 0x2000, static_cast<u32>(text.size())}}, {});
    driver_->kick(queue);
  }
  void add_buffer(unsigned queue, u32 size) {
    queues_[queue].add({}, {{kData + 0x3000, size}});
    driver_->kick(queue);
  }
  std::string received(unsigned queue) {
    const auto used = queues_[queue].take_used();
    return used ? get(kData + 0x3000, used->length) : "nothing";
  }

  Backends& backends_;
  FakeTerminal& agent_;
  FakeTerminal& console_;
  std::optional<VirtioPciDriver> driver_;
  std::vector<DriverQueue> queues_;
  u64 next_message_ = 0;
};

TEST_F(SerialTest, TheDriverIsToldOfPortsAndTheirNames) {
  set_up();
  EXPECT_EQ(driver_->config32(kMaxNrPorts), 4U);
  agent_.open_it(true);
  EXPECT_EQ(told(), "1 6 1");
  control(1, kPortReady, 1);
  EXPECT_EQ(told(), "1 7 1 org.example.agent");
  EXPECT_EQ(told(), "1 6 1");
  control(0, kPortReady, 1);
  EXPECT_EQ(told(), "0 4 1");
  agent_.open_it(false);
  EXPECT_EQ(told(), "1 6 0");
  EXPECT_EQ(told(), "nothing");
}

TEST_F(SerialTest, WhatTheGuestWritesArrives) {
  set_up();
  send(kPort1Out, "from the guest");
  EXPECT_EQ(agent_.written, "from the guest");
  EXPECT_TRUE(queues_[kPort1Out].take_used().has_value());
  send(1, "to the console");
  EXPECT_EQ(console_.written, "to the console");
}

TEST_F(SerialTest, WhatIsSentToTheGuestWaitsUntilThePortIsOpenAndHasRoom) {
  set_up();
  add_buffer(kPort1In, 4);
  agent_.say("hello");
  EXPECT_EQ(received(kPort1In), "nothing");
  control(1, kPortOpen, 1);
  EXPECT_EQ(received(kPort1In), "hell");
  EXPECT_EQ(agent_.waiting, "o");
  add_buffer(kPort1In, 4);
  EXPECT_EQ(received(kPort1In), "o");
}

TEST_F(SerialTest, AConsoleNeedsNoOpening) {
  set_up();
  add_buffer(0, 100);
  console_.say("root\n");
  EXPECT_EQ(received(0), "root\n");
}

TEST_F(SerialTest, WhatTheHostDoesNotTakeStaysInTheQueue) {
  set_up();
  agent_.pending_bytes = 1_MiB;
  send(kPort1Out, "later");
  EXPECT_TRUE(agent_.written.empty());
  EXPECT_FALSE(queues_[kPort1Out].take_used().has_value());
  agent_.pending_bytes = 0;
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return agent_.written == "later"; }));
  EXPECT_TRUE(queues_[kPort1Out].take_used().has_value());
}

TEST_F(SerialTest, ManagersAreToldAtOnceWhenTheGuestOpensAPortAndThenOnceASecond) {
  set_up();
  std::vector<std::string> seen;
  const Subscription events =
      machine_.events().subscribe([&](const EventType& type, const Value& data) {
        if (type.name == "VSERPORT_CHANGE")
          seen.push_back(fmt::format("{} {}", data.find("id")->as_string(),
                                     data.find("open")->as_bool() ? "on" : "off"));
      });
  control(0, kPortOpen, 1);  // which has no name
  for (const u16 open : {1, 1, 0, 1}) control(1, kPortOpen, open);
  driver_->set_status(0);
  EXPECT_EQ(seen, (std::vector<std::string>{"port on"}));
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return seen.size() > 1; }));
  EXPECT_EQ(seen, (std::vector<std::string>{"port on", "port off"}));
}

TEST_F(SerialTest, APortListensWhileTheGuestHasItOpen) {
  const auto listens = [](const Chardev& terminal) {
    return dynamic_cast<const ChardevUser&>(*terminal.user()).listens();
  };
  set_up();
  EXPECT_FALSE(listens(agent_));
  EXPECT_TRUE(listens(console_)) << "a console is open whatever the driver says";
  control(1, kPortOpen, 1);
  EXPECT_TRUE(listens(agent_));
  control(1, kPortOpen, 0);
  EXPECT_FALSE(listens(agent_));
}

TEST_F(SerialTest, ADriverThatKnowsOfOnePortHasAConsole) {
  start(kModern);
  send(1, "text");
  EXPECT_EQ(console_.written, "text");
  add_buffer(0, 100);
  console_.say("answer");
  EXPECT_EQ(received(0), "answer");
  driver_->set_config32(kEmergWr, '!');
  EXPECT_EQ(console_.written, "text!");
}

TEST_F(SerialTest, PortsComeAndGoWhileItRuns) {
  machine_.power_on();
  driver_.emplace(machine_, kSlot);
  set_up();
  terminal("more");
  Device& port = machine_.add_device("virtserialport", "late", "", {{"chardev", "more"}});
  EXPECT_EQ(told(), "2 1 1");
  port.bus()->request_unplug(port);
  EXPECT_EQ(told(), "2 2 1");
  EXPECT_EQ(machine_.find_device("late"), nullptr);
  send(7, "to nobody");
  EXPECT_TRUE(queues_[7].take_used().has_value());
}

TEST_F(SerialTest, NonsenseHarmsNothing) {
  set_up();
  control(9, kPortOpen, 1);
  control(~0U, kPortReady, 1);
  control(1, 99, 1);
  send(kControlTransmitQueue, "cut");
  EXPECT_TRUE(queues_[kControlTransmitQueue].take_used().has_value());
  add_buffer(kPort1In, 100);
  send(kPort1Out, "fine");
  EXPECT_EQ(agent_.written, "fine");
  EXPECT_EQ(driver_->status() & virtio::kDeviceNeedsReset, 0);
}

TEST_F(SerialTest, NumbersAreChecked) {
  const auto refused = [&](const char* type, Properties properties) {
    try {
      machine_.add_device(type, "", "", properties);
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  EXPECT_TRUE(refused("virtserialport", {{"nr", "1"}}));
  EXPECT_TRUE(refused("virtserialport", {{"nr", "4"}}));
  EXPECT_TRUE(refused("virtserialport", {{"nr", "0"}}));
  EXPECT_FALSE(refused("virtserialport", {{"nr", "3"}}));
  EXPECT_FALSE(refused("virtserialport", {}));
  EXPECT_TRUE(refused("virtserialport", {})) << "all are taken";
  EXPECT_THROW(machine_.add_device("virtio-serial-pci", "", "", {{"max_ports", "32"}}), Error);
}

TEST_F(SerialTest, TheBusIsNamedAfterItsDevice) {
  machine_.add_device("virtio-serial-pci", "second", "", {{"addr", "05"}});
  Device& port = machine_.add_device("virtserialport", "", "second.0", {{"nr", "2"}});
  EXPECT_EQ(port.bus()->child_name(), "second.0");
}

}  // namespace
}  // namespace backplane::testing
