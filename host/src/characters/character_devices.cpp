// SPDX-License-Identifier: MIT
#include "characters/character_devices.h"

#include <algorithm>

#include "options/values.h"

namespace backplane::host {

CharacterDevices::CharacterDevices(MainLoop& loop, std::function<void()> quit)
    : loop_(loop), quit_(std::move(quit)) {}

CharacterDevices::~CharacterDevices() = default;

Chardev& CharacterDevices::keep(std::unique_ptr<Chardev> device) {
  devices_.push_back(std::move(device));
  return *devices_.back();
}

MuxChardev& CharacterDevices::keep_mux(const std::string& id, std::unique_ptr<Chardev> backend) {
  auto mux = std::make_unique<MuxChardev>(id, std::move(backend));
  mux->on_quit(quit_);
  MuxChardev& kept = *mux;
  keep(std::move(mux));
  return kept;
}

void CharacterDevices::claim_terminal() {
  if (terminal_used_)
    throw Error(
        "stdio is in use already: -serial mon:stdio shares it between a serial port and "
        "the monitor");
  terminal_used_ = true;
}

void CharacterDevices::add_named(KeyValueList values) {
  const std::string kind = values.take("backend").value_or("");
  const std::string id = values.take("id").value_or("");
  if (kind.empty()) throw Error("the kind is missing: expects stdio, null, file, pty, socket, ...");
  if (id.empty()) throw Error("id is missing: expects a name to refer to the device by");
  if (std::any_of(named_.begin(), named_.end(), [&](const Named& n) { return n.id == id; }))
    throw Error::of("id={}: that name is taken by another -chardev", id);
  const bool shared = take_flag(values, "mux", false);
  auto options = values.pairs();
  if (kind == "stdio") {
    claim_terminal();
    // Ctrl-C is the guest's where the terminal is shared: there is Ctrl-A x to quit.
    if (shared && !values.has("signal")) options.emplace_back("signal", "off");
  }
  auto device = create_chardev(loop_, kind, id, options);
  if (shared) {
    MuxChardev& mux = keep_mux(id, std::move(device));
    named_.push_back({id, &mux, &mux, {}});
  } else {
    named_.push_back({id, &keep(std::move(device)), nullptr, {}});
  }
}

Chardev& CharacterDevices::use(const std::string& name, const std::string& user) {
  const auto named =
      std::find_if(named_.begin(), named_.end(), [&](const Named& n) { return n.id == name; });
  if (named == named_.end()) throw Error::of("no -chardev has id={}", name);
  if (named->mux != nullptr) return named->mux->add_front(user);
  if (!named->user.empty())
    throw Error::of("chardev {} is used by {} already: mux=on lets several share it", name,
                    named->user);
  named->user = user;
  return *named->device;
}

std::unique_ptr<Chardev> CharacterDevices::make(const std::string& text, const std::string& id,
                                                bool shared) {
  if (text == "stdio") {
    claim_terminal();
    if (shared) return create_chardev(loop_, "stdio", id, {{"signal", "off"}});
  }
  return create_chardev_from_text(loop_, id, text);
}

Chardev* CharacterDevices::open(const Console& console, const std::string& id) {
  const std::string& text = console.text;
  if (text == "none") return nullptr;
  if (text.starts_with("chardev:")) return &use(text.substr(8), id);
  if (text.starts_with("mon:")) {
    MuxChardev& mux = keep_mux(id, make(text.substr(4), id + "-backend", true));
    Chardev& front = mux.add_front(id);
    monitor_fronts_.push_back(&mux.add_front(id + "-monitor"));
    return &front;
  }
  return &keep(make(text, id, false));
}

std::vector<const Chardev*> CharacterDevices::all() const {
  std::vector<const Chardev*> all;
  for (const auto& device : devices_) all.push_back(device.get());
  return all;
}

}  // namespace backplane::host
