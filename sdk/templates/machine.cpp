// SPDX-License-Identifier: MIT
// A board: memory from address 0, a ROM below 4 GiB that the processors start in, and two ports.
// What the guest writes to port 0xe9 comes out on standard output; a number written to port 0xf4
// ends the machine with that status.
#include <backplane/host_file.h>
#include <backplane/machine.h>
#include <backplane/memory.h>
#include <backplane/module.h>
#include <backplane/x86/cpu.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>

using namespace backplane;

namespace {

constexpr u64 kRomSize = 64_KiB;
constexpr u64 kRomEnd = 4_GiB;
constexpr u64 kConsolePort = 0xe9;
constexpr u64 kExitPort = 0xf4;

class @CLASS@ final : public Machine {
 public:
  static void class_init(MachineClass& k) {
    k.description = "Memory, processors and a ROM";
    k.default_cpu = "max";
    k.max_cpus = 4;
    k.default_ram_size = 16_MiB;
    k.property<&@CLASS@::rom_file_>("bios", "the ROM: 64 KiB or less, which end at 4 GiB");
    k.stateless();
  }

  void init() override {
    ram_ = std::make_shared<RamBlock>("ram", config().ram_size);
    ram_region_ = MemoryRegion::ram("ram", ram_, 0, ram_->size());
    memory_root().add_subregion(0, *ram_region_);
    load_rom();
    console_ = MemoryRegion::mmio(
        "console", 1, MmioHandler::of<&@CLASS@::read_nothing, &@CLASS@::print>(*this).sizes(1, 1));
    io_root().add_subregion(kConsolePort, *console_);
    exit_ = MemoryRegion::mmio(
        "exit", 1, MmioHandler::of<&@CLASS@::read_nothing, &@CLASS@::end>(*this).sizes(1, 1));
    io_root().add_subregion(kExitPort, *exit_);
    for (unsigned n = 0; n < config().topology.cpus(); ++n)
      add_cpu(x86::create_cpu(*this, config().cpu_model));
  }

 private:
  void load_rom() {
    if (rom_file_.empty()) throw Error("bios is missing: expects the file of the ROM");
    std::ifstream file(rom_file_, std::ios::binary);
    if (!file) throw Error::of("bios={}: cannot be read", rom_file_);
    const std::string image((std::istreambuf_iterator<char>(file)), {});
    if (image.empty() || image.size() > kRomSize)
      throw Error::of("bios={}: it has {} bytes: expects 1 to {}", rom_file_, image.size(),
                      kRomSize);
    rom_ = std::make_shared<RamBlock>("rom", kRomSize);
    std::copy(image.begin(), image.end(), rom_->host() + kRomSize - image.size());
    rom_region_ = MemoryRegion::rom("rom", rom_, 0, kRomSize);
    memory_root().add_subregion(kRomEnd - kRomSize, *rom_region_);
  }

  u64 read_nothing(u64 /*offset*/, unsigned /*size*/) { return 0xff; }
  void print(u64 /*offset*/, u64 value, unsigned /*size*/) {
    std::putchar(static_cast<int>(value));
    std::fflush(stdout);
  }
  void end(u64 /*offset*/, u64 value, unsigned /*size*/) {
    run_control().request_shutdown(ShutdownCause::Guest, static_cast<int>(value));
  }

  std::string rom_file_;
  std::shared_ptr<RamBlock> ram_, rom_;
  std::unique_ptr<MemoryRegion> ram_region_, rom_region_, console_, exit_;
};

BACKPLANE_TYPE(@CLASS@, "@TYPE@")

}  // namespace

BACKPLANE_MODULE("@MODULE@", "0.1", "A board with memory, processors and a ROM", "MIT")
