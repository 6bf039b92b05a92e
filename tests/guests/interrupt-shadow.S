// SPDX-License-Identifier: MIT
// STI and MOV SS hold interrupts off for one more instruction. [SDM 2B "STI-Set Interrupt Flag",
// "MOV-Move"]
#include "long.inc"
#include "interrupts.inc"

#define COUNT dword ptr [count]

main:
    reset_pics
    handle PIC_VECTORS, irq_handler
    mov al, 0xfe
    out PIC1 + 1, al
    mov COUNT, 0
    pit_mode 0, 0, 100
    await_request
    sti
    mov eax, COUNT
    mov ebx, COUNT
    cli
    print_value "  behind STI ", rax, 1
    print_value "  one later ", rbx, 1
    mov COUNT, 0
    pit_mode 0, 0, 100
    await_request
    sti
    cli
    mov eax, COUNT
    print_value "  STI and CLI ", rax, 1
    mov ecx, ss
    sti
    mov ss, ecx
    mov eax, COUNT
    mov ebx, COUNT
    cli
    // After STI in the shadow of MOV SS either may count once, together they do.
    print_value "  in the end ", rbx, 1
    ret

irq_handler:
    inc COUNT
    mov al, 0x20
    out PIC1, al
    ret

    .bss
    .balign 4
count:
    .skip 4
