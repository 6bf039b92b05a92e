// SPDX-License-Identifier: MIT
// What describe_snapshots() gives, as commands say it.
#pragma once

#include "backplane/value.h"

namespace backplane::host {

inline constexpr TypeMember kSnapshotMembers[] = {{"id", &kText},
                                                  {"name", &kText},
                                                  {"vm-state-size", &kBytes},
                                                  {"date-sec", &kInteger},
                                                  {"date-nsec", &kInteger},
                                                  {"vm-clock-sec", &kInteger},
                                                  {"vm-clock-nsec", &kInteger},
                                                  {"icount", &kInteger, true}};
inline constexpr ValueType kSnapshotInfo = record_of(kSnapshotMembers);
inline constexpr ValueType kSnapshots = list_of(kSnapshotInfo);

}  // namespace backplane::host
