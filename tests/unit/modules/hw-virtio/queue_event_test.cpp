// SPDX-License-Identifier: MIT
// Notifications that the accelerator takes.
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "virtio_machine.h"

namespace {
bool host_has_eventfds = true;
}

// In the C library's place. A limit of open files would fail the sanitizers' own checks as well.
extern "C" int eventfd(unsigned count, int flags) noexcept {
  if (host_has_eventfds) return static_cast<int>(syscall(SYS_eventfd2, count, flags));
  errno = EMFILE;
  return -1;
}

namespace backplane::testing {
namespace {

using namespace virtio;

// Where the accelerator would signal which eventfd.
struct Events final : MemoryListener {
  struct Placed {
    u64 address;
    MemoryRegion::Eventfd eventfd;
  };
  bool takes_eventfds() const override { return true; }
  void eventfd_added(u64 address, const MemoryRegion::Eventfd& eventfd) override {
    placed.push_back({address, eventfd});
  }
  void eventfd_removed(u64 address, const MemoryRegion::Eventfd& eventfd) override {
    std::erase_if(placed,
                  [&](const Placed& p) { return p.address == address && p.eventfd == eventfd; });
  }
  std::vector<Placed> placed;
};

class QueueEventTest : public VirtioTest {
 protected:
  QueueEventTest() { machine_.memory().add_listener(events_); }
  ~QueueEventTest() override { machine_.memory().remove_listener(events_); }

  void start(Properties properties = {}) {
    echo_ = &dynamic_cast<EchoDevice&>(add("virtio-echo-pci", std::move(properties)).device());
    driver_.emplace(machine_, kSlot);
    ASSERT_TRUE(driver_->negotiate(kModern));
    driver_->set_up_queue(0, queue_);
    EXPECT_TRUE(events_.placed.empty()) << "before the driver operates the device";
    driver_->driver_ok();
  }
  // What the kernel does on the guest's write.
  static void signal(const Events::Placed& event) { event.eventfd.event->signal(); }

  Events events_;
  DriverQueue queue_{machine_.memory(), kRing, EchoDevice::kQueueSize};
  EchoDevice* echo_ = nullptr;
  std::optional<VirtioPciDriver> driver_;
};

TEST_F(QueueEventTest, EachQueueHasOneAtItsNotificationAddress) {
  start();
  ASSERT_EQ(events_.placed.size(), 2U);
  EXPECT_EQ(events_.placed[1].address, events_.placed[0].address + 4);
  EXPECT_EQ(events_.placed[0].eventfd.size, 0U) << "a write of any width";
  EXPECT_NE(events_.placed[0].eventfd.event, events_.placed[1].eventfd.event);
}

TEST_F(QueueEventTest, ASignalServesItsQueueFromTheMainLoop) {
  start();
  queue_.add({{kData, 4}}, {{kData + 64, 4}});
  signal(events_.placed[1]);
  machine_.run_main_loop();
  EXPECT_EQ(echo_->served, 0U) << "another queue's";
  signal(events_.placed[0]);
  machine_.run_main_loop();
  EXPECT_EQ(echo_->served, 1U);
}

TEST_F(QueueEventTest, AWriteThatNobodyTakesServesTheQueueAtOnce) {
  start();
  queue_.add({{kData, 4}}, {{kData + 64, 4}});
  driver_->kick(0);
  EXPECT_EQ(echo_->served, 1U);
}

TEST_F(QueueEventTest, AResetTakesThemAway) {
  start();
  driver_->set_status(0);
  EXPECT_TRUE(events_.placed.empty());
}

TEST_F(QueueEventTest, TheyFollowTheBar) {
  start();
  const u64 before = events_.placed.at(0).address;
  driver_->pci().write16(pci::kCommand, 0);
  EXPECT_TRUE(events_.placed.empty()) << "the BAR does not decode";
  driver_->pci().write16(pci::kCommand, pci::kCommandMemory | pci::kCommandBusMaster);
  ASSERT_EQ(events_.placed.size(), 2U);
  EXPECT_EQ(events_.placed[0].address, before);
}

TEST_F(QueueEventTest, AHostThatHasNoneLeftServesQueuesAtOnce) {
  host_has_eventfds = false;
  start();
  host_has_eventfds = true;
  EXPECT_TRUE(events_.placed.empty());
  queue_.add({{kData, 4}}, {{kData + 64, 4}});
  driver_->kick(0);
  EXPECT_EQ(echo_->served, 1U);
}

TEST_F(QueueEventTest, CanBeSwitchedOff) {
  start({{"ioeventfd", "off"}});
  EXPECT_TRUE(events_.placed.empty());
}

}  // namespace
}  // namespace backplane::testing
