// SPDX-License-Identifier: MIT
// Instructions that begin in one page and end in the next: neighbours and strangers, pages that
// become others, and a second page that is not there, may not be executed or is the supervisor's.
// [SDM 3A "Page-Fault Exceptions"]
#include "long.inc"

#define AREA 0x8000000000
#define PAGE_A 0x800000
#define PAGE_B 0x805000
#define PAGE_C 0x809000
#define PRESENT 1
#define WRITABLE 2
#define USER 4
#define ENTRY(n) [page_table + 8 * (n)]

.macro map n, physical, rights
    mov dword ptr ENTRY(\n), (\physical) + (\rights)
    mov dword ptr ENTRY(\n) + 4, 0
    invlpg [r15 + 0x1000 * (\n)]
.endm

// straddle "text", LABEL: the code from LABEL to LABEL_end, each of its bytes in turn the first of
// the second page; its results, added up in rbp. It ends with RET.
.macro straddle name, label
    mov r8d, offset \label
    mov r9d, offset \label\()_end - \label
    call every_way
    print_value "\name ", rbp, 16
.endm

main:
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_NXE
    wrmsr
    mov rax, cr4
    or rax, CR4_OSFXSR
    mov cr4, rax
    mov r15, AREA
    mov dword ptr [page_map + 8], offset pointer_table + 7
    mov dword ptr [pointer_table], offset directory + 7
    mov dword ptr [directory], offset page_table + 7
    map 0, PAGE_A, PRESENT | WRITABLE
    map 1, PAGE_B, PRESENT | WRITABLE
    straddle "MOV r,imm64", long_move
    straddle "arithmetic", arithmetic
    straddle "memory", memory
    straddle "branches", branches
    straddle "calls", calls
    straddle "prefixes", prefixes
    straddle "LOCK and REP", locked
    straddle "SSE", vectors
    call other_second_page
    call missing_second_page
    call loops
    ret

// r8: code, r9: its length; each split twice, so that the second time finds what the first left.
every_way:
    xor ebp, ebp
    mov r10d, 1
1:  lea rdi, [r15 + 0x1000]
    sub rdi, r10
    mov r11, rdi
    mov rsi, r8
    mov rcx, r9
    rep movsb
    mov r12d, 2
2:  mov eax, 0x1111
    mov ecx, 0x2222
    mov edx, 0x3333
    mov r13d, offset scratch
    mov qword ptr [r13], 0x4444
    call r11
    add rbp, rax
    rol rbp, 3
    add rbp, rcx
    add rbp, rdx
    add rbp, [scratch]
    dec r12d
    jnz 2b
    inc r10d
    cmp r10d, r9d
    jb 1b
    ret

long_move:
    mov rax, 0x0123456789abcdef
    mov rcx, 0xfedcba9876543210
    ret
long_move_end:

arithmetic:
    add eax, 0x12345678
    adc ecx, 0x70000000
    imul edx, eax, 0x10001
    sub rax, -5
    xor edx, 0x55aa55aa
    ret
arithmetic_end:

memory:
    mov dword ptr [r13 + 0x100], 0x76543210
    add [r13], eax
    mov rcx, [r13 + 0x100]
    lea rdx, [rcx + rax * 8 + 0x11223344]
    cmp dword ptr [r13 + 0x100], 0x76543210
    sete al
    ret
memory_end:

branches:
    cmp eax, ecx
    jb 1f
    mov eax, 0xbad
1:  .byte 0x0f, 0x84, 5, 0, 0, 0    // je, near
    mov ecx, 0x600d
    cmp edx, 0x3333
    jne 2f
    inc edx
2:  mov ecx, 3
3:  add eax, 7
    loop 3b
    jmp 4f
    ud2
4:  ret
branches_end:

calls:
    call 1f
    add eax, 2
    xor edx, edx
    ret
1:  push rax
    pop rcx
    ret 0
calls_end:

prefixes:
    add ax, 0x1234
    mov cx, 0x5678
    .byte 0x66, 0x2e, 0x3e, 0x26, 0x05, 0x11, 0x22  // add ax, 2211h
    .byte 0x66, 0x66, 0x66, 0x90
    mov r9d, r9d
    movzx edx, ah
    ret
