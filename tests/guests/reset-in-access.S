// SPDX-License-Identifier: MIT
// A reset by one CPU while the other waits for devices: for a port, a register, and both by string
// instructions. Nothing of the access is left afterwards.
#include "long.inc"
#include "interrupts.inc"
#include "second-cpu.inc"
#include "boots.inc"

#define RESETS 12
#define PORT92 0x92
#define FREE_PORT 0x80
#define HPET 0xfed00000
// Reads of 8 bytes here are of two pages, in neither of which anything is.
#define ACROSS_PAGES 0xe0000ffc

main:
    enable_apic
    boots
    cmp r13d, RESETS
    je 1f
    mov APIC_REGISTER(APIC_ICR_HIGH), 1 << 24
    send 0x4500                 // INIT
    mov ecx, 1
    call pause_milliseconds
    call send_startup
    spin_until [second_starts], e, 1
    count_boot
    give reset_soon
    mov eax, r13d
    and eax, 3
    jmp [ways + rax * 8]
1:  print_value "resets ", r13, 2
    ret

reset_soon:
    mov ecx, 2
    call pause_milliseconds
    mov al, 3
    out PORT92, al
    jmp .

from_port:
    in al, FREE_PORT
    jmp from_port

from_register:
    mov ebx, HPET
    mov edx, ACROSS_PAGES
1:  mov eax, [rbx]
    mov rcx, [rdx]
    jmp 1b

string_from_port:
    mov edx, FREE_PORT
1:  mov edi, offset buffer
    mov ecx, 64
    rep insb
    jmp 1b

string_from_register:
1:  mov esi, HPET
    mov edi, offset buffer
    mov ecx, 16
    rep movsd
    jmp 1b

    .section .rodata
    .balign 8
ways:
    .quad from_port, from_register, string_from_port, string_from_register

    .bss
    .balign 16
buffer:
    .skip 64
