// SPDX-License-Identifier: MIT
#include "launch/launch.h"

#include <algorithm>

#include "accelerator/selection.h"
#include "backplane/catalogue.h"
#include "backplane/descriptors.h"
#include "backplane/log.h"
#include "backplane/machine_state.h"
#include "backplane/migration.h"
#include "devices/devices.h"
#include "devices/networks.h"
#include "devices/objects.h"
#include "launch/core_dump.h"
#include "launch/cpu_model.h"
#include "launch/progress.h"
#include "launch/saved_state.h"
#include "options/accepted_options.h"
#include "options/guest_action_options.h"
#include "options/icount_options.h"
#include "options/identity_options.h"
#include "options/machine_size.h"
#include "qmp/session.h"
#include "report.h"

namespace backplane::host {

namespace {

// What the options that are properties of a board set.
struct BoardOption {
  std::string_view option;
  std::string_view property;
};
constexpr BoardOption kBoardOptions[] = {
    {"kernel", "kernel"}, {"initrd", "initrd"}, {"append", "append"}, {"bios", "firmware"}};

// A program in the background has none.
void expect_no_terminal(Backends& backends) {
  for (const Chardev* const device : objects_offering<Chardev>(backends))
    if (device->type_name() == "chardev-stdio")
      throw Error::of("{} leads to this terminal, which a program in the background leaves",
                      device->label())
          .with_hint("-nodefaults and -display none leave out what was not asked for");
}

// The state that the machine begins with, if it is given.
const GivenOption* saved_state(const CommandLine& line) {
  const GivenOption* const option = line.last("loadstate");
  return option != nullptr ? option : line.last("incoming");
}

StatePlace place_of(const GivenOption& option) {
  constexpr std::string_view kLater = "defer";
  if (option.name() == "incoming" && option.value == kLater) return {.deferred = true};
  return with_option("-" + option.name(), [&] { return state_place(option.value); });
}

}  // namespace

Launch::Launch(const CommandLine& line, const std::string& program_name, Daemon& daemon)
    : line_(line), program_name_(program_name), daemon_(daemon) {}

Launch::~Launch() {
  const MachineLock::Guard lock;
  gdb_.reset();
  for (Object* const monitor : monitors_) root_.remove_child(*monitor);
  if (migration_ != nullptr) root_.remove_child(*migration_);
  if (machine_ != nullptr) machine_->tear_down();
  // What devices used goes after them, and before the event loop, which is the machine's.
  if (backends_ != nullptr) root_.remove_child(*backends_);
  if (machine_ != nullptr) root_.remove_child(*machine_);
}

void Launch::check_options() {
  check_accepted_options(line_);
  options_ = machine_options(line_);
  if (const GivenOption* option = line_.last("icount"))
    icount_ = InstructionCounting{
        with_values(*option, [](KeyValueList values) { return parse_icount(values); }),
        option->text};
  candidates_ = plan_accelerators(line_, options_, program_name_, accelerator_installed);
  const bool has_kernel =
      line_.has("kernel") ||
      std::any_of(options_.properties.begin(), options_.properties.end(),
                  [](const MachineOptions::Property& given) { return given.name == "kernel"; });
  if (!has_kernel)
    for (const char* name : {"initrd", "append"})
      if (const GivenOption* option = line_.last(name))
        throw option->error("-{} only allowed with -kernel option", name);
}

void Launch::create_machine() {
  const auto& type = with_option(options_.given, [&]() -> const ObjectClass& {
    return class_of_kind(kMachineKind, options_.type);
  });
  machine_ = &root_.add_child("machine", create_object<Machine>(type.name));
  backends_ = &root_.add_child("backends", std::make_unique<Backends>(*machine_));
  machine_->main_loop().on_termination([this](int signal) {
    signal_ = signal;
    machine_->run_control().request_shutdown(ShutdownCause::HostSignal);
  });
}

void Launch::configure_machine() {
  for (const auto& property : options_.properties)
    with_option(property.given, [&] { machine_->set_property(property.name, property.value); });
  for (const GivenOption* option : line_.group("global")) add_global(*machine_, *option);

  MachineConfig& config = machine_->config();
  const MachineClass& type = machine_->machine_class();
  if (const GivenOption* option = line_.last("m"))
    config.ram_size =
        with_values(*option, [](KeyValueList values) { return parse_memory(values); });
  if (const GivenOption* option = line_.last("smp"))
    config.topology = with_values(*option, [&](KeyValueList values) {
      return parse_smp(values, type.max_cpus, options_.type);
    });
  if (const GivenOption* option = line_.last("cpu")) {
    config.cpu_model = option->value;
    with_values(*option, [](const KeyValueList& values) { find_cpu_class(values.get("type")); });
  }
  for (const auto& [name, property] : kBoardOptions)
    if (const GivenOption* option = line_.last(name))
      set_board_property(*option, property, option->value);
  if (const GivenOption* option = line_.last("rtc"))
    if (const std::string base = option->list().get("base"); !base.empty())
      set_board_property(*option, "rtc-base", base);
  config.name = parse_name(line_);
  config.uuid = parse_uuid(line_);
  machine_->run_control().actions() = parse_guest_actions(line_);
  config.start_stopped = line_.has("S");
  if (const GivenOption* option = saved_state(line_)) {
    config.will_load_state = true;
    const StatePlace place = place_of(*option);
    config.will_be_received = !place.socket.empty() || place.deferred;
  }
}

void Launch::set_board_property(const GivenOption& option, std::string_view property,
                                const std::string& value) {
  if (machine_->object_class().find_property(property) == nullptr)
    throw option.error("machine {} has no use for -{}", options_.type, option.name());
  with_option(option.text, [&] { machine_->set_property(property, value); });
}

void Launch::choose_accelerator() {
  select_accelerator(*machine_, candidates_, icount_,
                     line_.has("qtest") ? Fallback::Expected : Fallback::Reported);
}

void Launch::take_descriptors() {
  for (const GivenOption* option : line_.group("add-fd"))
    with_values(*option, [](KeyValueList values) {
      const auto set = values.take_as<u32>("set");
      const auto fd = values.take_as<i32>("fd");
      values.take("opaque");
      values.expect_empty("fd, opaque, set");
      if (!set || !fd) throw Error("expects fd=NUMBER and set=NUMBER");
      descriptors::add_to_set(*set, *fd);
    });
}

void Launch::open_backends() {
  take_descriptors();
  consoles_ = open_consoles(*backends_, *machine_, line_);
  create_objects(*backends_, line_);
  if (line_.has("daemonize")) with_option("-daemonize", [&] { expect_no_terminal(*backends_); });
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
  if (const GivenOption* option = line_.last("gdb"))
    with_option(option->text, [&] { gdb_->serve(option->value); });
  else if (line_.has("s"))
    with_option("-s", [&] { gdb_->serve(gdb::kUsualDevice); });
}

void Launch::build_board() {
  machine_->init();
  if (!options_.dump_guest_core) leave_ram_out_of_core_dumps(*machine_);
}

void Launch::add_devices() {
  // Whose places the user does not name come where the others leave room, but for serial ports,
  // whose places are known.
  for (const ImpliedDevice& port : consoles_.serials) add_device(*machine_, port);
  drives_ = open_drives(*backends_, *machine_, line_);
  // Those that come later may name one, too.
  machine_->provide(drives_);
  auto implied = drives_.disks;
  for (ImpliedDevice& card : open_networks(*backends_, *machine_, line_))
    implied.push_back(std::move(card));
  for (const GivenOption* option : line_.group("device"))
    with_values(*option, [&](KeyValueList values) {
      add_device(*machine_, std::move(values), drives_.properties);
    });
  for (const ImpliedDevice& device : implied) add_device(*machine_, device);
}

void Launch::make_ready() {
  machine_->finish();
  warn_of_unused_globals(*machine_);
  machine_->phases().advance(Phase::MachineReady);
  machine_->run_control().reset();
  if (const GivenOption* option = saved_state(line_))
    with_option("-" + option->name(), [&] { load_state(place_of(*option)); });
}

void Launch::load_state(const StatePlace& place) {
  if (place.deferred) return;
  if (place.is_handed_over()) {
    migration_->receive(place.socket, end_if_failed(*machine_));
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

int Launch::run() {
  {
    const MachineLock::Guard lock;
    check_options();
    if (const GivenOption* option = line_.last("pidfile"))
      with_option("-pidfile", [&] { pid_file_ = std::make_unique<PidFile>(option->value); });
    create_machine();
    configure_machine();
    choose_accelerator();
    machine_->phases().advance(Phase::AccelCreated);
    open_backends();
    build_board();
    machine_->phases().advance(Phase::MachineInitialized);
    add_devices();
    start_monitors();
    start_gdb_server();
    make_ready();
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
