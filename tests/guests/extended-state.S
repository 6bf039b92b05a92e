// SPDX-License-Identifier: MIT
// XSAVE, XSAVEC, XSAVEOPT and XRSTOR as a kernel uses them: areas in one page and in two, parts of
// the state, what is not there or may not be written, malformed areas, and two programs that take
// turns. Where the processor has no XSAVEC, XSAVE stands in for it: what differs is not printed.
// [SDM 1 "Managing State Using the XSAVE Feature Set"]
#include "long.inc"
#include "area.inc"

#define CR4_OSXSAVE (1 << 18)
#define X87 1
#define SSE 2
#define HEADER 512
// Of what stays the same with every format: registers and header, without what MXCSR_MASK says.
#define COMPARED 520

main:
    mov rax, cr4
    or rax, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, rax
    call make_area
    map 0, PAGE_A, PRESENT | WRITABLE
    map 1, PAGE_B, PRESENT | WRITABLE
    lea rbx, [r15 + 0x400]
    mov eax, X87 | SSE
    xor edx, edx
    attempt "XSAVE without OSXSAVE", xsave64 [rbx]
    attempt "XRSTOR without OSXSAVE", xrstor64 [rbx]
    mov rax, cr4
    or rax, CR4_OSXSAVE
    mov cr4, rax
    xor ecx, ecx
    mov eax, X87 | SSE
    xor edx, edx
    xsetbv
    mov eax, 13
    mov ecx, 1
    cpuid
    mov [extensions], eax
    call not_available
    call parts
    call across
    call cut_pointers
    call malformed
    call missing
    call turns
    ret

// XSAVEC and XSAVEOPT of EDX:EAX to [rbx], or what the processor has.
save_compact:
    test dword ptr [extensions], 2
    jz 1f
    xsavec64 [rbx]
    ret
1:  xsave64 [rbx]
    ret
save_optimized:
    test dword ptr [extensions], 1
    jz 1b
    xsaveopt64 [rbx]
    ret

// Registers that follow from r8d.
fill:
    fninit
    mov [scratch], r8
    fild qword ptr [scratch]
    fild qword ptr [scratch]
    fmul st(0), st(0)
    fldcw [control]
    movq xmm0, r8
    pshufd xmm0, xmm0, 0x11
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    movdqa xmm\n, xmm0
    pslld xmm\n, \n
    .endr
    mov dword ptr [scratch], 0x1f80
    or [scratch], r8w
    and dword ptr [scratch], 0x7fbf
    or dword ptr [scratch], 0x1f80
    ldmxcsr [scratch]
    ret

// In rax, what the registers hold. They are lost.
digest:
    fnstcw [scratch + 8]
    fnstsw [scratch + 10]
    stmxcsr [scratch + 12]
    mov rax, [scratch + 8]
    fistp qword ptr [scratch]
    rol rax, 7
    add rax, [scratch]
    fistp qword ptr [scratch]
    rol rax, 7
    add rax, [scratch]
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    movq r9, xmm\n
    rol rax, 7
    add rax, r9
    psrldq xmm\n, 8
    movq r9, xmm\n
    rol rax, 7
    add rax, r9
    .endr
    fninit
    ret

// In rax, the first bytes of the area at [rbx], but for the x87's pointers and opcode, of which not
// every processor tells, and MXCSR_MASK.
sum_area:
    xor eax, eax
    xor ecx, ecx
1:  cmp ecx, 8
    je 2f
    cmp ecx, 16
    je 2f
    mov r9, [rbx + rcx]
    cmp ecx, 24
    jne 3f
    mov r9d, r9d
3:  test ecx, ecx
    jnz 4f
    shl r9, 16
    shr r9, 16
4:  rol rax, 5
    add rax, r9
2:  add ecx, 8
    cmp ecx, COMPARED
    jb 1b
    ret

clear_area:
    mov rdi, rbx
    mov ecx, 832 / 8
    xor eax, eax
    rep stosq
    ret

