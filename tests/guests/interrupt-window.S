// SPDX-License-Identifier: MIT
// What lets a waiting interrupt in does so before the next instruction: POPF, IRET, a lower task
// priority, the end of a higher interrupt. (STI is in interrupt-shadow.) [SDM 3A "Masking Maskable
// Hardware Interrupts", "Task and Processor Priorities"]
#include "long.inc"
#include "interrupts.inc"

#define SELF 0x60
#define SELF_HIGHER 0x70
#define COUNT dword ptr [count]

main:
    enable_apic
    handle SELF, self_handler
    handle SELF_HIGHER, stay_in_service
    call flags
    call priority
    ret

self_handler:
    inc COUNT
    mov APIC_REGISTER(APIC_EOI), 0
    ret
stay_in_service:
    ret

// opens "what", CODE: the count behind the code's last instruction
.macro opens name, code:vararg
    mov COUNT, 0
    \code
    mov ebx, COUNT
    cli
    print_value "\name ", rbx, 1
.endm

flags:
    self_ipi SELF
    push 2 | FLAGS_IF
    opens "POPF", popfq
    self_ipi SELF
    mov rax, rsp
    push DATA
    push rax
    push 2 | FLAGS_IF
    push CODE64
    push offset 1f
    mov COUNT, 0
    iretq
1:  mov ebx, COUNT
    cli
    print_value "IRETQ ", rbx, 1
    ret

priority:
    mov eax, 15
    mov cr8, rax
    self_ipi SELF
    xor eax, eax
    sti
    nop
    opens "CR8", mov cr8, rax
    mov eax, 15
    mov cr8, rax
    self_ipi SELF
    sti
    nop
    opens "TPR", mov APIC_REGISTER(APIC_TPR), 0
    sti
    self_ipi SELF_HIGHER
    self_ipi SELF
    opens "EOI", mov APIC_REGISTER(APIC_EOI), 0
    sti
    opens "to itself", self_ipi SELF
    ret

    .bss
    .balign 4
count:
    .skip 4
