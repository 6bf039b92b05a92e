// SPDX-License-Identifier: MIT
// The task priority holds back what waits, and lets it in when it is lowered, with interrupts enabled
// all the time and nothing else that leaves the guest: by CR8, the local APIC's register, the
// x2APIC's. [SDM 3A "Task and Processor Priorities", "Interrupt Acceptance for Fixed Interrupts"]
#include "long.inc"
#include "interrupts.inc"

#define LOW 0x50
#define HIGH 0x60
#define TIMER 0x75
#define X2APIC_TPR 0x808
#define X2APIC_EOI 0x80b
#define X2APIC_SELF 0x83f
#define ROUNDS 200

#define COUNT(vector) dword ptr [counts + 4 * (vector)]

main:
    enable_apic
    handle LOW, count_interrupt
    handle HIGH, count_interrupt
    handle TIMER, count_interrupt
    sti
    call control_register
    call rounds
    call apic_register
    call from_the_ioapic
    call halted
    call x2apic
    cli
    ret

count_interrupt:
    mov rax, [rdi + FRAME_VECTOR]
    inc dword ptr [counts + rax * 4]
    cmp dword ptr [keep_in_service], 0
    jne 1f
    mov APIC_REGISTER(APIC_EOI), 0
1:  ret

.macro set_cr8 value
    mov eax, \value
    mov cr8, rax
.endm

// Computes, long enough for an accelerator that sees interrupts a thousand instructions late.
.macro compute
    mov ecx, 4000
.Lcompute\@:
    dec ecx
    jnz .Lcompute\@
.endm

// Prints how often a vector was taken after a while.
.macro show text, vector
    compute
    mov eax, COUNT(\vector)
    print_value "  \text ", rax, 1
.endm

control_register:
    print "CR8\n"
    set_cr8 15
    self_ipi HIGH
    self_ipi LOW
    show "15: high", HIGH
    set_cr8 6
    show "6: high", HIGH
    set_cr8 5
    show "5: high", HIGH
    show "low", LOW
    set_cr8 4
    show "4: low", LOW
    set_cr8 0
    show "0: high", HIGH
    show "low", LOW
    ret

// Nothing between the change and the next one but instructions.
rounds:
    print "often\n"
    mov COUNT(HIGH), 0
    mov ebx, ROUNDS
    xor ebp, ebp                // rounds in which it came too early or not at all
1:  set_cr8 15
    self_ipi HIGH
    mov r12d, COUNT(HIGH)
    set_cr8 0
    compute
    mov eax, COUNT(HIGH)
    sub eax, r12d
    cmp eax, 1
    je 2f
    inc ebp
2:  dec ebx
    jnz 1b
    mov eax, COUNT(HIGH)
    print_value "  taken ", rax, 2
    print_value "  wrong ", rbp, 2
    ret

apic_register:
    print "the APIC's register\n"
    mov COUNT(HIGH), 0
    mov APIC_REGISTER(APIC_TPR), 0xf0
    self_ipi HIGH
    show "f0", HIGH
    mov APIC_REGISTER(APIC_TPR), 0x6f
    show "6f", HIGH
    mov APIC_REGISTER(APIC_TPR), 0x5f
    show "5f", HIGH
    mov rax, cr8
    print_value "  CR8 ", rax, 1
    mov APIC_REGISTER(APIC_TPR), 0
    ret

from_the_ioapic:
    print "an input of the IOAPIC\n"
    mov COUNT(HIGH), 0
    mov r14d, IOAPIC
    ioapic_write TABLE_HIGH(TIMER_PIN), 0
    ioapic_write TABLE(TIMER_PIN), HIGH
    set_cr8 6
    pit_mode 0, 0, 1000
1:  mov eax, APIC_REGISTER(APIC_IRR + 0x10 * (HIGH / 32))
    test eax, eax
    jz 1b
    show "6", HIGH
    set_cr8 5
    show "5", HIGH
    ioapic_write TABLE(TIMER_PIN), IOAPIC_MASKED
    set_cr8 0
    ret

// What is held back does not wake a CPU; what is above does.
halted:
    print "HLT\n"
    mov COUNT(HIGH), 0
    set_cr8 6
    self_ipi HIGH
    mov APIC_REGISTER(APIC_DIVIDE), 0xb
    mov APIC_REGISTER(APIC_LVT_TIMER), TIMER
    mov APIC_REGISTER(APIC_INITIAL), 500000
    cli
1:  sti
    hlt
    cli
    inc dword ptr [wakes]
    cmp COUNT(TIMER), 0
    je 1b
    sti
    mov eax, [wakes]
    print_value "  wakes ", rax, 1
    show "high", HIGH
    set_cr8 0
    show "0", HIGH
    ret

x2apic:
    print "x2APIC\n"
    mov COUNT(HIGH), 0
    mov dword ptr [keep_in_service], 1
    mov ecx, MSR_APIC_BASE
    rdmsr
    or eax, 1 << 10
    wrmsr
    mov ecx, X2APIC_TPR
    mov eax, 0x60
    xor edx, edx
    wrmsr
    mov ecx, X2APIC_SELF
    mov eax, HIGH
    wrmsr
    show "60", HIGH
    mov ecx, X2APIC_TPR
    mov eax, 0x50
    xor edx, edx
    wrmsr
    show "50", HIGH
    mov ecx, X2APIC_EOI
    xor eax, eax
    xor edx, edx
    wrmsr
    mov rax, cr8
    print_value "  CR8 ", rax, 1
    ret

    .bss
    .balign 8
counts:
    .skip 4 * 256
keep_in_service:
    .skip 4
wakes:
    .skip 4
