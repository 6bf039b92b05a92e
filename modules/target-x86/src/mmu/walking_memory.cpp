// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>

#include "backplane/x86/mmu.h"

namespace backplane::x86 {

namespace {

unsigned within_page(u64 linear, unsigned size) {
  return static_cast<unsigned>(std::min<u64>(size, kPageSize - (linear & (kPageSize - 1))));
}

u64 translate_or_fault(const X86State& state, AddressSpace& memory, u64 linear, Access access,
                       Privilege privilege) {
  const Translation t = translate(state, memory, linear, access, privilege);
  if (!t.ok)
    throw GuestException{
        .vector = kPFVector, .has_error_code = true, .error_code = t.error_code, .cr2 = linear};
  return t.physical;
}

// Calls piece(physical, offset, size) for each page of a range, after all of it was translated.
template <class Piece>
void for_each_page(const X86State& state, AddressSpace& memory, u64 linear, unsigned size,
                   Access access, Privilege privilege, const Piece& piece) {
  const unsigned first = within_page(linear, size);
  const u64 first_physical = translate_or_fault(state, memory, linear, access, privilege);
  if (first == size) return piece(first_physical, 0u, size);
  for (unsigned at = first; at < size; at += static_cast<unsigned>(kPageSize))
    translate_or_fault(state, memory, linear + at, access, privilege);
  piece(first_physical, 0u, first);
  for (unsigned at = first; at < size;) {
    const unsigned length = within_page(linear + at, size - at);
    piece(translate_or_fault(state, memory, linear + at, access, privilege), at, length);
    at += length;
  }
}

}  // namespace

void WalkingMemory::read(u64 linear, void* data, unsigned size, Privilege privilege) {
  for_each_page(state_, memory_, linear, size, Access::Read, privilege,
                [&](u64 physical, unsigned offset, unsigned length) {
                  memory_.read(physical, static_cast<u8*>(data) + offset, length);
                });
}

void WalkingMemory::write(u64 linear, const void* data, unsigned size, Privilege privilege) {
  for_each_page(state_, memory_, linear, size, Access::Write, privilege,
                [&](u64 physical, unsigned offset, unsigned length) {
                  memory_.write(physical, static_cast<const u8*>(data) + offset, length);
                });
}

unsigned WalkingMemory::fetch(u64 linear, u8* data, unsigned size, Privilege privilege) {
  unsigned done = within_page(linear, size);
  memory_.read(translate_or_fault(state_, memory_, linear, Access::Execute, privilege), data, done);
  while (done < size) {
    const Translation t = translate(state_, memory_, linear + done, Access::Execute, privilege);
    if (!t.ok) break;
    const unsigned length = within_page(linear + done, size - done);
    memory_.read(t.physical, data + done, length);
    done += length;
  }
  return done;
}

void* WalkingMemory::atomic_pointer(u64 linear, unsigned size, Privilege privilege) {
  if (within_page(linear, size) != size) return nullptr;
  return memory_.ram_pointer(translate_or_fault(state_, memory_, linear, Access::Write, privilege),
                             size, true);
}

}  // namespace backplane::x86
