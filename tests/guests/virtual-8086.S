// SPDX-License-Identifier: MIT
// Virtual-8086 mode: segments, what I/O privilege decides, and events in and out of it.
// [SDM 3B "8086 Emulation", "Virtual-8086 Mode"]
#include "protected.inc"

#define V86_STACK_SEGMENT 0x3c00
#define IOPL3 0x3000

// v86_attempt "what", FLAGS, ROUTINE: runs the routine in virtual-8086 mode
.macro v86_attempt name, flags, routine
    attempt_begin "\name"
    mov dword ptr [attempt_start], offset \routine - IMAGE
    mov dword ptr [attempt_leave], offset leave - IMAGE
    push 0x4444                 // GS
    push 0x3333                 // FS
    push IMAGE_SEGMENT          // DS
    push 0x2222                 // ES
    push V86_STACK_SEGMENT
    push 0x1000
    push FLAGS_VM | 2 | (\flags)
    push IMAGE_SEGMENT
    push offset \routine - IMAGE
    iretd
    attempt_end
.endm

main:
    handle 0x80, service
    open_gate 0x80
    mov dword ptr [result], 0
    v86_attempt "segments", IOPL3, segments
    print_value "  loaded ", [result], 8
    print_value "  es ", [result + 4], 4
    print_value "  cs ", [result + 8], 4
    print_value "  sp ", [result + 12], 8
    v86_attempt "INT 80 with IOPL 3", IOPL3, interrupt
    print_value "  result ", [result], 8
    v86_attempt "INT 80 with IOPL 0", 0, interrupt
    v86_attempt "INT 81 with a closed gate", IOPL3, closed
    v86_attempt "INT3 with a closed gate", IOPL3, breakpoint
    v86_attempt "CLI with IOPL 3", IOPL3, cli_routine
    v86_attempt "CLI with IOPL 0", 0, cli_routine
    v86_attempt "PUSHF with IOPL 3", IOPL3, pushf_routine
    print_value "  flags ", [result], 8
    v86_attempt "PUSHF with IOPL 0", 0, pushf_routine
    v86_attempt "POPF with IOPL 0", 0, popf_routine
    v86_attempt "IRET with IOPL 3", IOPL3, iret_routine
    v86_attempt "IRET with IOPL 0", 0, iret_routine
    v86_attempt "HLT", IOPL3, halt
    v86_attempt "IN without the bitmap's permission", IOPL3, input
    v86_attempt "MOV from CR0", IOPL3, control_register
    v86_attempt "LLDT", IOPL3, load_table
    v86_attempt "ARPL", IOPL3, adjust
    v86_attempt "DIV by zero", IOPL3, divide
    v86_attempt "offset beyond the limit", IOPL3, beyond
    v86_attempt "word at ffff", IOPL3, across
    v86_attempt "stack word at ffff", IOPL3, across_stack
    v86_attempt "far call and return", IOPL3, other_segment
    print_value "  through ", [result], 8
    // The bitmap allows port 80h.
    mov word ptr [gdt + TSS], 0x67 + 0x12
    mov byte ptr [gdt + TSS + 5], 0x89
    mov eax, TSS
    ltr ax
    mov eax, -1
    mov edi, offset tss + 0x68
    mov ecx, 5
    rep stosd
    mov byte ptr [tss + 0x68 + 16], 0xfe
    v86_attempt "IN of a port that is allowed", IOPL3, input
    v86_attempt "IN of the next one", IOPL3, input_next
    // Gates to ring 0 only.
    own 0, 0, 0xfffff, 0xc0fb
    mov word ptr [idt + 8 * 0x82 + 2], OWN | 3
    open_gate 0x82
    v86_attempt "INT to code of ring 3", IOPL3, to_ring_3
    ret

// The frame of a virtual-8086 task: behind SS come ES, DS, FS, GS.
service:
    print "  in the kernel\n"
    mov eax, [edi + FRAME_FLAGS]
    and eax, FLAGS_VM | IOPL3
    print_value "    flags ", eax, 8
    print_value "    cs ", [edi + FRAME_CS], 8
    print_value "    ss ", [edi + FRAME_SS], 8
    print_value "    sp ", [edi + FRAME_SP], 8
    print_value "    es ", [edi + FRAME_SS + 4], 8
    print_value "    ds ", [edi + FRAME_SS + 8], 8
    print_value "    fs ", [edi + FRAME_SS + 12], 8
    print_value "    gs ", [edi + FRAME_SS + 16], 8
    mov eax, fs
    print_value "    fs inside ", eax, 4
    mov eax, offset event_stack_top
    sub eax, edi
    print_value "    bytes pushed ", eax, 4
    mov dword ptr [edi + 8 * 4], 0x600d     // EAX
    ret

    .code16
#define HERE(symbol) [symbol - IMAGE]
segments:
    mov ax, 0x3000
    mov es, ax
    mov dword ptr es:[0x10], 0xcafe1234
    mov bx, 0x2fff
    mov gs, bx
    mov ecx, gs:[0x20]
    mov HERE(result), ecx
    mov HERE(result + 4), es
    mov HERE(result + 8), cs
    push ax
    mov HERE(result + 12), esp
    jmp leave
interrupt:
    int 0x80
    movzx eax, ax
    mov HERE(result), eax
    jmp leave
closed:
    int 0x81
breakpoint:
    int3
cli_routine:
    cli
    jmp leave
pushf_routine:
    pushfd
    pop eax
    mov HERE(result), eax
    jmp leave
popf_routine:
    push 2
    popf
    jmp leave
iret_routine:
    pushf
    push cs
    push offset 1f - IMAGE
    iret
1:  jmp leave
halt:
    hlt
input:
    in al, 0x80
    jmp leave
input_next:
    in al, 0x81
control_register:
    mov eax, cr0
load_table:
    lldt ax
adjust:
    arpl ax, bx
divide:
    xor cx, cx
    div cx
beyond:
    mov ebx, 0x10000
    mov al, [ebx]
across:
    mov bx, 0xffff
    mov ax, [bx]
across_stack:
    mov bp, 0xffff
    mov ax, [bp]
other_segment:
    call 0x3f00:offset far_routine + 0x1000 - IMAGE
    mov HERE(result), eax
    jmp leave
far_routine:
    mov ax, cs
    movzx eax, ax
    retf
to_ring_3:
    int 0x82
leave:
    hlt
    .code32

    .bss
    .balign 16
result:
    .skip 16
