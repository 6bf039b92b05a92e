// SPDX-License-Identifier: MIT
// Events: what happens in a machine that a manager wants to hear of. An event has a name and data;
// whoever has something to report sends it, and who subscribed is told.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "backplane/subscription.h"
#include "backplane/value.h"

namespace backplane {

// Constant data; compared by its name.
struct EventType {
  std::string_view name;  // as QEMU's QMP has it, where that has it: "STOP"
  std::span<const TypeMember> members = {};
};

// Of one machine. Machine lock; on any thread, so that a listener does no more than pass it on.
class Events {
 public:
  using Listener = std::function<void(const EventType& type, const Value& data)>;

  Subscription subscribe(Listener listener) { return listeners_.add(std::move(listener)); }
  // `data` is a record of the type's members; null if it has none.
  void send(const EventType& type, const Value& data = {}) { listeners_.tell(type, data); }

 private:
  Subscribers<const EventType&, const Value&> listeners_;
};

// --- those of the frame
// ---------------------------------------------------------------------------
inline constexpr std::string_view kShutdownReasons[] = {
    "host-qmp-quit", "host-signal", "guest-shutdown", "guest-reset", "guest-panic"};
inline constexpr ValueType kShutdownReason = one_of(kShutdownReasons);
inline constexpr TypeMember kShutdownMembers[] = {{"guest", &kBoolean},
                                                  {"reason", &kShutdownReason}};
inline constexpr std::string_view kResetReasons[] = {"host-qmp-system-reset", "guest-reset"};
inline constexpr ValueType kResetReason = one_of(kResetReasons);
inline constexpr TypeMember kResetMembers[] = {{"guest", &kBoolean}, {"reason", &kResetReason}};
inline constexpr std::string_view kPanicActions[] = {"pause", "poweroff", "run"};
inline constexpr ValueType kPanicAction = one_of(kPanicActions);
inline constexpr TypeMember kPanicMembers[] = {{"action", &kPanicAction}};
inline constexpr TypeMember kDeviceDeletedMembers[] = {{"device", &kText, true}, {"path", &kText}};
inline constexpr TypeMember kMigrationMembers[] = {{"status", &kText}};

inline constexpr std::string_view kBlockOperations[] = {"read", "write"};
inline constexpr ValueType kBlockOperation = one_of(kBlockOperations);
inline constexpr std::string_view kBlockErrorActions[] = {"ignore", "report", "stop"};
inline constexpr ValueType kBlockErrorAction = one_of(kBlockErrorActions);
inline constexpr TypeMember kBlockErrorMembers[] = {{"device", &kText},
                                                    {"node-name", &kText},
                                                    {"operation", &kBlockOperation},
                                                    {"action", &kBlockErrorAction},
                                                    {"nospace", &kBoolean},
                                                    {"reason", &kText}};

inline constexpr EventType kStopEvent{"STOP"};      // the machine stands still
inline constexpr EventType kResumeEvent{"RESUME"};  // and runs (again)
inline constexpr EventType kResetEvent{"RESET", kResetMembers};
inline constexpr EventType kPowerdownEvent{"POWERDOWN"};  // the power button was pressed
inline constexpr EventType kShutdownEvent{"SHUTDOWN", kShutdownMembers};
inline constexpr EventType kPanicEvent{"GUEST_PANICKED", kPanicMembers};
// A device that was to go is gone, or went by itself. The first member is there if it had an id.
inline constexpr EventType kDeviceDeletedEvent{"DEVICE_DELETED", kDeviceDeletedMembers};
// The host failed to read or write a disk.
inline constexpr EventType kBlockErrorEvent{"BLOCK_IO_ERROR", kBlockErrorMembers};
inline constexpr EventType kMigrationEvent{"MIGRATION", kMigrationMembers};

// All of them.
std::span<const EventType* const> frame_events();

}  // namespace backplane
