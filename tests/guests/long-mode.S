// SPDX-License-Identifier: MIT
// What long mode has of its own: stacks by the IST, frames, gates of 16 bytes, bases of FS and GS,
// compatibility code, and the way out and back in. [SDM 3A "Exception and Interrupt Handling in
// 64-bit Mode", "Segmentation in IA-32e Mode", "Stack Switching in IA-32e Mode"]
#include "long.inc"
#include "frame.inc"

#define SERVICE 0x80
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define OWN_CODE (OWN + 0x20)

main:
    handle SERVICE, service
    call frames
    call gate_types
    call call_gates
    call bases
    call compatibility
    call operand_sizes
    call out_and_in
    ret

frames:
    print "frames\n"
    // The stack is aligned before anything is pushed, and always has SS and RSP.
    mov rbx, rsp
    and rsp, -16
    sub rsp, 3
    mov r12, rsp
    int SERVICE
    mov rax, rsp
    sub rax, r12
    print_value "  stack moved ", rax, 4
    mov rax, r12
    sub rax, [seen_sp]
    print_value "  pushed RSP is off by ", rax, 4
    sub r12, [seen_top]
    print_value "  aligned by ", r12, 4
    mov rsp, rbx
    show_frame
    // On a stack of the IST.
    mov byte ptr [idt + 16 * SERVICE + 4], 1
    int SERVICE
    mov rax, offset ist_stack_top
    sub rax, [seen_top]
    print_value "  IST: below its top ", rax, 4
    mov byte ptr [idt + 16 * SERVICE + 4], 0
    // A null SS is good enough at CPL 0.
    xor eax, eax
    mov ss, eax
    int SERVICE
    mov eax, DATA
    mov ss, eax
    show_frame
    ret

gate_types:
    print "gates\n"
    sti
    int SERVICE
    print_value "  IF behind an interrupt gate ", [seen_flags], 4
    mov byte ptr [idt + 16 * SERVICE + 5], 0xef
    int SERVICE
    print_value "  IF behind a trap gate ", [seen_flags], 4
    cli
    mov byte ptr [idt + 16 * SERVICE + 5], 0xee
    mov word ptr [idt + 16 * SERVICE + 2], CODE32
    attempt "  a gate to 32-bit code", int SERVICE
    mov word ptr [idt + 16 * SERVICE + 2], CODE64
    ret

call_gates:
    print "call gates\n"
    call make_call_gate
    attempt "  same level", call fword ptr [pointer]
    mov byte ptr [gdt + OWN + 13], 1    // the upper half must have type 0
    attempt "  type in the upper half", call fword ptr [pointer]
    mov byte ptr [gdt + OWN + 13], 0
    mov word ptr [gdt + OWN + 2], CODE32
    attempt "  to 32-bit code", call fword ptr [pointer]
    ret

.macro write_base msr, symbol
    mov ecx, \msr
    mov eax, offset \symbol
    xor edx, edx
    wrmsr
.endm

bases:
    print "bases\n"
    mov dword ptr [first], 0x1111
    mov dword ptr [second], 0x2222
    write_base MSR_FS_BASE, first
    write_base MSR_GS_BASE, first
    write_base MSR_KERNEL_GS_BASE, second
    mov eax, fs:[0]
    print_value "  FS ", rax, 4
    mov eax, gs:[0]
    print_value "  GS ", rax, 4
    swapgs
    mov eax, gs:[0]
    print_value "  after SWAPGS ", rax, 4
    mov ecx, MSR_KERNEL_GS_BASE
    rdmsr
    sub eax, offset first
    print_value "  the other one is off by ", rax, 8
    swapgs
    mov rdi, -0x10
    mov dword ptr [first + 8], 0x3333
    mov eax, fs:[rdi + 0x18]
    print_value "  negative offset ", rax, 4
    // A selector brings its descriptor's base, of 32 bits; that of DS and ES does not count.
    mov eax, offset second
    mov qword ptr [gdt + OWN_CODE], 0
    mov word ptr [gdt + OWN_CODE], 0xffff
    mov [gdt + OWN_CODE + 2], ax
    shr eax, 16
    mov [gdt + OWN_CODE + 4], al
    mov word ptr [gdt + OWN_CODE + 5], 0xcf93
    mov eax, OWN_CODE
    mov fs, eax
    mov eax, fs:[0]
    print_value "  FS loaded ", rax, 4
    mov eax, OWN_CODE
    mov es, eax
    mov eax, es:[first]
    print_value "  ES loaded ", rax, 4
    // Its limit does not count either.
    mov word ptr [gdt + OWN_CODE], 0
    mov byte ptr [gdt + OWN_CODE + 6], 0x40
    mov eax, OWN_CODE
    mov fs, eax
    mov eax, fs:[8]
    attempt "  beyond the limit", mov eax, fs:[0x1000]
    mov eax, DATA
    mov es, eax
    ret

    .code32
