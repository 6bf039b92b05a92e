// SPDX-License-Identifier: MIT
// Flags in an exception's frame that the program, had there been no exception, would not have read
// any more. [SDM 3A "Saving of Flags"]
#include "long.inc"

#define ARITHMETIC 0x8d5

main:
    mov rbx, 0x0000800000000000
    mov eax, 0x7fffffff
    mov ecx, 0x80000001
    attempt_begin "overwritten behind"
    add eax, 5
    mov r9, [rbx]
    add ecx, ecx
    attempt_end
    call show
    attempt_begin "overwritten behind two moves"
    cmp ecx, ecx
    mov edx, ecx
    mov r9, [rbx]
    mov edx, 7
    sub edx, 5
    attempt_end
    call show
    attempt_begin "one of them still read"
    add ecx, ecx
    mov r9, [rbx]
    adc edx, 0
    attempt_end
    call show
    attempt_begin "one of them set before"
    cmp ecx, ecx
    stc
    mov r9, [rbx]
    adc edx, 0
    attempt_end
    call show
    attempt_begin "overwritten by a jump's target"
    neg edx
    mov r9, [rbx]
    jmp 1f
    nop
1:  xor edx, edx
    attempt_end
    call show
    attempt_begin "a division's fault"
    sub edx, edx
    div edx
    add edx, 1
    attempt_end
    call show
    ret

show:
    mov r8, [attempt_flags]
    and r8d, ARITHMETIC
    print_value "  ", r8, 3
    ret
