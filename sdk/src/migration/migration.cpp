// SPDX-License-Identifier: MIT
#include "backplane/migration.h"

#include "backplane/machine.h"
#include "migration/incoming.h"
#include "migration/outgoing.h"
#include "state/machine_parts.h"

namespace backplane {

std::string_view to_string(MigrationStatus status) {
  switch (status) {
    case MigrationStatus::None:
      return "none";
    case MigrationStatus::Setup:
      return "setup";
    case MigrationStatus::Active:
      return "active";
    case MigrationStatus::Device:
      return "device";
    case MigrationStatus::Completed:
      return "completed";
    case MigrationStatus::Failed:
      return "failed";
    case MigrationStatus::Cancelled:
      return "cancelled";
  }
  return "none";
}

struct Migration::Impl {
  Machine& machine;
  std::shared_ptr<Outgoing> last;  // null: there was none, or it was saved in a file since
  bool saved = false;
  std::shared_ptr<Incoming> incoming;  // null: nothing was received, or it was before this was made
  MigrationParameters parameters{};

  bool under_way() const {
    return last != nullptr &&
           (last->status() == MigrationStatus::Setup || last->status() == MigrationStatus::Active ||
            last->status() == MigrationStatus::Device);
  }
  void expect_none_under_way() const {
    if (under_way())
      throw Error::of("the machine is being sent to {}", last->place())
          .with_hint("migrate_cancel ends that");
    if (last != nullptr && last->where() == Outgoing::Where::Gone)
      throw Error::of("the machine has gone to {}", last->place());
  }
  void forget_incoming() {
    if (incoming != nullptr) incoming->abandon();
    incoming.reset();
  }
  void forget_last() {
    if (last != nullptr) last->abandon();
    last.reset();
  }
};

Migration::Migration(Machine& machine) : impl_(new Impl{machine}) {}

Migration::~Migration() {
  impl_->forget_last();
  impl_->forget_incoming();
}

void Migration::start(std::string_view place, std::string_view compressor, Ended ended) {
  impl_->expect_none_under_way();
  expect_here();
  Machine& machine = impl_->machine;
  expect_saves_state(machine);
  if (machine.memory().dirty_log_keepers().empty())
    throw Error("the accelerator does not tell which pages the guest writes");
  std::unique_ptr<Compressor> packer;
  if (!compressor.empty()) packer = create_compressor(compressor);
  auto link = MigrationLink::to(place);
  impl_->forget_last();
  impl_->saved = false;
  impl_->forget_incoming();
  impl_->last = std::make_shared<Outgoing>(machine, *this, std::move(link), std::move(packer),
                                           std::string(compressor), impl_->parameters);
  impl_->last->start(std::move(ended));
}

void Migration::save(const std::filesystem::path& file, std::string_view compressor,
                     const StateProgress& progress) {
  impl_->expect_none_under_way();
  expect_here();
  save_machine(impl_->machine, file, compressor, progress);
  impl_->forget_last();
  impl_->saved = true;
}

void Migration::receive(std::string_view place, Ended ended) {
  if (presence() != Presence::Awaited || impl_->incoming != nullptr)
    throw Error(
        "nothing is to be received: the program was not started with -incoming defer, or "
        "has begun to receive before");
  impl_->machine.accelerator().expect_saves_state();
  impl_->incoming = std::make_shared<Incoming>(impl_->machine, MigrationLink::to(place));
  try {
    impl_->incoming->start(std::move(ended));
  } catch (...) {
    impl_->incoming.reset();
    throw;
  }
}

const MigrationParameters& Migration::parameters() const { return impl_->parameters; }

void Migration::set_parameters(const MigrationParameters& parameters) {
  impl_->parameters = parameters;
  if (impl_->last != nullptr) impl_->last->set_parameters(parameters);
}

Presence Migration::presence() const {
  if (impl_->machine.config().will_be_received) return Presence::Awaited;
  const Outgoing* const last = impl_->last.get();
  if (last == nullptr) return Presence::Here;
  if (last->where() == Outgoing::Where::Unsure) return Presence::Unsure;
  if (last->where() == Outgoing::Where::Gone) return Presence::Gone;
  return impl_->under_way() && last->held() ? Presence::Leaving : Presence::Here;
}

void Migration::expect(Presences places) const {
  const Presence place = presence();
  if (places.has(place)) return;
  if (place == Presence::Awaited) throw Error("the machine is not here yet: it is to be received");
  if (place == Presence::Unsure)
    throw Error::of("nobody knows whether the machine has come to {}", impl_->last->place())
        .with_hint("'cont' takes it back");
  impl_->expect_none_under_way();
  throw Error("the machine is here already");
}

void Migration::cancel() {
  if (impl_->under_way()) impl_->last->cancel();
}

MigrationStatus Migration::status() const {
  if (impl_->last != nullptr) return impl_->last->status();
  if (impl_->incoming != nullptr) return impl_->incoming->status();
  return impl_->saved ? MigrationStatus::Completed : MigrationStatus::None;
}

Value Migration::progress() const {
  if (impl_->last != nullptr) return impl_->last->progress();
  if (status() == MigrationStatus::None) return Value::Record{};
  return Value::Record{{"status", to_string(status())}};
}

void Migration::expect_here() {
  expect({Presence::Here, Presence::Unsure});
  if (presence() == Presence::Unsure) impl_->last->take_back();
}

BACKPLANE_REGISTER_ABSTRACT(Migration)

}  // namespace backplane
