// SPDX-License-Identifier: MIT
// A character device that answers: what it is sent comes back in capital letters, and is counted.
#include <backplane/chardev.h>
#include <backplane/module.h>

#include <algorithm>
#include <string>

using namespace backplane;

namespace {

class @CLASS@ final : public Chardev {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&@CLASS@::limit_>("limit", "bytes that wait for the guest, at most");
  }

  void write(const u8* data, std::size_t size) override {
    count_ += size;
    const std::size_t room = limit_ - std::min<std::size_t>(waiting_.size(), limit_);
    for (std::size_t i = 0; i < std::min(size, room); ++i) {
      const u8 c = data[i];
      waiting_ += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    accept_input();
  }

  // As much as the guest's device has room for; it calls again.
  void accept_input() override {
    if (client() == nullptr) return;
    const std::size_t some = std::min(waiting_.size(), client()->can_receive());
    if (some == 0) return;
    const std::string now = waiting_.substr(0, some);
    waiting_.erase(0, some);
    client()->receive(reinterpret_cast<const u8*>(now.data()), now.size());
  }

  std::string describe() const override { return fmt::format("{} bytes came", count_); }

 private:
  u32 limit_ = 4096;
  u64 count_ = 0;
  std::string waiting_;
};

BACKPLANE_TYPE(@CLASS@, "@TYPE@", .description = "Answers in capital letters")

}  // namespace

BACKPLANE_MODULE("@MODULE@", "0.1", "A character device that answers", "MIT")
