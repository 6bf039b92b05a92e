// SPDX-License-Identifier: MIT
// A level on an input of the IOAPIC, from the PCI interrupt line of virtio-balloon: remote IRR, masks,
// the end of the interrupt. [82093AA "Register Description"]
#include "long.inc"
#include "interrupts.inc"
#include "virtio.inc"

#define LINE 0x61

main:
    enable_apic
    mov r14d, IOAPIC
    handle LINE, line_handler
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
    print_value "interrupts ", [lines], 2
    print_value "the device's status ", [isr], 2
    mov eax, [entry_inside]
    and eax, IOAPIC_REMOTE_IRR
    print_value "remote IRR inside ", rax, 4
    ioapic_read [line_entry]
    and eax, IOAPIC_REMOTE_IRR
    print_value "and afterwards ", rax, 4
    mov eax, APIC_REGISTER(APIC_TMR + 0x10 * (LINE / 32))
    print_value "trigger mode ", rax, 8
    // In service: nothing new comes, although the line is up again.
    mov byte ptr [keep_in_service], 1
    mov byte ptr [lower_it], 0
    mov dword ptr [lines], 0
    call use_device
    take_interrupts
    take_interrupts
    print_value "in service ", [lines], 2
    ioapic_read [line_entry]
    and eax, IOAPIC_REMOTE_IRR
    print_value "remote IRR ", rax, 4
    // The line is still up at the end of the interrupt: it comes again.
    mov byte ptr [lower_it], 1
    mov byte ptr [keep_in_service], 0
    mov APIC_REGISTER(APIC_EOI), 0
    take_interrupts
    print_value "again after its end ", [lines], 2
    take_interrupts
    print_value "and not a third time ", [lines], 2
    // Masked while the line goes up.
    mov dword ptr [lines], 0
    ioapic_write [line_entry], IOAPIC_MASKED | IOAPIC_LEVEL | LINE
    call use_device
    take_interrupts
    print_value "masked ", [lines], 2
    ioapic_write [line_entry], IOAPIC_LEVEL | LINE
    take_interrupts
    print_value "unmasked ", [lines], 2
    // Masked until the line is down again.
    mov dword ptr [lines], 0
    ioapic_write [line_entry], IOAPIC_MASKED | IOAPIC_LEVEL | LINE
    call use_device
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    ioapic_write [line_entry], IOAPIC_LEVEL | LINE
    take_interrupts
    print_value "down before unmasking ", [lines], 2
    // The device may be told not to interrupt by its configuration.
    mov eax, PCI_COMMAND
    call pci_read
    or eax, 0x400
    mov ecx, eax
    mov eax, PCI_COMMAND
    call pci_write
    call use_device
    take_interrupts
    print_value "disabled at the device ", [lines], 2
    mov eax, PCI_COMMAND
    call pci_read
    shr eax, 19
    and eax, 1
    print_value "its status says it would ", rax, 1
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    ioapic_write [line_entry], IOAPIC_MASKED
    ret

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
