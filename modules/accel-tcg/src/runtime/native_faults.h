// SPDX-License-Identifier: MIT
// Instructions that fault on the host itself (DIV by zero, a misaligned MOVAPS, an unmasked
// floating-point exception, an invalid encoding): the signal is turned into a jump to the
// interpreter, which raises what the architecture says.
#pragma once

namespace backplane::tcg {

// Installs the handlers, once a process; earlier handlers get the signals that are not ours.
void install_native_fault_handlers();
// Gives the calling thread an alternate signal stack: the host's RSP is no stack pointer while
// translated code runs.
void use_alternate_signal_stack();

}  // namespace backplane::tcg
