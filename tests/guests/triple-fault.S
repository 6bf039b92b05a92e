// SPDX-License-Identifier: MIT
// A fault while a double fault is delivered ends in a reset, as a PC's chipset makes of the
// processor's shutdown. [SDM 3A "Interrupt 8-Double Fault Exception (#DF)"]
#include "long.inc"
#include "boots.inc"

main:
    boots
    print_value "boot ", r13, 1
    cmp r13d, 2
    je 1f
    count_boot
    mov word ptr [idt_pointer], 0
    lidt [idt_pointer]
    ud2
1:  ret
