// SPDX-License-Identifier: MIT
// A disk and a CD drive behind virtio-scsi, as a driver uses them.
#include "virtio/virtio_scsi.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <thread>

#include "backplane/error.h"
#include "backplane/io_thread.h"
#include "backplane/machine_state.h"
#include "backplane/testing/scratch_directory.h"
#include "virtio/scsi_host_regs.h"
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio_scsi;

class ScsiNode final : public BlockNode {
 public:
  static void class_init(ObjectClass&) {}
  u64 size() const override { return bytes.size(); }
  std::string bytes = std::string(1_MiB, '\0');
  std::atomic<int> error{0};  // of writes

 protected:
  int do_read(u64 offset, std::span<const iovec> iov) override {
    const std::lock_guard lock(mutex_);
    for (const iovec& piece : iov) {
      bytes.copy(static_cast<char*>(piece.iov_base), piece.iov_len, offset);
      offset += piece.iov_len;
    }
    return 0;
  }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    const std::lock_guard lock(mutex_);
    if (error != 0) return error;
    for (const iovec& piece : iov) {
      bytes.replace(offset, piece.iov_len, static_cast<const char*>(piece.iov_base), piece.iov_len);
      offset += piece.iov_len;
    }
    return 0;
  }

 private:
  std::mutex mutex_;
};
BACKPLANE_TYPE(ScsiNode, "block-scsi-test")

constexpr unsigned kRequests = 2;

constexpr Kind kObjectKind{
    .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

// Served in the main loop, and (true) in an I/O thread.
class VirtioScsiTest : public VirtioTest, public ::testing::WithParamInterface<bool> {
 protected:
  VirtioScsiTest()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))),
        disk_(dynamic_cast<ScsiNode&>(backends_.add(kBlockKind, "scsi-test", "disk", {}))) {
    Properties properties;
    if (GetParam()) {
      thread_ = &dynamic_cast<IoThread&>(backends_.add(kObjectKind, "iothread", "io0", {}));
      properties.emplace_back("iothread", "io0");
    }
    machine_.power_on();
    adapter_ = &add("virtio-scsi-pci", properties);
    machine_.add_device("scsi-hd", "hd", "",
                        {{"drive", "disk"}, {"serial", "one"}, {"lun", "0"}, {"werror", "stop"}});
    machine_.add_device("scsi-cd", "cd", "", {{"scsi-id", "0"}, {"lun", "3"}});
    driver_.emplace(machine_, kSlot);
    start();
  }
  ~VirtioScsiTest() override {
    machine_.remove_device(*machine_.find_device("hd"));
    machine_.remove_device(*adapter_);
    machine_.remove_child(backends_);
  }
  void start() {
    EXPECT_TRUE(driver_->negotiate(kModern | virtio::bit(kHotplug)));
    for (unsigned i = 0; i < 3; ++i) {
      queues_.emplace_back(machine_.memory(), kRing + i * 0x1000, u16{8});
      driver_->set_up_queue(i, queues_.back());
    }
    driver_->driver_ok();
    machine_.run_control().start();
  }
  // Kicks a queue and waits until it was served.
  void kick(unsigned queue) {
    driver_->kick(queue);
    settle();
  }
  // Has an I/O thread look at what it was told: the second is posted after a round in which it did.
  void settle() {
    for (int round = 0; thread_ != nullptr && round < 2; ++round) {
      bool looked = false;
      thread_->post([&] { machine_.main_loop().post([&] { looked = true; }); });
      EXPECT_TRUE(machine_.run_main_loop_until([&] { return looked; }));
    }
  }
  struct Answer {
    ResponseHeader header{};
    std::string data;
  };
  Answer command(std::vector<u8> cdb, u32 room, const std::string& data = {}, u8 target = 0,
                 u8 lun = 0) {
    send(std::move(cdb), room, data, target, lun);
    return answer();
  }
  void send(std::vector<u8> cdb, u32 room, const std::string& data, u8 target, u8 lun) {
    RequestHeader header{};
    header.lun[0] = 1;
    header.lun[1] = target;
    header.lun[2] = 0x40;
    header.lun[3] = lun;
    std::copy(cdb.begin(), cdb.end(), std::begin(header.cdb));
    machine_.memory().write(kData, &header, sizeof header);
    put(kData + 0x1000, data);
    std::vector<Buffer> out{{kData, sizeof header}};
    if (!data.empty()) out.push_back({kData + 0x1000, static_cast<u32>(data.size())});
    std::vector<Buffer> in{{kData + 0x8000, sizeof(ResponseHeader)}};
    if (room != 0) in.push_back({kData + 0x9000, room});
    DriverQueue& queue = queues_[kRequests];
    queue.add(out, in);
    driver_->kick(kRequests);
  }
  Answer answer() {
    Answer answer;
    settle();
    EXPECT_TRUE(machine_.run_main_loop_until([&] {
      const auto used = queues_[kRequests].take_used();
      if (!used) return false;
      answer.data = get(kData + 0x9000, used->length - sizeof(ResponseHeader));
      return true;
    }));
    machine_.memory().read(kData + 0x8000, &answer.header, sizeof answer.header);
    return answer;
  }

  Backends& backends_;
  ScsiNode& disk_;
  IoThread* thread_ = nullptr;
  VirtioPci* adapter_ = nullptr;
  std::optional<VirtioPciDriver> driver_;
  std::vector<DriverQueue> queues_;
};
INSTANTIATE_TEST_SUITE_P(, VirtioScsiTest, ::testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "InAnIoThread" : "InTheMainLoop");
});

