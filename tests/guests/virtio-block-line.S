// SPDX-License-Identifier: MIT
// virtio-blk driven by its PCI interrupt line, with HLT: through the IOAPIC, and through the 8259.
// The disk has 64 sectors; each is full of its number. [virtio-1.2 §4.1.4.5 "ISR status capability";
// PIIX3 "PCI Interrupts"; 82093AA; 8259A]
#include "long.inc"
#include "interrupts.inc"
#include "virtio.inc"
#include "block.inc"

#define LINE 0x61
#define PCI_INTERRUPT_LINE 0x3c
#define ELCR 0x4d0
#define EXTERNAL 0x700          // of a local APIC's entry: the 8259 tells the vector

main:
    enable_apic
    mov r14d, IOAPIC
    mov eax, VIRTIO_BLOCK
    call virtio_find
    mov ecx, 64
    call virtio_start_queue
    call through_ioapic
    call through_pic
    ret

// Both handlers take the line down by reading why it is up. A level may bring a handler in once more
// than there are reasons, if the line is not down yet when the interrupt ends.
.macro count_reason
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    add [interrupts], eax
.endm

ioapic_handler:
    count_reason
    mov APIC_REGISTER(APIC_EOI), 0
    ret

pic_handler:
    count_reason
    mov al, 0x20
    out PIC2, al
    out PIC1, al
    ret

// The line went down again before the 8259 was asked for the vector.
spurious_handler:
    mov al, 0x20
    out PIC1, al
    ret

through_ioapic:
    print "IOAPIC\n"
    handle LINE, ioapic_handler
    call pci_input
    lea r12d, [rax * 2 + TABLE(0)]
    lea ecx, [r12 + 1]
    ioapic_write ecx, 0
    ioapic_write r12d, IOAPIC_LEVEL | LINE
    call transfers
    ioapic_write r12d, IOAPIC_MASKED
    ret

through_pic:
    print "8259\n"
    handle PIC_VECTORS + 10, pic_handler
    handle PIC_VECTORS + 11, pic_handler
    handle PIC_VECTORS + 15, spurious_handler
    reset_pics
    mov APIC_REGISTER(APIC_LVT_LINT0), EXTERNAL
    // Level-triggered, and open, are its input and the cascade.
    mov eax, PCI_INTERRUPT_LINE
    call pci_read
    movzx ecx, al
    mov eax, 1
    shl eax, cl
    mov ecx, eax
    mov al, ch
    mov dx, ELCR + 1
    out dx, al
    not al
    out PIC2 + 1, al
    mov al, 0xfb
    out PIC1 + 1, al
    call transfers
    mov al, 0xff
    out PIC1 + 1, al
    ret

// Forty reads, one write and what it wrote, one flush; each ends by an interrupt.
transfers:
    mov dword ptr [interrupts], 0
    xor ebp, ebp                // the statuses together
    xor ebx, ebx                // and the first bytes
    mov r13d, 1
1:  mov eax, READ
    mov esi, r13d
    call one_sector
    movzx eax, byte ptr [buffer]
    add ebx, eax
    inc r13d
    cmp r13d, 40
    jbe 1b
    print_value "  sum ", rbx, 4
    inc dword ptr [buffer + 4]
    mov eax, WRITE
    mov esi, 50
    call one_sector
    mov dword ptr [buffer + 4], 0
    mov eax, READ
    mov esi, 50
    call one_sector
    print_value "  written ", [buffer], 16
    mov eax, FLUSH
    xor esi, esi
    xor ecx, ecx
    call one_request
    print_value "  statuses ", rbp, 2
    print_value "  interrupts ", [interrupts], 2
    ret

one_sector:
    mov ecx, 512
one_request:
    mov edi, offset buffer
    mov r11d, [interrupts]
    inc r11d
    call offer_request
    call virtio_notify
    wait_until [interrupts], e, r11d
    movzx eax, byte ptr [status]
    add ebp, eax
    ret

    .bss
    .balign 4
interrupts:
    .skip 4
