// SPDX-License-Identifier: MIT
// The 82093AA I/O APIC: 24 inputs, each redirected to a local APIC as a message.
// [Intel 82093AA datasheet, "Register Description"]
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>

#include "backplane/irq.h"
#include "backplane/log.h"
#include "backplane/state.h"
#include "backplane/types.h"
#include "backplane/x86/platform_interrupts.h"

namespace backplane::pc {

class IoApic final : public IrqSink {
 public:
  static constexpr unsigned kInputs = 24;
  static constexpr u64 kDefaultAddress = 0xfec00000;
  static constexpr u64 kWindowSize = 0x1000;

  // An interrupt message, as written to a local APIC. [SDM 3A "Message Signalled Interrupts"]
  struct Message {
    u64 address = 0;
    u32 data = 0;
  };
  using Deliver = std::function<void(const Message&)>;

  // `deliver` is called under the machine lock for each message; `changed`, if given, after what
  // the inputs send may have changed.
  explicit IoApic(Deliver deliver, std::function<void()> changed = {})
      : deliver_(std::move(deliver)), changed_(std::move(changed)) {
    reset();
  }

  void reset();
  static std::span<const StateMember> members();
  void set_irq(unsigned input, bool level) override;
  // A local APIC finished a level-triggered interrupt with this vector.
  void end_of_interrupt(u8 vector);
  // The same of every vector that no local APIC has as requested or in service, as `unfinished`
  // says.
  void end_of_interrupts_but(const std::function<bool(u8 vector)>& unfinished);

  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);

  x86::IoApicRegisters registers() const;
  void set_registers(const x86::IoApicRegisters& registers);

  // What an input sends; nothing if it is masked.
  std::optional<Message> message(unsigned input) const;
  // The vector that an edge on an input is sent as; nothing if it is masked or not an edge.
  std::optional<u8> edge_vector(unsigned input) const;

  u64 count(unsigned input) const { return counts_[input]; }  // messages sent
  Value describe() const;

 private:
  static constexpr u64 kMasked = 1u << 16;
  static constexpr std::array<u64, kInputs> all_masked() {
    std::array<u64, kInputs> entries;
    entries.fill(kMasked);
    return entries;
  }
  struct State {
    u8 select = 0;
    u8 id = 0;
    u32 levels = 0;
    std::array<u64, kInputs> entries = all_masked();
    static std::span<const StateMember> members();
  };

  u32 read_register(u8 index) const;
  void write_register(u8 index, u32 value);
  void write_entry(unsigned input, unsigned half, u32 value);
  void serve_level(unsigned input);
  void send(unsigned input);
  void report_change() const {
    if (changed_) changed_();
  }

  Deliver deliver_;
  std::function<void()> changed_;
  State state_;
  GuestErrors guest_errors_;
  std::array<u64, kInputs> counts_{};
};

}  // namespace backplane::pc
