// SPDX-License-Identifier: MIT
// virtio-gpu: the driver makes resources, fills them from its memory, and has one of them shown.
// What it makes takes memory of the host's, which is bounded. [virtio-1.2 §5.7 "GPU Device"]
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backplane/clock.h"
#include "backplane/display.h"
#include "backplane/virtio/virtio_device.h"
#include "cursor.h"
#include "gpu_regs.h"
#include "resource.h"

namespace backplane {

// What is on the screen while the driver shows nothing.
class Underlay {
 public:
  virtual void draw(Screen& screen) = 0;
  // All of it has to be drawn.
  virtual void expose() = 0;
  virtual void watched(bool by_somebody) = 0;

 protected:
  ~Underlay() = default;
};

class VirtioGpu final : public VirtioDevice, public DisplayDevice {
  BACKPLANE_OBJECT(VirtioGpu, VirtioDevice, "virtio-gpu-device")
 public:
  static void class_init(VirtioDeviceClass& k);

  unsigned config_size() const override { return virtio_gpu::kConfigSize; }
  void realize();
  void unrealize();
  void reset() override;
  void settle() override;
  void saving() override;
  void loaded() override;
  std::string describe() const override;

  Screen& screen() override { return screen_; }
  // Until it is null again.
  void set_underlay(Underlay* underlay) { underlay_ = underlay; }
  u32 width() const { return width_; }
  u32 height() const { return height_; }
  bool has_edid() const { return edid_; }

 protected:
  u64 device_features() const override;
  void fill_config(std::span<u8> image) const override;
  void config_written(unsigned offset, u32 value, unsigned size) override;

 private:
  // What a command is answered with, beside its header.
  struct Answer {
    virtio_gpu::ControlType type = virtio_gpu::kOkNodata;
    std::vector<u8> bytes;  // behind the header
  };
  struct SavedResource {
    u32 id = 0, format = 0, width = 0, height = 0;
    std::vector<virtio_gpu::BackingEntry> backing;
    static std::span<const StateMember> members();
  };
  struct Scanout {
    u32 resource = 0;  // 0: nothing is shown
    u32 x = 0, y = 0, width = 0, height = 0;
    static std::span<const StateMember> members();
  };
  struct CursorState {
    u32 resource = 0;  // 0: it is not seen
    u32 x = 0, y = 0, hot_x = 0, hot_y = 0;
    static std::span<const StateMember> members();
  };

  // A transfer that other devices do not wait for until its end. The commands behind it do.
  struct LongTransfer {
    virtio_gpu::Transfer2d command;
    u32 rows = 0;  // that are done
    VirtElement element;
  };

  void serve(VirtQueue& queue);
  void serve_control();
  // The driver gets its answer.
  void finish(VirtQueue& queue, const VirtElement& element, const virtio_gpu::Header& header,
              const Answer& said);
  // What was left for later, but what is left again; it is stopped with the machine.
  void go_on();
  Answer answer(const virtio_gpu::Header& header, const VirtElement& element);
  Answer display_info() const;
  Answer edid(const VirtElement& element);
  Answer create(const VirtElement& element);
  Answer unref(const VirtElement& element);
  Answer set_scanout(const VirtElement& element);
  Answer flush(const VirtElement& element);
  // None: it is not done yet, and goes on as long_.
  std::optional<Answer> begin_transfer(const VirtElement& element);
  std::optional<Answer> transfer_rows(const virtio_gpu::Transfer2d& command, u32& rows);
  Answer attach_backing(const VirtElement& element);
  Answer detach_backing(const VirtElement& element);
  Answer change_cursor(const VirtElement& element, bool picture);

  // The command, if the driver has sent all of it.
  template <class Command>
  std::optional<Command> read(const VirtElement& element);
  virtio_gpu::Resource* resource(u32 id);
  // False: the host's memory for resources would not do.
  bool has_room(u64 bytes) const;
  void forget(u32 id);
  void forget_all();

  bool scanout_fits(const Scanout& scanout) const;
  void show(const Scanout& scanout);
  void place_cursor();
  void draw();
  void draw_rows(const virtio_gpu::Resource& shown);
  void mark_rows(const Rectangle& rows);
  void mark_all();
  void size_asked(u32 width, u32 height);

  u64 max_hostmem_ = 256_MiB;
  u32 width_ = 1280, height_ = 800;  // that the host would like
  bool edid_ = true;

  struct State {
    u32 events = 0;
    Scanout scanout;
    CursorState cursor;
    std::vector<SavedResource> resources;  // while it is saved or loaded
  };
  State state_;
  std::map<u32, virtio_gpu::Resource> resources_;
  u64 held_ = 0;  // bytes of theirs
  virtio_gpu::Cursor cursor_;
  VirtElement element_;
  std::optional<LongTransfer> long_;
  u64 allowance_ = 0;  // bytes that may be transferred before others get their turn
  std::unique_ptr<Timer> later_;
  Underlay* underlay_ = nullptr;
  u32 first_changed_ = 0, end_changed_ = 0;  // rows of the screen
  std::vector<u32> row_;
  Screen screen_{[this] { draw(); },
                 [this](bool by_somebody) {
                   if (underlay_ != nullptr) underlay_->watched(by_somebody);
                 }};
};

}  // namespace backplane
