// SPDX-License-Identifier: MIT
#include "state/machine_parts.h"

#include <algorithm>

#include "backplane/backend.h"
#include "backplane/block.h"
#include "machine/tree.h"

namespace backplane {

namespace {

bool has_state(Object& object) {
  const auto& sections = object.object_class().sections;
  return std::any_of(sections.begin(), sections.end(), [&](const StateSection& section) {
    return section.subject(object) != nullptr;
  });
}

// What must be the same on both sides before anything is compared in detail.
struct Fact {
  std::string_view name;
  std::string value;
  std::string_view cure;
};

std::vector<Fact> facts_of(Machine& machine) {
  std::string ram;
  for (const auto& [name, block] : ram_of(machine))
    ram += fmt::format("{}{} {} KiB", ram.empty() ? "" : ", ", name, block->size() >> 10);
  return {{"machine", std::string(machine.type_name()), "-machine"},
          {"RAM", ram, "-m"},
          {"CPUs", std::to_string(machine.cpus().size()), "-smp"},
          {"instruction counting", machine.virtual_clock().follows_instructions() ? "on" : "off",
           "-icount"},
          {"interface to its hypervisor", machine.accelerator().guest_interface(), "-accel"}};
}

// What a section is of, and what is in it.
struct SavedObject {
  std::string path;
  std::string type;
  StateReader state;
};

// With the objects of this machine that they are of.
std::vector<std::pair<SavedObject, Object*>> match_objects(Machine& machine, StateReader from) {
  std::map<std::string, Object*> missing;
  for (Object* const object : objects_of(machine))
    if (has_state(*object)) missing[object->path()] = object;
  std::vector<std::pair<SavedObject, Object*>> found;
  for (u64 left = from.number(4); left != 0; --left) {
    SavedObject saved{from.text(), from.text(), from.piece()};
    const auto at = missing.find(saved.path);
    if (at == missing.end() || at->second->type_name() != saved.type)
      throw Error::of("the saved machine has a {} at {}, this one does not", saved.type, saved.path)
          .with_hint("start it with the devices that the saved one had");
    found.emplace_back(std::move(saved), at->second);
    missing.erase(at);
  }
  from.expect_end();
  if (!missing.empty())
    throw Error::of("the saved machine has no {} at {}, as this one does",
                    missing.begin()->second->type_name(), missing.begin()->first)
        .with_hint("start it with the devices that the saved one had");
  return found;
}

void read_objects(Machine& machine, StateReader from) {
  // Which there are comes before what they are like: that says more.
  for (auto& [saved, object] : match_objects(machine, from)) {
    try {
      load_object(*object, saved.state);
      saved.state.expect_end();
    } catch (const Error& error) {
      throw error.in(saved.path);
    }
  }
}

// Of others it would be lost.
void check_says_state(const Object& object) {
  const ObjectClass& k = object.object_class();
  if (!k.says_state && (k.is_a("device") || k.is_a("bus")))
    throw Error::of("{}: {} does not say what its state is: a machine that has it cannot be saved",
                    object.path(), k.name)
        .with_hint("start the machine without it");
}

// What was written to a disk that forgets it is nowhere when the machine goes on.
void expect_lasting_disks(Machine& machine) {
  const Object* const backends = machine.find(Backends::kPath);
  if (backends == nullptr) return;
  for (const BlockNode* const node : objects_below<BlockNode>(*backends))
    if (node->is_temporary())
      throw Error::of(
          "disk '{}' forgets what is written to it: the machine cannot be saved or sent",
          node->id())
          .with_hint("one that is started without -snapshot and snapshot=on can");
}

}  // namespace

std::vector<Object*> objects_of(Machine& machine) {
  std::vector<Object*> objects{&machine};
  for (Object* const object : objects_below<Object>(machine)) objects.push_back(object);
  return objects;
}

void on_vcpus(Machine& machine, void (Vcpu::*move)()) {
  for (Cpu* const cpu : machine.cpus())
    if (cpu->vcpu() != nullptr) cpu->run_on_thread([&] { (cpu->vcpu()->*move)(); });
}

void expect_saves_state(Machine& machine) {
  machine.accelerator().expect_saves_state();
  for (const Object* const object : objects_of(machine)) check_says_state(*object);
  expect_lasting_disks(machine);
}

StateWriter write_header(Machine& machine) {
  StateWriter to;
  const std::vector<Fact> facts = facts_of(machine);
  to.number(facts.size(), 2);
  for (const Fact& fact : facts) {
    to.text(fact.name);
    to.text(fact.value);
  }
  return to;
}

void check_header(Machine& machine, StateReader from) {
  const std::vector<Fact> facts = facts_of(machine);
  if (const u64 count = from.number(2); count != facts.size())
    throw Error::of("header: {} facts: expects {}", count, facts.size());
  for (const Fact& fact : facts) {
    const std::string name = from.text();
    const std::string value = from.text();
    if (name != fact.name) throw Error::of("header: {}: expects {}", name, fact.name);
    if (value != fact.value)
      throw Error::of("the saved machine has {}: {}; this one: {}", OwnText{std::string(fact.name)},
                      value, fact.value)
          .with_hint(fmt::format("give the same {}", fact.cure));
  }
  from.expect_end();
}

StateWriter write_contents(const Contents& contents) {
  StateWriter to;
  to.text(contents.compressor);
  to.number(contents.ram, 8);
  return to;
}

Contents read_contents(StateReader from) {
  Contents contents;
  contents.compressor = from.text();
  contents.ram = from.number(8);
  from.expect_end();
  return contents;
}

void settle_machine(Machine& machine) {
  machine.run_control().carry_out_reset();
  const std::vector<Object*> objects = objects_of(machine);
  for (Object* const object : objects) object->settle();
  on_vcpus(machine, &Vcpu::settle);
  on_vcpus(machine, &Vcpu::get_state);
  for (Object* const object : objects) object->saving();
}

StateWriter write_objects(Machine& machine) {
  StateWriter to;
  std::vector<Object*> objects = objects_of(machine);
  std::erase_if(objects, [](Object* object) { return !has_state(*object); });
  to.number(objects.size(), 4);
  for (Object* const object : objects) {
    to.text(object->path());
    to.text(object->type_name());
    const std::size_t piece = to.begin();
    save_object(*object, to);
    to.end(piece);
  }
  return to;
}

void check_objects(Machine& machine, StateReader from) { match_objects(machine, from); }

void write_machine(Machine& machine, ByteSink& out, Compressor* packer, std::string_view compressor,
                   const StateProgress& progress) {
  const RamBlocks blocks = ram_of(machine);
  std::map<std::string, RamRuns> in_use;
  Contents contents{.compressor = std::string(compressor)};
  for (const auto& [name, block] : blocks) {
    in_use[name] = runs_in_use(*block);
    contents.ram += bytes_of(in_use[name]);
  }
  ChunkWriter chunks(out);
  chunks.begin();
  chunks.write(StateChunk::Header, write_header(machine).bytes());
  chunks.write(StateChunk::Contents, write_contents(contents).bytes());
  chunks.write(StateChunk::Objects, write_objects(machine).bytes());
  RamWriter ram(chunks, packer);
  u64 done = 0;
  for (const auto& [name, block] : blocks)
    for_each_piece(in_use[name], [&, block = block.get()](const RamBlock::Run& piece) {
      ram.write(*block, piece, RamWriter::Zeroes::LeaveOut);
      done += piece.end - piece.start;
      if (progress) progress(done, contents.ram);
    });
  chunks.write(StateChunk::End);
}

MachineLoader::MachineLoader(Machine& machine, std::string name, StateProgress progress)
    : machine_(machine),
      name_(std::move(name)),
      progress_(std::move(progress)),
      blocks_(ram_of(machine)) {
  for (const auto& [block_name, block] : blocks_) block->discard(0, block->size());
}

bool MachineLoader::take(const ChunkReader::Chunk& chunk) {
  const StateReader bytes(chunk.bytes);
  if (chunk.kind == StateChunk::Contents && !has_contents_) {
    contents_ = read_contents(bytes);
    if (!contents_.compressor.empty()) packer_ = create_compressor(contents_.compressor);
    has_contents_ = true;
  } else if (chunk.kind == StateChunk::Objects && !has_objects_) {
    read_objects(machine_, bytes);
    has_objects_ = true;
  } else if (chunk.kind == StateChunk::Ram || chunk.kind == StateChunk::PackedRam ||
             chunk.kind == StateChunk::ZeroRam) {
    done_ += read_ram(blocks_, packer_.get(), chunk.kind, bytes);
    if (progress_) progress_(done_, contents_.ram);
  } else if (chunk.kind == StateChunk::End && has_objects_) {
    return false;
  } else {
    throw Error::of("{}: is damaged", name_);
  }
  return true;
}

void MachineLoader::finish() {
  // Where instructions are counted, the time that devices ask for is the accelerator's.
  std::vector<Object*> objects = objects_of(machine_);
  std::stable_partition(objects.begin() + 1, objects.end(),
                        [&](const Object* object) { return object == &machine_.accelerator(); });
  for (Object* const object : objects) {
    try {
      object->loaded();
    } catch (const Error& error) {
      throw error.in(object->path());
    }
  }
}

void load_machine_parts(Machine& machine, ChunkReader& in, const StateProgress& progress) {
  MachineLoader loader(machine, in.name(), progress);
  while (loader.take(in.next())) {
  }
  loader.finish();
}

}  // namespace backplane