not_available:
    mov rax, cr0
    or eax, CR0_TS
    mov cr0, rax
    mov eax, X87 | SSE
    attempt "XSAVE with TS", xsave64 [rbx]
    attempt "XRSTOR with TS", xrstor64 [rbx]
    clts
    add rbx, 16
    attempt "misaligned XSAVE", xsave64 [rbx]
    attempt "misaligned XRSTOR", xrstor64 [rbx]
    sub rbx, 16
    ret

// Every part of the state, by every instruction; all else in the area stays.
parts:
    .irp mask, 0, 1, 2, 3
    mov r8d, 0x1230 + \mask
    call fill
    call clear_area
    mov qword ptr [rbx + HEADER], 4 + 1
    mov eax, \mask
    xor edx, edx
    xsave64 [rbx]
    call sum_area
    print_value "XSAVE of \mask: ", rax, 16
    print_value "  header ", [rbx + HEADER], 4
    call clear_area
    mov eax, \mask
    call save_optimized
    call sum_area
    print_value "XSAVEOPT of \mask: ", rax, 16
    call clear_area
    mov eax, \mask
    call save_compact
    mov r10, [rbx + HEADER]
    print_value "XSAVEC of \mask: in use ", r10, 4
    // What is not loaded stays, or becomes what it is in the beginning.
    mov r8d, 0x7777
    call fill
    mov eax, X87 | SSE
    xrstor64 [rbx]
    // No register of the x87 is in use where it was not loaded.
    test r10d, X87
    jnz 1f
    fld1
    fld1
1:  call digest
    print_value "  all loaded ", rax, 16
    mov r8d, 0x5555
    call fill
    mov eax, \mask
    xrstor64 [rbx]
    call digest
    print_value "  that loaded ", rax, 16
    .endr
    ret

// 64, 192, 512 and 576 bytes of the area are in the first of two pages that are no neighbours.
across:
    map 1, PAGE_C, PRESENT | WRITABLE
    .irp before, 64, 192, 512, 576
    lea rbx, [r15 + 0x1000 - \before]
    mov r8d, 0x4321
    call fill
    call clear_area
    mov eax, X87 | SSE
    xsave64 [rbx]
    call sum_area
    print_value "\before bytes before the end: ", rax, 16
    mov r8d, 0x99
    call fill
    mov eax, X87 | SSE
    xrstor64 [rbx]
    call digest
    print_value "  loaded ", rax, 16
    mov r8d, 0x4321
    call fill
    call clear_area
    mov eax, X87 | SSE
    call save_compact
    mov r8d, 0x99
    call fill
    mov eax, X87 | SSE
    xrstor64 [rbx]
    call digest
    print_value "  compact ", rax, 16
    .endr
    lea rbx, [r15 + 0x400]
    ret

// Pointers that an area holds; the processor has them in a waiting exception's state at least.
cut_pointers:
    call clear_area
    mov word ptr [rbx], 0x340
    mov word ptr [rbx + 2], 1
    mov rax, 0x0000123456789abc
    mov [rbx + 8], rax
    mov rax, 0x0000cba987654321
    mov [rbx + 16], rax
    mov dword ptr [rbx + 24], 0x1f80
    mov qword ptr [rbx + HEADER], X87
    mov eax, X87 | SSE
    xrstor64 [rbx]
    lea rbx, [rbx + 0x400]
    call clear_area
    mov eax, X87
    xsave64 [rbx]
    print_value "XSAVE64 fip ", [rbx + 8], 16
    print_value "  status ", [rbx + 2], 4
    call clear_area
    mov eax, X87
    xsave [rbx]
    mov eax, [rbx + 8]
    print_value "XSAVE fip ", rax, 8
    lea rbx, [rbx - 0x400]
    mov eax, X87
    xrstor [rbx]
    lea rbx, [rbx + 0x400]
    xsave64 [rbx]
    mov r8, [rbx + 8]
    shl r8, 16
    shr r8, 48
    print_value "XRSTOR fip, above 32 bits ", r8, 4
    fninit
    lea rbx, [r15 + 0x400]
    ret

