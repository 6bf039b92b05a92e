// SPDX-License-Identifier: MIT
// The ways from ring 3 into the kernel of 64-bit mode: SYSCALL, INT, call gates, on which stacks, and
// from compatibility mode. [SDM 2B "SYSCALL-Fast System Call", 3A "Stack Switching in IA-32e Mode"]
#include "long.inc"
#include "frame.inc"
#include "syscall.inc"

#define SERVICE 0x7f
#define INT_SERVICE 0x80

main:
    handle SERVICE, service
    open_gate SERVICE
    enable_syscall syscall_entry, FLAGS_IF | FLAGS_DF | FLAGS_AC
    handle INT_SERVICE, int_service
    open_gate INT_SERVICE
    call system_calls
    call gates
    call stacks
    call call_gate
    call compatibility_mode
    ret

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

gates:
    user_attempt "INT with a kernel's gate", int 0x81
    user_attempt "INT3", int3
    ret

stacks:
    print "stacks\n"
    mov byte ptr [idt + 16 * SERVICE + 4], 1
    user_attempt "  of the IST", int SERVICE
    mov rax, offset ist_stack_top
    sub rax, [seen_top]
    print_value "    below its top ", rax, 4
    show_frame
    mov byte ptr [idt + 16 * SERVICE + 4], 0
    user_attempt "  of the TSS", int SERVICE
    mov rax, offset event_stack_top
    sub rax, [seen_top]
    print_value "    below the top of RSP0's ", rax, 4
    show_frame
    ret

call_gate:
    print "call gate\n"
    call make_call_gate
    user_attempt_begin "  from ring 3"
    mov r12, rsp
    call fword ptr [pointer]
    sub r12, rsp
    mov [seen_top], r12
    user_attempt_end
    print_value "    stack moved ", [seen_top], 4
    show_frame
    mov rax, offset event_stack_top
    sub rax, [seen_sp]
    print_value "    bytes pushed ", rax, 4
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
leave_compatible:
    hlt
    .code64

compatibility_mode:
    mov qword ptr [result], 0
    mov eax, USER_DATA
    mov ds, eax
    attempt_begin "compatibility mode"
    mov dword ptr [attempt_leave], offset leave_compatible
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

    .bss
    .balign 64
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
