// SPDX-License-Identifier: MIT
// A network backend: a hub with one device on it, which hears what it says.
#include <backplane/module.h>
#include <backplane/netdev.h>

#include <vector>

using namespace backplane;

namespace {

class EchoHub final : public Netdev {
 public:
  static void class_init(ObjectClass&) {}

  void send(std::span<const iovec> frame) override {
    std::vector<u8> copy;
    for (const iovec& piece : frame) {
      const auto* const data = static_cast<const u8*>(piece.iov_base);
      copy.insert(copy.end(), data, data + piece.iov_len);
    }
    ++frames_;
    deliver(copy);
  }
  std::string describe() const override { return fmt::format("echo: {} frames", frames_); }

 private:
  u64 frames_ = 0;
};

BACKPLANE_TYPE(EchoHub, "net-echo", .description = "Gives back every frame")

}  // namespace

BACKPLANE_MODULE("net-echo", "1.0", "A hub that echoes", "MIT")
