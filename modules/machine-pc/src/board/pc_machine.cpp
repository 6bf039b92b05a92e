// SPDX-License-Identifier: MIT
// "pc": an i440FX board with PIIX3 and PIIX4 power management.
#include <memory>
#include <optional>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "board/boot_setup.h"
#include "board/firmware_rom.h"
#include "board/system_memory.h"
#include "i440fx/i440fx.h"
#include "pci_hotplug/pci_hotplug.h"
#include "uart16550/isa_serial.h"

namespace backplane::pc {

namespace {

constexpr u64 kMinimumRam = 2_MiB;
constexpr u64 kMaximumRam = 512_GiB;

class PcMachine final : public Machine {
 public:
  static void class_init(MachineClass& k) {
    k.default_cpu = "max";
    k.default_nic = "virtio-net-pci";
    k.virtio_nic = "virtio-net-pci";
    k.default_disk = "virtio-blk-pci";
    k.default_serial = "isa-serial";
    k.max_cpus = 8;
    k.property<&PcMachine::rtc_clock_>("rtc-clock", "what its date goes on with");
    k.property<&PcMachine::rtc_base_>(
        "rtc-base",
        "date at start: utc (the host's), seconds since 1970, or auto (utc; a fixed date with "
        "instruction counting)");
    k.property<&PcMachine::hpet_>("hpet", "there is a high precision event timer");
    k.property<&PcMachine::kernel_>("kernel", "file of the kernel to boot");
    k.property<&PcMachine::initrd_>("initrd", "file of its initial RAM disk");
    k.property<&PcMachine::append_>("append", "its command line");
    k.property<&PcMachine::firmware_>("firmware",
                                      "file of the firmware to start instead of a kernel");
    k.stateless();
  }

  ~PcMachine() override { tear_down(); }

  void init() override {
    set_up_memory();
    set_up_cpus();
    set_up_chipset();
    set_up_isa_devices();
  }

  void finish() override {
    if (!kernel_.empty() && !firmware_.empty())
      throw Error::of(
          "-bios {}: a kernel given with -kernel is started without firmware: give one "
          "of them",
          firmware_);
    if (kernel_.empty() && firmware_.empty() && !config().start_stopped &&
        !config().will_load_state && accelerator().accel_class().runs_guests)
      throw Error("nothing to boot: neither -kernel nor -bios was given")
          .with_hint("give a kernel with -kernel, or firmware with -bios");
    if (kernel_.empty() && !initrd_.empty())
      throw Error::of("-initrd {}: makes no sense without -kernel", initrd_);
    boot_.emplace(BoardParts{*this, map_, *irqs_, *bridge_, *pm_, *rtc_, fw_cfg_->fw_cfg(),
                             IsaSerial::indices_on(bridge_->isa_bus()), hpet_},
                  BootFiles{kernel_, initrd_, append_, firmware_});
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

 private:
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
    bridge_ = &make<Piix3>(Piix3::kTypeName, {{"addr", "01.0"}, {"multifunction", "on"}}, &pci);
    if (!firmware_.empty()) rom_.emplace(memory_root(), memory_->block(), firmware_, host_bridge);
    pm_ = &make<Piix4Pm>(Piix4Pm::kTypeName, {{"addr", "01.3"}}, &pci);
    make<PciHotplugController>(PciHotplugController::kTypeName).connect(pci, [pm = pm_] {
      pm->pm().raise_gpe(PciHotplugController::kEvent);
    });
  }

  void set_up_isa_devices() {
    IsaBus& isa = bridge_->isa_bus();
    rtc_ = &make<IsaRtc>(
        IsaRtc::kTypeName,
        {{"base", rtc_base_}, {"clock", PropertyTraits<RtcClock>::print(rtc_clock_)}}, &isa);
    fw_cfg_ = &make<FwCfgIo>(FwCfgIo::kTypeName, {}, &isa);
    for (const char* type : {"isa-pit", "i8042", "port92", "isa-dma", "coprocessor-error"})
      create_device(type, {}, &isa);
  }

  std::string rtc_base_ = "auto";
  RtcClock rtc_clock_ = RtcClock::Host;
  bool hpet_ = true;
  std::string kernel_;
  std::string initrd_;
  std::string append_;
  std::string firmware_;
  MemoryMap map_;
  std::optional<SystemMemory> memory_;
  std::optional<FirmwareRom> rom_;
  InterruptControllers* irqs_ = nullptr;
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
