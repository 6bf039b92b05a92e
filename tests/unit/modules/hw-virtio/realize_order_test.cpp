// SPDX-License-Identifier: MIT
// The chain of realize steps, as `-d realize` prints it. [docs/architecture.md "Object model"]
#include <cstdio>
#include <fstream>
#include <sstream>

#include "backplane/log.h"
#include "backplane/testing/scratch_directory.h"
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

class RealizeOrder : public VirtioTest {
 protected:
  RealizeOrder() {
    log::set_file(path_);
    log::enable("realize");
  }

  // "TYPE: STEP" of each line for the types that matter here, without indentation.
  std::vector<std::string> steps(const std::string& type_part) {
    std::vector<std::string> found;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) {
      line.erase(0, line.find_first_not_of(' '));
      if (line.find(type_part) != std::string::npos)
        found.push_back(line.substr(0, line.find(" (")));
    }
    return found;
  }

  const ScratchDirectory directory_;
  const std::string path_ = directory_ / "realize-log";
};

TEST_F(RealizeOrder, OfTheBalloonIsTheDocumentedOne) {
  add("virtio-balloon-pci");
  const std::vector<std::string> expected{
      "virtio-balloon-pci: realized=true",
      "virtio-balloon-pci: pci-device realize",
      "virtio-balloon-pci: virtio-pci realize",
      "virtio-balloon-pci: pci-device realized all",
      "virtio-balloon-pci: virtio-pci realized all",
      "virtio-balloon-device: realized=true",
      "virtio-balloon-device: virtio-device realize",
      "virtio-balloon-device: realize",
      "virtio-balloon-device: virtio-device realized all",
  };
  EXPECT_EQ(steps("virtio-balloon"), expected);
}

TEST_F(VirtioTest, AFailingStepIsNamedAndUndone) {
  try {
    add("virtio-echo-pci", {{"fail", "on"}});
    FAIL() << "realized";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "virtio-echo-device: realize: fail=on was given");
  }
  EXPECT_FALSE(PciDriver(machine_, kSlot).present());
  add("virtio-echo-pci");
  EXPECT_TRUE(PciDriver(machine_, kSlot).present());
}

}  // namespace
}  // namespace backplane::testing