// Segments count again, and so do instructions that 64-bit mode has not.
in_32_bits:
    mov eax, OWN_CODE
    mov fs, eax
    mov eax, fs:[0]
    mov [seen_ss], eax
    push ds
    pop eax
    mov [seen_cs], eax
    inc eax
    .byte 0x48                  // DEC EAX
    mov [seen_flags], eax
    mov eax, -1
    mov ebx, offset first + 1
    mov eax, [eax + ebx]        // wraps at 4 GiB
    mov [seen_sp], eax
    pusha
    popa
    retf
    .code64

compatibility:
    print "compatibility mode\n"
    mov dword ptr [pointer], offset in_32_bits
    mov word ptr [pointer + 4], CODE32
    mov qword ptr [seen_sp], 0
    mov word ptr [gdt + OWN_CODE], 0xffff
    mov r12, rsp
    call fword ptr [pointer]
    sub r12, rsp
    print_value "  stack moved ", r12, 4
    print_value "  FS with its base ", [seen_ss], 4
    print_value "  PUSH DS ", [seen_cs], 4
    print_value "  INC and DEC ", [seen_flags], 4
    print_value "  wrapped address ", [seen_sp], 4
    ret

operand_sizes:
    print "operand sizes\n"
    mov rax, -1
    mov eax, eax
    print_value "  MOV of 32 bits ", rax, 16
    mov rax, -1
    xor al, al
    print_value "  XOR of 8 bits ", rax, 16
    mov rax, -1
    mov ax, 0
    print_value "  MOV of 16 bits ", rax, 16
    mov rcx, 0x100000000
    xor eax, eax
    jecxz 1f
    inc eax
1:  print_value "  JECXZ not taken ", rax, 1
    mov r12, rsp
    .byte 0x66
    push 0x1234                 // a word
    sub r12, rsp
    add rsp, r12
    print_value "  PUSH of 16 bits ", r12, 2
    mov rsi, offset first
    mov eax, 0
    addr32 lodsd
    print_value "  LODSD with 32-bit address ", rax, 8
    mov rbx, 0xffffffff00000000
    add rbx, offset first
    mov eax, [ebx]
    print_value "  32-bit address ", rax, 8
    mov rax, 0x80000000
    cdqe
    print_value "  CDQE ", rax, 16
    cqo
    print_value "  CQO ", rdx, 16
    mov r8b, 0x7f
    mov sil, 0x55
    movzx eax, sil
    print_value "  SIL ", rax, 2
    ret

// To protected mode without paging, and back.
out_and_in:
    print "out and in\n"
    mov dword ptr [pointer], offset leave_long
    mov word ptr [pointer + 4], CODE32
    jmp fword ptr [pointer]
    .code32
leave_long:
    mov eax, cr0
    btr eax, 31
    mov cr0, eax
    mov ecx, MSR_EFER
    rdmsr
    mov [seen_flags], eax
    and eax, ~EFER_LME
    wrmsr
    mov eax, [first]
    mov [seen_ss], eax
    call long_mode
    .code64
    mov rax, [seen_flags]
    bt eax, 10
    setc al
    movzx eax, al
    print_value "  EFER.LMA without paging ", rax, 1
    mov ecx, MSR_EFER
    rdmsr
    bt eax, 10
    setc al
    movzx eax, al
    print_value "  and again with it ", rax, 1
    print_value "  read in between ", [seen_ss], 4
    int SERVICE
    print_value "  interrupts work ", [seen_cs], 4
    ret

    .bss
    .balign 16
first:
    .skip 16
second:
    .skip 16
