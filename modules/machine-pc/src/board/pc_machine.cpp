// SPDX-License-Identifier: MIT
// "pc": an i440FX board with PIIX3 and PIIX4 power management.
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "backplane/catalogue.h"
#include "backplane/enumeration.h"
#include "backplane/error.h"
#include "backplane/firmware_config.h"
#include "backplane/firmware_file.h"
#include "backplane/machine.h"
#include "board/boot_setup.h"
#include "board/firmware_rom.h"
#include "board/system_memory.h"
#include "i440fx/i440fx.h"
#include "pci_hotplug/pci_hotplug.h"
#include "pflash/pflash.h"
#include "uart16550/isa_serial.h"

namespace backplane::pc {

// What screen the board has. Auto: the standard one where the machine starts in firmware and the
// module is installed.
enum class ScreenModel { Auto, Standard, Virtio, None };

}  // namespace backplane::pc

namespace backplane {

template <>
struct EnumNames<pc::ScreenModel> {
  static constexpr EnumName<pc::ScreenModel> kNames[] = {{pc::ScreenModel::Standard, "std"},
                                                         {pc::ScreenModel::Virtio, "virtio"},
                                                         {pc::ScreenModel::None, "none"},
                                                         {pc::ScreenModel::Auto, "auto"}};
};

}  // namespace backplane

namespace backplane::pc {

namespace {

constexpr const char* kStandardScreen = "VGA";
constexpr const char* kVirtioScreen = "virtio-vga";

bool has_standard_screen() {
  const std::vector<CatalogueEntry> devices = catalogue(kDeviceKind);
  return std::any_of(devices.begin(), devices.end(), [](const CatalogueEntry& entry) {
    return entry.name == kStandardScreen && entry.type.unavailable.empty();
  });
}

constexpr u64 kMinimumRam = 2_MiB;
constexpr u64 kMaximumRam = 512_GiB;
constexpr std::string_view kUsualFirmware = "bios-256k.bin", kNoFirmware = "none";

constexpr DriveInterface kDriveInterfaces[] = {
    {.name = "ide", .disk = "ide-hd", .cdrom = "ide-cd", .bus = "ide", .units = 2, .places = 4},
    {.name = "scsi", .disk = "scsi-hd", .cdrom = "scsi-cd"},
    {.name = "pflash", .places = 2, .board_property = "pflash"}};

class PcMachine final : public Machine, public OptionalBuses, public FirmwareConfiguration {
 public:
  static void class_init(MachineClass& k) {
    k.default_cpu = "max";
    k.default_nic = "virtio-net-pci";
    k.virtio_nic = "virtio-net-pci";
    k.default_disk = "virtio-blk-pci";
    k.default_serial = "isa-serial";
    k.drive_interfaces = kDriveInterfaces;
    k.max_cpus = 8;
    k.property<&PcMachine::rtc_clock_>("rtc-clock", "what its date goes on with");
    k.property<&PcMachine::rtc_base_>(
        "rtc-base",
        "date at start: utc or localtime (the host's), a date (2026-01-31T23:59:59) or seconds "
        "since 1970, or auto (utc; a fixed date with instruction counting)");
    k.property<&PcMachine::hpet_>("hpet", "there is a high precision event timer");
    k.property<&PcMachine::kernel_>("kernel", "file of the kernel to boot");
    k.property<&PcMachine::initrd_>("initrd", "file of its initial RAM disk");
    k.property<&PcMachine::append_>("append", "its command line");
    k.property<&PcMachine::firmware_>(
        "firmware",
        "file of the firmware to start instead of a kernel (without either: SeaBIOS; none: there "
        "is none)");
    k.property<&PcMachine::first_flash, &PcMachine::set_first_flash>(
        "pflash0", "id of the -drive or -blockdev with firmware in flash memory");
    k.property<&PcMachine::second_flash, &PcMachine::set_second_flash>(
        "pflash1", "the same of a second one, with the firmware's variables");
    k.property<&PcMachine::boot_order, &PcMachine::set_boot_order>(
        "boot-order", "kinds of devices that firmware tries in turn: c disk, d CD, n network");
    k.property<&PcMachine::boot_once, &PcMachine::set_boot_once>(
        "boot-once", "the same until the machine is reset");
    k.property<&PcMachine::boot_strict_>("boot-strict",
                                         "where devices have a bootindex, they alone are tried");
    k.property<&PcMachine::boot_menu_>("boot-menu", "firmware offers a menu");
    k.property<&PcMachine::boot_menu_wait_>("boot-menu-wait",
                                            "for how many ms (0: as firmware thinks right)");
    k.property<&PcMachine::boot_fail_wait_>(
        "boot-fail-wait", "ms until a machine that found nothing to boot is reset (-1: never)");
    k.property<&PcMachine::graphics_>("graphics",
                                      "off: firmware uses the serial port beside the screen");
    k.property<&PcMachine::screen_>(
        "vga", "its screen (auto: std where it starts in firmware and the module is there)");
    k.stateless();
  }

  PcMachine() {
    provide<OptionalBuses>(*this);
    provide<FirmwareConfiguration>(*this);
  }
  ~PcMachine() override { tear_down(); }

