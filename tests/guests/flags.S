// SPDX-License-Identifier: MIT
// The flags that an exception's frame and the code behind it see: after each kind of arithmetic, at
// faults, traps and interrupts, and in between. [SDM 1 "EFLAGS Register"; SDM 3A "Saving of Flags"]
#include "long.inc"
#include "interrupts.inc"

#define ARITHMETIC 0x8d5
#define LOGIC 0x8c5              // AF is undefined
#define SERVICE 0x80

main:
    handle SERVICE, service
    mov rbx, 0x0000800000000000
    call faults
    call software
    call system_flags
    call interrupted
    ret

.macro show_frame name, mask
    mov r8, [attempt_flags]
    and r8d, \mask
    print_value "  \name ", r8, 3
.endm

// Operands whose sums and differences set many flags.
.macro operands
    mov eax, 0x7fffffff
    mov ecx, 0x80000001
    mov edx, 5
.endm

// frame "text", MASK, CODE: flags at a load that faults behind the instruction; ADC reads one then
.macro frame name, mask, code:vararg
    operands
    attempt_quietly_begin
    \code
    mov r9, [rbx]
    adc edx, 0
    attempt_quietly_end
    show_frame "\name", \mask
.endm

// As attempt, without its line.
.macro attempt_quietly_begin
    mov dword ptr [attempt_resume], offset 88f
    mov [attempt_stack], rsp
.endm
.macro attempt_quietly_end
88: mov dword ptr [attempt_resume], 0
    mov dword ptr [attempt_vector], -1
.endm

faults:
    print "flags at a fault\n"
    frame "ADD", ARITHMETIC, add eax, edx
    frame "ADD with carry out", ARITHMETIC, add ecx, ecx
    frame "SUB", ARITHMETIC, sub eax, ecx
    frame "CMP", ARITHMETIC, cmp edx, 5
    frame "AND", LOGIC, and eax, ecx
    frame "XOR", LOGIC, xor ecx, eax
    frame "INC", ARITHMETIC, inc eax
    frame "DEC", ARITHMETIC, dec ecx
    frame "NEG", ARITHMETIC, neg ecx
    frame "8-bit ADD", ARITHMETIC, add al, 0x85
    frame "16-bit SUB", ARITHMETIC, sub ax, cx
    frame "64-bit ADD", ARITHMETIC, add rax, rcx
    frame "TEST", LOGIC, test ecx, ecx
    ret

// Flags pushed by software interrupts, and changed by the handler.
service:
    mov rax, [rdi + FRAME_FLAGS]
    mov [seen], rax
    xor qword ptr [rdi + FRAME_FLAGS], ARITHMETIC
    ret

software:
    print "software interrupts\n"
    operands
    add eax, edx
    int SERVICE
    pushf
    pop r8
    mov rax, [seen]
    and eax, ARITHMETIC
    print_value "  seen ", rax, 3
    and r8d, ARITHMETIC
    print_value "  as the handler left them ", r8, 3
    // They decide a branch.
    mov r10d, 2
    xor r11d, r11d
1:  cmp r10d, 1
    int SERVICE
    je 2f
    inc r11d
2:  dec r10d
    jns 1b
    print_value "  branches not taken ", r11, 2
    ret

system_flags:
    print "system flags\n"
    attempt_begin "  single step over POPF"
    pushf
    or qword ptr [rsp], FLAGS_TF | FLAGS_CF
    popf
    cmc
    attempt_end
    mov rax, [attempt_flags]
    and eax, FLAGS_TF | FLAGS_CF | FLAGS_RF
    print_value "    flags ", rax, 8
    std
    attempt "  fault with DF", mov r9, [rbx]
    pushf
    pop rax
    cld
    and eax, FLAGS_DF
    print_value "    DF where it goes on ", rax, 3
    mov rax, [attempt_flags]
    and eax, FLAGS_DF
    print_value "    DF in the frame ", rax, 3
    // Nested task has no meaning in long mode but to be kept, and IRETQ refuses it.
    attempt_begin "  IRETQ with NT"
    push FLAGS_NT
    popf
    iretq
    attempt_end
    attempt "  UD2", ud2
    mov rax, [attempt_flags]
    and eax, FLAGS_RF | FLAGS_IF | FLAGS_TF | FLAGS_NT
    print_value "    RF, IF, TF, NT ", rax, 8
    attempt "  INT3", int3
    mov rax, [attempt_flags]
    and eax, FLAGS_RF
    print_value "    RF ", rax, 8
    // Bits that are always 0 or 1, and the one that says that CPUID is there.
    push -1 & ~(FLAGS_TF | FLAGS_NT | FLAGS_AC)
    popf
    pushf
    pop rax
    push 2
    popf
    and eax, ~ARITHMETIC
    print_value "  all that can be set ", rax, 8
    mov ah, 0xff
    sahf
    pushf
    pop rax
    and eax, 0xff
    print_value "  SAHF of ff ", rax, 2
    mov ah, 0
    sahf
    xor eax, eax
    lahf
    print_value "  LAHF ", rax, 4
    ret

// A loop whose result depends on carries, under timer interrupts.
interrupted:
    print "interrupts\n"
    enable_apic
    handle 0x50, tick
    mov APIC_REGISTER(APIC_DIVIDE), 0xb
    mov APIC_REGISTER(APIC_LVT_TIMER), 0x20050
    mov APIC_REGISTER(APIC_INITIAL), 100000
    sti
    xor r12d, r12d
1:  mov rax, 0x9e3779b97f4a7c15
    mov rdx, rax
    mov ecx, 5000
    clc
2:  adc rax, rdx
    rcr rdx, 1
    adc rdx, rax
    lea rcx, [rcx - 1]
    jrcxz 3f
    jmp 2b
3:  adc rax, 0
    test r12d, r12d
    jnz 4f
    mov r13, rax                // the first result is as good as any
    mov r12d, 1
4:  cmp rax, r13
    jne 5f
    cmp dword ptr [ticks], 20
    jb 1b
5:  cli
    mov APIC_REGISTER(APIC_INITIAL), 0
    print_value "  result ", rax, 16
    cmp rax, r13
    sete al
    movzx eax, al
    print_value "  the same each time ", rax, 1
    ret

tick:
    inc dword ptr [ticks]
    mov APIC_REGISTER(APIC_EOI), 0
    xor eax, eax                // leaves other flags than it found
    ret

    .bss
    .balign 16
seen:
    .skip 8
ticks:
    .skip 4
