// SPDX-License-Identifier: MIT
// rng-builtin and rng-random: the host's generator, and a device of the host's.
#include "backplane/error.h"
#include "backplane/host_file.h"
#include "rng/host_random.h"
#include "rng/random_source.h"

namespace backplane {

namespace {

class BuiltinSource final : public RandomSource {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return "the host's generator"; }
  u64 fill(u8* bytes, u64 size) override { return host_random(bytes, size); }
};

class DeviceSource final : public RandomSource {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&DeviceSource::path_>("filename", "a device that gives random bytes");
  }
  std::string describe() const override { return path_; }
  u64 fill(u8* bytes, u64 size) override {
    const i64 got = device_.read_next(bytes, size);
    return got < 0 ? 0 : static_cast<u64>(got);
  }

 private:
  void open() override {
    if (const int error = device_.open(path_)) throw Error::system(path_, error);
    // A file would be the same each time, and a pipe could keep everybody waiting.
    if (device_.kind() != HostFile::Kind::Other || !path_.starts_with("/dev/"))
      throw Error::of("{}: expects a device, such as /dev/urandom", path_);
  }

  std::string path_ = "/dev/urandom";
  HostFile device_;
};

BACKPLANE_REGISTER_ABSTRACT(RandomSource)
BACKPLANE_TYPE(BuiltinSource, "rng-builtin", .description = "The host's random numbers")
BACKPLANE_TYPE(DeviceSource, "rng-random", .description = "A device that gives random numbers")

}  // namespace

}  // namespace backplane
