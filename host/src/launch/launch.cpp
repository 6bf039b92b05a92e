// SPDX-License-Identifier: MIT
#include "launch/launch.h"

#include <algorithm>

#include "accelerator/selection.h"
#include "backplane/catalogue.h"
#include "backplane/descriptors.h"
#include "backplane/log.h"
#include "backplane/machine_state.h"
#include "backplane/migration.h"
#include "backplane/snapshots.h"
#include "devices/devices.h"
#include "devices/displays.h"
#include "devices/firmware_files.h"
#include "devices/networks.h"
#include "devices/objects.h"
#include "launch/core_dump.h"
#include "launch/cpu_model.h"
#include "launch/progress.h"
#include "launch/saved_state.h"
#include "options/machine_size.h"
#include "qmp/session.h"
#include "report.h"

namespace backplane::host {

namespace {

// A program in the background has none.
void expect_no_terminal(Backends& backends) {
  for (const Chardev* const device : objects_offering<Chardev>(backends))
    if (device->type_name() == "chardev-stdio")
      throw Error::of("{} leads to this terminal, which a program in the background leaves",
                      device->label())
          .with_hint("-nodefaults and -display none leave out what was not asked for");
}

}  // namespace

Launch::Launch(const Configuration& configuration, const std::string& program_name, Daemon& daemon)
    : asked_(configuration), program_name_(program_name), daemon_(daemon) {}

Launch::~Launch() {
  const MachineLock::Guard lock;
  gdb_.reset();
  device_gone_ = {};
  for (Object* const monitor : monitors_) root_.remove_child(*monitor);
  if (migration_ != nullptr) root_.remove_child(*migration_);
  typing_.reset();
  if (machine_ != nullptr) machine_->tear_down();
  // What devices used goes after them, and before the event loop, which is the machine's.
  if (backends_ != nullptr) root_.remove_child(*backends_);
  if (machine_ != nullptr) root_.remove_child(*machine_);
}

void Launch::check_options() {
  candidates_ = plan_accelerators(asked_, program_name_, accelerator_installed);
  const auto& of_machine = asked_.machine.properties;
  const bool has_kernel =
      asked_.board.contains("kernel") ||
      std::any_of(of_machine.begin(), of_machine.end(),
                  [](const MachineOptions::Property& given) { return given.name == "kernel"; });
  if (const auto& state = asked_.state(); state && asked_.snapshot_to_load != nullptr)
    throw asked_.snapshot_to_load->error("the machine begins with '{}' already", state->given);
  if (!has_kernel)
    for (const char* name : {"initrd", "append"})
      if (const auto given = asked_.board.find(name); given != asked_.board.end())
        throw given->second.option->error("-{} only allowed with -kernel option", name);
}

void Launch::create_machine() {
  const auto& type = with_option(asked_.machine.given, [&]() -> const ObjectClass& {
    return class_of_kind(kMachineKind, asked_.machine.type);
  });
  machine_ = &root_.add_child("machine", create_object<Machine>(type.name));
  backends_ = &root_.add_child("backends", std::make_unique<Backends>(*machine_));
  inputs_.emplace(*machine_);
  machine_->provide(*inputs_);
  typing_.emplace(*machine_, *inputs_);
  machine_->provide(*typing_);
  machine_->main_loop().on_termination([this](int signal) {
    signal_ = signal;
    machine_->run_control().request_shutdown(ShutdownCause::HostSignal);
  });
}

void Launch::configure_machine() {
  for (const auto& property : asked_.machine.properties)
    with_option(property.given, [&] { machine_->set_property(property.name, property.value); });
  for (const GivenOption* option : asked_.globals) add_global(*machine_, *option);

  MachineConfig& config = machine_->config();
  const MachineClass& type = machine_->machine_class();
  config.ram_size = asked_.ram_size;
  if (asked_.smp != nullptr)
    config.topology = with_values(*asked_.smp, [&](KeyValueList values) {
      return parse_smp(std::move(values), type.max_cpus, asked_.machine.type);
    });
  if (asked_.cpu != nullptr) {
    config.cpu_model = asked_.cpu->value;
    with_values(*asked_.cpu,
                [](const KeyValueList& values) { find_cpu_class(values.get("type")); });
  }
  set_board_properties();
  config.name = asked_.name;
  config.uuid = asked_.uuid;
  machine_->run_control().actions() = asked_.actions;
  config.start_stopped = asked_.start_stopped;
  config.will_load_state = asked_.snapshot_to_load != nullptr;
  if (const auto& state = asked_.state()) {
    config.will_load_state = true;
    config.will_be_received = !state->place.socket.empty() || state->place.deferred;
  }
}

void Launch::set_board_properties() {
  for (const auto& asked : asked_.board) {
    const auto& [property, setting] = asked;
    const GivenOption& option = *setting.option;
    if (machine_->object_class().find_property(property) == nullptr) {
      if (setting.if_there) continue;
      throw option.error("machine {} has no use for -{}", asked_.machine.type, option.name());
    }
    with_option(option.text, [&] { machine_->set_property(asked.first, asked.second.value); });
  }
  const auto screen = wanted_screen(asked_);
  if (screen && machine_->object_class().find_property(kScreenProperty) != nullptr)
    machine_->set_property(kScreenProperty, *screen);
  if (is_without_graphics(asked_) &&
      machine_->object_class().find_property(kGraphicsProperty) != nullptr)
    machine_->set_property(kGraphicsProperty, "off");
}

void Launch::choose_accelerator() {
  select_accelerator(*machine_, candidates_, asked_.icount,
                     asked_.qtest != nullptr ? Fallback::Expected : Fallback::Reported);
}

void Launch::take_descriptors() {
  for (const Configuration::Descriptor& descriptor : asked_.descriptors)
    with_option(descriptor.given, [&] { descriptors::add_to_set(descriptor.set, descriptor.fd); });
}

void Launch::open_backends() {
  take_descriptors();
  consoles_ = open_consoles(*backends_, *machine_, asked_);
  create_objects(*backends_, asked_, ObjectsOf::OtherThings);
  if (asked_.daemonize) with_option("-daemonize", [&] { expect_no_terminal(*backends_); });
}

void Launch::start_monitors() {
  migration_ = &root_.add_child("migration", std::make_unique<Migration>(*machine_));
  for (const Consoles::Terminal& terminal : consoles_.monitors)
    start_monitor<Monitor>(terminal, "monitor[*]");
  for (const Consoles::Terminal& terminal : consoles_.controls)
    start_monitor<QmpSession>(terminal, "qmp[*]");
}

template <class Kind>
void Launch::start_monitor(const Consoles::Terminal& terminal, const char* name) {
  auto& monitor = root_.add_child(terminal.name.empty() ? name : terminal.name,
                                  std::make_unique<Kind>(CommandContext{*machine_, *migration_}));
  monitors_.push_back(&monitor);
  with_option(terminal.given,
              [&] { monitor.open(dynamic_cast<Chardev&>(*backends_->find(terminal.chardev))); });
}

void Launch::start_gdb_server() {
  gdb_ = std::make_unique<gdb::Service>(CommandContext{*machine_, *migration_}, *backends_, root_);
  machine_->provide(*gdb_);
  if (const auto& debugger = asked_.debugger)
    with_option(debugger->given, [&] { gdb_->serve(debugger->text); });
}

void Launch::build_board() {
  machine_->init();
  if (!asked_.machine.dump_guest_core) leave_ram_out_of_core_dumps(*machine_);
}

void Launch::configure_firmware() {
  if (asked_.firmware_files.empty() && asked_.smbios.empty()) return;
  auto* const firmware = machine_->service<FirmwareConfiguration>();
  const auto with_firmware = [&](const GivenOption& option, auto action) {
    with_values(option, [&](KeyValueList values) {
      if (firmware == nullptr)
        throw Error::of("machine {} has no firmware that could be told", machine_->type_name());
      action(std::move(values));
    });
  };
  for (const GivenOption* option : asked_.firmware_files)
    with_firmware(*option,
                  [&](KeyValueList values) { add_firmware_file(*firmware, std::move(values)); });
  for (const GivenOption* option : asked_.smbios)
    with_firmware(*option, [&](KeyValueList values) { firmware->add_smbios(std::move(values)); });
}

void Launch::add_devices() {
  // Whose places the user does not name come where the others leave room, but for serial ports,
  // whose places are known.
  for (const ImpliedDevice& port : consoles_.serials) add_device(*machine_, port);
  drives_ = open_drives(*backends_, *machine_, asked_);
  // Those that come later may name one, too.
  machine_->provide(drives_);
  device_gone_ = machine_->events().subscribe([this](const EventType& type, const Value&) {
    if (type.name != kDeviceDeletedEvent.name) return;
    machine_->main_loop().post([this] { close_unused_discs(*backends_, drives_); });
  });
  auto implied = drives_.disks;
  for (ImpliedDevice& card : open_networks(*backends_, *machine_, asked_))
    implied.push_back(std::move(card));
  create_objects(*backends_, asked_, ObjectsOf::Networks);
  for (const GivenOption* option : asked_.devices)
    with_values(*option, [&](KeyValueList values) {
      add_device(*machine_, std::move(values), drives_.uses);
    });
  for (const ImpliedDevice& device : implied) add_device(*machine_, device);
}

void Launch::open_displays() { host::open_displays(*backends_, asked_); }

void Launch::make_ready() {
  configure_firmware();
  machine_->finish();
  warn_of_unused_globals(*machine_);
  machine_->phases().advance(Phase::MachineReady);
  machine_->run_control().reset();
  if (const auto& state = asked_.state())
    with_option(state->given, [&] { load_state(state->place); });
  else if (const GivenOption* const option = asked_.snapshot_to_load)
    with_option(option->text, [&] {
      ProgressLine progress("loading");
      load_snapshot(*machine_, option->value, progress.shower());
    });
}

void Launch::load_state(const StatePlace& place) {
  if (place.deferred) return;
  if (place.is_handed_over()) {
    migration_->receive(place.socket, end_if_failed(*machine_, asked_.state()->given));
    return;
  }
  ProgressLine progress("loading");
  if (place.socket.empty()) {
    load_machine(*machine_, place.file, progress.shower());
    return;
  }
  progress.say(fmt::format("waiting at {}", place.socket));
  stood_still_ = !receive_machine(*machine_, place.socket, progress.shower());
}

void Launch::give_up_rights() {
  if (const GivenOption* const option = asked_.chroot)
    with_option(option->text, [&] { change_root(option->value); });
  if (run_as_) with_option(asked_.run_as->text, [&] { become(*run_as_); });
}

int Launch::run() {
  {
    const MachineLock::Guard lock;
    check_options();
    if (asked_.pid_file != nullptr)
      with_option(asked_.pid_file->text,
                  [&] { pid_file_ = std::make_unique<PidFile>(asked_.pid_file->value); });
    // Users are looked up where the system's files are.
    if (const GivenOption* const option = asked_.run_as)
      run_as_ = with_option(option->text, [&] { return parse_run_as(option->value); });
    create_machine();
    configure_machine();
    choose_accelerator();
    machine_->phases().advance(Phase::AccelCreated);
    open_backends();
    build_board();
    machine_->phases().advance(Phase::MachineInitialized);
    add_devices();
    open_displays();
    start_monitors();
    start_gdb_server();
    make_ready();
    give_up_rights();
    // What is still to be received starts by itself.
    if (!machine_->config().start_stopped && !stood_still_ && !machine_->config().will_be_received)
      machine_->run_control().start();
  }
  daemon_.ready();
  const int status = machine_->main_loop().run();
  if (signal_ != 0) log::report(fmt::format("terminating on signal {}", signal_));
  return status;
}

}  // namespace backplane::host
