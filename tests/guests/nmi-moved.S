// SPDX-License-Identifier: MIT
// A CPU is somewhere else before it has done with an NMI while a second one waits: that one is
// handled there, and the next one ends HLT with interrupts disabled.
// [SDM 3A "Handling Multiple NMIs"; SDM 2A "HLT"]
#include "long.inc"
#include "interrupts.inc"

#define NMI 2
#define TIMES 4
// As long as it takes to move a machine, and longer.
#define MILLISECONDS 100

main:
    enable_apic
    mov r14d, IOAPIC
    handle NMI, nmi_handler
    mov eax, APIC_REGISTER(APIC_ID)
    mov APIC_REGISTER(APIC_ICR_HIGH), eax
    ioapic_write TABLE_HIGH(TIMER_PIN), 0
    mov ebx, TIMES
1:  mov dword ptr [nmis], 0
    mov dword ptr [more], 1
    send_nmi
    spin_until [nmis], ae, 2
    ioapic_write TABLE(TIMER_PIN), 0x400
    pit_mode 0, 0, 20000
    hlt
    ioapic_write TABLE(TIMER_PIN), IOAPIC_MASKED
    dec ebx
    jnz 1b
    print "each one was taken\n"
    ret

nmi_handler:
    cmp dword ptr [more], 0
    je 1f
    mov dword ptr [more], 0
    send_nmi
    mov ecx, MILLISECONDS
    call pause_milliseconds
1:  inc dword ptr [nmis]
    ret

    .bss
    .balign 4
nmis:
    .skip 4
more:
    .skip 4
