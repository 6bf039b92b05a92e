// SPDX-License-Identifier: MIT
#include "options/foreign_options.h"

#include <fmt/format.h>

namespace backplane::host {

namespace {

constexpr bool kTakesValue = true;
constexpr bool kFlag = false;

constexpr ForeignOption kForeign[] = {
    {"acpitable", kTakesValue, "the board makes its own tables; there is nothing in its place"},
    {"alt-grab", kFlag, "screens are shown by -vnc alone; there is nothing in its place"},
    {"async-teardown", kFlag, "there is nothing in its place"},
    {"audio", kTakesValue, "there is no sound; there is nothing in its place", "none"},
    {"audio-help", kFlag, "there is no sound; there is nothing in its place"},
    {"balloon", kTakesValue, "use -device virtio-balloon-pci"},
    {"bt", kTakesValue, "there is no Bluetooth; there is nothing in its place"},
    {"clock", kTakesValue, "use -rtc clock=host, rt or vm"},
    {"compat", kTakesValue, "there is nothing in its place"},
    {"ctrl-grab", kFlag, "screens are shown by -vnc alone; there is nothing in its place"},
    {"curses", kFlag, "screens are shown by -vnc alone; use -nographic"},
    {"debugcon", kTakesValue, "use -chardev KIND,id=ID with -device isa-debugcon,chardev=ID"},
    {"dfilter", kTakesValue,
     "logs are chosen by -d alone; use -d trace:PATTERN for the accesses to one device"},
    {"dtb", kTakesValue, "a PC has no device tree; there is nothing in its place"},
    {"dump-vmstate", kTakesValue,
     "there is nothing in its place; 'info state' in the monitor shows what is saved"},
    {"echr", kTakesValue, "the key is Ctrl-A; there is nothing in its place"},
    {"enable-fips", kFlag, "there is nothing in its place"},
    {"enable-sync-profile", kFlag, "there is nothing in its place; see -perfmap"},
    {"fda", kTakesValue, "there are no floppy disks; use -drive file=FILE, which is a hard disk"},
    {"fdb", kTakesValue, "there are no floppy disks; use -drive file=FILE, which is a hard disk"},
    {"fsdev", kTakesValue, "no files are shared with guests; there is nothing in its place"},
    {"full-screen", kFlag, "screens are shown by -vnc alone; there is nothing in its place"},
    {"g", kTakesValue, "screens are shown by -vnc alone; there is nothing in its place"},
    {"iscsi", kTakesValue,
     "there is no iSCSI; let the host attach the disk, and use -drive file=/dev/DISK"},
    {"localtime", kFlag, "use -rtc base=localtime"},
    {"mem-path", kTakesValue, "the guest's memory is in no file; there is nothing in its place"},
    {"mem-prealloc", kFlag,
     "the guest's memory is taken as it is used; there is nothing in its place"},
    {"mtdblock", kTakesValue,
     "there is no flash memory; use -bios FILE for firmware, -drive for disks"},
    {"no-acpi", kFlag, "every board has ACPI; there is nothing in its place"},
    {"no-fd-bootchk", kFlag, "there are no floppy disks", ""},
    {"no-kvm", kFlag, "use -accel tcg"},
    {"no-kvm-irqchip", kFlag, "use -accel kvm,kernel-irqchip=off"},
    {"no-kvm-pit", kFlag, "use -accel kvm,kernel-irqchip=split"},
    {"numa", kTakesValue, "guests have one node of memory; there is nothing in its place"},
    {"one-insn-per-tb", kFlag, "use -accel tcg,one-insn-per-tb=on"},
    {"only-migratable", kFlag, "there is nothing in its place; 'migrate' says what cannot be sent"},
    {"option-rom", kTakesValue, "use romfile=FILE of a -device on PCI"},
    {"parallel", kTakesValue, "there are no parallel ports; there is nothing in its place", "none"},
    {"plugin", kTakesValue, "translated code takes no plugins; use -perfmap or -d trace:PATTERN"},
    {"portrait", kFlag, "screens are shown by -vnc alone; there is nothing in its place"},
    {"preconfig", kFlag, "use -S, and QMP before the guest starts"},
    {"qmp-pretty", kTakesValue, "use -qmp, which takes and gives the same on one line"},
    {"realtime", kTakesValue, "use -overcommit mem-lock=off"},
    {"rotate", kTakesValue, "screens are shown by -vnc alone; there is nothing in its place"},
    {"run-with", kTakesValue, "use -chroot DIRECTORY and -runas USER"},
    {"sandbox", kTakesValue, "system calls are not filtered; there is nothing in its place", "off"},
    {"sd", kTakesValue, "there are no SD cards; use -drive file=FILE"},
    {"sdl", kFlag, "screens are shown by -vnc alone; use -vnc :0"},
    {"seed", kTakesValue, "random numbers are the host's; use -icount for runs that are the same"},
    {"set", kTakesValue, "write the value into the option itself"},
    {"singlestep", kFlag, "use -accel tcg,one-insn-per-tb=on"},
    {"smb", kTakesValue, "no files are shared with guests; there is nothing in its place"},
    {"soundhw", kTakesValue, "there is no sound; there is nothing in its place"},
    {"spice", kTakesValue, "screens are shown by -vnc alone; use -vnc :0"},
    {"startdate", kTakesValue, "use -rtc base=DATE"},
    {"tb-size", kTakesValue, "use -accel tcg,tb-size=MIB"},
    {"tdf", kFlag, "use -global isa-pit.lost_tick_policy=delay"},
    {"tpmdev", kTakesValue, "there is no TPM; there is nothing in its place"},
    {"trace", kTakesValue, "use -d trace:PATTERN"},
    {"usb", kFlag, "there is no USB; use virtio devices"},
    {"usbdevice", kTakesValue, "there is no USB; use virtio devices"},
    {"virtfs", kTakesValue, "no files are shared with guests; there is nothing in its place"},
    {"virtioconsole", kTakesValue, "use -device virtio-serial-pci -device virtconsole,chardev=ID"},
    {"watchdog", kTakesValue, "there are no watchdogs; there is nothing in its place"},
    {"watchdog-action", kTakesValue, "there are no watchdogs; there is nothing in its place",
     "none"},
    {"win2k-hack", kFlag, "disks are as fast as they are; there is nothing in its place"},
    {"xen-attach", kFlag, "there is no Xen; there is nothing in its place"},
    {"xen-domid", kTakesValue, "there is no Xen; there is nothing in its place"},
    {"xen-domid-restrict", kFlag, "there is no Xen; there is nothing in its place"},
};

}  // namespace

std::span<const ForeignOption> foreign_options() { return kForeign; }

std::string foreign_options_markdown() {
  std::string text = "| option | instead |\n|---|---|\n";
  for (const ForeignOption& option : kForeign) {
    text += fmt::format("| `-{}` | {}", option.name, option.instead);
    if (option.so != nullptr)
      text += fmt::format("; `-{}{}{}` is accepted, since it is so", option.name,
                          option.takes_value ? " " : "", option.so);
    text += " |\n";
  }
  return text;
}

}  // namespace backplane::host