prefixes_end:

locked:
    lock add dword ptr [r13], 0x1111
    lock xadd [r13], ecx
    mov r14, rdi
    lea rdi, [r13 + 0x10]
    mov ecx, 4
    rep stosd
    mov rdi, r14
    mov edx, [r13 + 0x1c]
    ret
locked_end:

vectors:
    movd xmm0, eax
    movd xmm1, ecx
    paddd xmm0, xmm1
    pshufd xmm2, xmm0, 0
    movdqu [r13 + 0x20], xmm2
    movdqu xmm3, [r13 + 0x20]
    paddd xmm3, xmm2
    movd edx, xmm3
    ret
vectors_end:

// The same first page is followed by another second page.
other_second_page:
    print "another second page\n"
    // mov eax, imm32; ret: two bytes of it behind the boundary.
    mov byte ptr [PAGE_A + 0xffd], 0xb8
    mov word ptr [PAGE_A + 0xffe], 0x2211
    mov dword ptr [PAGE_B], 0x00c34433
    mov dword ptr [PAGE_C], 0x00c38877
    lea r11, [r15 + 0xffd]
    call r11
    print_value "  first ", rax, 8
    mov dword ptr ENTRY(1), PAGE_C + PRESENT | WRITABLE
    invlpg [r15 + 0x1000]
    call r11
    print_value "  second ", rax, 8
    map 1, PAGE_B, PRESENT | WRITABLE
    call r11
    print_value "  first again ", rax, 8
    // Both of them at another place.
    map 8, PAGE_A, PRESENT | WRITABLE
    map 9, PAGE_C, PRESENT | WRITABLE
    lea r11, [r15 + 0x8ffd]
    call r11
    print_value "  elsewhere ", rax, 8
    lea r11, [r15 + 0xffd]
    call r11
    print_value "  first again ", rax, 8
    mov byte ptr [PAGE_B], 0x99
    call r11
    print_value "  second page written ", rax, 8
    mov byte ptr [PAGE_A + 0xffe], 0x66
    call r11
    print_value "  first page written ", rax, 8
    ret

missing_second_page:
    print "no second page\n"
    lea r11, [r15 + 0xffd]
    mov dword ptr ENTRY(1), 0
    invlpg [r15 + 0x1000]
    attempt "  not there", call r11
    bts qword ptr ENTRY(1), 63
    or dword ptr ENTRY(1), PAGE_B + PRESENT | WRITABLE
    attempt "  not to be executed", call r11
    btr qword ptr ENTRY(1), 63
    invlpg [r15 + 0x1000]
    call r11
    print_value "  there again ", rax, 8
    // The last instruction ends with the page: the next page is not touched.
    mov byte ptr [PAGE_A + 0xfff], 0xc3
    mov dword ptr [PAGE_A + 0xffa], 0x0102b866
    mov byte ptr [PAGE_A + 0xffe], 0x90
    mov dword ptr ENTRY(1), 0
    invlpg [r15 + 0x1000]
    xor eax, eax
    lea r11, [r15 + 0xffa]
    attempt "  up to the end", call r11
    print_value "    eax ", rax, 8
    mov byte ptr [PAGE_A + 0xfff], 0x90
    attempt "  and one further", call r11
    map 1, PAGE_B, PRESENT | WRITABLE
    ret

// A loop over a boundary, many times.
loops:
    print "loops\n"
    lea rdi, [r15 + 0xff0]
    mov esi, offset loop_code
    mov ecx, offset loop_code_end - loop_code
    rep movsb
    lea r11, [r15 + 0xff0]
    call r11
    print_value "  sum ", rax, 8
    ret
loop_code:
    xor eax, eax
    mov ecx, 100000
1:  add eax, ecx
    lea edx, [rax + rcx * 4 + 0x12345]
    xor eax, edx
    dec ecx
    jnz 1b
    ret
loop_code_end:

    .bss
    .balign 4096
pointer_table:
    .skip 4096
directory:
    .skip 4096
page_table:
    .skip 4096
scratch:
    .skip 512
