// SPDX-License-Identifier: MIT
// What the options are called, take and mean. -help and docs/command-line.md come from here.
#include "options/option_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "backplane/block.h"
#include "backplane/chardev.h"
#include "backplane/device.h"
#include "backplane/firmware_file.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/module.h"
#include "backplane/netdev.h"
#include "devices/displays.h"
#include "devices/networks.h"
#include "devices/objects.h"
#include "gdb/service.h"
#include "help/requested_help.h"
#include "options/accepted_options.h"
#include "options/configuration.h"
#include "options/foreign_options.h"
#include "options/guest_action_options.h"
#include "options/icount_options.h"
#include "options/identity_options.h"
#include "options/program_options.h"
#include "report.h"

namespace backplane::host {

namespace {

struct Row {
  OptionSpec spec;
  void (*action)(Configuration& configuration, const GivenOption& option);
  // What is printed instead of launching; nullopt where the option asks for nothing.
  std::optional<std::string> (*answer)(const GivenOption& option) = nullptr;
};

// Arguments of which "help" may be one: files, and words for others.
constexpr std::string_view kAnyText[] = {"", "FILE", "DIRECTORY", "WORDS", "USER|UID:GID"};

bool takes_any_text(const OptionSpec& spec) {
  return std::find(std::begin(kAnyText), std::end(kAnyText), spec.argument) != std::end(kAnyText);
}

// --- actions that are the same for several rows -----------------------------------------------

template <Configuration::Option Configuration::*kMember>
void keep(Configuration& configuration, const GivenOption& option) {
  configuration.*kMember = &option;
}

template <Configuration::Options Configuration::*kMember>
void add(Configuration& configuration, const GivenOption& option) {
  (configuration.*kMember).push_back(&option);
}

template <std::vector<Console> ConsoleOptions::*kMember>
void add_console(Configuration& configuration, const GivenOption& option) {
  (configuration.consoles.*kMember).push_back({option.value, option.text});
}

// It only asks, or says what is so.
void nothing(Configuration&, const GivenOption&) {}

template <const Kind& kKind>
std::optional<std::string> help_on(const GivenOption& option) {
  return help_on_kind(kKind, option);
}

std::optional<std::string> version(const GivenOption&) { return version_text(); }

std::optional<std::string> usage(const GivenOption&) {
  return "Usage: " + log::program_name() + " [OPTION]...\n\n" + option_table().help();
}

std::vector<Row> rows() {
  using enum OptionPass;
  return {
      {{"machine", "M", "[type=]NAME[,accel=A:B...][,PROPERTY=VALUE...]",
        "the machine (default: pc); -machine help lists them. accel= names accelerators to\n"
        "try in order, as several -accel options do",
        "Machine", "type"},
       set_machine,
       help_on_machines},
      {{"cpu", "", "MODEL[,+FEATURE|-FEATURE|FEATURE=on|off...]",
        "the model of the CPUs; -cpu help lists them, -cpu MODEL,help its features", "", "type"},
       keep<&Configuration::cpu>,
       help_on_cpus},
      {{"smp", "", "[cpus=]N[,sockets=S][,dies=D][,cores=C][,threads=T]",
        "the number of CPUs (default: 1), or how they are made up", "", "cpus"},
       keep<&Configuration::smp>},
      {{"m", "", "[size=]SIZE", "RAM in MiB, or with a suffix: 512, 512M, 1.5G", "", "size"},
       set_memory},
      {{"name", "", "[guest=]NAME[,debug-threads=on|off]",
        "a name for the guest, which 'info name' in the monitor shows", "", "guest"},
       set_name},
      {{"uuid", "", "UUID", "a number for the guest, which 'info uuid' in the monitor shows"},
       set_uuid},

      {{"accel", "", "[accel=]NAME[,required=on][,PROPERTY=VALUE...]",
        "what runs the guest's code. Several are tried in order; with required=on, no later\n"
        "one is. -accel help lists those installed, -accel NAME,help what can be set.\n"
        "Default: tcg, then kvm; the other way round if the program's name ends in kvm",
        "Accelerator", "accel"},
       add_accelerator,
       help_on_accelerators},
      {{"enable-kvm", "", "", "the same as -machine accel=kvm"},
       [](Configuration& c, const GivenOption& o) {
         c.machine.accelerators = {"kvm", o.text};
       }},
      {{"icount", "", "[shift=]N|auto[,align=on|off][,sleep=on|off]",
        "count instructions: guest time advances 2^N ns with each (N from 0 to 10), or follows\n"
        "real time with auto. align: slow down to real time; sleep=off: never wait for it",
        "", "shift"},
       set_icount},

      {{"kernel", "", "FILE", "the kernel to boot: bzImage, PVH ELF or Multiboot", "Boot"},
       [](Configuration& c, const GivenOption& o) { set_on_board(c, o, "kernel"); }},
      {{"initrd", "", "FILE", "the initial RAM disk of the kernel"},
       [](Configuration& c, const GivenOption& o) { set_on_board(c, o, "initrd"); }},
      {{"append", "", "WORDS", "the command line of the kernel"},
       [](Configuration& c, const GivenOption& o) { set_on_board(c, o, "append"); }},
      {{"bios", "", "FILE", "the firmware to start instead of a kernel; without either, SeaBIOS"},
       [](Configuration& c, const GivenOption& o) { set_on_board(c, o, "firmware"); }},
      {{"action", "", "[reboot=reset|shutdown][,shutdown=poweroff|pause][,panic=ACTION]",
        "what follows when the guest resets, turns off, or says that it has panicked, which a\n"
        "pvpanic device lets it do; then: pause, shutdown (the default), exit-failure, none"},
       set_actions},
      {{"no-shutdown", "", "", "stay when the guest turns off: the same as -action shutdown=pause"},
       [](Configuration& c, const GivenOption&) { c.actions.shutdown = ShutdownAction::Pause; }},
      {{"no-reboot", "", "", "end when the guest resets: the same as -action reboot=shutdown"},
       [](Configuration& c, const GivenOption&) { c.actions.reboot = RebootAction::Shutdown; }},
      {{"loadstate", "", "FILE",
        "go on where a machine with the same options was saved ('savestate' in the monitor)"},
       set_loaded_state},
      {{"loadvm", "", "NAME",
        "go on where 'savevm NAME' in the monitor kept the machine and its disks"},
       [](Configuration& c, const GivenOption& o) { c.snapshot_to_load = &o; }},
      {{"incoming", "", "file:FILE|unix:PATH|tcp:HOST:PORT|fd:NUMBER|defer",
        "the same, or wait there for a machine that 'migrate' in the monitor of another\n"
        "program sends; fd: an open descriptor, defer: until 'migrate-incoming' says where"},
       set_incoming_state},
      {{"no-hpet", "", "", "the same as -machine hpet=off, where the machine has such a timer"},
       [](Configuration& c, const GivenOption& o) {
         c.board["hpet"] = {.value = "off", .option = &o, .if_there = true};
       }},
      {{"rtc", "", "[base=]utc|localtime|DATE|SECONDS[,clock=host|rt|vm][,driftfix=none]",
        "the date at which the guest's real-time clock starts (2026-01-31T23:59:59, 2026-01-31),\n"
        "and what it goes on with: the host's calendar, the host's time, which nobody sets, or "
        "the\n"
        "guest's time, which stands still while the guest does",
        "", "base"},
       set_rtc},
      {{"boot", "",
        "[order=]LETTERS[,once=LETTERS][,menu=on|off][,splash-time=MS][,strict=on|off]...",
        "what firmware starts from: c disk, d CD, n network, in this order, or once= until the\n"
        "first reset; devices with a bootindex= come first, and with strict=on alone. menu=on:\n"
        "a menu, for splash-time=; reboot-timeout=: reset when nothing was found",
        "", "order"},
       set_boot},
      {{"fw_cfg", "", "[name=]NAME,file=FILE|string=TEXT",
        "a file that firmware and the guest's kernel find under a name: opt/org.example/key", "",
        "name"},
       add<&Configuration::firmware_files>},
      {{"smbios", "", "type=NUMBER[,FIELD=VALUE...]|file=FILE",
        "what the machine is called and made of, in the tables that the guest shows it from:\n"
        "type=1,manufacturer=,product=,serial=; types 0, 1, 2, 3, 4, 11, 17, or a structure"},
       add<&Configuration::smbios>},
      {{"L", "", "DIRECTORY", "look there for firmware and option ROMs first; may be repeated"},
       [](Configuration&, const GivenOption& o) { add_firmware_directory(o.value); }},
      {{"S", "", "", "do not start the guest: 'cont' in the monitor does"},
       [](Configuration& c, const GivenOption&) { c.start_stopped = true; }},

      {{"device", "", "[driver=]TYPE[,id=ID][,bus=BUS][,PROPERTY=VALUE...]",
        "add a device; -device help lists them, -device TYPE,help what can be set", "Devices",
        "driver", Main, true},
       add<&Configuration::devices>,
       help_on_devices},
      {{"audiodev", "", "[driver=]none,id=ID", "which is so: there is no sound", "", "driver", Main,
        true},
       accept_audiodev},
      {{"overcommit", "", "[mem-lock=off][,cpu-pm=off]",
        "which is so: the guest shares memory and processors with others of the host"},
       accept_overcommit},
      {{"object", "", "[qom-type=]TYPE,id=ID[,PROPERTY=VALUE...]",
        "make a backend of any kind by the full name of its type; -object help lists them", "",
        "qom-type", Main, true},
       add<&Configuration::objects>,
       help_on<kObjectKind>},
      {{"global", "", "TYPE.PROPERTY=VALUE|driver=TYPE,property=PROPERTY,value=VALUE",
        "a default for every device of a type"},
       add<&Configuration::globals>},
      {{"drive", "",
        "[file=]FILE[,format=FORMAT][,if=virtio|ide|scsi|pflash|none][,id=ID][,readonly=on|off]...",
        "a disk image. if=virtio (the default) adds a virtio disk for it, if=none leaves it to\n"
        "a -device with drive=ID; media=cdrom: a disc. Without format= a file of that kind named\n"
        "*.qcow2 is qcow2, else it is raw.\n"
        "Also: cache=writeback|none|writethrough|directsync|unsafe, bootindex=PLACE,\n"
        "discard=unmap|ignore, detect-zeroes=on|off|unmap, locking=auto|on|off, serial=TEXT,\n"
        "auto-read-only=on|off, index=PLACE, werror= and rerror=report|ignore|stop|enospc",
        "", "file"},
       add<&Configuration::drives>,
       help_on_drives},
      {{"hda", "", "FILE", "the same with if=ide,index=0; so is a FILE without an option"},
       add<&Configuration::drives>},
      {{"hdb", "", "FILE", "the same with if=ide,index=1"}, add<&Configuration::drives>},
      {{"hdc", "", "FILE", "the same with if=ide,index=2"}, add<&Configuration::drives>},
      {{"hdd", "", "FILE", "the same with if=ide,index=3"}, add<&Configuration::drives>},
      {{"pflash", "", "FILE", "the same with if=pflash: flash memory with firmware"},
       add<&Configuration::drives>},
      {{"cdrom", "", "FILE", "the same with if=ide,index=2,media=cdrom"},
       add<&Configuration::drives>},
      {{"snapshot", "", "",
        "the same as snapshot=on of every -drive and its like: what is written to a disk goes\n"
        "into a file that is gone at the end"},
       [](Configuration& c, const GivenOption&) { c.snapshot = true; }},
      {{"blockdev", "",
        "[driver=]DRIVER,node-name=NAME[,filename=FILE][,file=NODE][,PROPERTY=VALUE...]",
        "the same in layers: a file (filename=), and a format on top of it (file=, or\n"
        "file.filename=); the node-name is what drive= of a -device names. -blockdev help lists\n"
        "the drivers, -blockdev DRIVER,help what can be set",
        "", "driver", Main, true},
       add<&Configuration::blockdevs>,
       help_on<kBlockKind>},

      {{"netdev", "", "[type=]TYPE,id=ID[,PROPERTY=VALUE...]",
        "a network for netdev= of a -device; -netdev help lists them, -netdev TYPE,help what\n"
        "can be set",
        "Network", "type", Main, true},
       add<&Configuration::netdevs>,
       help_on<kNetdevKind>},
      {{"nic", "", "[type=]TYPE|none[,model=DEVICE][,mac=ADDRESS][,id=ID][,PROPERTY=VALUE...]",
        "a network card and the -netdev behind it. Default: user, where the machine starts in\n"
        "firmware, but for -nodefaults, a -netdev and -icount",
        "", "type"},
       add<&Configuration::nics>,
       help_on_cards},
      {{"net", "", "none", "the same as -nic none", "", "type"}, set_no_network},

      {{"nographic", "", "", "serial port and monitor share this terminal", "Consoles"},
       [](Configuration& c, const GivenOption&) { c.consoles.no_graphic = true; }},
      {{"display", "", "[type=]none|TYPE[,PROPERTY=VALUE...]",
        "none: do not use this terminal. vnc=ADDRESS: the same as -vnc", "", "type"},
       set_display},
      {{"vnc", "", "[HOST]:NUMBER|unix:PATH|none[,password=on][,websocket=on|PORT]...",
        "show the screen to VNC viewers there, and let them type: on TCP port 5900 + NUMBER, of\n"
        "this host alone where HOST is left out. password=on: nobody is let in before\n"
        "'set_password vnc' in the monitor; websocket=on: for browsers, on port 5700 + NUMBER;\n"
        "share=allow-exclusive|force-shared|ignore, to=NUMBER",
        "", "address"},
       set_vnc},
      {{"k", "", "en-us|en-gb|de|fr|es",
        "the layout of the keyboard that viewers without one of their own have"},
       set_keyboard_layout},
      {{"vga", "", "std|virtio|none",
        "the screen of the board (default: std where the machine starts in firmware or has a\n"
        "display; none with -nodefaults, or with a -device that is one)"},
       [](Configuration& c, const GivenOption& o) {
         c.board["vga"] = {.value = o.value, .option = &o, .if_there = o.value == "none"};
       }},
      {{"serial", "", "DEVICE",
        "where the next serial port leads: stdio, mon:stdio (shared with the monitor), null,\n"
        "none, file:PATH, pty, unix:PATH[,server=on][,wait=off], tcp:HOST:PORT[,server=on],\n"
        "chardev:ID"},
       add_console<&ConsoleOptions::serials>,
       help_on_consoles},
      {{"monitor", "", "DEVICE", "where a monitor is; the same devices"},
       add_console<&ConsoleOptions::monitors>,
       help_on_consoles},
      {{"qmp", "", "DEVICE", "where a program speaks QMP with the machine; the same devices"},
       add_console<&ConsoleOptions::controls>,
       help_on_consoles},
      {{"mon", "", "[chardev=]ID[,mode=readline|control][,id=NAME]",
        "a monitor, or with mode=control QMP, on a -chardev", "", "chardev"},
       add<&Configuration::monitors>},
      {{"chardev", "", "[backend=]KIND,id=ID[,mux=on][,PROPERTY=VALUE...]",
        "a character device for others to name; kinds: stdio, null, file, pipe, pty, socket", "",
        "backend"},
       [](Configuration& c, const GivenOption& o) { c.consoles.chardevs.push_back(&o); },
       help_on<kChardevKind>},
      {{"nodefaults", "", "",
        "nothing that was not asked for: serial port, monitor, screen, network card"},
       [](Configuration& c, const GivenOption&) { c.consoles.no_defaults = true; }},

      {{"daemonize", "", "",
        "go into the background when the machine is ready; then whoever waits goes on", "Program",
        "", Early},
       [](Configuration& c, const GivenOption&) { c.daemonize = true; }},
      {{"pidfile", "", "FILE", "write the number of the process there, and remove it at the end"},
       keep<&Configuration::pid_file>},
      {{"chroot", "", "DIRECTORY",
        "make it the root of files before the guest starts: what is opened later is there"},
       keep<&Configuration::chroot>},
      {{"runas", "", "USER|UID:GID", "become that user before the guest starts"},
       keep<&Configuration::run_as>},
      {{"add-fd", "", "fd=NUMBER,set=SET[,opaque=TEXT]",
        "an open descriptor of whoever starts the program: /dev/fdset/SET names it as a file"},
       add_descriptor},
      {{"readconfig", "", "FILE",
        "options from a file, as QEMU's configuration files have them. @FILE in the place of an\n"
        "option stands for the words of a file, as they would be written here"},
       nothing},
      {{"writeconfig", "", "FILE", "write such a file, with what was given; -: to standard output"},
       nothing},
      {{"msg", "", "timestamp=on|off", "begin each message with the time", "", "", Early},
       set_message_form},
      {{"no-user-config", "", "", "which is so: no file of the user is read"}, nothing},

      {{"module-path", "", "DIRECTORY",
        "look for modules there first; may be repeated. Then in BACKPLANE_MODULE_PATH, then in\n"
        "the installed directory",
        "Modules", "", Early},
       [](Configuration&, const GivenOption& o) {
         with_option(o.text, [&] { ModuleIndex::instance().add_path(o.value); });
       }},
      {{"module", "", "help[,format=json]",
        "list every module seen, its state and what is wrong with it. format=json, which the help\n"
        "of -accel, -machine, -cpu, -device and backends takes too, is for programs",
        "", "name", Early},
       nothing,
       help_on_modules},

      {{"d", "", "CATEGORY[,CATEGORY...]",
        "log what happens; -d help lists the categories. trace:PATTERN shows accesses to devices",
        "Diagnostics", "", Early},
       set_log_categories,
       help_on_log},
      {{"D", "", "FILE", "log to a file", "", "", Early},
       [](Configuration&, const GivenOption& o) {
         with_option(o.text, [&] { log::set_file(o.value); });
       }},
      {{"gdb", "", "DEVICE",
        "wait for gdb there: tcp:[HOST]:PORT, unix:PATH, or another device as -monitor takes\n"
        "them; with -S, the guest waits too"},
       [](Configuration& c, const GivenOption& o) {
         c.debugger = {o.value, o.text};
       },
       help_on_consoles},
      {{"s", "", "", "the same as -gdb tcp::1234"},
       [](Configuration& c, const GivenOption& o) {
         if (!c.debugger) c.debugger = {gdb::kUsualDevice, o.text};
       }},
      {{"perfmap", "", "",
        "tell perf of translated code by /tmp/perf-PID.map: -accel tcg,perf-map=on"},
       [](Configuration& c, const GivenOption& o) { set_of_translator(c, o, "perf-map"); }},
      {{"jitdump", "", "",
        "the same by jit-PID.dump, for perf inject --jit: -accel tcg,jit-dump=on"},
       [](Configuration& c, const GivenOption& o) { set_of_translator(c, o, "jit-dump"); }},
      {{"qtest", "", "DEVICE",
        "a program at that device drives the machine's devices, with -accel qtest in place of\n"
        "a guest"},
       keep<&Configuration::qtest>,
       help_on_consoles},
      {{"qtest-log", "", "FILE", "write what it says and is told to a file; none: nowhere"},
       keep<&Configuration::qtest_log>},
      {{"version", "", "", "print the version", "", "", Early}, nothing, version},
      {{"help", "h", "", "print this list", "", "", Early}, nothing, usage},
  };
}

// The rows, and what of them the SDK parses: one each, in the same order.
class Table {
 public:
  Table() : rows_(rows()), specs_(specs_of(rows_), foreign_options()) {}
  const OptionTable& specs() const { return specs_; }
  const Row& row_of(const GivenOption& option) const {
    return rows_[static_cast<std::size_t>(option.spec - specs_.rows().data())];
  }

 private:
  static std::vector<OptionSpec> specs_of(const std::vector<Row>& rows) {
    std::vector<OptionSpec> specs;
    for (const Row& row : rows) specs.push_back(row.spec);
    return specs;
  }
  const std::vector<Row> rows_;
  const OptionTable specs_;
};

const Table& table() {
  static const Table table;
  return table;
}

}  // namespace

const OptionTable& option_table() { return table().specs(); }

void apply_options(const CommandLine& line, OptionPass pass, Configuration& configuration) {
  for (const GivenOption* const option : line.pass(pass))
    table().row_of(*option).action(configuration, *option);
}

std::optional<std::string> requested_help(const CommandLine& line) {
  for (const GivenOption& option : line.all()) {
    const Row& row = table().row_of(option);
    const auto answer = row.answer != nullptr ? row.answer : help_on_words;
    if (row.answer == nullptr && takes_any_text(row.spec)) continue;
    if (auto text = answer(option)) return text;
  }
  return std::nullopt;
}

}  // namespace backplane::host
