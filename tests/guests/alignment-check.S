// SPDX-License-Identifier: MIT
// Alignment checking, which only ring 3 is subject to.
// [SDM 3A "Interrupt 17-Alignment Check Exception (#AC)"]
#include "long.inc"

main:
    mov rax, cr0
    or rax, CR0_AM
    mov cr0, rax
    user_attempt_begin "misaligned load without AC"
    mov eax, [operand + 1]
    user_attempt_end
    user_attempt_begin "misaligned load with AC", USER_CODE64, FLAGS_AC | 2
    mov eax, [operand + 1]
    user_attempt_end
    user_attempt_begin "misaligned store with AC", USER_CODE64, FLAGS_AC | 2
    mov [operand + 2], rax
    user_attempt_end
    user_attempt_begin "aligned with AC", USER_CODE64, FLAGS_AC | 2
    mov eax, [operand + 4]
    user_attempt_end
    pushf
    or qword ptr [rsp], FLAGS_AC
    popf
    attempt "misaligned load at CPL 0 with AC", mov eax, [operand + 1]
    pushf
    and qword ptr [rsp], ~FLAGS_AC
    popf
    mov rax, cr0
    and rax, ~CR0_AM
    mov cr0, rax
    ret

    .bss
    .balign 16
operand:
    .skip 16