TEST_P(VirtioScsiTest, WhatIsWrittenIsReadAgain) {
  const std::string text(1024, 'w');
  const Answer written = command({scsi::kWrite10, 0x08, 0, 0, 0, 5, 0, 0, 2, 0}, 0, text);
  EXPECT_EQ(written.header.status, scsi::kGood);
  EXPECT_EQ(written.header.residual, 0U);
  EXPECT_EQ(disk_.bytes.substr(5 * 512, 1025), text + '\0');
  const Answer read = command({scsi::kRead10, 0, 0, 0, 0, 4, 0, 0, 2, 0}, 1024);
  EXPECT_EQ(read.data, std::string(512, '\0') + std::string(512, 'w'));
}

TEST_P(VirtioScsiTest, AnErrorHasSense) {
  const Answer answer = command({scsi::kRead10, 0, 0xff, 0, 0, 0, 0, 0, 1, 0}, 512);
  EXPECT_EQ(answer.header.status, scsi::kCheckCondition);
  EXPECT_EQ(answer.header.sense_len, 18U);
  EXPECT_EQ(answer.header.sense[2], scsi::kOutOfRange.key);
  EXPECT_EQ(answer.header.sense[12], scsi::kOutOfRange.code);
  EXPECT_EQ(answer.header.residual, 512U);
}

TEST_P(VirtioScsiTest, BuffersThatAreTooSmallAreOverrun) {
  const Answer read = command({scsi::kRead10, 0, 0, 0, 0, 0, 0, 0, 2, 0}, 512);
  EXPECT_EQ(read.header.response, kOverrun);
  EXPECT_EQ(read.header.residual, 512U);
  EXPECT_EQ(command({scsi::kInquiry, 0, 0, 0, 36, 0}, 20).header.response, kOverrun);
  EXPECT_EQ(command({scsi::kUnmap, 0, 0, 0, 0, 0, 0, 0, 24, 0}, 0, "short").header.response,
            kOverrun);
  // What is more than enough is left over.
  const Answer inquiry = command({scsi::kInquiry, 0, 0, 0, 96, 0}, 96);
  EXPECT_EQ(inquiry.header.response, kOk);
  EXPECT_EQ(inquiry.header.residual, 60U);
  EXPECT_EQ(command({scsi::kModeSelect6, 0, 0, 0, 4, 0}, 0, std::string(4, '\0')).header.residual,
            0U);
}

