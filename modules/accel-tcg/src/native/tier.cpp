// SPDX-License-Identifier: MIT
#include "native/tier.h"

#include "backplane/modinfo.h"

namespace backplane::tcg {

NativeVcpu::Counters& NativeVcpu::Counters::operator+=(const Counters& other) {
  stubs += other.stubs;
  lost += other.lost;
  entries += other.entries;
  kicks += other.kicks;
  faults += other.faults;
  pages += other.pages;
  validations += other.validations;
  promoted += other.promoted;
  rests += other.rests;
  banned += other.banned;
  live_stubs += other.live_stubs;
  return *this;
}

BACKPLANE_REGISTER_ABSTRACT(NativeTier)

}  // namespace backplane::tcg