  void init() override {
    set_up_memory();
    set_up_cpus();
    set_up_chipset();
    set_up_isa_devices();
    set_up_screen();
  }

  void finish() override {
    choose_firmware();
    set_up_firmware();
    if (!kernel_.empty() && !firmware_.empty())
      throw Error::of(
          "-bios {}: a kernel given with -kernel is started without firmware: give one "
          "of them",
          firmware_);
    if (kernel_.empty() && !initrd_.empty())
      throw Error::of("-initrd {}: makes no sense without -kernel", initrd_);
    boot_.emplace(BoardParts{*this, map_, *irqs_, *bridge_, *pm_, *rtc_, fw_cfg_->fw_cfg(),
                             IsaSerial::indices_on(bridge_->isa_bus()), hpet_},
                  BootFiles{kernel_, initrd_, append_, rom_.has_value(), boot_options(), smbios_});
    reset_done_ = reset_sequence().on_done([this] { boot_->run(); });
    run_state_ = run_control().on_change([this](bool running) {
      if (running) boot_->load_image();
    });
  }

  void saving() override {
    Machine::saving();
    boot_->load_image();
  }
  void loaded() override {
    Machine::loaded();
    boot_->forget_image();
  }

  // The IDE function of the PIIX3, or an adapter for SCSI.
  void add_bus(std::string_view type) override {
    if (type == "IDE") create_device("piix3-ide", {{"addr", "01.1"}}, pci_);
    if (type == "scsi-bus") create_device("virtio-scsi-pci", {}, pci_);
  }

 private:
  const std::string& boot_order() const { return boot_order_; }
  void set_boot_order(const std::string& order) {
    BootOptions::check_order(order);
    boot_order_ = order;
  }
  const std::string& boot_once() const { return boot_once_; }
  void set_boot_once(const std::string& order) {
    BootOptions::check_order(order);
    boot_once_ = order;
  }
  BootOptions boot_options() const {
    return {.order = boot_order_,
            .once = boot_once_,
            .strict = boot_strict_,
            .menu = boot_menu_,
            .menu_wait = boot_menu_wait_,
            .fail_wait = boot_fail_wait_};
  }

  bool starts_in_firmware() const {
    return kernel_.empty() && firmware_ != kNoFirmware &&
           (!firmware_.empty() || accelerator().accel_class().runs_guests);
  }

  // A machine that nobody gave a kernel starts in firmware; one that is not to run may do without.
  void choose_firmware() {
    if (!flash_[0].empty()) {
      if (!firmware_.empty())
        throw Error::of("-bios {}: the firmware is in flash memory already, in pflash0", firmware_);
      if (!kernel_.empty())
        throw Error(
            "pflash0: a kernel given with -kernel is started without firmware: give one of "
            "them");
      return;
    }
    const bool may_do_without = !kernel_.empty() || !accelerator().accel_class().runs_guests ||
                                config().start_stopped || config().will_load_state;
    if (firmware_ == kNoFirmware) {
      firmware_.clear();
      if (may_do_without) return;
      throw Error("nothing to boot: there is neither a -kernel nor firmware")
          .with_hint("give a kernel with -kernel, or leave out -bios none");
    }
    if (!firmware_.empty()) {
      // A name that the user gave may be that of a file in the working directory.
      if (std::filesystem::exists(firmware_)) return;
      try {
        firmware_ = firmware_file(firmware_);
      } catch (const Error& error) {
        throw error.in("-bios " + firmware_);
      }
      return;
    }
    if (!kernel_.empty() || !accelerator().accel_class().runs_guests) return;
    try {
      firmware_ = firmware_file(kUsualFirmware);
    } catch (const Error& error) {
      if (may_do_without) return;
      throw Error::of("nothing to boot: there is no -kernel, and the firmware {}",
                      OwnText{error.line()});
    }
  }

  // The first flash ends at 4 GiB, the second one where the first one begins.
  void set_up_firmware() {
    std::shared_ptr<RamBlock> image;
    auto top = FirmwareRom::Top::Here;
    u64 end = 4_GiB;
    for (const std::string& node : flash_) {
      if (node.empty()) continue;
      if (end == 4_GiB && &node != &flash_[0])
        throw Error("pflash1: makes no sense without pflash0, which has the firmware");
      const auto& flash =
          make<Pflash>(Pflash::kTypeName, {{"drive", node}, {"end", fmt::format("{}", end)}});
      end -= flash.contents()->size();
      if (image == nullptr) image = flash.contents();
      top = FirmwareRom::Top::Elsewhere;
    }
    if (image == nullptr && !firmware_.empty()) image = read_firmware(firmware_);
    if (image != nullptr)
      rom_.emplace(memory_root(), memory_->block(), std::move(image), top, *host_bridge_);
  }

  const std::string& first_flash() const { return flash_[0]; }
  void set_first_flash(const std::string& node) { set_flash(flash_[0], node); }
  const std::string& second_flash() const { return flash_[1]; }
  void set_second_flash(const std::string& node) { set_flash(flash_[1], node); }
  // One that is there already is looked at at once, for the option that names it is known.
  void set_flash(std::string& flash, const std::string& node) {
    if (const auto* contents = dynamic_cast<const BlockNode*>(find("/backends/" + node)))
      Pflash::check_size(*contents);
    flash = node;
  }

