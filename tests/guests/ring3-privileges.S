// SPDX-License-Identifier: MIT
// What flags, CR4 and the TSS allow ring 3 in 64-bit mode. [SDM 3A "Protection"; SDM 1 "Protected-Mode
// I/O"]
#include "long.inc"

main:
    call flags
    call time_stamp
    call privilege_of_io
    ret

flags:
    // POPF changes neither IF nor IOPL, and says nothing.
    user_attempt_begin "POPF"
    push FLAGS_IF | 0x3000 | FLAGS_CF
    popf
    pushf
    pop [result]
    user_attempt_end
    print_value "  flags ", [result], 8
    ret

time_stamp:
    mov rax, cr4
    or rax, CR4_TSD
    mov cr4, rax
    user_attempt "RDTSC with CR4.TSD", rdtsc
    mov rax, cr4
    and rax, ~CR4_TSD
    mov cr4, rax
    user_attempt "RDTSC without", rdtsc
    ret

privilege_of_io:
    user_attempt_begin "CLI and STI with IOPL 3", USER_CODE64, 0x3002
    cli
    sti
    cli
    user_attempt_end
    user_attempt_begin "IN with IOPL 3", USER_CODE64, 0x3002
    in al, 0x21
    user_attempt_end
    // The bitmap allows ports 80h to 87h.
    mov word ptr [gdt + TSS], 0x67 + 0x20
    mov byte ptr [gdt + TSS + 5], 0x89
    mov ecx, TSS
    ltr cx
    mov rax, -1
    mov [tss + 0x68], rax
    mov [tss + 0x70], rax
    mov [tss + 0x78], rax
    mov byte ptr [tss + 0x68 + 16], 0
    user_attempt "OUT to 80h", out 0x80, al
    user_attempt "OUT to 7fh", out 0x7f, al
    user_attempt "word to 87h", out 0x87, ax
    user_attempt "word to 86h", out 0x86, ax
    mov edx, 0xf8
    user_attempt "beyond the bitmap", out dx, al
    ret

    .bss
    .balign 8
result:
    .skip 8
