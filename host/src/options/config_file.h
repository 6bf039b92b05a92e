// SPDX-License-Identifier: MIT
// -readconfig and -writeconfig: options in a file, in the form that QEMU has for them:
//
//   # a comment
//   [device "net0"]
//     driver = "virtio-net-pci"
//
// is "-device driver=virtio-net-pci,id=net0". A group is called like its option, but for memory
// (-m), smp-opts (-smp) and boot-opts (-boot).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/options.h"

namespace backplane::host {

// The options of a file's text. What is said of one begins with `given` and its line. Throws Error.
std::vector<GivenOption> config_options(std::string_view text, const std::string& given);

// The same options, with those of its files in the place of each -readconfig. Throws Error.
CommandLine with_config_files(const CommandLine& line);

// A file's text that stands for the same options; those that no group has are comments. Throws
// Error: a value that files of this form cannot have.
std::string config_text(const CommandLine& line);

// Does what -writeconfig asks for, if it was given. Throws Error.
void write_config_file(const CommandLine& line);

}  // namespace backplane::host