// Of what the optical drive does, this is where SCSI has a say.
TEST_P(VirtioScsiTest, ADiscIsEjectedUnlessItIsLocked) {
  backends_.add(kBlockKind, "scsi-test", "disc", {});
  machine_.add_device("scsi-cd", "cd2", "", {{"scsi-id", "0"}, {"lun", "4"}, {"drive", "disc"}});
  const auto sense_of = [&](std::vector<u8> cdb) {
    const Answer answer = command(std::move(cdb), 0, {}, 0, 4);
    return answer.header.status == scsi::kGood ? 0 : int{answer.header.sense[12]};
  };
  constexpr int kMediumChanged = 0x28, kNoMedium = 0x3a, kRemovalPrevented = 0x53;
  machine_.find_device("cd2")->reset();
  EXPECT_EQ(sense_of({scsi::kTestUnitReady}), kMediumChanged);
  EXPECT_EQ(sense_of({scsi::kTestUnitReady}), 0);
  EXPECT_EQ(command({0x43, 0, 0, 0, 0, 0, 0, 0, 20, 0}, 20, {}, 0, 4).data.substr(16),
            std::string("\0\0\2\0", 4));
  EXPECT_EQ(command({scsi::kRead10, 0, 0, 0, 0, 1, 0, 0, 1, 0}, 2048, {}, 0, 4).data,
            std::string(2048, '\0'));
  EXPECT_EQ(sense_of({scsi::kPreventAllowMediumRemoval, 0, 0, 0, 1, 0}), 0);
  EXPECT_EQ(sense_of({scsi::kStartStopUnit, 0, 0, 0, 2, 0}), kRemovalPrevented);
  EXPECT_EQ(sense_of({scsi::kPreventAllowMediumRemoval, 0, 0, 0, 0, 0}), 0);
  EXPECT_EQ(sense_of({scsi::kStartStopUnit, 0, 0, 0, 2, 0}), 0);
  EXPECT_EQ(sense_of({scsi::kTestUnitReady}), kNoMedium);
  EXPECT_EQ(sense_of({scsi::kRead6, 0, 0, 0, 1, 0}), kNoMedium);
  EXPECT_EQ(sense_of({scsi::kStartStopUnit, 0, 0, 0, 3, 0}), 0);
  EXPECT_EQ(sense_of({scsi::kTestUnitReady}), 0);
  machine_.remove_device(*machine_.find_device("cd2"));
}

TEST_P(VirtioScsiTest, AnEmptyDriveIsGivenADisc) {
  Device& drive = *machine_.find_device("cd");
  const auto sense_of = [&](std::vector<u8> cdb) {
    const Answer answer = command(std::move(cdb), 0, {}, 0, 3);
    return answer.header.status == scsi::kGood ? 0 : int{answer.header.sense[12]};
  };
  constexpr int kMediumChanged = 0x28, kNoMedium = 0x3a;
  sense_of({scsi::kTestUnitReady});
  EXPECT_EQ(sense_of({scsi::kTestUnitReady}), kNoMedium);
  auto& disc = dynamic_cast<ScsiNode&>(backends_.add(kBlockKind, "scsi-test", "disc", {}));
  disc.bytes.assign(4096, 'd');
  drive.set_value("tray-open", true);
  drive.set_property("drive", "disc");
  EXPECT_EQ(sense_of({scsi::kTestUnitReady}), kNoMedium);
  drive.set_value("tray-open", false);
  EXPECT_EQ(sense_of({scsi::kTestUnitReady}), kMediumChanged);
  EXPECT_EQ(command({scsi::kRead10, 0, 0, 0, 0, 1, 0, 0, 1, 0}, 2048, {}, 0, 3).data,
            std::string(2048, 'd'));
  EXPECT_EQ(sense_of({scsi::kPreventAllowMediumRemoval, 0, 0, 0, 1, 0}), 0);
  drive.set_value("tray-open", true);
  EXPECT_FALSE(drive.get_value("tray-open").as_bool());
  EXPECT_EQ(command({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0}, 8, {}, 0, 3).data[4], '\1');
  drive.set_value("locked", false);
  drive.set_value("tray-open", true);
  drive.set_property("drive", "");
  EXPECT_EQ(disc.user(), nullptr);
  EXPECT_EQ(sense_of({scsi::kTestUnitReady}), kNoMedium);
}

