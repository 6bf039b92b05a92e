// SPDX-License-Identifier: MIT
// The poll command of the 8259 takes the interrupt: it is in service afterwards. [8259A "Poll
// Command"]
#include "long.inc"
#include "interrupts.inc"

main:
    reset_pics
    mov al, 0xfe
    out PIC1 + 1, al
    mov al, 0x0c
    out PIC1, al
    in al, PIC1
    and al, 0x80
    movzx eax, al
    print_value "nothing ", rax, 2
    pit_mode 0, 0, 100
    await_request
    mov al, 0x0c
    out PIC1, al
    in al, PIC1
    movzx eax, al
    print_value "request ", rax, 2
    show_chip "polled:", PIC1
    mov al, 0x20
    out PIC1, al
    ret
