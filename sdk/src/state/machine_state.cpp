// SPDX-License-Identifier: MIT
#include "backplane/machine_state.h"

#include "state/machine_parts.h"
#include "state/state_file.h"

namespace backplane {

void save_machine(Machine& machine, const std::filesystem::path& file, std::string_view compressor,
                  const StateProgress& progress) {
  expect_saves_state(machine);
  std::unique_ptr<Compressor> packer;
  if (!compressor.empty()) packer = create_compressor(compressor);
  const Pause pause(machine);
  settle_machine(machine);
  StateFileWriter out(file);
  write_machine(machine, out, packer.get(), compressor, progress);
  out.finish();
}

Value describe_machine_state(Machine& machine) {
  const Pause pause(machine);
  on_vcpus(machine, &Vcpu::get_state);
  Value::List objects;
  for (Object* const object : objects_of(machine)) {
    object->saving();
    if (Value sections = describe_state(*object); !sections.as_record().empty())
      objects.push_back(Value::Record{{"path", object->path()},
                                      {"type", object->type_name()},
                                      {"sections", std::move(sections)}});
  }
  return objects;
}

void load_machine(Machine& machine, const std::filesystem::path& file,
                  const StateProgress& progress) {
  machine.accelerator().expect_saves_state();
  StateFileReader in(file);
  ChunkReader chunks(in, file.string());
  chunks.begin();
  try {
    const ChunkReader::Chunk header = chunks.next();
    if (header.kind != StateChunk::Header) throw Error::of("{}: is damaged", chunks.name());
    check_header(machine, StateReader(header.bytes));
    load_machine_parts(machine, chunks, progress);
    in.expect_end();
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(chunks.name())) throw;
    throw error.in(chunks.name());
  }
  on_vcpus(machine, &Vcpu::put_state);
}

}  // namespace backplane
