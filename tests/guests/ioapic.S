// SPDX-License-Identifier: MIT
// The IOAPIC: its registers, and edges from the 8254. [82093AA "Register Description"]
#include "long.inc"
#include "interrupts.inc"

#define TIMER 0x50

main:
    enable_apic
    mov r14d, IOAPIC
    handle TIMER, timer_handler
    call registers
    call edges
    call masked_edges
    ret

timer_handler:
    inc dword ptr [ticks]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

.macro show_entry text, pin
    ioapic_read TABLE(\pin)
    print_value "\text", rax, 8
.endm

registers:
    print "registers\n"
    ioapic_read 0
    and eax, 0x0f000000
    print_value "  id ", rax, 8
    ioapic_read 1
    shr eax, 16
    print_value "  last input ", rax, 2
    show_entry "  entry 5 ", 5
    ioapic_write TABLE(5), 0xfffeafff
    ioapic_read TABLE(5)
    and eax, 0x1afff            // reserved bits may be kept
    print_value "  after writing all but remote IRR, status and mask ", rax, 8
    ioapic_write TABLE_HIGH(5), 0xffffffff
    ioapic_read TABLE_HIGH(5)
    and eax, 0xff000000
    print_value "  upper half ", rax, 8
    ioapic_write TABLE(5), IOAPIC_MASKED
    ioapic_write TABLE_HIGH(5), 0
    ret

edges:
    print "edges\n"
    ioapic_write TABLE_HIGH(TIMER_PIN), 0
    ioapic_write TABLE(TIMER_PIN), TIMER
    pit_mode 0, 0, 1000
    wait_until [ticks], e, 1
    show_entry "  after the first ", TIMER_PIN
    pit_mode 0, 0, 1000
    wait_until [ticks], e, 2
    pit_mode 0, 2, 5000
    wait_until [ticks], ae, 12
    print "  10 periodic ones\n"
    pit_mode 0, 0, 0
    take_interrupts
    // By logical destination, lowest priority.
    mov APIC_REGISTER(APIC_LDR), 0x01000000
    ioapic_write TABLE_HIGH(TIMER_PIN), 0x01000000
    ioapic_write TABLE(TIMER_PIN), 0x900 | TIMER
    mov dword ptr [ticks], 0
    pit_mode 0, 0, 1000
    wait_until [ticks], e, 1
    print "  one to a logical destination\n"
    ret

masked_edges:
    print "masked\n"
    mov dword ptr [ticks], 0
    ioapic_write TABLE(TIMER_PIN), IOAPIC_MASKED | TIMER
    pit_mode 0, 0, 1000
    mov ecx, 5
    call pause_milliseconds
    take_interrupts
    print_value "  interrupts ", [ticks], 4
    ioapic_write TABLE_HIGH(TIMER_PIN), 0
    ioapic_write TABLE(TIMER_PIN), TIMER
    pit_mode 0, 0, 1000
    wait_until [ticks], ae, 1
    print "  one after unmasking\n"
    ioapic_write TABLE(TIMER_PIN), IOAPIC_MASKED | TIMER
    ret

    .bss
    .balign 4
ticks:
    .skip 4