// Registers stay as they were.
malformed:
    call clear_area
    mov dword ptr [rbx + 24], 0x1f80
    mov r8d, 0x2468
    call fill
    mov eax, X87 | SSE
    xor edx, edx
    mov qword ptr [rbx + HEADER], 4
    attempt "a part beyond XCR0", xrstor64 [rbx]
    mov qword ptr [rbx + HEADER], 0
    mov qword ptr [rbx + HEADER + 8], 1
    attempt "XCOMP_BV without its highest bit", xrstor64 [rbx]
    mov qword ptr [rbx + HEADER + 8], 0
    mov qword ptr [rbx + HEADER + 16], 1
    attempt "a reserved word", xrstor64 [rbx]
    mov qword ptr [rbx + HEADER + 16], 0
    mov dword ptr [rbx + 24], 0x81f80
    attempt "a reserved bit of MXCSR", xrstor64 [rbx]
    mov eax, X87
    attempt "  which is not asked for", xrstor64 [rbx]
    call fill
    call digest
    print_value "registers ", rax, 16
    ret

missing:
    map 0, PAGE_A, PRESENT | WRITABLE
    map 1, 0, 0
    lea rbx, [r15 + 0x1000 - 576]
    mov rdi, rbx
    mov ecx, 576 / 8
    mov rax, 0x5a5a5a5a5a5a5a5a
    rep stosq
    mov r8d, 0x1111
    call fill
    xor edx, edx
    mov eax, X87 | SSE
    attempt "all in the first page", xsave64 [rbx]
    lea rbx, [r15 + 0x1000 - 512]
    mov eax, X87 | SSE
    mov qword ptr [rbx], 0x77
    attempt "the header in a page that is not there", xsave64 [rbx]
    print_value "  written ", [rbx], 16
    attempt "the same to load", xrstor64 [rbx]
    map 1, PAGE_C, PRESENT
    attempt "the header in a page that is read-only", xsave64 [rbx]
    print_value "  written ", [rbx], 16
    map 1, PAGE_C, PRESENT | WRITABLE
    xsave64 [rbx]
    map 1, PAGE_C, PRESENT
    mov r8d, 0x9999
    call fill
    mov eax, X87 | SSE
    attempt "the same to load", xrstor64 [rbx]
    call digest
    print_value "  loaded ", rax, 16
    // A page that is mapped elsewhere between two of the same instruction.
    mov r8d, 0x3333
    call fill
    mov ebp, 2
1:  map 1, PAGE_B, PRESENT | WRITABLE
    test ebp, 1
    jz 2f
    map 1, PAGE_C, PRESENT | WRITABLE
2:  mov eax, X87 | SSE
    xsave64 [rbx]
    dec ebp
    jnz 1b
    print_value "PAGE_B ", [PAGE_B], 4
    print_value "PAGE_C ", [PAGE_C], 4
    ret

// Two programs with registers of their own, a thousand times.
turns:
    lea rbx, [r15 + 0x400]
    call clear_area
    lea rbx, [r15 + 0x1000 - 128]
    call clear_area
    map 1, PAGE_C, PRESENT | WRITABLE
    mov r8d, 1
    call fill
    mov eax, X87 | SSE
    lea rbx, [r15 + 0x1000 - 128]
    call save_compact
    mov r8d, 2
    call fill
    mov ebp, 1000
1:  lea rbx, [r15 + 0x400]
    mov eax, X87 | SSE
    call save_compact
    lea rbx, [r15 + 0x1000 - 128]
    xrstor64 [rbx]
    paddd xmm3, xmm1
    fld1
    faddp st(1), st(0)
    mov eax, X87 | SSE
    call save_compact
    lea rbx, [r15 + 0x400]
    mov eax, X87 | SSE
    xrstor64 [rbx]
    paddd xmm3, xmm2
    dec ebp
    jnz 1b
    call digest
    print_value "second ", rax, 16
    lea rbx, [r15 + 0x1000 - 128]
    mov eax, X87 | SSE
    xrstor64 [rbx]
    call digest
    print_value "first ", rax, 16
    ret

    .data
    .balign 16
scratch:
    .skip 16
control:
    .word 0x27f
extensions:
    .long 0