TEST_P(VirtioScsiTest, ADiscThatTheGuestEjectedMayGoBeforeItIsRead) {
  backends_.add(kBlockKind, "scsi-test", "disc", {});
  Device& drive = machine_.add_device("scsi-cd", "cd2", "",
                                      {{"scsi-id", "0"}, {"lun", "4"}, {"drive", "disc"}});
  command({scsi::kTestUnitReady}, 0, {}, 0, 4);
  send({scsi::kRead10, 0, 0, 0, 0, 1, 0, 0, 1, 0}, 2048, {}, 0, 4);
  settle();  // what is sent lies in one place
  send({scsi::kStartStopUnit, 0, 0, 0, 2, 0}, 0, {}, 0, 4);
  settle();
  EXPECT_TRUE(drive.get_value("tray-open").as_bool());
  drive.set_property("drive", "");
  answer();
  answer();
  machine_.remove_device(drive);
}

TEST_P(VirtioScsiTest, ABlockIsWrittenManyTimes) {
  const std::string block(512, 's');
  EXPECT_EQ(command({scsi::kWriteSame10, 0, 0, 0, 0, 1, 0, 0x03, 0xe8, 0}, 0, block).header.status,
            scsi::kGood);
  EXPECT_EQ(disk_.bytes.substr(512, 1000 * 512), std::string(1000 * 512, 's'));
  EXPECT_EQ(disk_.bytes[1001 * 512], '\0');
  EXPECT_EQ(
      command({scsi::kWriteSame10, 0x08, 0, 0, 0, 1, 0, 0x03, 0xe8, 0}, 0, std::string(512, '\0'))
          .header.status,
      scsi::kGood);
  EXPECT_EQ(disk_.bytes.substr(512, 1000 * 512), std::string(1000 * 512, '\0'));
}

TEST_P(VirtioScsiTest, ATargetSaysWhichUnitsItHas) {
  const Answer answer = command({scsi::kReportLuns, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0}, 64);
  EXPECT_EQ(answer.data, std::string("\0\0\0\x10\0\0\0\0", 8) + std::string(8, '\0') +
                             std::string("\0\3\0\0\0\0\0\0", 8));
  EXPECT_EQ(command({scsi::kTestUnitReady}, 0, {}, 0, 1).header.sense[12], scsi::kNoSuchUnit.code);
  EXPECT_EQ(command({scsi::kInquiry, 0, 0, 0, 36, 0}, 36, {}, 0, 1).data[0], '\x7f');
  EXPECT_EQ(command({scsi::kTestUnitReady}, 0, {}, 9, 0).header.response, kBadTarget);
  EXPECT_EQ(command({scsi::kTestUnitReady}, 0, {}, 0, 3).header.sense[12],
            scsi::kNotReadyNoMedium.code);
}

TEST_P(VirtioScsiTest, RequestsWithoutAHeaderBreakTheDevice) {
  queues_[kRequests].add({{kData, 20}}, {{kData + 0x8000, 108}});
  kick(kRequests);
  EXPECT_NE(driver_->status() & virtio::kDeviceNeedsReset, 0);
}

TEST_P(VirtioScsiTest, TasksAreManaged) {
  TaskManagement asked{.type = kTmf, .subtype = kLogicalUnitReset, .lun = {1, 0, 0x40, 0}, .id = 0};
  const auto answer = [&] {
    machine_.memory().write(kData, &asked, sizeof asked);
    queues_[kControlQueue].add({{kData, sizeof asked}}, {{kData + 0x100, 1}});
    kick(kControlQueue);
    EXPECT_TRUE(queues_[kControlQueue].take_used().has_value());
    return static_cast<u8>(get(kData + 0x100, 1)[0]);
  };
  EXPECT_EQ(answer(), kFunctionComplete);
  asked.lun[1] = 9;
  EXPECT_EQ(answer(), kBadTarget);
  asked = {.type = kTmf, .subtype = 99, .lun = {1, 0, 0x40, 0}, .id = 0};
  EXPECT_EQ(answer(), kFunctionRejected);
}

