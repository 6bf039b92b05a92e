// SPDX-License-Identifier: MIT
// Ring 3 in 64-bit mode: a computation with calls, system calls through SYSCALL and INT, and what
// is forbidden there. [SDM 3A "Protection", 2B "SYSCALL-Fast System Call"]
#include "long.inc"

#define INT_SERVICE 0x80
#define WORDS 4096

main:
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_SCE
    wrmsr
    mov ecx, MSR_STAR
    xor eax, eax
    mov edx, (USER_CODE32 << 16) | CODE64
    wrmsr
    mov ecx, MSR_LSTAR
    mov eax, offset syscall_entry
    xor edx, edx
    wrmsr
    mov ecx, MSR_SFMASK
    mov eax, FLAGS_IF | FLAGS_DF | FLAGS_AC
    wrmsr
    handle INT_SERVICE, int_service
    open_gate INT_SERVICE
    call compute
    call system_calls
    call forbidden
    call privilege_of_io
    call compatibility_mode
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

// --- system calls --------------------------------------------------------------------------------
system_calls:
    user_attempt_begin "SYSCALL"
    mov eax, 1
    mov edi, 0x1234
    mov r12, rsp
    pushf
    or qword ptr [rsp], FLAGS_DF | FLAGS_CF
    popf
    syscall
syscall_returns:
    pushf
    pop rbx
    cld
    mov [result], rbx
    sub r12, rsp
    mov [result + 8], r12
    mov rbx, cs
    mov [result + 16], rbx
    mov rbx, ss
    mov [result + 24], rbx
    mov [result + 32], rax
    sub rcx, offset syscall_returns
    mov [result + 40], rcx
    user_attempt_end
    print_value "  flags in the kernel ", [kernel_flags], 8
    print_value "  cs in the kernel ", [kernel_cs], 4
    print_value "  ss in the kernel ", [kernel_ss], 4
    mov rax, [result]
    and eax, FLAGS_DF | FLAGS_CF
    print_value "  DF and CF afterwards ", rax, 8
    print_value "  stack moved ", [result + 8], 2
    print_value "  cs ", [result + 16], 4
    print_value "  ss ", [result + 24], 4
    print_value "  result ", [result + 32], 8
    print_value "  rcx is off by ", [result + 40], 2
    user_attempt_begin "1000 of each"
    mov r13d, 1000
    xor r12d, r12d
1:  mov edi, r13d
    mov eax, 2
    syscall
    add r12, rax
    mov edi, r13d
    int INT_SERVICE
    add r12, rax
    dec r13d
    jnz 1b
    mov [result], r12
    user_attempt_end
    print_value "  sum ", [result], 8
    ret

syscall_entry:
    mov [user_rsp], rsp
    mov rsp, offset syscall_stack_top
    push rcx
    push r11
    pushf
    pop [kernel_flags]
    and dword ptr [kernel_flags], FLAGS_IF | FLAGS_DF | FLAGS_CF
    mov [kernel_cs], cs
    mov [kernel_ss], ss
    lea eax, [rdi + rax]
    pop r11
    pop rcx
    mov rsp, [user_rsp]
    sysretq

// The result goes to the frame's RAX.
int_service:
    mov rax, [rdi + 8 * 8]
    imul rax, rax, 3
    mov [rdi + 14 * 8], rax
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
    user_attempt "INT with a kernel's gate", int 0x81
    user_attempt "INT3", int3
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
    // POPF changes neither IF nor IOPL, and says nothing.
    user_attempt_begin "POPF"
    push FLAGS_IF | 0x3000 | FLAGS_CF
    popf
    pushf
    pop [result]
    user_attempt_end
    print_value "  flags ", [result], 8
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

    .code32
// Addresses and registers have 32 bits.
compatible:
    mov eax, 0xffffffff
    inc eax
    setz [result]
    mov ebx, offset result
    mov dword ptr [ebx + 4], 0x11223344
    push ebx
    lea ecx, [esp]
    pop ebx
    mov [result + 8], ecx
    call 1f
1:  pop eax
    sub eax, offset 1b
    mov [result + 12], eax
    mov edi, 100
    int INT_SERVICE
    mov [result + 16], eax
    int LEAVE_USER
    .code64

compatibility_mode:
    mov qword ptr [result], 0
    mov eax, USER_DATA
    mov ds, eax
    attempt_begin "compatibility mode"
    push USER_DATA
    push offset user_stack_top
    push 2
    push USER_CODE32
    push offset compatible
    iretq
    attempt_end
    print_value "  wrapped ", [result], 2
    print_value "  stored ", [result + 4], 8
    mov eax, [result + 8]
    sub rax, offset user_stack_top
    print_value "  stack ", rax, 8
    print_value "  call ", [result + 12], 8
    print_value "  service ", [result + 16], 8
    user_attempt_begin "SYSCALL afterwards", USER_CODE64
    mov eax, 5
    mov edi, 6
    syscall
    mov [result], rax
    user_attempt_end
    print_value "  result ", [result], 8
    ret

    .section .rodata
    .balign 8
steps:
    .quad step_add, step_rotate, step_xor, step_negate

    .bss
    .balign 64
words:
    .skip WORDS * 8
result:
    .skip 64
kernel_flags:
    .skip 8
kernel_cs:
    .skip 8
kernel_ss:
    .skip 8
user_rsp:
    .skip 8
    .skip 512
syscall_stack_top:
