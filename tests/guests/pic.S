// SPDX-License-Identifier: MIT
// The pair of 8259 and counter 0 of the 8254: one-shot and periodic interrupts, masks, end of
// interrupt, priorities. [8259A "Operating Modes", 8254 "Mode
// Definitions"]
#include "long.inc"
#include "interrupts.inc"

main:
    reset_pics
    .set irq, 0
    .rept 16
    handle PIC_VECTORS + irq, irq_handler
    .set irq, irq + 1
    .endr
    call one_shot
    call periodic
    call masking
    call no_end_of_interrupt
    call software
    call second_chip
    call automatic_end
    call rotation
    call halt
    ret

// Counts, and ends the interrupt.
irq_handler:
    mov rax, [rdi + FRAME_VECTOR]
    inc dword ptr [counts + rax * 4 - PIC_VECTORS * 4]
    cmp byte ptr [keep_in_service], 0
    jne 2f
    cmp eax, PIC_VECTORS + 8
    mov al, 0x20
    jb 1f
    out PIC2, al
1:  out PIC1, al
2:  ret

#define COUNT(n) [counts + 4 * (n)]

.macro masks first, second
    mov al, \first
    out PIC1 + 1, al
    mov al, \second
    out PIC2 + 1, al
.endm

one_shot:
    print "one shot\n"
    masks 0xfe, 0xff
    pit_mode 0, 0, 1000
    wait_until COUNT(0), e, 1
    print_value "  interrupts ", COUNT(0), 4
    mov ecx, 3
    call pause_milliseconds
    take_interrupts
    print_value "  later ", COUNT(0), 4
    // Without interrupts it waits in the chip.
    pit_mode 0, 0, 100
    await_request
    show_chip "  waiting:", PIC1
    take_interrupts
    print_value "  interrupts ", COUNT(0), 4
    show_chip "  taken:", PIC1
    ret

periodic:
    print "periodic\n"
    mov dword ptr COUNT(0), 0
    pit_mode 0, 2, 2000
    wait_until COUNT(0), ae, 20
    print "  20 with mode 2\n"
    mov dword ptr COUNT(0), 0
    pit_mode 0, 3, 2000
    wait_until COUNT(0), ae, 20
    print "  20 with mode 3\n"
    // Halted.
    pit_mode 0, 0, 0
    take_interrupts
    ret

masking:
    print "masking\n"
    masks 0xff, 0xff
    mov dword ptr COUNT(0), 0
    pit_mode 0, 0, 100
    await_request
    take_interrupts
    print_value "  masked ", COUNT(0), 4
    in al, PIC1 + 1
    movzx eax, al
    print_value "  mask ", rax, 2
    masks 0xfe, 0xff
    take_interrupts
    print_value "  unmasked ", COUNT(0), 4
    ret

// While one is in service the same and lower ones wait.
no_end_of_interrupt:
    print "in service\n"
    mov dword ptr COUNT(0), 0
    mov byte ptr [keep_in_service], 1
    pit_mode 0, 0, 100
    await_request
    take_interrupts
    show_chip "  first:", PIC1
    pit_mode 0, 0, 100
    await_request
    take_interrupts
    print_value "  interrupts ", COUNT(0), 4
    show_chip "  second:", PIC1
    mov al, 0x60                // specific, of 0
    out PIC1, al
    take_interrupts
    print_value "  after the end of the first ", COUNT(0), 4
    mov al, 0x20
    out PIC1, al
    show_chip "  after both:", PIC1
    mov byte ptr [keep_in_service], 0
    ret

// INT with a vector of the chip's is no request, and its end ends nothing.
software:
    print "INT\n"
    int PIC_VECTORS + 7
    show_chip "  afterwards:", PIC1
    mov dword ptr COUNT(7), 0
    ret

// The second chip's input 0 is the clock's, its update-ended interrupt as a source.
second_chip:
    print "second chip\n"
    masks 0xfb, 0xfe
    mov byte ptr [keep_in_service], 1
    mov al, 0x0b
    out 0x70, al
    mov al, 0x42                // periodic interrupt, 24 hours
    out 0x71, al
    mov al, 0x0a
    out 0x70, al
    mov al, 0x26                // 1024 Hz
    out 0x71, al
    mov al, 0x0c
    out 0x70, al
    in al, 0x71
    wait_until COUNT(8), ae, 1
    show_chip "  first chip:", PIC1
    mov al, 0x0b
    out PIC2, al
    in al, PIC2
    movzx eax, al
    print_value "  second chip in service ", rax, 2
    mov al, 0x20
    out PIC2, al
    out PIC1, al
    mov byte ptr [keep_in_service], 0
    mov al, 0x0c
    out 0x70, al
    in al, 0x71
    and al, 0xc0
    movzx eax, al
    print_value "  clock's flags ", rax, 2
    mov al, 0x0b
    out 0x70, al
    mov al, 2
    out 0x71, al
    mov al, 0x0c
    out 0x70, al
    in al, 0x71
    take_interrupts
    masks 0xfe, 0xff
    ret

automatic_end:
    print "automatic end\n"
    reset_pics 3
    masks 0xfe, 0xff
    mov dword ptr COUNT(0), 0
    mov byte ptr [keep_in_service], 1
    pit_mode 0, 0, 100
    wait_until COUNT(0), e, 1
    show_chip "  after the first:", PIC1
    pit_mode 0, 0, 100
    wait_until COUNT(0), e, 2
    print_value "  interrupts ", COUNT(0), 4
    mov byte ptr [keep_in_service], 0
    reset_pics
    ret

// The lowest priority can be moved: input 0 then comes behind input 1 and all others.
rotation:
    print "rotation\n"
    masks 0xfe, 0xff
    mov al, 0xc0                // 0 is the lowest
    out PIC1, al
    pit_mode 0, 0, 100
    mov dword ptr COUNT(0), 0
    wait_until COUNT(0), e, 1
    print_value "  interrupts ", COUNT(0), 4
    mov al, 0xc7
    out PIC1, al
    ret

// Left by an interrupt that waits already.
halt:
    print "halt\n"
    // HLT in the shadow of STI is left by what waits.
    mov dword ptr COUNT(0), 0
    pit_mode 0, 0, 100
    await_request
    sti
    hlt
    cli
    print_value "  behind HLT ", COUNT(0), 1
    ret

    .bss
    .balign 16
counts:
    .skip 64
keep_in_service:
    .skip 4
