// SPDX-License-Identifier: MIT
#include "i8254/polled_output.h"

#include <algorithm>

namespace backplane::pc {

i64 PolledOutput::read_low(i64 now, Wait wait) {
  if (wait.ends - wait.begins < kShortestWait) return 0;
  if (wait.ends != ends_ || now - last_ > kFarthest || now < last_) {
    ends_ = wait.ends;
    since_ = now;
    reads_ = 0;
  }
  last_ = now;
  if (++reads_ < kReads || now - since_ < kPatience) return 0;
  reads_ = kReads;
  const i64 rest = std::min(kLongest, wait.ends - kEarly - now);
  return rest < kShortest ? 0 : rest;
}

}  // namespace backplane::pc
