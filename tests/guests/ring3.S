// SPDX-License-Identifier: MIT
// Ring 3 in 64-bit mode: computations with calls, with SSE and with the x87, and what is forbidden there.
// [SDM 3A "Protection"]
#include "long.inc"

#define WORDS 4096

main:
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_SCE
    wrmsr
    call compute
    call floating_point
    call forbidden
    ret

// --- computation ---------------------------------------------------------------------------------
compute:
    user_attempt_begin "compute"
    // Fills memory from a multiplicative sequence.
    mov rdi, offset words
    mov ecx, WORDS
    mov rax, 0x9e3779b97f4a7c15
    mov rbx, rax
1:  imul rax, rbx
    add rax, rcx
    rol rax, 17
    mov [rdi], rax
    add rdi, 8
    dec ecx
    jnz 1b
    // FNV-1a over its bytes.
    mov rsi, offset words
    mov ecx, WORDS * 8
    mov rax, 0xcbf29ce484222325
    mov r8, 0x100000001b3
1:  movzx edx, byte ptr [rsi]
    xor rax, rdx
    imul rax, r8
    inc rsi
    dec ecx
    jnz 1b
    mov [result], rax
    // Recursion.
    mov edi, 20
    call fibonacci
    mov [result + 8], rax
    // A sort, with data-dependent branches.
    call sort
    mov rsi, offset words
    mov ecx, WORDS - 1
    xor eax, eax
1:  mov rdx, [rsi]
    cmp rdx, [rsi + 8]
    jbe 2f
    inc eax
2:  add rsi, 8
    dec ecx
    jnz 1b
    mov [result + 16], rax
    // Indirect calls.
    xor eax, eax
    mov ecx, 3000
1:  mov edx, ecx
    and edx, 3
    call [steps + rdx * 8]
    dec ecx
    jnz 1b
    mov [result + 24], rax
    // Division, and the upper halves of products.
    mov r8, 1000003
    mov rax, 0x123456789abcdef0
    mov ecx, 2000
1:  mul r8
    xor rax, rdx
    xor edx, edx
    mov r9, rcx
    add r9, 77
    div r9
    add rax, rdx
    bswap rax
    dec ecx
    jnz 1b
    mov [result + 32], rax
    user_attempt_end
    print_value "  hash ", [result], 16
    print_value "  fibonacci 20 ", [result + 8], 8
    print_value "  out of order ", [result + 16], 8
    print_value "  indirect ", [result + 24], 16
    print_value "  division ", [result + 32], 16
    ret

fibonacci:                      // rdi -> rax
    mov eax, edi
    cmp edi, 2
    jb 1f
    push rdi
    dec edi
    call fibonacci
    pop rdi
    push rax
    sub edi, 2
    call fibonacci
    pop rdx
    add rax, rdx
1:  ret

// Comb sort of the words, unsigned.
sort:
    mov ebx, WORDS              // the gap
1:  mov eax, ebx
    mov ecx, 10
    mul ecx
    mov ecx, 13
    div ecx
    mov ebx, eax
    test ebx, ebx
    jnz 2f
    mov ebx, 1
2:  xor r9d, r9d                // swaps
    xor ecx, ecx
3:  lea edx, [rcx + rbx]
    cmp edx, WORDS
    jae 5f
    mov rax, [words + rcx * 8]
    mov r8, [words + rdx * 8]
    cmp rax, r8
    jbe 4f
    mov [words + rcx * 8], r8
    mov [words + rdx * 8], rax
    inc r9d
4:  inc ecx
    jmp 3b
5:  cmp ebx, 1
    ja 1b
    test r9d, r9d
    jnz 1b
    ret

step_add:
    add rax, rcx
    ret
step_rotate:
    rol rax, 5
    ret
step_xor:
    lea rdx, [rcx + rcx * 4]
    xor rax, rdx
    ret
step_negate:
    neg rax
    adc rax, 0
    ret

