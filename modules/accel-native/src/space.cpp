// SPDX-License-Identifier: MIT
#include "space.h"

#include <fmt/format.h>

#include <random>

#include "backplane/error.h"
#include "frame.h"

namespace backplane::native {
namespace {

using x86::Access;

// Below it the host maps nothing for ordinary users. [Linux vm.mmap_min_addr]
constexpr u64 kLowest = 64 << 10;
// What an entry of the highest table stands for.
constexpr unsigned kSlotShift = 39;
// Pages that are mapped together.
constexpr u64 kAround = 16;
// More are forgotten than looked through, and the host's kernel has no room for many more.
// [Linux vm.max_map_count]
constexpr u64 kMostPages = 48'000;
constexpr std::size_t kMostDoubtful = 1024;

// Whether the guest has mapped something in that 512 GiB.
bool uses_slot(GuestMemory& guest, u64 cr3, u64 slot) {
  return (guest.memory.load<u64>(cr3 + slot * sizeof(u64)) & 1) != 0;
}

// A place for the area, of whose 512 GiB the guest has mapped nothing.
u64 choose_area(GuestMemory& guest, u64 cr3) {
  std::random_device random;
  constexpr u64 kFirst = 0x10, kSlots = 0x40;
  const u64 start = random() % kSlots;
  for (u64 n = 0; n < kSlots; ++n) {
    const u64 slot = kFirst + (start + n) % kSlots;
    if (!uses_slot(guest, cr3, slot)) return slot << kSlotShift | (random() % 0x3ffff) << 21;
  }
  throw Error("no place for a stub in the guest's address space");
}

}  // namespace

bool GuestMemory::is_banned(u64 cr3, u64 linear, const GuestPage& page, Rdtsc rdtsc) {
  const auto bytes_of = [this](const GuestPage& of) {
    return of.present ? std::span<const u8>(ram.host() + of.offset, kPageSize)
                      : std::span<const u8>();
  };
  linear &= kPageMask;
  window_.set(bytes_of(tables.look(cr3, linear - kPageSize)), bytes_of(page),
              bytes_of(tables.look(cr3, linear + kPageSize)));
  return scanned_.is_banned(page.offset, window_, rdtsc);
}

Space::Space(GuestMemory& guest, Rdtsc rdtsc)
    : guest_(guest),
      cr3_(guest.cpu.state().cr3 & Invalidations::kTableMask),
      rdtsc_(rdtsc),
      stub_(choose_area(guest, cr3_), guest.ram.fd(), rdtsc == Rdtsc::Traps) {
  if (!frame_.learn(stub_, stub_.first()))
    throw Error("the host's kernel makes signal frames of an unknown kind");
}

void Space::note(const Invalidations& invalidations) {
  if (invalidations.everything() || invalidations.has_space(cr3_)) distrusted_ = true;
  if (distrusted_) return doubtful_.clear();
  for (const u64 page : invalidations.pages()) {
    if (has_giant_ || large_.contains(page >> 21)) distrusted_ = true;
    if (mappings_.at(page).rights != kNone) doubtful_.push_back(page);
  }
  if (doubtful_.size() > kMostDoubtful) distrusted_ = true;
}

bool Space::is_in_the_way() const { return uses_slot(guest_, cr3_, stub_.area() >> kSlotShift); }

bool Space::may_be_mapped(u64 linear) const {
  return linear >= kLowest && linear < kUserEnd - kPageSize &&
         (linear < stub_.area() || linear >= stub_.area() + STUB_SIZE);
}

bool Space::is_allowed(const Mapping& mapping, const GuestPage& page) const {
  if (!page.present || !page.accessed || page.offset != mapping.offset) return false;
  if ((mapping.rights & kWrite) != 0 && (!page.writable || !page.dirty || has_code(page.offset)))
    return false;
  return (mapping.rights & kExecute) == 0 || (page.executable && has_code(page.offset));
}

u8 Space::rights_of(u64 linear, const GuestPage& page, Access access) {
  const bool may_write = page.writable && page.dirty && access != Access::Execute;
  if (may_write && !has_code(page.offset)) return kRead | kWrite;
  if (!page.executable || access == Access::Write || !has_code(page.offset)) return kRead;
  // From here on a write to it is told of, if the page still is one with code then.
  guest_.executed[page.offset / kPageSize].store(1, std::memory_order_seq_cst);
  if (guest_.is_banned(cr3_, linear, page, rdtsc_)) {
    ++guest_.counters.banned;
    return kRead;
  }
  return has_code(page.offset) ? kRead | kExecute : kRead;
}

void Space::set(u64 linear, const GuestPage& page, u8 rights) {
  if ((rights & kWrite) != 0) guest_.mapped_for_writing[page.offset / kPageSize] = true;
  if (page.size > kPageSize) large_.insert(linear >> 21);
  if (page.size > 2_MiB) has_giant_ = true;
  mappings_.set(linear, {.rights = rights, .offset = page.offset});
  ++guest_.counters.pages;
}

void Space::map_around(u64 linear) {
  const u64 first = linear & ~(kAround * kPageSize - 1);
  for (u64 at = first; at < first + kAround * kPageSize; at += kPageSize)
    if (at != linear) map_if_used(at);
}

void Space::map_if_used(u64 linear) {
  if (!may_be_mapped(linear) || mappings_.at(linear).rights != kNone) return;
  const GuestPage page = look(linear);
  if (page.present && page.accessed) set(linear, page, rights_of(linear, page, Access::Read));
}

bool Space::give_orders() {
  std::vector<StubOrder>& orders = mappings_.orders();
  if (orders.empty()) return true;
  gave_orders_ = true;
  const bool done = stub_.carry_out(orders);
  orders.clear();
  return done;
}

bool Space::was_replaced() {
  if (!distrusted_ || mappings_.pages() == 0) return false;
  guest_.tables.begin();
  u64 code = 0, elsewhere = 0;
  mappings_.for_each([&](u64 linear, const Mapping& mapping) {
    if ((mapping.rights & kExecute) == 0) return;
    ++code;
    const GuestPage page = look(linear);
    if (!page.present || page.offset != mapping.offset) ++elsewhere;
  });
  return elsewhere * 2 > code;
}

bool Space::settle() {
  guest_.tables.begin();
  if (mappings_.pages() > kMostPages) {
    mappings_.for_each([this](u64 linear, const Mapping&) { mappings_.set(linear, {}); });
    distrusted_ = false;
    doubtful_.clear();
  }
  const bool code = std::exchange(code_distrusted_, false);
  const auto review = [this, code](u64 linear, const Mapping& mapping) {
    if (mapping.rights == kNone) return;
    const GuestPage page = look(linear);
    const bool is_code = (mapping.rights & kExecute) != 0;
    if (is_allowed(mapping, page) && !(code && is_code)) return;
    if (page.present && page.accessed)
      set(linear, page, rights_of(linear, page, Access::Read));
    else
      mappings_.set(linear, {});
  };
  if (std::exchange(distrusted_, false)) {
    ++guest_.counters.validations;
    mappings_.for_each(review);
  } else {
    for (const u64 linear : doubtful_) review(linear, mappings_.at(linear));
  }
  doubtful_.clear();
  for (const u64 linear : wanted_) map_if_used(linear);
  wanted_.clear();
  if (const Fault missed = std::exchange(missed_, {}); missed.linear != 0) {
    const GuestPage page = look(missed.linear);
    if (page.present && page.accessed) {
      const u8 rights = rights_of(missed.linear, page, missed.access);
      if (mappings_.at(missed.linear) != Mapping{rights, page.offset})
        set(missed.linear & kPageMask, page, rights);
      map_around(missed.linear & kPageMask);
    }
  }
  return give_orders();
}

Space::Served Space::serve(const Fault& fault) {
  const u64 page_at = fault.linear & kPageMask;
  if (!may_be_mapped(page_at)) return Served::NotMappable;
  const x86::Translation t = x86::translate(guest_.cpu.state(), guest_.memory, fault.linear,
                                            fault.access, x86::Privilege::User);
  if (!t.ok) {
    missed_ = fault;
    return Served::Guests;
  }
  guest_.tables.begin();
  const GuestPage page = look(page_at);
  if (!page.present) return Served::NotMappable;
  if (fault.access == Access::Write && has_code(page.offset))
    guest_.forget_code(guest_.ram.host() + page.offset);
  if (fault.access == Access::Execute && page.executable && !has_code(page.offset)) {
    missed_ = fault;
    return Served::Translated;
  }
  const u8 rights = rights_of(fault.linear, page, fault.access);
  const u8 wanted = fault.access == Access::Write     ? kWrite
                    : fault.access == Access::Execute ? kExecute
                                                      : kRead;
  const Mapping before = mappings_.at(page_at);
  // Mapped already, and it faults all the same: that is no fault of a mapping.
  if ((rights & wanted) == 0 || before == Mapping{rights, page.offset}) return Served::NotMappable;
  set(page_at, page, rights);
  map_around(page_at);
  ++guest_.counters.faults;
  return give_orders() ? Served::Mapped : Served::NotMappable;
}

std::string Space::find_difference() {
  guest_.tables.begin();
  std::string found;
  mappings_.for_each([&](u64 linear, const Mapping& mapping) {
    if (!found.empty()) return;
    const GuestPage page = look(linear);
    const bool same =
        page.present && page.offset == mapping.offset &&
        ((mapping.rights & kWrite) == 0 || (page.writable && !has_code(page.offset))) &&
        ((mapping.rights & kExecute) == 0 || page.executable);
    if (!same)
      found = fmt::format(
          "native tier: page {:#x} of space {:#x} is mapped at RAM offset {:#x} with rights {}, "
          "the page tables say {} {:#x}{}{}",
          linear, cr3_, mapping.offset, mapping.rights, page.present ? "present" : "absent",
          page.offset, page.writable ? " writable" : "", page.executable ? " executable" : "");
  });
  return found;
}

}  // namespace backplane::native
