// SPDX-License-Identifier: MIT
// An interrupt inside a repeated string instruction finds RF set in its frame, and the registers as
// far as they are. [SDM 3B "Instruction-Breakpoint Exception Condition"]
#include "long.inc"
#include "interrupts.inc"

#define BUFFER 0x1000000
#define SIZE 0x400000

main:
    reset_pics
    handle PIC_VECTORS, irq_handler
    mov al, 0xfe
    out PIC1 + 1, al
    pit_mode 0, 2, 60
    // Until one came inside.
1:  mov edi, BUFFER
    mov ecx, SIZE
    xor eax, eax
    sti
repetition:
    rep stosb
    cli
    cmp dword ptr [inside], 0
    je 1b
    print_value "RF ", [resume_flag], 1
    print_value "done and left are all ", [all], 1
    print_value "left in the end ", rcx, 8
    ret

irq_handler:
    mov al, 0x20
    out PIC1, al
    mov rax, [rdi + FRAME_IP]
    cmp rax, offset repetition
    jne 1f
    mov rcx, [rdi + 13 * 8]
    cmp rcx, SIZE
    je 1f
    mov dword ptr [inside], 1
    mov rax, [rdi + FRAME_FLAGS]
    shr eax, 16
    and eax, 1
    mov [resume_flag], rax
    add rcx, [rdi + 8 * 8]
    cmp rcx, BUFFER + SIZE
    sete [all]
1:  ret

    .bss
    .balign 8
inside:
    .skip 8
resume_flag:
    .skip 8
all:
    .skip 8