floating_point:
    mov rax, cr4
    or rax, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, rax
    // The square root of 2 by Newton's method, in two elements.
    user_attempt_begin "SSE"
    movapd xmm1, [ones]
    movapd xmm2, xmm1
    addpd xmm2, xmm2            // 2
    movapd xmm0, xmm1
    mov ecx, 10
1:  movapd xmm3, xmm2
    divpd xmm3, xmm0
    addpd xmm0, xmm3
    divpd xmm0, xmm2
    dec ecx
    jnz 1b
    movupd [result], xmm0
    // 1 * 1 + 2 * 2 + ... + 1000 * 1000 in integers, two at a time.
    pxor xmm0, xmm0
    mov ecx, 1000
2:  movd xmm1, ecx
    lea eax, [rcx - 1]
    movd xmm2, eax
    punpcklqdq xmm1, xmm2
    pmuludq xmm1, xmm1
    paddq xmm0, xmm1
    sub ecx, 2
    jnz 2b
    movhlps xmm1, xmm0
    paddq xmm0, xmm1
    movq [result + 16], xmm0
    user_attempt_end
    print_value "  roots ", [result], 16
    print_value "    ", [result + 8], 16
    print_value "  squares ", [result + 16], 16
    // 1 + 1/2 + 1/4 + ... + 1/2^63, which has 64 bits, and pi.
    user_attempt_begin "x87"
    fninit
    fld1
    fld1
    mov dword ptr [result], 2
    mov ecx, 63
1:  fidiv dword ptr [result]
    fadd st(1), st
    dec ecx
    jnz 1b
    fstp st
    fstp tbyte ptr [result]
    fldpi
    fstp tbyte ptr [result + 16]
    user_attempt_end
    movzx eax, word ptr [result + 8]
    print_value "  sum ", rax, 4
    print_value "    ", [result], 16
    movzx eax, word ptr [result + 24]
    print_value "  pi ", rax, 4
    print_value "    ", [result + 16], 16
    ret

// --- what ring 3 may not -------------------------------------------------------------------------
forbidden:
    user_attempt "CLI", cli
    user_attempt "STI", sti
    user_attempt "HLT", hlt
    user_attempt "IN", in al, 0x21
    user_attempt "OUT", out 0x80, al
    user_attempt "MOV from CR0", mov rax, cr0
    user_attempt "MOV to CR3", mov cr3, rax
    user_attempt "MOV from DR7", mov rax, dr7
    user_attempt "CLTS", clts
    user_attempt "INVLPG", invlpg [rax]
    user_attempt "LGDT", lgdt [gdt_pointer]
    user_attempt "LIDT", lidt [gdt_pointer]
    user_attempt "LTR", ltr ax
    user_attempt "LLDT", lldt ax
    user_attempt "RDMSR", rdmsr
    user_attempt "WRMSR", wrmsr
    user_attempt "WBINVD", wbinvd
    user_attempt "SWAPGS", swapgs
    user_attempt "SYSRET", sysretq
    user_attempt "LMSW", lmsw ax
    mov eax, DATA
    user_attempt "DS with the kernel's data", mov ds, eax
    xor eax, eax
    user_attempt "SS null", mov ss, eax
    user_attempt_begin "far return to the kernel"
    push CODE64
    push 0
    retfq
    user_attempt_end
    user_attempt_begin "IRETQ to the kernel"
    push DATA
    push rsp
    push 2
    push CODE64
    push 0
    iretq
    user_attempt_end
    // A page of the kernel.
    and byte ptr [page_map + 0x2000 + 8 * 8], ~4
    mov rax, cr3
    mov cr3, rax
    user_attempt "load of the kernel's page", mov eax, [0x1000000]
    user_attempt "store to it", mov [0x1000000], eax
    mov ecx, 0x1000000
    user_attempt "jump to it", jmp rcx
    attempt "load at CPL 0", mov eax, [0x1000000]
    or byte ptr [page_map + 0x2000 + 8 * 8], 4
    ret

    .section .rodata
    .balign 16
ones:
    .double 1, 1
steps:
    .quad step_add, step_rotate, step_xor, step_negate

    .bss
    .balign 64
words:
    .skip WORDS * 8
result:
    .skip 64
