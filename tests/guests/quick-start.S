// SPDX-License-Identifier: MIT
// A start-up message right behind INIT, as systems send them to recent processors: a CPU may not have
// noticed the one when the other comes. To many CPUs at once, at power-on and after resets.
// [SDM 3A "Multiple-Processor Management": INIT IPI, SIPI]
#include "long.inc"
#include "interrupts.inc"
#include "boots.inc"

#define OTHERS 7
#define RESETS 5
#define ALL_OTHERS 0xc4000
#define INIT 0x500
#define STARTUP 0x600

main:
    enable_apic
    boots
    mov ebx, offset other_cpu
    shr ebx, 12
    or ebx, ALL_OTHERS | STARTUP
    mov APIC_REGISTER(APIC_ICR), ALL_OTHERS | INIT
    mov APIC_REGISTER(APIC_ICR), ebx
1:  pause
    cmp word ptr [started], OTHERS
    jb 1b
    print_value "started ", [started], 1
    cmp r13d, RESETS
    je 1f
    count_boot
    mov al, 3                   // reset, by port 92h
    out 0x92, al
    jmp .
1:  ret

    .balign 4096
    .code16
other_cpu:
    lock inc word ptr cs:[started - other_cpu]
1:  cli
    hlt
    jmp 1b
    .balign 8
started:
    .quad 0
    .code64
