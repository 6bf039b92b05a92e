// SPDX-License-Identifier: MIT
// Tables of members, and the sections of an object made of them.
#include <algorithm>

#include "backplane/object.h"
#include "backplane/state.h"

namespace backplane {

namespace {

// The sections of an object, those it has, each with what its members are members of.
struct Part {
  const StateSection* section;
  void* subject;
};

std::vector<Part> parts_of(Object& object) {
  std::vector<Part> parts;
  for (const StateSection& section : object.object_class().sections)
    if (void* const subject = section.subject(object)) parts.push_back({&section, subject});
  return parts;
}

// `index` of a table of which no row may come twice.
template <class Rows, class NameOf>
std::size_t next_row(const Rows& rows, std::vector<bool>& seen, const std::string& name,
                     NameOf name_of, const char* what) {
  const auto at =
      std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return name_of(row) == name; });
  if (at == rows.end()) throw Error::of("{}: no such {}", name, OwnText{what});
  const auto index = static_cast<std::size_t>(at - rows.begin());
  if (seen[index]) throw Error::of("{}: comes twice", name);
  seen[index] = true;
  return index;
}

}  // namespace

void save_members(std::span<const StateMember> table, const void* owner, StateWriter& to) {
  to.number(table.size(), 2);
  for (const StateMember& row : table) {
    to.text(row.name);
    const std::size_t piece = to.begin();
    row.save(owner, to);
    to.end(piece);
  }
}

void load_members(std::span<const StateMember> table, void* owner, StateReader& from) {
  std::vector<bool> seen(table.size());
  for (u64 left = from.number(2); left != 0; --left) {
    const std::string name = from.text();
    const StateMember& row = table[next_row(
        table, seen, name, [](const StateMember& m) { return m.name; }, "member")];
    StateReader value = from.piece();
    try {
      row.load(owner, value, row.limits);
      value.expect_end();
    } catch (const Error& error) {
      throw error.in(name);
    }
  }
  for (std::size_t i = 0; i < table.size(); ++i)
    if (!seen[i]) throw Error::of("{}: is missing", table[i].name);
}

Value describe_members(std::span<const StateMember> table, const void* owner) {
  Value::Record record;
  for (const StateMember& row : table) record.push_back({std::string(row.name), row.value(owner)});
  return record;
}

Value describe_state(Object& object) {
  Value::Record sections;
  for (const Part& part : parts_of(object))
    sections.push_back({part.section->name, describe_members(part.section->members, part.subject)});
  return sections;
}

void save_object(Object& object, StateWriter& to) {
  const std::vector<Part> parts = parts_of(object);
  to.number(parts.size(), 2);
  for (const Part& part : parts) {
    to.text(part.section->name);
    to.number(part.section->version, 4);
    const std::size_t piece = to.begin();
    save_members(part.section->members, part.subject, to);
    to.end(piece);
  }
}

void load_object(Object& object, StateReader& from) {
  const std::vector<Part> parts = parts_of(object);
  std::vector<bool> seen(parts.size());
  for (u64 left = from.number(2); left != 0; --left) {
    const std::string name = from.text();
    const Part& part = parts[next_row(
        parts, seen, name, [](const Part& p) -> const std::string& { return p.section->name; },
        "part of it")];
    const u64 version = from.number(4);
    StateReader members = from.piece();
    try {
      if (version != part.section->version)
        throw Error::of("version {}: this program knows version {}", version,
                        part.section->version);
      load_members(part.section->members, part.subject, members);
      members.expect_end();
    } catch (const Error& error) {
      throw error.in(name);
    }
  }
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (!seen[i]) throw Error::of("{}: is missing", parts[i].section->name);
}

}  // namespace backplane
