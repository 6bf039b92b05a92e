// SPDX-License-Identifier: MIT
// A character device that keeps what is written, and puts it into a file at the end.
#include <backplane/chardev.h>
#include <backplane/module.h>

#include <fstream>

using namespace backplane;

namespace {

class Recorder final : public Chardev {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&Recorder::path_>("path", "where the record is put");
  }
  ~Recorder() override {
    if (!record_.empty()) std::ofstream(path_, std::ios::binary) << record_;
  }

  void write(const u8* data, std::size_t size) override {
    record_.append(reinterpret_cast<const char*>(data), size);
  }
  std::string describe() const override { return fmt::format("{} bytes", record_.size()); }

 private:
  void open() override {
    if (path_.empty()) throw Error("path is missing: expects where the record is to be put");
  }

  std::string path_;
  std::string record_;
};

BACKPLANE_TYPE(Recorder, "chardev-recorder", .description = "Puts all into a file at the end")

}  // namespace

BACKPLANE_MODULE("chardev-recorder", "1.0", "A character device that records", "MIT")