  void add_file(const std::string& name, std::vector<u8> contents) override {
    fw_cfg_->fw_cfg().set_file(name, std::move(contents));
  }
  void add_smbios(KeyValueList fields) override { smbios_.add(std::move(fields)); }
  bool runs_option_roms() const override { return starts_in_firmware(); }

  void set_up_memory() {
    map_.ram = config().ram_size != 0 ? config().ram_size : machine_class().default_ram_size;
    if (map_.ram < kMinimumRam || map_.ram > kMaximumRam || map_.ram % kPageSize != 0)
      throw Error::of("-m: {} bytes of RAM: the pc machine takes {} MiB to {} GiB, in whole pages",
                      map_.ram, kMinimumRam >> 20, kMaximumRam >> 30);
    memory_.emplace(memory_root(), map_);
  }

  void set_up_cpus() {
    for (unsigned n = 0; n < config().topology.cpus(); ++n) add_cpu(create_cpu());
  }

  std::unique_ptr<Cpu> create_cpu() {
    try {
      return x86::create_cpu(*this, config().cpu_model);
    } catch (const Error& error) {
      throw error.in("-cpu " + config().cpu_model);
    }
  }

  template <class T>
  T& make(std::string_view type,
          const std::vector<std::pair<std::string, std::string>>& properties = {},
          Bus* bus = nullptr) {
    return dynamic_cast<T&>(create_device(type, properties, bus));
  }

  void set_up_chipset() {
    irqs_ = &make<InterruptControllers>(InterruptControllers::kTypeName);
    irqs_->connect_cpu(dynamic_cast<x86::X86Cpu&>(*cpus().front()));
    if (hpet_) create_device("hpet");
    auto& host_bridge = make<I440fxHostBridge>(I440fxHostBridge::kTypeName);
    host_bridge.set_memory_map(map_);
    PciBus& pci = host_bridge.pci_bus();
    pci_ = &pci;
    bridge_ = &make<Piix3>(Piix3::kTypeName, {{"addr", "01.0"}, {"multifunction", "on"}}, &pci);
    host_bridge_ = &host_bridge;
    pm_ = &make<Piix4Pm>(Piix4Pm::kTypeName, {{"addr", "01.3"}}, &pci);
    make<PciHotplugController>(PciHotplugController::kTypeName).connect(pci, [pm = pm_] {
      pm->pm().raise_gpe(PciHotplugController::kEvent);
    });
  }

  void set_up_isa_devices() {
    IsaBus& isa = bridge_->isa_bus();
    rtc_ = &make<IsaRtc>(IsaRtc::kTypeName,
                         {{"base", PropertyTraits<RtcBase>::print(rtc_base_)},
                          {"clock", PropertyTraits<RtcClock>::print(rtc_clock_)}},
                         &isa);
    fw_cfg_ = &make<FwCfgIo>(FwCfgIo::kTypeName, {}, &isa);
    for (const char* type : {"isa-pit", "i8042", "port92", "isa-dma", "coprocessor-error"})
      create_device(type, {}, &isa);
  }

  void set_up_screen() {
    const bool wanted =
        screen_ == ScreenModel::Standard ||
        (screen_ == ScreenModel::Auto && starts_in_firmware() && has_standard_screen());
    const bool virtio = screen_ == ScreenModel::Virtio;
    if (wanted || virtio)
      create_device(virtio ? kVirtioScreen : kStandardScreen, {{"addr", "02.0"}}, pci_);
  }

  RtcBase rtc_base_;
  RtcClock rtc_clock_ = RtcClock::Host;
  bool hpet_ = true;
  std::string kernel_;
  std::string initrd_;
  std::string append_;
  std::string firmware_;
  std::array<std::string, 2> flash_;  // ids of nodes
  SmbiosSettings smbios_;
  std::string boot_order_ = BootOptions::kUsualOrder;
  std::string boot_once_;
  bool boot_strict_ = false;
  bool boot_menu_ = false;
  u32 boot_menu_wait_ = 0;
  i32 boot_fail_wait_ = -1;
  ScreenModel screen_ = ScreenModel::Auto;
  bool graphics_ = true;
  MemoryMap map_;
  std::optional<SystemMemory> memory_;
  std::optional<FirmwareRom> rom_;
  InterruptControllers* irqs_ = nullptr;
  I440fxHostBridge* host_bridge_ = nullptr;
  PciBus* pci_ = nullptr;
  Piix3* bridge_ = nullptr;
  Piix4Pm* pm_ = nullptr;
  IsaRtc* rtc_ = nullptr;
  FwCfgIo* fw_cfg_ = nullptr;
  std::optional<BootSetup> boot_;
  Subscription reset_done_;
  Subscription run_state_;
};

BACKPLANE_TYPE(PcMachine, "pc-machine", .description = "PC with i440FX, PIIX3 and ACPI")

}  // namespace

}  // namespace backplane::pc
