// SPDX-License-Identifier: MIT
// What of exceptions in 64-bit mode an emulator of instructions easily leaves out: RF in the frame,
// checks of operands and of frames, stores that must do nothing, CR2 behind a double fault.
// [SDM 3A "Exception and Interrupt Reference"; 3B "Instruction-Breakpoint Exception Condition"]
#include "long.inc"
#include "area.inc"

main:
    call make_area
    call resume_flag
    call operands
    call return_frame
    call crossing_store
    call double_fault
    ret

.macro print_resume_flag
    mov rax, [attempt_flags]
    and eax, FLAGS_RF
    print_value "  RF ", rax, 8
.endm

// Every fault has RF in its frame, so that a breakpoint on the instruction is not met again when it
// is resumed; but not the breakpoint's own, whose handler is to decide.
resume_flag:
    mov eax, offset breakpoint_here
    mov dr0, rax
    mov eax, 0x401
    mov dr7, rax
    attempt_begin "breakpoint on code"
    nop
breakpoint_here:
    nop
    attempt_end
    print_resume_flag
    xor eax, eax
    mov dr7, rax
    mov rax, 0xffff0ff0
    mov dr6, rax
    attempt "UD2", ud2
    print_resume_flag
    ret

operands:
    attempt "SYSRET with LMA only", sysretq
    mov rax, 0x00007fffffffffff
    attempt "load that runs into a non-canonical address", mov ecx, [rax]
    mov ecx, MSR_LSTAR
    mov edx, 0x00008000
    attempt "WRMSR of a non-canonical address", wrmsr
    mov rcx, cr4
    or rcx, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, rcx
    attempt "misaligned FXSAVE", fxsave [scratch + 8]
    ret

return_frame:
    attempt_begin "IRETQ with a bad SS"
    push CODE64
    push rsp
    push 2
    push CODE64
    push 0
    iretq
    attempt_end
    ret

// One half is allowed, the other is not.
crossing_store:
    map 0, PAGE_C, PRESENT | WRITABLE
    map 1, PAGE_A, PRESENT
    mov word ptr [PAGE_C + 0xffd], 0x7788
    mov rax, -1
    attempt "store across into a read-only page", mov [r15 + 0xffd], rax
    movzx eax, word ptr [PAGE_C + 0xffd]
    print_value "  not written ", rax, 4
    attempt "NOT across into a read-only page", not qword ptr [r15 + 0xffd]
    movzx eax, word ptr [PAGE_C + 0xffd]
    print_value "  not written ", rax, 4
    ret

// The page fault of the frame that is pushed is the last to set CR2.
double_fault:
    mov byte ptr [idt + 16 * 8 + 4], 1
    lea rbx, [r15 + 0x3000]
    attempt_begin "#PF without a stack"
    lea rsp, [rbx + 0x80]
    mov eax, [rbx + 0x40]
    attempt_end
    print_value "  cr2 ", [attempt_cr2], 16
    attempt_begin "UD2 without a stack"
    lea rsp, [rbx + 0x80]
    ud2
    attempt_end
    print_value "  cr2 ", [attempt_cr2], 16
    ret

    .bss
    .balign 16
scratch:
    .skip 1024
