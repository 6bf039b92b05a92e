// SPDX-License-Identifier: MIT
// "qtest": lets a program drive the devices of a machine over a character device, in QEMU's qtest
// protocol. It serves under any accelerator; under qtest-accel the machine's time is the program's
// as well.
#include <fstream>
#include <optional>

#include "backplane/chardev.h"
#include "backplane/machine.h"
#include "commands.h"
#include "interceptions.h"

namespace backplane::qtest {

namespace {

class Qtest final : public Backend, public ChardevClient {
  BACKPLANE_OBJECT(Qtest, Backend, "qtest")
 public:
  static void class_init(ObjectClass& k) {
    k.stateless();
    k.property<&Qtest::chardev_>("chardev", "id of the -chardev that the program is at");
    k.property<&Qtest::log_name_>("log", "file for what is said; none: nowhere");
  }
  ~Qtest() override {
    if (chardev_) chardev_->set_client(nullptr);
  }

  std::string describe() const override { return fmt::format("qtest on {}", chardev_.print()); }

  std::size_t can_receive() override { return std::size_t{64} << 10; }
  void receive(const u8* data, std::size_t size) override;
  void event(Event event) override;

 protected:
  void open() override;

 private:
  void take_line();
  void say(std::string_view line);
  void note(char direction, std::string_view line);

  BackendLink<Chardev> chardev_;
  std::string log_name_ = "none";
  std::ofstream log_;
  std::optional<Interceptions> interceptions_;
  std::string line_;  // as far as it has come
};

BACKPLANE_REGISTER(Qtest, .description = "Lets a program drive the devices (qtest)");

void Qtest::open() {
  if (!chardev_) throw Error("chardev is missing: expects the id of a -chardev");
  if (log_name_ != "none") {
    log_.open(log_name_);
    if (!log_) throw Error::of("log={}: cannot be written", log_name_);
  }
  interceptions_.emplace(machine(), [this](unsigned number, bool level) {
    say(fmt::format("IRQ {} {}", level ? "raise" : "lower", number));
  });
  chardev_->set_client(this);
}

void Qtest::event(Event event) {
  if (event == Event::Break) return;
  // The next client begins anew.
  line_.clear();
  interceptions_->end();
}

void Qtest::receive(const u8* data, std::size_t size) {
  for (std::size_t n = 0; n < size; ++n) {
    if (data[n] == '\n')
      take_line();
    else if (line_.size() <= kLongestLine)
      line_.push_back(static_cast<char>(data[n]));
  }
}

void Qtest::take_line() {
  const std::string line = std::exchange(line_, {});
  std::string_view words = line;
  if (words.ends_with('\r')) words.remove_suffix(1);
  if (words.empty()) return;
  note('R', words);
  if (words.size() > kLongestLine) return say("FAIL the line is too long");
  say(answer({machine(), *interceptions_}, words));
}

void Qtest::say(std::string_view line) {
  note('S', line);
  const std::string text = fmt::format("{}\n", line);
  chardev_->write(reinterpret_cast<const u8*>(text.data()), text.size());
}

void Qtest::note(char direction, std::string_view line) {
  if (log_.is_open())
    log_ << fmt::format("[{} +{:.6f}] {}\n", direction,
                        static_cast<double>(machine().realtime_clock().now()) / 1e9, line)
         << std::flush;
}

}  // namespace
}  // namespace backplane::qtest
