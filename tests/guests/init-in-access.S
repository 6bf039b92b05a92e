// SPDX-License-Identifier: MIT
// INIT stops a CPU that waits for a device, whichever part of an access it is at: the CPU can be
// started again, and nothing of the access is left.
// [SDM 3A "Multiple-Processor Management": INIT IPI]
#include "long.inc"
#include "interrupts.inc"
#include "second-cpu.inc"

#define STARTS 40
// Reads of 8 bytes here are of two pages, in neither of which anything is.
#define ACROSS_PAGES 0xe0000ffc

main:
    enable_apic
    mov APIC_REGISTER(APIC_ICR_HIGH), 1 << 24
    mov ebx, 1
1:  send 0x4500                 // INIT
    mov ecx, 1
    call pause_milliseconds
    mov dword ptr [second_job], 0
    mov dword ptr [accesses], 0
    call send_startup
    spin_until [second_starts], e, ebx
    give access_for_ever
    spin_until [accesses], ae, 20
    inc ebx
    cmp ebx, STARTS
    jbe 1b
    print_value "starts ", [second_starts], 2
    ret

access_for_ever:
    mov edx, ACROSS_PAGES
1:  mov rcx, [rdx]
    inc dword ptr [accesses]
    jmp 1b

    .bss
    .balign 4
accesses:
    .skip 4
