// SPDX-License-Identifier: MIT
// The interrupt that IF does not mask: sent by the local APIC and by the IOAPIC, held back while one
// is handled, and before one that can be masked. [SDM 3A "Nonmaskable Interrupt (NMI)"]
#include "long.inc"
#include "interrupts.inc"

#define NMI 2
#define SELF 0x60

main:
    enable_apic
    mov r14d, IOAPIC
    handle NMI, nmi_handler
    handle SELF, self_handler
    mov eax, APIC_REGISTER(APIC_ID)
    mov APIC_REGISTER(APIC_ICR_HIGH), eax
    call to_itself
    call while_handled
    call with_another
    call from_ioapic
    ret

// Sends as many more as it is told to before it returns.
nmi_handler:
    mov byte ptr [order], 'N'
    inc dword ptr [depth]
    mov eax, [depth]
    cmp eax, [deepest]
    jbe 1f
    mov [deepest], eax
1:  mov ecx, [more]
    mov dword ptr [more], 0
    jecxz 3f
2:  send_nmi
    dec ecx
    jnz 2b
    // Where it would come if nothing held it back.
    mov ecx, 2
    call pause_milliseconds
3:  dec dword ptr [depth]
    inc dword ptr [nmis]
    ret

self_handler:
    shl dword ptr [order], 8
    mov byte ptr [order], 'S'
    inc dword ptr [interrupts]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

to_itself:
    print "to itself, with interrupts disabled\n"
    mov ebx, 8
1:  mov ebp, [nmis]
    inc ebp
    send_nmi
    spin_until [nmis], e, ebp
    dec ebx
    jnz 1b
    print_value "  taken ", [nmis], 4
    ret

while_handled:
    print "while one is handled\n"
    mov dword ptr [nmis], 0
    mov dword ptr [more], 1
    send_nmi
    spin_until [nmis], ae, 2
    print_value "  taken ", [nmis], 4
    // One can wait, not two.
    mov dword ptr [nmis], 0
    mov dword ptr [more], 3
    send_nmi
    spin_until [nmis], ae, 2
    mov ecx, 2
    call pause_milliseconds
    print_value "  of three more ", [nmis], 4
    print_value "  at once ", [deepest], 4
    ret

with_another:
    print "with one that can be masked\n"
    mov dword ptr [nmis], 0
    mov ebx, 8
1:  self_ipi SELF
    send_nmi
    take_interrupts
    dec ebx
    jnz 1b
    wait_until [interrupts], ae, 8
    spin_until [nmis], ae, 8
    print_value "  NMIs ", [nmis], 4
    print_value "  interrupts ", [interrupts], 4
    print_value "  the last two ", [order], 4
    ret

from_ioapic:
    print "from the IOAPIC, in HLT with interrupts disabled\n"
    mov dword ptr [nmis], 0
    ioapic_write TABLE_HIGH(TIMER_PIN), 0
    ioapic_write TABLE(TIMER_PIN), 0x400
    mov ebx, 3
1:  pit_mode 0, 0, 20000
    hlt
    dec ebx
    jnz 1b
    ioapic_write TABLE(TIMER_PIN), IOAPIC_MASKED
    print_value "  taken ", [nmis], 4
    ret

    .bss
    .balign 4
nmis:
    .skip 4
interrupts:
    .skip 4
more:
    .skip 4
depth:
    .skip 4
deepest:
    .skip 4
order:
    .skip 4
