// SPDX-License-Identifier: MIT
// Loads of data segments in 64-bit code, which kernels do at each switch of tasks, and CPUID, which
// programs ask when they start. [SDM 2A "MOV-Move", "CPUID-CPU Identification"]
#include "long.inc"

#define MSR_FS_BASE 0xc0000100
#define NOT_USED OWN
#define NOT_PRESENT (OWN + 8)

// A load, and the selector that the register has then.
.macro load name, register, selector
    mov ecx, \selector
    attempt "\name", mov \register, ecx
    mov eax, \register
    print_value "  selector ", rax, 4
.endm

main:
    mov rax, 0x12cf92345678ffff
    mov [gdt + NOT_USED], rax
    mov rax, 0x00cf12000000ffff
    mov [gdt + NOT_PRESENT], rax
    load "null to ES", es, 0
    load "null of ring 3 to GS", gs, 3
    load "data to DS", ds, DATA
    load "data to GS", gs, DATA
    load "data as if of ring 3", ds, DATA + 3
    load "data of ring 3 to ES", es, USER_DATA
    load "code that can be read to ES", es, CODE64
    load "beyond the table to ES", es, 0x7f8
    load "of an LDT that is not there to ES", es, 0xc
    load "a TSS to ES", es, TSS
    load "not present to ES", es, NOT_PRESENT
    load "never used to FS", fs, NOT_USED
    movzx eax, byte ptr [gdt + NOT_USED + 5]
    print_value "  its access byte ", rax, 2
    mov ecx, MSR_FS_BASE
    rdmsr
    print_value "  its base ", rax, 8
    mov ecx, DATA
    attempt_begin "to CS"
    .byte 0x8e, 0xc9
    attempt_end
    attempt_begin "to no register"
    .byte 0x8e, 0xf1
    attempt_end
    call in_turn
    call same_leaves
    mov ecx, DATA
    user_attempt "the kernel's data in ring 3", mov es, ecx
    mov ecx, USER_DATA
    user_attempt "ring 3's data in ring 3", mov es, ecx
    mov ecx, 2
    user_attempt "null in ring 3", mov es, ecx
    ret

// A base comes and goes, and accesses follow it.
in_turn:
    mov dword ptr [value], 0x1111
    mov rax, offset value - 0x12345678
    xor ebx, ebx
    mov edx, NOT_USED
    mov esi, DATA
    mov ebp, 1000
1:  mov fs, edx
    add ebx, fs:[rax]
    mov fs, esi
    add ebx, fs:[value]
    dec ebp
    jnz 1b
    print_value "sum ", rbx, 8
    ret

// A leaf says the same each time, and nothing else changes.
same_leaves:
    xor r10d, r10d
    .irp leaf, 0, 2, 4, 7, 0x80000000, 0x8000001d
    mov eax, \leaf
    xor ecx, ecx
    cpuid
    mov r8, rax
    xor r8, rbx
    rol r8, 8
    xor r8, rcx
    rol r8, 8
    xor r8, rdx
    mov ebp, 100
1:  mov rax, 0x1122334400000000 + \leaf
    mov rcx, 0x5566778800000000
    mov rbx, -1
    mov rdx, -1
    cmp ebp, 0
    cpuid
    setz r11b
    add r10b, r11b
    xor rax, rbx
    rol rax, 8
    xor rax, rcx
    rol rax, 8
    xor rax, rdx
    cmp rax, r8
    je 2f
    inc r10d
2:  dec ebp
    jnz 1b
    .endr
    print_value "differences ", r10, 8
    ret

    .data
    .balign 4
value:
    .long 0
