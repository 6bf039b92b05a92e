// SPDX-License-Identifier: MIT
// A network backend: a hub with one device on it, which hears what it says.
#include <backplane/module.h>
#include <backplane/netdev.h>

#include <vector>

using namespace backplane;

namespace {

class @CLASS@ final : public Netdev {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&@CLASS@::drop_>("drop", "each of which frames is lost; 0: none");
  }

  void send(std::span<const iovec> frame) override {
    ++frames_;
    if (drop_ != 0 && frames_ % drop_ == 0) return;
    std::vector<u8> copy;
    for (const iovec& piece : frame) {
      const auto* const data = static_cast<const u8*>(piece.iov_base);
      copy.insert(copy.end(), data, data + piece.iov_len);
    }
    deliver(copy);
  }
  std::string describe() const override { return fmt::format("{} frames came", frames_); }

 private:
  u32 drop_ = 0;
  u64 frames_ = 0;
};

BACKPLANE_TYPE(@CLASS@, "@TYPE@", .description = "Gives back every frame")

}  // namespace

BACKPLANE_MODULE("@MODULE@", "0.1", "A hub that echoes", "MIT")
