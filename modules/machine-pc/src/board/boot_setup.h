// SPDX-License-Identifier: MIT
// What firmware would have done by the time a kernel starts: tables, BIOS data area, CMOS, chipset
// registers; then the kernel itself.
#pragma once

#include <optional>

#include "acpi/tables.h"
#include "backplane/machine.h"
#include "board/boot_options.h"
#include "board/memory_map.h"
#include "boot/boot_plan.h"
#include "fw_cfg/fw_cfg_io.h"
#include "interrupts/interrupt_controllers.h"
#include "mc146818/isa_rtc.h"
#include "piix3/piix3.h"
#include "piix4_pm/piix4_pm.h"
#include "smbios/smbios.h"

namespace backplane::pc {

// The parts of the board that it works on; they outlive it.
struct BoardParts {
  Machine& machine;
  MemoryMap memory;
  InterruptControllers& irqs;
  Piix3& bridge;
  Piix4Pm& pm;
  IsaRtc& rtc;
  FwCfg& fw_cfg;
  std::vector<unsigned> serials;  // indices of the serial ports
  bool hpet;
};

// What the user wants to be started: file names, empty where there is none.
struct BootFiles {
  std::string kernel;
  std::string initrd;
  std::string append;     // the kernel's command line
  bool firmware = false;  // there is one, and does all of it
  BootOptions options;
  SmbiosSettings smbios;
};

class BootSetup {
 public:
  // Reads kernel and initrd, if there are, and plans the boot. Throws Error.
  BootSetup(const BoardParts& parts, const BootFiles& files);

  // To be called at the end of each reset.
  void run();
  // To be called when guest code is about to run: copies the image into RAM if that was not done
  // since the reset. Machines that wait to be started are ready sooner. Throws Error if the image
  // is not where RAM is or its file has become shorter.
  void load_image();
  // The machine was loaded, and the image with its RAM, as far as the guest has left it there.
  void forget_image() { image_wanted_ = first_run_ = false; }

 private:
  // The tables for power management ports at an address.
  AcpiTables acpi_tables(u16 pm_ports) const;
  void fill_cmos();
  void fill_fw_cfg(const std::string& command_line);
  void offer_acpi_tables();
  void offer_smbios();
  void write_smbios();
  void write_bios_data();
  void program_chipset();
  void enable_ide(PciBus& bus);
  void enable_keyboard();

  BoardParts parts_;
  BootOptions options_;
  aml::Bytes definitions_;  // of the DSDT: the board does not change any more
  bool first_run_ = true;
  PlacedAcpiTables tables_;
  Smbios smbios_;
  std::optional<BootPlan> plan_;
  bool firmware_ = false;  // there is one, and does all of it
  bool image_wanted_ = false;
};

}  // namespace backplane::pc
