// SPDX-License-Identifier: MIT
// What an interrupt that is in service holds back, until its end: nested ones, a waiting one with
// interrupts enabled, x2APIC. [SDM 3A "Interrupt Acceptance for Fixed Interrupts", "Signaling
// Interrupt Servicing Completion"]
#include "long.inc"
#include "interrupts.inc"

#define SELF 0x60
#define SELF_LOWER 0x45

main:
    enable_apic
    handle SELF, self_handler
    handle SELF_LOWER, self_handler
    handle SELF + 0x10, self_handler
    call nesting
    call enabled
    call x2apic
    ret

self_handler:
    mov rax, [rdi + FRAME_VECTOR]
    shl qword ptr [order], 8
    mov [order], al
    cmp byte ptr [keep_in_service], 0
    jne 1f
    mov APIC_REGISTER(APIC_EOI), 0
1:  ret

nesting:
    print "nested\n"
    mov qword ptr [order], 0
    mov byte ptr [keep_in_service], 1
    self_ipi SELF
    take_interrupts
    show_apic "  in service ", APIC_ISR + 0x10 * (SELF / 32)
    show_apic "  processor priority ", APIC_PPR
    self_ipi SELF
    self_ipi SELF_LOWER
    take_interrupts
    print_value "  the same and a lower one wait ", [order], 16
    self_ipi SELF + 0x10
    take_interrupts
    print_value "  a higher one does not ", [order], 16
    show_apic "  processor priority ", APIC_PPR
    mov APIC_REGISTER(APIC_EOI), 0
    show_apic "  after one end ", APIC_PPR
    mov byte ptr [keep_in_service], 0
    mov APIC_REGISTER(APIC_EOI), 0
    take_interrupts
    take_interrupts
    print_value "  after both ", [order], 16
    show_apic "  processor priority ", APIC_PPR
    ret

// The end lets the lower one in, with nothing else that leaves the guest.
enabled:
    print "with interrupts enabled\n"
    mov qword ptr [order], 0
    mov byte ptr [keep_in_service], 1
    self_ipi SELF
    take_interrupts
    mov byte ptr [keep_in_service], 0
    self_ipi SELF_LOWER
    sti
    mov ecx, 4000
1:  dec ecx
    jnz 1b
    mov rbx, [order]
    mov APIC_REGISTER(APIC_EOI), 0
    mov ecx, 4000
1:  dec ecx
    jnz 1b
    cli
    print_value "  in service ", rbx, 16
    print_value "  after its end ", [order], 16
    ret

x2apic:
    print "x2APIC\n"
    mov ecx, MSR_APIC_BASE
    rdmsr
    or eax, 1 << 10
    wrmsr
    mov ecx, 0x83f
    mov eax, SELF
    xor edx, edx
    wrmsr
    mov byte ptr [keep_in_service], 1
    take_interrupts
    mov ecx, 0x813
    rdmsr
    print_value "  in service ", rax, 8
    mov ecx, 0x80b
    mov eax, 1
    attempt "  end of interrupt of 1", wrmsr
    xor eax, eax
    wrmsr
    mov ecx, 0x813
    rdmsr
    print_value "  in service ", rax, 8
    ret

    .bss
    .balign 8
order:
    .skip 8
keep_in_service:
    .skip 1
