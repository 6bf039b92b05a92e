// SPDX-License-Identifier: MIT
// "filter-dump": what passes a network, written to a file as packet analysers read it.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "backplane/netdev.h"
#include "backplane/property.h"

namespace backplane {

// The id of a network that it does not have for itself.
struct NetdevName {
  std::string id;
};
template <>
struct PropertyTraits<NetdevName> {
  static constexpr std::string_view kTypeName = "link<netdev>";
  static NetdevName parse(std::string_view text) { return {std::string(text)}; }
  static std::string print(const NetdevName& value) { return value.id; }
};

class FrameDump final : public Backend, private FrameObserver {
  BACKPLANE_OBJECT(FrameDump, Backend, "filter-dump")
 public:
  ~FrameDump() override { stop_observing(); }
  static void class_init(ObjectClass& k);
  std::string describe() const override;

 protected:
  void open() override;

 private:
  enum class Queue { All, Rx, Tx };

  void frame_passed(Direction direction, const FrameOffload& left,
                    std::span<const iovec> frame) override;

  NetdevName netdev_;
  std::string path_;
  u32 longest_ = 65536;
  std::string queue_ = "all";

  Queue wanted_ = Queue::All;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, &std::fclose};
};

}  // namespace backplane
