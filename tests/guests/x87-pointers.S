// SPDX-License-Identifier: MIT
// The x87's instruction and operand pointers, in each image that a program can save. What is printed
// is how far they are from the program's own instruction and operand, in as many bits as the image
// holds. [SDM 1 "x87 FPU Instruction and Data (Operand) Pointers"]
#include "long.inc"

main:
    mov rax, cr4
    or rax, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, rax
    call masked
    call pending
    call saved_again
    ret

masked:
    fninit
    fld1
1:  fmul dword ptr [three]
    fnstenv [area]
    mov r8d, [area + 12]
    sub r8, offset 1b
    print_value "FNSTENV fip ", r8, 8
    mov r8d, [area + 20]
    sub r8, offset three
    print_value "FNSTENV fdp ", r8, 8
    fninit
    fld1
    fadd qword ptr [zero]
1:  fld1
    fnsave [area]
    mov r8d, [area + 12]
    sub r8, offset 1b
    print_value "FNSAVE fip ", r8, 8
    mov r8d, [area + 20]
    sub r8, offset zero
    print_value "FNSAVE fdp ", r8, 8
    fninit
    fxsave64 [area]
    mov r8, [area + 8]
    or r8, [area + 16]
    print_value "FXSAVE behind FNINIT ", r8, 16
    ret

// The division's exception waits for FWAIT.
pending:
    fninit
    fldcw [zero_divide]
    fld1
1:  fdiv qword ptr [zero]
    mov eax, 1
    movaps xmm0, xmm1
    cpuid
    attempt "FWAIT", fwait
    fxsave64 [area]
    mov r8, [area + 8]
    sub r8, offset 1b
    print_value "FXSAVE fip ", r8, 16
    mov r8, [area + 16]
    sub r8, offset zero
    print_value "FXSAVE fdp ", r8, 16
    fnclex
    ret

// What FXRSTOR took comes back.
saved_again:
    fninit
    fxsave64 [area]
    mov rax, 0x123456789abc
    mov [area + 8], rax
    mov rax, 0xcba987654321
    mov [area + 16], rax
    fxrstor64 [area]
    mov qword ptr [area + 8], 0
    mov ecx, 1000
1:  addps xmm0, xmm1
    loop 1b
    fxsave64 [area]
    mov r8, [area + 8]
    print_value "again fip ", r8, 16
    mov r8, [area + 16]
    print_value "again fdp ", r8, 16
    ret

    .balign 16
area:
    .skip 512
three:
    .float 3
zero:
    .double 0
zero_divide:
    .word 0x37b
