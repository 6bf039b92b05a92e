// SPDX-License-Identifier: MIT
// How classes that modules derive from grow without getting larger: see docs/abi.md.
#pragma once

namespace backplane {

// Words of a class that mean nothing yet, and are null. A member that comes in a later minor
// version takes some of them. In the struct of a type's class (DeviceClass) that may be a callback:
// null in the classes of modules that do not know it.
template <unsigned kWords>
struct Room {
  void* words[kWords] = {};
};

}  // namespace backplane
