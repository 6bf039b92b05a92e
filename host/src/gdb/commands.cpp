// SPDX-License-Identifier: MIT
#include "gdb/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "gdb/framing.h"
#include "gdb/hex.h"
#include "gdb/target_description.h"

namespace backplane::host::gdb {

namespace {

using Reply = std::optional<std::string>;

constexpr std::string_view kOk = "OK";
// Numbers of errors mean nothing to gdb; these are Linux's.
constexpr std::string_view kInvalid = "E16", kFault = "E0e", kNothingThere = "E03";

// Bytes of memory or registers that a packet holds as hex.
constexpr std::size_t kMostBytes = kLongestPacket / 2 - 16;

Reply ok() { return std::string(kOk); }
Reply invalid() { return std::string(kInvalid); }
Reply unknown() { return std::string(); }
// What gdb shows.
Reply failed(const Error& error) { return fmt::format("E.{}", error.what()); }

// --- threads -----------------------------------------------------------------------------------
unsigned thread_id(const Cpu& cpu) { return cpu.index() + 1; }

// "-1" is all of them, "0" any.
struct ThreadId {
  bool all = false;
  u64 number = 0;
};
std::optional<ThreadId> take_thread(PacketText& text) {
  if (text.take("-1")) return ThreadId{true, 0};
  const auto number = text.take_number();
  if (!number) return std::nullopt;
  return ThreadId{false, *number};
}

InspectedCpu* cpu_of(const Session& s, u64 number) {
  return number == 0 || number > ~0u ? nullptr
                                     : s.debugger.cpu_of_index(static_cast<unsigned>(number - 1));
}
InspectedCpu* selected_cpu(const Session& s) {
  if (s.selected)
    if (InspectedCpu* const cpu = s.debugger.cpu_of_index(*s.selected)) return cpu;
  return s.debugger.cpus().empty() ? nullptr : s.debugger.cpus().front().get();
}

Reply select_thread(Session& s, PacketText text) {
  const bool for_registers = text.take("g");
  if (!for_registers && !text.take("c")) return invalid();
  const auto id = take_thread(text);
  if (!id || !text.empty()) return invalid();
  auto& chosen = for_registers ? s.selected : s.continued;
  if (id->all || id->number == 0) {
    // Any: the one that it was.
    if (id->all && !for_registers) chosen.reset();
    return ok();
  }
  if (cpu_of(s, id->number) == nullptr) return std::string(kNothingThere);
  chosen = static_cast<unsigned>(id->number - 1);
  return ok();
}

Reply is_thread_alive(Session& s, PacketText text) {
  const auto id = take_thread(text);
  return id && cpu_of(s, id->number) != nullptr ? ok() : std::string(kNothingThere);
}

Reply list_threads(Session& s, PacketText) {
  std::string list = "m";
  for (const auto& cpu : s.debugger.cpus())
    list += fmt::format("{}{:x}", list.size() > 1 ? "," : "", thread_id(cpu->cpu()));
  return list.size() > 1 ? list : "l";
}
Reply list_more_threads(Session&, PacketText) { return "l"; }

Reply describe_thread(Session& s, PacketText text) {
  text.take(",");
  const auto id = take_thread(text);
  InspectedCpu* const cpu = id ? cpu_of(s, id->number) : nullptr;
  if (cpu == nullptr) return std::string(kNothingThere);
  return to_hex(
      fmt::format("CPU {}{}", cpu->cpu().index(), cpu->cpu().halted() ? " (halted)" : ""));
}

Reply current_thread(Session& s, PacketText) {
  const InspectedCpu* const cpu = selected_cpu(s);
  return cpu == nullptr ? std::string(kNothingThere) : fmt::format("QC{:x}", thread_id(cpu->cpu()));
}

// --- registers ---------------------------------------------------------------------------------
Reply read_registers(Session& s, PacketText) {
  InspectedCpu* const cpu = selected_cpu(s);
  return cpu == nullptr ? std::string(kNothingThere) : to_hex(cpu->read_registers());
}

Reply write_registers(Session& s, PacketText text) {
  InspectedCpu* const cpu = selected_cpu(s);
  const auto bytes = from_hex(text.rest());
  if (cpu == nullptr || !bytes) return invalid();
  return cpu->write_registers(*bytes) ? ok() : invalid();
}

Reply read_register(Session& s, PacketText text) {
  InspectedCpu* const cpu = selected_cpu(s);
  const auto number = text.take_number();
  if (cpu == nullptr || !number || !cpu->has_register(*number)) return invalid();
  return to_hex(cpu->read_register(static_cast<unsigned>(*number)));
}

Reply write_register(Session& s, PacketText text) {
  InspectedCpu* const cpu = selected_cpu(s);
  const auto number = text.take_number();
  if (cpu == nullptr || !number || !cpu->has_register(*number) || !text.take("=")) return invalid();
  const auto bytes = from_hex(text.rest());
  if (!bytes) return invalid();
  return cpu->write_register(static_cast<unsigned>(*number), *bytes) ? ok() : invalid();
}

// --- memory ------------------------------------------------------------------------------------
struct MemoryPlace {
  InspectedCpu* cpu = nullptr;
  u64 address = 0;
  u64 size = 0;
};
std::optional<MemoryPlace> take_place(Session& s, PacketText& text) {
  const auto address = text.take_number();
  if (!address || !text.take(",")) return std::nullopt;
  const auto size = text.take_number();
  InspectedCpu* const cpu = selected_cpu(s);
  if (!size || cpu == nullptr) return std::nullopt;
  return MemoryPlace{cpu, *address, *size};
}
InspectedCpu::Addresses addresses(const Session& s) {
  return s.physical ? InspectedCpu::Addresses::Physical : InspectedCpu::Addresses::Linear;
}

// As much as there is, and a packet holds.
Reply read_memory(Session& s, PacketText text) {
  const auto place = take_place(s, text);
  if (!place || !text.empty()) return invalid();
  std::vector<u8> bytes(std::min<u64>(place->size, kMostBytes));
  const std::size_t done = place->cpu->read_memory(place->address, bytes, addresses(s));
  if (done == 0 && !bytes.empty()) return std::string(kFault);
  return to_hex(std::span(bytes).first(done));
}

Reply write_bytes(Session& s, const MemoryPlace& place, std::span<const u8> bytes) {
  if (bytes.size() != place.size) return invalid();
  const std::size_t done = place.cpu->write_memory(place.address, bytes, addresses(s));
  return done == bytes.size() ? ok() : std::string(kFault);
}

Reply write_memory(Session& s, PacketText text) {
  const auto place = take_place(s, text);
  if (!place || !text.take(":")) return invalid();
  const auto bytes = from_hex(text.rest());
  return bytes ? write_bytes(s, *place, *bytes) : invalid();
}

Reply write_binary_memory(Session& s, PacketText text) {
  const auto place = take_place(s, text);
  if (!place || !text.take(":")) return invalid();
  const std::string_view bytes = text.rest();
  return write_bytes(s, *place, {reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
}

Reply is_physical(Session& s, PacketText) { return s.physical ? "1" : "0"; }
Reply set_physical(Session& s, PacketText text) {
  text.take(":");
  if (text.rest() != "0" && text.rest() != "1") return invalid();
  s.physical = text.rest() == "1";
  return ok();
}

// --- breakpoints -------------------------------------------------------------------------------
std::optional<Breakpoints::Point> take_point(PacketText& text) {
  const auto kind = text.take_number();
  if (!kind || *kind > static_cast<u8>(PointKind::Access) || !text.take(",")) return std::nullopt;
  const auto address = text.take_number();
  if (!address || !text.take(",")) return std::nullopt;
  const auto size = text.take_number();
  if (!size || (!text.empty() && !text.take(";"))) return std::nullopt;
  Breakpoints::Point point{static_cast<PointKind>(*kind), *address, 1};
  // Of a breakpoint it is how long an instruction in memory would be.
  if (point.kind < PointKind::Write) return point;
  if (*size == 0 || *address + (*size - 1) < *address) return std::nullopt;
  point.size = *size;
  return point;
}

Reply set_point(Session& s, PacketText text) {
  const auto point = take_point(text);
  if (!point) return invalid();
  const DebugSupport support = s.debugger.support();
  if (point->kind < PointKind::Write ? !support.code : !support.data)
    return failed(Error(support.missing));
  try {
    s.debugger.set_point(*point);
  } catch (const Error& error) {
    return failed(error);
  }
  return ok();
}

Reply remove_point(Session& s, PacketText text) {
  const auto point = take_point(text);
  if (!point) return invalid();
  s.debugger.remove_point(*point);
  return ok();
}

// --- running and stopping ----------------------------------------------------------------------
Reply resume(Session& s, const std::vector<Debugger::Action>& actions) {
  using Action = Debugger::Action;
  if (std::ranges::all_of(actions, [](Action a) { return a == Action::Hold; })) return invalid();
  const DebugSupport support = s.debugger.support();
  if (!support.step && std::ranges::find(actions, Action::Step) != actions.end())
    return failed(Error(support.missing));
  try {
    // To be shown while the guest runs.
    if (!support.missing.empty() && !std::exchange(s.told_what_is_missing, true))
      s.send("O" + to_hex(support.missing + "\n"));
    s.debugger.resume(actions);
  } catch (const Error& error) {
    return failed(error);
  }
  return std::nullopt;
}

// "c", "C05", "s" or "S05"; what signal the guest would get says nothing to it.
std::optional<Debugger::Action> take_action(PacketText& text) {
  for (const auto& [letter, action, with_signal] : {std::tuple{"c", Debugger::Action::Go, false},
                                                    {"C", Debugger::Action::Go, true},
                                                    {"s", Debugger::Action::Step, false},
                                                    {"S", Debugger::Action::Step, true}}) {
    if (!text.take(letter)) continue;
    if (with_signal && !text.take_number()) return std::nullopt;
    return action;
  }
  return std::nullopt;
}

Reply supported_actions(Session&, PacketText) { return "vCont;c;C;s;S"; }

// Each CPU does the first that is for it, and those for which there is none stand still.
Reply resume_each(Session& s, PacketText text) {
  std::vector<std::optional<Debugger::Action>> chosen(s.debugger.cpus().size());
  text.take(";");
  if (text.empty()) return invalid();
  while (!text.empty()) {
    PacketText part(text.take_until(';'));
    const auto action = take_action(part);
    ThreadId id{true, 0};
    if (part.take(":")) {
      const auto given = take_thread(part);
      if (!given) return invalid();
      id = *given;
      if (!id.all && id.number == 0 && selected_cpu(s) != nullptr)
        id.number = thread_id(selected_cpu(s)->cpu());
    }
    if (!action || !part.empty()) return invalid();
    if (!id.all && cpu_of(s, id.number) == nullptr) return std::string(kNothingThere);
    for (std::size_t n = 0; n < chosen.size(); ++n)
      if (!chosen[n] && (id.all || thread_id(s.debugger.cpus()[n]->cpu()) == id.number))
        chosen[n] = action;
  }
  std::vector<Debugger::Action> actions;
  for (const auto& action : chosen) actions.push_back(action.value_or(Debugger::Action::Hold));
  return resume(s, actions);
}

// `c` and `s`: the CPU that was named steps while all others stand still, or all go on. An address
// to go on from is not given by a gdb that knows vCont.
Reply resume_as(Session& s, Debugger::Action action, PacketText text) {
  if (!text.empty()) return invalid();
  std::vector<Debugger::Action> actions(s.debugger.cpus().size(), action);
  const InspectedCpu* one = nullptr;
  if (s.continued) one = s.debugger.cpu_of_index(*s.continued);
  if (one == nullptr && action == Debugger::Action::Step) one = selected_cpu(s);
  if (one != nullptr)
    for (std::size_t n = 0; n < actions.size(); ++n)
      if (s.debugger.cpus()[n].get() != one) actions[n] = Debugger::Action::Hold;
  return resume(s, actions);
}
Reply go_on(Session& s, PacketText text) { return resume_as(s, Debugger::Action::Go, text); }
Reply step(Session& s, PacketText text) { return resume_as(s, Debugger::Action::Step, text); }
Reply go_on_with_signal(Session& s, PacketText text) {
  return text.take_number() ? go_on(s, text) : invalid();
}
Reply step_with_signal(Session& s, PacketText text) {
  return text.take_number() ? step(s, text) : invalid();
}

Reply why_stopped(Session& s, PacketText) {
  if (!s.debugger.running()) return stop_reply(s, s.debugger.last_stop());
  s.debugger.expect_stop();
  return std::nullopt;
}

Reply detach(Session& s, PacketText) {
  s.debugger.detach(true);
  s.ended = true;
  return ok();
}

Reply kill(Session& s, PacketText) {
  s.debugger.end_machine();
  s.ended = true;
  return ok();
}
// The old packet has no answer.
Reply kill_silently(Session& s, PacketText text) {
  kill(s, text);
  return std::nullopt;
}

// Bits that switch steps and interrupts in them; those of steps on and timers are as they are.
constexpr u64 kStepOn = 1, kStepWithoutInterrupts = 2;
Reply step_bits(Session&, PacketText) {
  return fmt::format("ENABLE={:x},NOIRQ={:x}", kStepOn, kStepWithoutInterrupts);
}
Reply step_mode(Session& s, PacketText) {
  return fmt::format("0x{:x}",
                     kStepOn | (s.debugger.steps_take_interrupts() ? 0 : kStepWithoutInterrupts));
}
Reply set_step_mode(Session& s, PacketText text) {
  text.take("=");
  const auto bits = text.take_number();
  if (!bits || !text.empty() || (*bits & ~kStepWithoutInterrupts) != kStepOn) return invalid();
  s.debugger.set_steps_take_interrupts((*bits & kStepWithoutInterrupts) == 0);
  return ok();
}

// --- what there is -----------------------------------------------------------------------------
Reply supported(Session& s, PacketText text) {
  text.take(":");
  while (!text.empty()) {
    const std::string_view feature = text.take_until(';');
    if (feature == "swbreak+") s.knows_software_breaks = true;
    if (feature == "hwbreak+") s.knows_hardware_breaks = true;
  }
  return fmt::format(
      "PacketSize={:x};QStartNoAckMode+;qXfer:features:read+;vContSupported+;swbreak+;hwbreak+",
      kLongestPacket);
}

Reply stop_acknowledging(Session& s, PacketText) {
  s.wants_acknowledgements = false;
  return ok();
}

Reply read_description(Session& s, PacketText text) {
  if (!text.take(":features:read:")) return unknown();
  if (text.take_until(':') != "target.xml") return std::string("E00");
  const auto offset = text.take_number();
  if (!offset || !text.take(",")) return invalid();
  const auto size = text.take_number();
  const InspectedCpu* const cpu = selected_cpu(s);
  if (!size || cpu == nullptr) return invalid();
  if (s.description.empty()) s.description = describe_target(*cpu->target());
  if (*offset >= s.description.size()) return "l";
  // Escapes need room.
  const std::size_t most = std::min<u64>(*size, kMostBytes);
  const bool more = s.description.size() - *offset > most;
  return (more ? "m" : "l") + s.description.substr(*offset, most);
}

// "monitor LINE": what it prints is the reply, the last part of a long text.
Reply run_monitor_command(Session& s, PacketText text) {
  if (!text.take(",") || s.monitor == nullptr) return unknown();
  const auto line = from_hex(text.rest());
  if (!line) return invalid();
  const std::string printed =
      s.monitor({reinterpret_cast<const char*>(line->data()), line->size()});
  std::string_view left = printed;
  for (; left.size() > kMostBytes; left.remove_prefix(kMostBytes))
    s.send("O" + to_hex(left.substr(0, kMostBytes)));
  return left.empty() ? std::string(kOk) : to_hex(left);
}

// The machine was there before.
Reply was_attached(Session&, PacketText) { return "1"; }

// --- the table ---------------------------------------------------------------------------------
struct Command {
  // One letter, which what it is about follows, or a word, at whose end is the packet's or one of
  // the separators.
  std::string_view name;
  Reply (*answer)(Session& session, PacketText arguments);
  // It looks at CPUs or memory: the machine has to stand still.
  bool stopped = true;
};

constexpr bool kAnyTime = false;
constexpr Command kCommands[] = {
    {"qSupported", supported, kAnyTime},
    {"QStartNoAckMode", stop_acknowledging, kAnyTime},
    {"qXfer", read_description, kAnyTime},
    {"qRcmd", run_monitor_command, kAnyTime},
    {"qAttached", was_attached, kAnyTime},
    {"?", why_stopped, kAnyTime},
    {"qC", current_thread, kAnyTime},
    {"qfThreadInfo", list_threads, kAnyTime},
    {"qsThreadInfo", list_more_threads, kAnyTime},
    {"qThreadExtraInfo", describe_thread, kAnyTime},
    {"H", select_thread, kAnyTime},
    {"T", is_thread_alive, kAnyTime},
    {"g", read_registers},
    {"G", write_registers},
    {"p", read_register},
    {"P", write_register},
    {"m", read_memory},
    {"M", write_memory},
    {"X", write_binary_memory},
    {"Z", set_point},
    {"z", remove_point},
    {"vCont?", supported_actions, kAnyTime},
    {"vCont", resume_each},
    {"c", go_on},
    {"C", go_on_with_signal},
    {"s", step},
    {"S", step_with_signal},
    {"D", detach, kAnyTime},
    {"vKill", kill, kAnyTime},
    {"k", kill_silently, kAnyTime},
    {"qqemu.PhyMemMode", is_physical, kAnyTime},
    {"Qqemu.PhyMemMode", set_physical, kAnyTime},
    {"qqemu.sstepbits", step_bits, kAnyTime},
    {"qqemu.sstep", step_mode, kAnyTime},
    {"Qqemu.sstep", set_step_mode, kAnyTime},
};

bool is_for(const Command& command, std::string_view packet) {
  if (!packet.starts_with(command.name)) return false;
  constexpr std::string_view kSeparators = ":;,=";
  return command.name.size() == 1 || packet.size() == command.name.size() ||
         kSeparators.find(packet[command.name.size()]) != std::string_view::npos;
}

// Signals as gdb numbers them. [GDB "include/gdb/signals.def"]
constexpr unsigned kSigInt = 2, kSigTrap = 5, kSigAbort = 6, kSigIo = 23, kSigQuit = 3;

unsigned signal_of(const Debugger::Stop& stop) {
  if (stop.reason) return kSigTrap;
  switch (stop.cause) {
    case StopCause::InternalError:
    case StopCause::GuestPanic:
      return kSigAbort;
    case StopCause::IoError:
      return kSigIo;
    case StopCause::GuestShutdown:
    case StopCause::Migrated:
      return kSigQuit;
    case StopCause::Request:
    case StopCause::Debug:
      break;
  }
  return kSigInt;
}

std::string reason_of(const Session& s, const DebugStop& stop) {
  switch (stop.reason) {
    case DebugStop::Reason::Step:
      return {};
    case DebugStop::Reason::Code:
      if (s.debugger.points().code_at(stop.address) == PointKind::Hardware)
        return s.knows_hardware_breaks ? "hwbreak:;" : "";
      return s.knows_software_breaks ? "swbreak:;" : "";
    case DebugStop::Reason::Data:
      break;
  }
  const Watchpoint& w = stop.watchpoint;
  return fmt::format("{}:{:x};",
                     w.reads && w.writes ? "awatch"
                     : w.reads           ? "rwatch"
                                         : "watch",
                     stop.address);
}

}  // namespace

std::optional<std::string> answer(Session& session, std::string_view packet) {
  for (const Command& command : kCommands) {
    if (!is_for(command, packet)) continue;
    if (command.stopped) session.debugger.stop_now();
    try {
      return command.answer(session, PacketText(packet.substr(command.name.size())));
    } catch (const Error& error) {
      // The accelerator's, of registers that it cannot have.
      return failed(error);
    }
  }
  return unknown();
}

std::string stop_reply(Session& session, const Debugger::Stop& stop) {
  const InspectedCpu* const selected = selected_cpu(session);
  const Cpu* const cpu = stop.cpu != nullptr   ? stop.cpu
                         : selected != nullptr ? &selected->cpu()
                                               : nullptr;
  std::string reply = fmt::format("T{:02x}", signal_of(stop));
  if (cpu != nullptr) {
    session.selected = cpu->index();
    reply += fmt::format("thread:{:x};", thread_id(*cpu));
  }
  if (stop.reason) reply += reason_of(session, *stop.reason);
  return reply;
}

}  // namespace backplane::host::gdb
