// SPDX-License-Identifier: MIT
// An accelerator that goes wrong before it is one, in the way that BROKEN in the environment says.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "backplane/accelerator.h"

using namespace backplane;

namespace {

bool is_broken(std::string_view how) {
  const char* const set = std::getenv("BROKEN");
  return set != nullptr && how == set;
}

// What a library that the module brings along might do before anything of the module is asked for.
struct Constructed {
  Constructed() {
    if (is_broken("constructor-throws")) fail("no such thing");
    if (is_broken("constructor-throws-number")) throw 7;
    if (is_broken("constructor-exits")) std::exit(0);
    if (is_broken("constructor-terminates")) give_up();
    if (is_broken("constructor-crashes")) std::raise(SIGSEGV);
    if (is_broken("constructor-aborts")) std::abort();
    if (is_broken("constructor-hangs")) wait_to_be_ended();
  }
  static void fail(const char* why) { throw std::runtime_error(why); }
  static void wait_to_be_ended() {
    std::this_thread::sleep_for(std::chrono::milliseconds(2200));
    std::raise(SIGTERM);
  }
  static void give_up() noexcept { fail("given up"); }
} constructed;

class Broken final : public Accelerator {
 public:
  static void class_init(AccelClass&) {
    if (is_broken("class-throws")) throw std::runtime_error("no such class");
    if (is_broken("class-throws-number")) throw 7;
  }

  Broken() {
    if (is_broken("instance-throws")) throw std::runtime_error("no such instance");
  }

  void init_machine(Machine&) override {
    if (is_broken("machine-throws")) throw std::runtime_error("no such machine");
  }
  void create_vcpu(Cpu&) override {}
};

}  // namespace

BACKPLANE_MODULE("broken", "1.0", "Goes wrong")
BACKPLANE_TYPE(Broken, "broken-accel", .description = "Goes wrong")
