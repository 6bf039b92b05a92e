// SPDX-License-Identifier: MIT
#include "backplane/machine.h"
#include "backplane/migration.h"
#include "migration/images.h"
#include "migration/link.h"
#include "state/machine_parts.h"

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

// Up to where all is loaded, and the images are here.
void load(Machine& machine, ChunkReader& in, ChunkWriter& out, const StateProgress& progress) {
  in.begin();
  check_header(machine, expect(in, StateChunk::Header));
  out.write(StateChunk::Accepted);
  load_machine_parts(machine, in, progress);
  on_vcpus(machine, &Vcpu::put_state);
  take_images_over(machine);
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
    if (std::string_view(error.what()).starts_with(in.name())) throw;
    throw error.in(in.name());
  }
  const bool runs = expect(in, StateChunk::Go).number(1) != 0;
  try {
    out.write(StateChunk::Running);
  } catch (const Error&) {
    // The machine is here all the same.
  }
  return runs;
}

}  // namespace backplane
