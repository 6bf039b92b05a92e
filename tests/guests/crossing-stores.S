// SPDX-License-Identifier: MIT
// Stores that reach from one page into another: neighbours and strangers, again and again by the same
// instruction, into pages that change, may not be written, or hold code.
// [SDM 3A "Page-Fault Exceptions"]
#include "long.inc"
#include "area.inc"

// repeat "what", CODE: a store to [rdi] at each distance from the end of the first page, three times
// each; then what both pages hold there, added up.
.macro repeat name, code:vararg
    mov r12, 1
1:  lea rdi, [r15 + 0x1000]
    sub rdi, r12
    mov ebp, 3
2:  cmp ebp, 2                  // flags go over the store
    \code
    adc r13, r13
    add rax, 0x1234567
    dec ebp
    jnz 2b
    inc r12
    cmp r12, 40
    jb 1b
    call sum_pages
    print_value "\name ", rax, 16
.endm

main:
    mov rax, cr4
    or rax, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, rax
    call make_area
    map 0, PAGE_A, PRESENT | WRITABLE
    map 1, PAGE_C, PRESENT | WRITABLE
    call sizes
    call strangers
    call faults
    call code
    ret

// In rax, the last and first bytes of both pages, and what was made of flags.
sum_pages:
    mov rax, r13
    mov ecx, 0x40
1:  rol rax, 7
    add rax, [PAGE_A + 0xfc0 - 0x40 + rcx]
    rol rax, 7
    add rax, [PAGE_C - 8 + rcx]
    sub ecx, 8
    jnz 1b
    ret

sizes:
    xor r13d, r13d
    mov rax, 0x0123456789abcdef
    movq xmm0, rax
    pshufd xmm0, xmm0, 0x1e
    fninit
    repeat "word", mov [rdi], ax
    repeat "dword", mov [rdi], eax
    repeat "qword", mov [rdi], rax
    repeat "ADC", adc [rdi], rax
    repeat "SETC and others", setc [rdi]
    repeat "INC", inc qword ptr [rdi]
    repeat "XADD", xadd [rdi], rax
    repeat "CMPXCHG", cmpxchg [rdi], rdx
    repeat "LOCK ADD", lock add [rdi], rax
    repeat "XCHG", xchg [rdi], rax
    repeat "MOVUPS", movups [rdi], xmm0
    fld1
    repeat "FST", fst qword ptr [rdi]
    repeat "PUSH", call push_there
    repeat "STOSQ", call store_there
    ret

push_there:
    mov rsi, rsp
    lea rsp, [rdi + 8]
    push rax
    mov rsp, rsi
    ret
store_there:
    push rdi
    stosq
    pop rdi
    ret

// The same instruction, while other pages come behind the first.
strangers:
    mov dword ptr [PAGE_B], 0
    mov dword ptr [PAGE_C], 0
    mov ebp, 10
    lea rdi, [r15 + 0xffe]
1:  map 1, PAGE_B, PRESENT | WRITABLE
    test ebp, 1
    jz 2f
    map 1, PAGE_C, PRESENT | WRITABLE
2:  mov eax, ebp
    shl eax, 24
    or eax, ebp
    mov [rdi], eax
    dec ebp
    jnz 1b
    print_value "PAGE_B ", [PAGE_B], 4
    print_value "PAGE_C ", [PAGE_C], 4
    ret

// Where the second page cannot be written nothing is written to the first.
faults:
    lea rdi, [r15 + 0xffd]
    mov ebp, 5
1:  map 1, PAGE_C, PRESENT | WRITABLE
    cmp ebp, 1
    ja 2f
    map 1, PAGE_C, PRESENT
2:  mov word ptr [PAGE_A + 0xffd], 0x7788
    mov eax, -1
    attempt "store", mov [rdi], eax
    movzx eax, word ptr [PAGE_A + 0xffd]
    print_value "  written ", rax, 4
    dec ebp
    jnz 1b
    map 1, 0, 0
    mov eax, -1
    mov word ptr [PAGE_A + 0xffd], 0x7788
    attempt "store to a page that is not there", mov [rdi], eax
    movzx eax, word ptr [PAGE_A + 0xffd]
    print_value "  written ", rax, 4
    map 1, PAGE_C, PRESENT | WRITABLE
    ret

// In the second page is a function: mov eax, imm32; ret. The store writes its opcode and a byte of
// the number; it is called after each.
code:
    mov dword ptr [PAGE_C], 0x112200b8
    mov word ptr [PAGE_C + 4], 0xc333
    lea rdi, [r15 + 0xffe]
    lea rsi, [r15 + 0x1000]
    xor ebx, ebx
    mov ebp, 20
1:  mov eax, ebp
    shl eax, 24
    or eax, 0xb80000
    mov [rdi], eax
    call rsi
    rol ebx, 3
    add ebx, eax
    dec ebp
    jnz 1b
    print_value "called ", rbx, 8
    print_value "last ", rax, 8
    ret

    .data
    .balign 8
