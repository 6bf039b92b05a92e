// SPDX-License-Identifier: MIT
// Real mode, over and over: code that gives way to another kind of code at the same place, and a
// stack that is switched by MOV SS or POP SS and MOV SP while interrupts come.
// [SDM 3A "Self-Modifying Code"; SDM 2B "MOV-Move", "POP-Pop a Value From the Stack"]
#include "real.inc"

#define PIC1 0x20
#define PIC_VECTORS 0x40
#define CODE_SEGMENT 0x5000
#define INTERRUPTS 300

main:
    call replaced
    call stacks
    ret

// NOP and RETF on both sides of a page's end, then MOV AX, DS across it, and RETF.
replaced:
    mov ax, CODE_SEGMENT
    mov es, ax
    mov byte ptr es:[0xfff], 0x90
    mov word ptr es:[0x1000], 0x90cb
    mov cx, 100
1:  call CODE_SEGMENT:0xfff
    loop 1b
    mov byte ptr es:[0xfff], 0x8c
    mov word ptr es:[0x1000], 0xcbd8
    xor eax, eax
    call CODE_SEGMENT:0xfff
    print_value "DS by what came in its place ", eax, 4
    ret

// No interrupt may come where SS is new and SP is not.
stacks:
    vector PIC_VECTORS, irq_handler
    // The first 8259 from its beginning, and the 8254's counter 0 as a rate of 2330 Hz.
    mov al, 0x11
    out PIC1, al
    .irp word, PIC_VECTORS, 4, 1, 0xfe
    mov al, \word
    out PIC1 + 1, al
    .endr
    mov al, 0x34
    out 0x43, al
    mov al, 0
    out 0x40, al
    mov al, 2
    out 0x40, al
    mov ax, REAL_STACK_SEGMENT
    mov es, ax
    mov bx, 0x1000
    mov es:[bx], ax
    mov [NEAR(own_stack)], sp
    xor esi, esi
    xor di, di
    sti
1:  mov ss, ax
behind_move:
    mov sp, bx
    jmp 2f
2:  mov ss, es:[bx]
behind_load:
    mov sp, bx
    nop
    pop ss
behind_pop:
    mov sp, bx
    cmp di, INTERRUPTS
    jb 1b
    cli
    mov sp, [NEAR(own_stack)]
    print_value "interrupts between the two ", esi, 4
    ret

irq_handler:
    push bp
    push ax
    mov bp, sp
    inc di
    .irp place, behind_move, behind_load, behind_pop
    cmp word ptr [bp + 4], offset NEAR(\place)
    je 2f
    .endr
    jmp 1f
2:  inc si
1:  mov al, 0x20
    out PIC1, al
    pop ax
    pop bp
    iret

    .bss
    .balign 2
own_stack:
    .skip 2
