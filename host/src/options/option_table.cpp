// SPDX-License-Identifier: MIT
// What the options are called, take and mean. -help and docs/command-line.md come from here.
#include "options/option_table.h"

namespace backplane::host {

namespace {

std::vector<OptionSpec> rows() {
  using enum OptionPass;
  return {
      {"machine", "M", "[type=]NAME[,accel=A:B...][,PROPERTY=VALUE...]",
       "the machine (default: pc); -machine help lists them. accel= names accelerators to\n"
       "try in order, as several -accel options do",
       "Machine", "type"},
      {"cpu", "", "MODEL[,+FEATURE|-FEATURE|FEATURE=on|off...]",
       "the model of the CPUs; -cpu help lists them, -cpu MODEL,help its features", "", "type"},
      {"smp", "", "[cpus=]N[,sockets=S][,dies=D][,cores=C][,threads=T]",
       "the number of CPUs (default: 1), or how they are made up", "", "cpus"},
      {"m", "", "[size=]SIZE", "RAM in MiB, or with a suffix: 512, 512M, 1.5G", "", "size"},
      {"name", "", "[guest=]NAME[,debug-threads=on|off]",
       "a name for the guest, which 'info name' in the monitor shows", "", "guest"},
      {"uuid", "", "UUID", "a number for the guest, which 'info uuid' in the monitor shows"},

      {"accel", "", "[accel=]NAME[,required=on][,PROPERTY=VALUE...]",
       "what runs the guest's code. Several are tried in order; with required=on, no later\n"
       "one is. -accel help lists those installed, -accel NAME,help what can be set.\n"
       "Default: tcg, then kvm; the other way round if the program's name ends in kvm",
       "Accelerator", "accel"},
      {"enable-kvm", "", "", "the same as -machine accel=kvm"},
      {"icount", "", "[shift=]N|auto[,align=on|off][,sleep=on|off]",
       "count instructions: guest time advances 2^N ns with each (N from 0 to 10), or follows\n"
       "real time with auto. align: slow down to real time; sleep=off: never wait for it",
       "", "shift"},

      {"kernel", "", "FILE", "the kernel to boot: bzImage, PVH ELF or Multiboot", "Boot"},
      {"initrd", "", "FILE", "the initial RAM disk of the kernel"},
      {"append", "", "WORDS", "the command line of the kernel"},
      {"bios", "", "FILE", "the firmware to start instead of a kernel"},
      {"action", "", "[reboot=reset|shutdown][,shutdown=poweroff|pause][,panic=ACTION]",
       "what follows when the guest resets, turns off, or says that it has panicked, which a\n"
       "pvpanic device lets it do; then: pause, shutdown (the default), exit-failure, none"},
      {"no-shutdown", "", "", "stay when the guest turns off: the same as -action shutdown=pause"},
      {"no-reboot", "", "", "end when the guest resets: the same as -action reboot=shutdown"},
      {"loadstate", "", "FILE",
       "go on where a machine with the same options was saved ('savestate' in the monitor)"},
      {"incoming", "", "file:FILE|unix:PATH|tcp:HOST:PORT|fd:NUMBER|defer",
       "the same, or wait there for a machine that 'migrate' in the monitor of another\n"
       "program sends; fd: an open descriptor, defer: until 'migrate-incoming' says where"},
      {"rtc", "", "[base=]utc|SECONDS[,clock=host][,driftfix=none]",
       "the date at which the guest's real-time clock starts", "", "base"},
      {"boot", "", "[strict=on][,menu=off]",
       "which is so: where devices have a bootindex=, firmware tries those alone, in that order"},
      {"S", "", "", "do not start the guest: 'cont' in the monitor does"},

      {"device", "", "[driver=]TYPE[,id=ID][,bus=BUS][,PROPERTY=VALUE...]",
       "add a device; -device help lists them, -device TYPE,help what can be set", "Devices",
       "driver", Main, true},
      {"audiodev", "", "[driver=]none,id=ID", "which is so: there is no sound", "", "driver", Main,
       true},
      {"overcommit", "", "[mem-lock=off][,cpu-pm=off]",
       "which is so: the guest shares memory and processors with others of the host"},
      {"object", "", "[qom-type=]TYPE,id=ID[,PROPERTY=VALUE...]",
       "make a backend of any kind by the full name of its type; -object help lists them", "",
       "qom-type", Main, true},
      {"global", "", "TYPE.PROPERTY=VALUE", "a default for every device of a type"},
      {"drive", "", "[file=]FILE[,format=FORMAT][,if=virtio|none][,id=ID][,readonly=on|off]...",
       "a disk image. if=virtio (the default) adds a virtio disk for it, if=none leaves it to\n"
       "a -device with drive=ID. Also: cache=writeback|none|writethrough|directsync|unsafe,\n"
       "discard=unmap|ignore, detect-zeroes=on|off|unmap, locking=auto|on|off, serial=TEXT,\n"
       "auto-read-only=on|off, index=PLACE, werror= and rerror=report|ignore|stop|enospc",
       "", "file"},
      {"blockdev", "",
       "[driver=]DRIVER,node-name=NAME[,filename=FILE][,file=NODE][,PROPERTY=VALUE...]",
       "the same in layers: a file (filename=), and a format on top of it (file=, or\n"
       "file.filename=); the node-name is what drive= of a -device names. -blockdev help lists\n"
       "the drivers, -blockdev DRIVER,help what can be set",
       "", "driver", Main, true},

      {"netdev", "", "[type=]TYPE,id=ID[,PROPERTY=VALUE...]",
       "a network for netdev= of a -device; -netdev help lists them, -netdev TYPE,help what\n"
       "can be set",
       "Network", "type", Main, true},
      {"nic", "", "[type=]TYPE|none[,model=DEVICE][,mac=ADDRESS][,id=ID][,PROPERTY=VALUE...]",
       "a network card and the -netdev behind it: -nic user", "", "type"},

      {"nographic", "", "", "serial port and monitor share this terminal", "Consoles"},
      {"display", "", "none", "do not use this terminal"},
      {"serial", "", "DEVICE",
       "where the next serial port leads: stdio, mon:stdio (shared with the monitor), null,\n"
       "none, file:PATH, pty, unix:PATH[,server=on][,wait=off], tcp:HOST:PORT[,server=on],\n"
       "chardev:ID"},
      {"monitor", "", "DEVICE", "where a monitor is; the same devices"},
      {"qmp", "", "DEVICE", "where a program speaks QMP with the machine; the same devices"},
      {"mon", "", "[chardev=]ID[,mode=readline|control][,id=NAME]",
       "a monitor, or with mode=control QMP, on a -chardev", "", "chardev"},
      {"chardev", "", "[backend=]KIND,id=ID[,mux=on][,PROPERTY=VALUE...]",
       "a character device for others to name; kinds: stdio, null, file, pipe, pty, socket", "",
       "backend"},
      {"nodefaults", "", "", "no serial port and monitor that were not asked for"},

      {"daemonize", "", "",
       "go into the background when the machine is ready; then whoever waits goes on", "Program",
       "", Early},
      {"pidfile", "", "FILE", "write the number of the process there, and remove it at the end"},
      {"add-fd", "", "fd=NUMBER,set=SET[,opaque=TEXT]",
       "an open descriptor of whoever starts the program: /dev/fdset/SET names it as a file"},
      {"msg", "", "timestamp=on|off", "begin each message with the time", "", "", Early},
      {"no-user-config", "", "", "which is so: no file of the user is read"},

      {"module-path", "", "DIRECTORY",
       "look for modules there first; may be repeated. Then in BACKPLANE_MODULE_PATH, then in\n"
       "the installed directory",
       "Modules", "", Early},
      {"module", "", "help[,format=json]",
       "list every module seen, its state and what is wrong with it. format=json, which the help\n"
       "of -accel, -machine, -cpu, -device and backends takes too, is for programs",
       "", "name", Early},

      {"d", "", "CATEGORY[,CATEGORY...]",
       "log what happens; -d help lists the categories. trace:PATTERN shows accesses to devices",
       "Diagnostics", "", Early},
      {"D", "", "FILE", "log to a file", "", "", Early},
      {"gdb", "", "DEVICE",
       "wait for gdb there: tcp:[HOST]:PORT, unix:PATH, or another device as -monitor takes\n"
       "them; with -S, the guest waits too"},
      {"s", "", "", "the same as -gdb tcp::1234"},
      {"perfmap", "", "",
       "tell perf of translated code by /tmp/perf-PID.map: -accel tcg,perf-map=on"},
      {"jitdump", "", "",
       "the same by jit-PID.dump, for perf inject --jit: -accel tcg,jit-dump=on"},
      {"qtest", "", "DEVICE",
       "a program at that device drives the machine's devices, with -accel qtest in place of\n"
       "a guest"},
      {"qtest-log", "", "FILE", "write what it says and is told to a file; none: nowhere"},
      {"version", "", "", "print the version", "", "", Early},
      {"help", "h", "", "print this list", "", "", Early},
  };
}

}  // namespace

const OptionTable& option_table() {
  static const OptionTable table(rows());
  return table;
}

}  // namespace backplane::host
