// SPDX-License-Identifier: MIT
#include "migration/incoming.h"

#include <utility>

#include "backplane/machine.h"
#include "migration/images.h"
#include "state/machine_parts.h"
#include "thread/host_thread.h"

namespace backplane {

namespace {

StateReader expect(ChunkReader& in, StateChunk kind) {
  const ChunkReader::Chunk chunk = in.next();
  if (chunk.kind != kind) throw Error::of("{}: is damaged", in.name());
  return StateReader(chunk.bytes);
}

// The sender may be gone, which is why then.
void refuse(ChunkWriter& out, const Error& reason) {
  try {
    const std::string_view text = reason.what();
    out.write(StateChunk::Refused,
              {reinterpret_cast<const u8*>(text.data()), std::min<std::size_t>(text.size(), 1024)});
  } catch (const Error&) {
    // `reason` is what is told here.
  }
}

void take_machine(Machine& machine) {
  on_vcpus(machine, &Vcpu::put_state);
  take_images_over(machine);
}

Error named(const Error& error, const std::string& place) {
  return std::string_view(error.what()).starts_with(place) ? error : error.in(place);
}

// Up to where all is loaded, and the images are here.
void load(Machine& machine, ChunkReader& in, ChunkWriter& out, const StateProgress& progress) {
  in.begin();
  check_header(machine, expect(in, StateChunk::Header));
  out.write(StateChunk::Accepted);
  load_machine_parts(machine, in, progress);
  take_machine(machine);
}

// What follows "ready". Whether the machine ran.
bool take_go(ChunkReader& in, ChunkWriter& out) {
  const bool runs = expect(in, StateChunk::Go).number(1) != 0;
  try {
    out.write(StateChunk::Running);
  } catch (const Error&) {
    // The machine is here all the same.
  }
  return runs;
}

}  // namespace

bool receive_machine(Machine& machine, std::string_view place, const StateProgress& progress) {
  machine.accelerator().expect_saves_state();
  const auto link = MigrationLink::to(place);
  link->accept();
  ChunkReader in(*link, link->place());
  ChunkWriter out(*link);
  try {
    load(machine, in, out, progress);
    out.write(StateChunk::Ready);
  } catch (const Error& error) {
    refuse(out, error);
    throw named(error, in.name());
  }
  const bool runs = take_go(in, out);
  machine.config().will_be_received = false;
  return runs;
}

Incoming::Incoming(Machine& machine, std::unique_ptr<MigrationLink> link)
    : machine_(machine),
      link_(std::move(link)),
      calls_(std::make_shared<MainCalls>(machine.main_loop())) {}

Incoming::~Incoming() = default;

void Incoming::start(Migration::Ended ended) {
  link_->listen();
  ended_ = std::move(ended);
  set_status(MigrationStatus::Setup);
  thread_ = start_thread("incoming", [self = shared_from_this()] { self->run(); });
}

void Incoming::abandon() {
  calls_->abandon();
  link_->cancel();
  if (thread_.joinable()) thread_.join();
}

void Incoming::run() {
  std::optional<Error> failure;
  try {
    receive();
  } catch (const Error& error) {
    failure = named(error, link_->place());
  } catch (const std::exception& error) {
    failure = Error(error.what());
  }
  link_->close();
  try {
    calls_->run([&] { finish(failure); });
  } catch (const Error&) {
    // Abandoned.
  }
}

void Incoming::receive() {
  link_->accept();
  calls_->run([&] { set_status(MigrationStatus::Active); });
  ChunkReader in(*link_, link_->place());
  if (link_->is_one_way()) {
    // Like a saved machine, it goes on unless the user wants to say when.
    runs_ = true;
    return load(in, nullptr);
  }
  ChunkWriter out(*link_);
  try {
    load(in, &out);
    out.write(StateChunk::Ready);
  } catch (const Error& error) {
    refuse(out, error);
    throw;
  }
  runs_ = take_go(in, out);
}

void Incoming::load(ChunkReader& in, ChunkWriter* out) {
  in.begin();
  const StateReader header = expect(in, StateChunk::Header);
  calls_->run([&] { check_header(machine_, header); });
  if (out != nullptr) out->write(StateChunk::Accepted);
  calls_->run([&] { loader_ = std::make_unique<MachineLoader>(machine_, in.name()); });
  for (bool more = true; more;) {
    const ChunkReader::Chunk chunk = in.next();
    calls_->run([&] { more = loader_->take(chunk); });
  }
  calls_->run([&] {
    loader_->finish();
    take_machine(machine_);
  });
}

void Incoming::finish(const std::optional<Error>& failure) {
  // Not before: as long as the other program may have it, nobody lets it run here.
  if (!failure) machine_.config().will_be_received = false;
  set_status(failure ? MigrationStatus::Failed : MigrationStatus::Completed);
  if (!failure && runs_ && !machine_.config().start_stopped) machine_.run_control().start();
  if (const auto ended = std::exchange(ended_, nullptr)) ended(failure);
}

void Incoming::set_status(MigrationStatus status) {
  status_ = status;
  machine_.events().send(kMigrationEvent, Value::Record{{"status", to_string(status)}});
}

}  // namespace backplane
