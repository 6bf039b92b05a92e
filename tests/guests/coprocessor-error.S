// SPDX-License-Identifier: MIT
// CR0.NE clear: an unmasked x87 exception is an interrupt of the board's, IRQ 13, in front of the
// next instruction that waits; port F0h lets it go on. [SDM 1 "MS-DOS Compatibility Sub-mode"]
#include "long.inc"
#include "interrupts.inc"

#define IRQ 13

main:
    reset_pics
    handle PIC_VECTORS + IRQ, error_handler
    mov rax, cr0
    and rax, ~CR0_NE
    mov cr0, rax
    mov al, 0xfb
    out PIC1 + 1, al
    mov al, 0xdf
    out PIC2 + 1, al
    call cleared
    call ignored
    call native
    ret

// The handler clears the exception: FSTP stores after it.
cleared:
    print "cleared\n"
    mov byte ptr [ignore], 0
    mov dword ptr [stored], 0x1234
    fninit
    fldcw [zero_divide]
    fld1
    sti
    fdiv dword ptr [zero]
1:  fstp dword ptr [stored]
    cli
    mov r8, [place]
    sub r8, offset 1b
    print_value "  taken behind the division by ", r8, 4
    print_value "  stored then ", [stored_then], 8
    print_value "  stored at last ", [stored], 8
    print_value "  interrupts ", [interrupts], 4
    // And once more.
    fld1
    sti
    fdiv dword ptr [zero]
    fwait
    cli
    print_value "  interrupts ", [interrupts], 4
    ret

// The handler leaves the exception as it is: port F0h has it ignored until it ends.
ignored:
    print "ignored\n"
    mov byte ptr [ignore], 1
    fninit
    fldcw [zero_divide]
    fld1
    sti
    fdiv dword ptr [zero]
    fwait
    fld1
    fadd dword ptr [two]
    fstp dword ptr [stored]
    cli
    print_value "  interrupts ", [interrupts], 4
    print_value "  three ", [stored], 8
    fnstsw ax
    and eax, 0x84
    print_value "  still pending ", rax, 4
    fnclex
    fld1
    sti
    fdiv dword ptr [zero]
    fwait
    cli
    print_value "  interrupts ", [interrupts], 4
    fnclex
    ret

// With CR0.NE it is #MF.
native:
    mov rax, cr0
    or rax, CR0_NE
    mov cr0, rax
    fninit
    fldcw [zero_divide]
    fld1
    fdiv dword ptr [zero]
    attempt "FWAIT", fwait
    print_value "  interrupts ", [interrupts], 4
    fnclex
    ret

error_handler:
    inc dword ptr [interrupts]
    mov rax, [rdi + FRAME_IP]
    mov [place], rax
    mov eax, [stored]
    mov [stored_then], eax
    out 0xf0, al
    cmp byte ptr [ignore], 0
    jne 1f
    fnclex
1:  mov al, 0x20
    out PIC2, al
    out PIC1, al
    ret

    .balign 8
place:
    .quad 0
interrupts:
    .long 0
stored:
    .long 0
stored_then:
    .long 0
zero:
    .float 0
two:
    .float 2
zero_divide:
    .word 0x37b
ignore:
    .byte 0
