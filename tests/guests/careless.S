// SPDX-License-Identifier: MIT
// Does what a specification forbids, and asks devices for what they do not have: neither hurts.
// log_test.py has it told of.
#include "long.inc"
#include "interrupts.inc"

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_STATUS_D 0x0d
#define KEYBOARD_COMMAND 0x64
#define NO_SUCH_COMMAND 0x55

main:
    handle 3, on_breakpoint
    mov al, CMOS_STATUS_D
    out CMOS_INDEX, al
    mov al, 0
    out CMOS_DATA, al
    in al, CMOS_DATA
    movzx eax, al
    print_value "RTC status D ", rax, 2
    mov al, NO_SUCH_COMMAND
    out KEYBOARD_COMMAND, al
    int3
    print_value "breakpoints ", [breakpoints], 2
    mov rax, cr3
    mov cr3, rax
    ret

on_breakpoint:
    inc qword ptr [breakpoints]
    ret

    .balign 8
breakpoints:
    .quad 0
