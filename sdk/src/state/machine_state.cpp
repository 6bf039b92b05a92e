// SPDX-License-Identifier: MIT
#include "backplane/machine_state.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "backplane/machine.h"
#include "machine/tree.h"
#include "state/state_file.h"

namespace backplane {

namespace {

constexpr u64 kRamPiece = 1_MiB;

// The machine and what is in it, owners first.
std::vector<Object*> objects_of(Machine& machine) {
  std::vector<Object*> objects{&machine};
  for (Object* const object : objects_below<Object>(machine)) objects.push_back(object);
  return objects;
}

bool has_state(Object& object) {
  const auto& sections = object.object_class().sections;
  return std::any_of(sections.begin(), sections.end(), [&](const StateSection& section) {
    return section.subject(object) != nullptr;
  });
}

// The machine's RAM by name. (What can only be read comes from files of the host.)
std::map<std::string, RamBlock*> ram_of(Machine& machine) {
  std::map<std::string, RamBlock*> blocks;
  for (const FlatRange& range : machine.memory().view()->ranges())
    if (range.block != nullptr && !range.readonly) blocks[range.block->name()] = range.block;
  return blocks;
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

void write_header(Machine& machine, StateFileWriter& file) {
  StateWriter to;
  const std::vector<Fact> facts = facts_of(machine);
  to.number(facts.size(), 2);
  for (const Fact& fact : facts) {
    to.text(fact.name);
    to.text(fact.value);
  }
  file.write(StateChunk::Header, to.bytes());
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

void write_objects(Machine& machine, StateFileWriter& file) {
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
  file.write(StateChunk::Objects, to.bytes());
}

// What a section is of, and what is in it.
struct SavedObject {
  std::string path;
  std::string type;
  StateReader state;
};

void read_objects(Machine& machine, StateReader from) {
  std::map<std::string, Object*> missing;
  for (Object* const object : objects_of(machine))
    if (has_state(*object)) missing[object->path()] = object;
  // Which there are comes before what they are like: that says more.
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
  for (auto& [saved, object] : found) {
    try {
      load_object(*object, saved.state);
      saved.state.expect_end();
    } catch (const Error& error) {
      throw error.in(saved.path);
    }
  }
}

bool is_zero(const u8* bytes, u64 size) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0;
}

void write_ram(RamBlock& block, StateFileWriter& file) {
  const auto write = [&](u64 start, u64 end) {
    if (start == end) return;
    StateWriter to;
    to.text(block.name());
    to.number(start, 8);
    file.write(StateChunk::Ram, to.bytes(), {block.host() + start, end - start});
  };
  for (RamBlock::Run run = block.next_in_use(0); run.start < run.end;
       run = block.next_in_use(run.end)) {
    u64 first = run.start;  // of the pages that are not zero and not written yet
    for (u64 page = run.start; page < run.end; page += kPageSize) {
      if (is_zero(block.host() + page, kPageSize)) {
        write(first, page);
        first = page + kPageSize;
      } else if (page + kPageSize - first == kRamPiece) {
        write(first, page + kPageSize);
        first = page + kPageSize;
      }
    }
    write(first, run.end);
  }
}

void read_ram(const std::map<std::string, RamBlock*>& blocks, StateReader from) {
  const std::string name = from.text();
  const u64 offset = from.number(8);
  const auto at = blocks.find(name);
  const std::span<const u8> bytes = from.rest();
  if (at == blocks.end() || offset % kPageSize != 0 || bytes.size() % kPageSize != 0 ||
      offset > at->second->size() || bytes.size() > at->second->size() - offset)
    throw Error::of("RAM: {} bytes at {:#x} of {}: outside this machine's", bytes.size(), offset,
                    name);
  at->second->about_to_write(offset, bytes.size());
  std::memcpy(at->second->host() + offset, bytes.data(), bytes.size());
}

// Of others it would be lost.
void check_says_state(const Object& object) {
  const ObjectClass& k = object.object_class();
  if (!k.says_state && (k.is_a("device") || k.is_a("bus")))
    throw Error::of("{}: {} does not say what its state is: a machine that has it cannot be saved",
                    object.path(), k.name)
        .with_hint("start the machine without it");
}

// Stands still while it is saved.
class Pause {
 public:
  explicit Pause(Machine& machine)
      : machine_(machine), was_running_(machine.run_control().state() == RunState::Running) {
    machine_.run_control().stop();
  }
  ~Pause() {
    if (was_running_) machine_.run_control().start();
  }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

 private:
  Machine& machine_;
  bool was_running_;
};

void on_vcpus(Machine& machine, void (Vcpu::*move)()) {
  for (Cpu* const cpu : machine.cpus())
    if (cpu->vcpu() != nullptr) cpu->run_on_thread([&] { (cpu->vcpu()->*move)(); });
}

}  // namespace

void save_machine(Machine& machine, const std::filesystem::path& file) {
  machine.accelerator().expect_saves_state();
  const std::vector<Object*> objects = objects_of(machine);
  for (const Object* const object : objects) check_says_state(*object);
  const Pause pause(machine);
  machine.run_control().carry_out_reset();
  for (Object* const object : objects) object->settle();
  on_vcpus(machine, &Vcpu::settle);
  on_vcpus(machine, &Vcpu::get_state);
  for (Object* const object : objects) object->saving();
  StateFileWriter out(file);
  write_header(machine, out);
  write_objects(machine, out);
  for (const auto& [name, block] : ram_of(machine)) write_ram(*block, out);
  out.finish();
}

std::string describe_machine_state(Machine& machine) {
  const Pause pause(machine);
  on_vcpus(machine, &Vcpu::get_state);
  std::string text;
  for (Object* const object : objects_of(machine)) {
    object->saving();
    if (const std::string parts = describe_state(*object); !parts.empty())
      text += fmt::format("{}\n{}", object->path(), parts);
  }
  return text;
}

void load_machine(Machine& machine, const std::filesystem::path& file) {
  machine.accelerator().expect_saves_state();
  StateFileReader in(file);
  const auto next = [&](StateChunk wanted) {
    const StateFileReader::Chunk chunk = in.next();
    if (chunk.kind != wanted) throw Error::of("{}: is damaged", file.string());
    return StateReader(chunk.bytes);
  };
  try {
    check_header(machine, next(StateChunk::Header));
    read_objects(machine, next(StateChunk::Objects));
    const std::map<std::string, RamBlock*> blocks = ram_of(machine);
    for (const auto& [name, block] : blocks) block->discard(0, block->size());
    for (;;) {
      const StateFileReader::Chunk chunk = in.next();
      if (chunk.kind == StateChunk::End) break;
      if (chunk.kind != StateChunk::Ram) throw Error("RAM: something else is between");
      read_ram(blocks, StateReader(chunk.bytes));
    }
    in.expect_end();
    for (Object* const object : objects_of(machine)) {
      try {
        object->loaded();
      } catch (const Error& error) {
        throw error.in(object->path());
      }
    }
  } catch (const Error& error) {
    const std::string name = file.string();
    if (std::string_view(error.what()).starts_with(name)) throw;
    throw error.in(name);
  }
  on_vcpus(machine, &Vcpu::put_state);
}

}  // namespace backplane
