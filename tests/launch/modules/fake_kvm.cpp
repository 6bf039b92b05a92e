// SPDX-License-Identifier: MIT
// A KVM that is there or not as the test wants, so that the rules about a hardware accelerator can
// be tested on any host. It runs nothing.
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "backplane/accelerator.h"

using namespace backplane;

namespace {

// FAKE_KVM in the environment: "works", "denied", or nothing for a host without it.
int problem() {
  const char* const set = std::getenv("FAKE_KVM");
  const std::string_view state = set == nullptr ? "" : set;
  if (state == "works") return 0;
  return state == "denied" ? EACCES : ENOENT;
}

class FakeKvm final : public Accelerator {
 public:
  static void class_init(AccelClass& k) {
    k.unavailable_reason = []() -> std::optional<std::string> {
      if (problem() == 0) return std::nullopt;
      return Error::system("cannot open /dev/kvm", problem()).what();
    };
  }

  void init_machine(Machine&) override {
    if (problem() != 0) throw Error::system("cannot open /dev/kvm", problem());
  }
  void create_vcpu(Cpu&) override {}
};

}  // namespace

BACKPLANE_MODULE("fake-kvm", "1.0", "A KVM for tests")
BACKPLANE_TYPE(FakeKvm, "kvm-accel", .description = "Pretends")