TEST_P(VirtioScsiTest, PlacesAreChecked) {
  const auto refused = [&](Properties properties) {
    try {
      machine_.remove_device(machine_.add_device("scsi-cd", "", "", properties));
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  EXPECT_TRUE(refused({{"scsi-id", "0"}, {"lun", "0"}}));
  EXPECT_TRUE(refused({{"scsi-id", "256"}}));
  EXPECT_TRUE(refused({{"lun", "16384"}}));
  EXPECT_TRUE(refused({{"channel", "1"}}));
  EXPECT_FALSE(refused({{"scsi-id", "0"}}));
  EXPECT_FALSE(refused({}));
  EXPECT_THROW(machine_.add_device("scsi-hd", "", "", {}), Error) << "a disk wants a drive";
}

TEST_P(VirtioScsiTest, UnitsComeAndGoWhileTheyAreUsed) {
  backends_.add(kBlockKind, "scsi-test", "more", {});
  for (unsigned i = 0; i < 10; ++i) {
    Device& unit = machine_.add_device("scsi-hd", "late", "",
                                       {{"drive", "more"}, {"scsi-id", "5"}, {"lun", "0"}});
    EXPECT_EQ(command({scsi::kTestUnitReady}, 0, {}, 5, 0).header.response, kOk);
    send({scsi::kRead10, 0, 0, 0, 0, 1, 0, 0, 8, 0}, 4096, {}, 5, 0);
    unit.bus()->request_unplug(unit);
    answer();
    EXPECT_EQ(command({scsi::kTestUnitReady}, 0, {}, 5, 0).header.response, kBadTarget);
  }
}

TEST_P(VirtioScsiTest, TheDriverIsToldOfUnitsByTheirPlaces) {
  const auto told = [&](const char* lun) {
    DriverQueue& queue = queues_[kEventQueue];
    const auto next = [&] {
      queue.add({}, {{kData + 0x4000, sizeof(Event)}});
      return [&queue, this] {
        Event event{};
        EXPECT_TRUE(queue.take_used().has_value());
        machine_.memory().read(kData + 0x4000, &event, sizeof event);
        return std::vector<u32>{event.reason, event.lun[1], event.lun[2], event.lun[3]};
      };
    };
    auto added = next();
    Device& unit = machine_.add_device("scsi-cd", "", "", {{"scsi-id", "7"}, {"lun", lun}});
    std::vector<u32> all = added();
    auto removed = next();
    unit.bus()->request_unplug(unit);
    for (const u32 part : removed()) all.push_back(part);
    return all;
  };
  EXPECT_EQ(told("3"), (std::vector<u32>{kRescan, 7, 0, 3, kRemoved, 7, 0, 3}));
  EXPECT_EQ(told("300"), (std::vector<u32>{kRescan, 7, 0x41, 44, kRemoved, 7, 0x41, 44}));
}

TEST_P(VirtioScsiTest, AResetEndsWhatIsUnderWay) {
  send({scsi::kRead10, 0, 0, 0, 0, 1, 0, 0, 8, 0}, 4096, {}, 0, 0);
  driver_->set_status(0);
  const u16 used = queues_[kRequests].used_index();
  machine_.run_main_loop();
  EXPECT_EQ(queues_[kRequests].used_index(), used) << "after the reset";
}

TEST_P(VirtioScsiTest, ManagersAreToldOfATrayThatTheGuestMoves) {
  std::vector<bool> told;
  const Subscription events =
      machine_.events().subscribe([&](const EventType& type, const Value& data) {
        if (type.name == "DEVICE_TRAY_MOVED") told.push_back(data.find("tray-open")->as_bool());
      });
  command({scsi::kTestUnitReady}, 0, {}, 0, 3);
  command({scsi::kStartStopUnit, 0, 0, 0, 2, 0}, 0, {}, 0, 3);
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return told.size() == 1; }));
  command({scsi::kStartStopUnit, 0, 0, 0, 3, 0}, 0, {}, 0, 3);
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return told.size() == 2; }));
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
}

