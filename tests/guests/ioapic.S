// SPDX-License-Identifier: MIT
// The IOAPIC: its registers, edges from the 8254, and levels from a PCI interrupt line that
// virtio-balloon raises: remote IRR, masks, end of interrupt. [82093AA "Register Description"]
#include "long.inc"
#include "interrupts.inc"
#include "virtio.inc"

#define TIMER 0x50
#define LINE 0x61

main:
    enable_apic
    mov r14d, IOAPIC
    handle TIMER, timer_handler
    handle LINE, line_handler
    call registers
    call edges
    call masked_edges
    call levels
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

// --- levels --------------------------------------------------------------------------------------
// The device keeps its line up until its status register is read.
line_handler:
    inc dword ptr [lines]
    cmp byte ptr [lower_it], 0
    je 1f
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    mov [isr], eax
1:  ioapic_read [line_entry]
    mov [entry_inside], eax
    cmp byte ptr [keep_in_service], 0
    jne 1f
    mov APIC_REGISTER(APIC_EOI), 0
1:  ret

levels:
    print "levels\n"
    mov eax, VIRTIO_BALLOON
    call virtio_find
    mov ecx, 32
    call virtio_start_queue
    call pci_input
    lea eax, [rax * 2 + TABLE(0)]
    mov [line_entry], eax
    mov byte ptr [lower_it], 1
    mov ebx, [line_entry]
    inc ebx
    ioapic_write ebx, 0
    ioapic_write [line_entry], IOAPIC_LEVEL | LINE
    call use_device
    take_interrupts
    print_value "  interrupts ", [lines], 2
    print_value "  the device's status ", [isr], 2
    mov eax, [entry_inside]
    and eax, IOAPIC_REMOTE_IRR
    print_value "  remote IRR inside ", rax, 4
    ioapic_read [line_entry]
    and eax, IOAPIC_REMOTE_IRR
    print_value "  and afterwards ", rax, 4
    mov eax, APIC_REGISTER(APIC_TMR + 0x10 * (LINE / 32))
    print_value "  trigger mode ", rax, 8
    // In service: nothing new comes, although the line is up again.
    mov byte ptr [keep_in_service], 1
    mov byte ptr [lower_it], 0
    mov dword ptr [lines], 0
    call use_device
    take_interrupts
    take_interrupts
    print_value "  in service ", [lines], 2
    ioapic_read [line_entry]
    and eax, IOAPIC_REMOTE_IRR
    print_value "  remote IRR ", rax, 4
    // The line is still up at the end of the interrupt: it comes again.
    mov byte ptr [lower_it], 1
    mov byte ptr [keep_in_service], 0
    mov APIC_REGISTER(APIC_EOI), 0
    take_interrupts
    print_value "  again after its end ", [lines], 2
    take_interrupts
    print_value "  and not a third time ", [lines], 2
    // Masked while the line goes up.
    mov dword ptr [lines], 0
    ioapic_write [line_entry], IOAPIC_MASKED | IOAPIC_LEVEL | LINE
    call use_device
    take_interrupts
    print_value "  masked ", [lines], 2
    ioapic_write [line_entry], IOAPIC_LEVEL | LINE
    take_interrupts
    print_value "  unmasked ", [lines], 2
    // Masked until the line is down again.
    mov dword ptr [lines], 0
    ioapic_write [line_entry], IOAPIC_MASKED | IOAPIC_LEVEL | LINE
    call use_device
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    ioapic_write [line_entry], IOAPIC_LEVEL | LINE
    take_interrupts
    print_value "  down before unmasking ", [lines], 2
    // The device may be told not to interrupt by its configuration.
    mov eax, PCI_COMMAND
    call pci_read
    or eax, 0x400
    mov ecx, eax
    mov eax, PCI_COMMAND
    call pci_write
    call use_device
    take_interrupts
    print_value "  disabled at the device ", [lines], 2
    mov eax, PCI_COMMAND
    call pci_read
    shr eax, 19
    and eax, 1
    print_value "  its status says it would ", rax, 1
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    ioapic_write [line_entry], IOAPIC_MASKED
    ret

// Gives the device one page to inflate, and waits until it has used it and wants to interrupt.
use_device:
    call balloon_page
1:  mov eax, PCI_COMMAND
    call pci_read
    bt eax, 19
    jnc 1b
    ret

    .bss
    .balign 16
ticks:
    .skip 4
lines:
    .skip 4
isr:
    .skip 4
entry_inside:
    .skip 4
line_entry:
    .skip 4
lower_it:
    .skip 1
keep_in_service:
    .skip 1
