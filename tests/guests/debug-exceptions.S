// SPDX-License-Identifier: MIT
// Debug exceptions of code in ring 3: single steps into the kernel and back, behind loads of SS,
// breakpoints on operands and on code, what is in their frames.
// [SDM 3B "Debug Exceptions"; 3A "Masking Exceptions and Interrupts When Switching Stacks"]
#include "long.inc"
#include "syscall.inc"

#define DB 1
#define BP 3
#define SERVICE 0x80
// Flags of a program that is stepped.
#define STEPPED 0x102
#define DR6_RESET 0xffff0ff0
// DR7: breakpoint 0 on what is accessed in two bytes, or written in one; breakpoint 1 on code.
#define ON_ACCESS 0x70001
#define ON_WRITE 0x10001
#define ON_CODE 0x4

main:
    handle DB, on_debug
    handle BP, nothing
    handle SERVICE, nothing
    open_gate BP
    open_gate SERVICE
    enable_syscall syscall_entry, FLAGS_TF
    mov rax, DR6_RESET
    mov dr6, rax
    call entries
    call behind_ss
    call behind_watched_ss
    call code_breakpoints
    call repetitions
    ret

nothing:
    ret

syscall_entry:
    nop
    sysretq

// A line for each: where, in the program or the kernel, why, and RF. Breakpoint 1 is passed.
on_debug:
    mov rax, dr6
    and eax, 0xe00f
    mov rbx, DR6_RESET
    mov dr6, rbx
    mov rbx, [rdi + FRAME_IP]
    mov ecx, [attempt_start]
    sub rbx, rcx
    cmp rbx, 0x80
    jae 1f
    print "    #DB at "
    print_hex rbx, 2
    jmp 2f
1:  print "    #DB in the kernel"
    and dword ptr [rdi + FRAME_FLAGS], ~FLAGS_TF
2:  print ", DR6 "
    print_hex rax, 4
    mov rbx, [rdi + FRAME_FLAGS]
    shr ebx, 16
    and ebx, 1
    print_value ", RF ", rbx, 1
    test al, 2
    jz 3f
    or dword ptr [rdi + FRAME_FLAGS], FLAGS_RF
3:  ret

.macro stepped_begin name
    print "  \name\n"
    user_attempt_begin "    end", flags=STEPPED
.endm

entries:
    print "single steps\n"
    stepped_begin "NOP"
    nop
    nop
    user_attempt_end
    stepped_begin "INT"
    int SERVICE
    nop
    user_attempt_end
    stepped_begin "INT3"
    int3
    nop
    user_attempt_end
    stepped_begin "INT1"
    .byte 0xf1
    nop
    user_attempt_end
    stepped_begin "POPF that clears TF"
    push 2
    popf
    nop
    user_attempt_end
    stepped_begin "SYSCALL that masks TF"
    syscall
    nop
    user_attempt_end
    mask_syscall_flags 0
    stepped_begin "SYSCALL that leaves it"
    syscall
    nop
    user_attempt_end
    mask_syscall_flags FLAGS_TF
    ret

.macro stepped_behind_ss name, code:vararg
    mov ebx, USER_DATA
    stepped_begin "\name"
    mov ss, ebx
    \code
    nop
    user_attempt_end
.endm

behind_ss:
    print "single steps behind MOV SS\n"
    stepped_behind_ss "NOP", nop
    stepped_behind_ss "INT1", .byte 0xf1
    stepped_behind_ss "INT3", int3
    stepped_behind_ss "INT", int SERVICE
    stepped_behind_ss "SYSCALL", syscall
    stepped_behind_ss "another one", mov ss, ebx
    stepped_behind_ss "UD2", ud2
    ret

.macro watch address, kind
    mov eax, offset \address
    mov dr0, rax
    mov eax, \kind
    mov dr7, rax
.endm

.macro break_at address
    mov eax, offset \address
    mov dr1, rax
    mov eax, ON_CODE
    mov dr7, rax
.endm

.macro no_breakpoints
    mov eax, 0x400
    mov dr7, rax
.endm

.macro behind_watched name, code:vararg
    print "  \name\n"
    watch selector, ON_ACCESS
    user_attempt_begin "    end"
    mov ss, word ptr [selector]
    \code
    nop
    user_attempt_end
    no_breakpoints
.endm

behind_watched_ss:
    print "behind MOV SS with a breakpoint on its operand\n"
    behind_watched "NOP", nop
    behind_watched "INT1", .byte 0xf1
    behind_watched "INT3", int3
    behind_watched "INT", int SERVICE
    behind_watched "SYSCALL", syscall
    behind_watched "UD2", ud2
    ret

code_breakpoints:
    print "breakpoints on code\n"
    print "  NOP\n"
    break_at broken
    user_attempt_begin "    end"
    nop
broken:
    nop
    nop
    user_attempt_end
    print "  behind MOV SS\n"
    mov ebx, USER_DATA
    break_at suppressed
    user_attempt_begin "    end"
    mov ss, ebx
suppressed:
    nop
    nop
    user_attempt_end
    print "  REP MOVSB\n"
    mov esi, offset buffer
    mov edi, offset buffer + 16
    mov ecx, 3
    break_at repeated
    user_attempt_begin "    end"
    nop
repeated:
    rep movsb
    nop
    user_attempt_end
    no_breakpoints
    ret

.macro move_four name
    print "  \name\n"
    mov esi, offset buffer
    mov edi, offset buffer + 16
    mov ecx, 4
.endm

repetitions:
    print "REP MOVSB\n"
    move_four "the second byte is watched"
    watch buffer + 17, ON_WRITE
    user_attempt_begin "    end"
    rep movsb
    nop
    user_attempt_end
    move_four "the last one is"
    watch buffer + 19, ON_WRITE
    user_attempt_begin "    end"
    rep movsb
    nop
    user_attempt_end
    no_breakpoints
    move_four "single steps"
    user_attempt_begin "    end", flags=STEPPED
    rep movsb
    nop
    user_attempt_end
    ret

    .data
    .balign 4
selector:
    .word USER_DATA
    .bss
    .balign 16
buffer:
    .skip 32
