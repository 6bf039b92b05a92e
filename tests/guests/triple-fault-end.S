// SPDX-License-Identifier: MIT
// A triple fault ends the machine where a reset does, with a status and a line of its own.
#include "long.inc"

main:
    print "now\n"
    mov word ptr [idt_pointer], 0
    lidt [idt_pointer]
    ud2
