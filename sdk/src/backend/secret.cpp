// SPDX-License-Identifier: MIT
// -object secret: a key or a password for others, from a file or the command line.
#include "backplane/backend.h"
#include "backplane/enumeration.h"
#include "backplane/host_file.h"

namespace backplane {

namespace {

enum class SecretFormat { Raw };

}  // namespace

template <>
struct EnumNames<SecretFormat> {
  static constexpr EnumName<SecretFormat> kNames[] = {{SecretFormat::Raw, "raw"}};
};

namespace {

class Secret final : public Backend {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&Secret::file_>("file", "the file that has it");
    k.property<&Secret::data_>("data", "the secret itself, which others on this host can see");
    k.property<&Secret::format_>("format", "how it is written there");
  }

  std::string describe() const override { return fmt::format("{} bytes", secret_.size()); }

 private:
  void open() override {
    if (file_.empty() == data_.empty()) throw Error("expects either file= or data=");
    if (file_.empty()) {
      secret_.assign(data_.begin(), data_.end());
      return;
    }
    constexpr u64 kMost = 1_MiB;
    HostFile file;
    int error = file.open(file_);
    if (error == 0) error = file.read_to_end(secret_, kMost);
    if (error != 0) throw Error::system(file_, error);
  }

  std::string file_, data_;
  SecretFormat format_ = SecretFormat::Raw;
  std::vector<u8> secret_;
};

BACKPLANE_TYPE(Secret, "secret", .description = "A key or a password for others")

}  // namespace

}  // namespace backplane