TEST_P(VirtioScsiTest, WhatTheHostFailsAtWaitsAndIsSavedAndTriedAgain) {
  const ScratchDirectory directory;
  disk_.error = -ENOSPC;
  send({scsi::kWrite10, 0, 0, 0, 0, 5, 0, 0, 1, 0}, 0, std::string(512, 'w'), 0, 0);
  ASSERT_TRUE(machine_.run_main_loop_until(
      [this] { return machine_.run_control().state() == RunState::Stopped; }));
  save_machine(machine_, directory / "state");
  machine_.run_control().reset();
  disk_.error = 0;
  load_machine(machine_, directory / "state");
  machine_.run_main_loop();
  EXPECT_EQ(disk_.bytes[5 * 512], '\0') << "before it runs";
  machine_.run_control().start();
  EXPECT_EQ(answer().header.status, scsi::kGood);
  EXPECT_EQ(disk_.bytes.substr(5 * 512, 512), std::string(512, 'w'));
}

class IoThreadScsiTest : public VirtioScsiTest {};
INSTANTIATE_TEST_SUITE_P(, IoThreadScsiTest, ::testing::Values(true));

TEST_P(IoThreadScsiTest, TellsOfTheTrayOfAnEmptyDriveThatGoes) {
  send({scsi::kStartStopUnit, 0, 0, 0, 2, 0}, 0, {}, 0, 3);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (queues_[kRequests].used_index() == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  ASSERT_EQ(queues_[kRequests].used_index(), 1);
  // The event waits for the machine lock, which is held here.
  machine_.remove_device(*machine_.find_device("cd"));
  settle();
  machine_.run_main_loop();
}

// One waits for a unit's commands, and what waits for the machine lock with it is done meanwhile:
// the other's kick.
TEST_P(IoThreadScsiTest, TasksThatAreServedWhileAnotherWaitsHaveAnswersOfTheirOwn) {
  const auto ask = [this](u32 subtype, u64 at) {
    const TaskManagement asked{.type = kTmf, .subtype = subtype, .lun = {1, 0, 0x40, 0}, .id = 0};
    machine_.memory().write(at, &asked, sizeof asked);
    machine_.memory().store<u8>(at + 0x100, 0xee);
    return queues_[kControlQueue].add({{at, sizeof asked}}, {{at + 0x100, 1}});
  };
  const u16 first = ask(kLogicalUnitReset, kData + 0x200);
  const u16 second = ask(99, kData + 0x400);
  std::atomic<bool> kicked{false};
  thread_->post([&] {
    adapter_->device().queue(kControlQueue)->kick();
    kicked = true;
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!kicked && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  ASSERT_TRUE(kicked);
  // This thread has the machine lock, and has all queues looked at.
  driver_->pci().write16(pci::kCommand, pci::kCommandMemory | pci::kCommandBusMaster);
  EXPECT_EQ(queues_[kControlQueue].take_used()->id, second);
  EXPECT_EQ(queues_[kControlQueue].take_used()->id, first);
  EXPECT_EQ(machine_.memory().load<u8>(kData + 0x300), kFunctionComplete);
  EXPECT_EQ(machine_.memory().load<u8>(kData + 0x500), kFunctionRejected);
}

TEST_P(IoThreadScsiTest, RestsWhileTheMachineIsStopped) {
  machine_.run_control().stop();
  send({scsi::kTestUnitReady}, 0, {}, 0, 0);
  TaskManagement asked{.type = kTmf, .subtype = kQueryTask, .lun = {1, 0, 0x40, 0}, .id = 0};
  machine_.memory().write(kData + 0x200, &asked, sizeof asked);
  queues_[kControlQueue].add({{kData + 0x200, sizeof asked}}, {{kData + 0x100, 1}});
  kick(kControlQueue);
  EXPECT_FALSE(queues_[kRequests].take_used().has_value());
  EXPECT_FALSE(queues_[kControlQueue].take_used().has_value());
  machine_.run_control().start();
  EXPECT_EQ(answer().header.response, kOk);
  EXPECT_TRUE(machine_.run_main_loop_until(
      [this] { return queues_[kControlQueue].take_used().has_value(); }));
}

}  // namespace
}  // namespace backplane::testing
