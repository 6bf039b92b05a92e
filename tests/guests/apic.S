// SPDX-License-Identifier: MIT
// The local APIC of one CPU: registers, interrupts to itself, priorities, the timer in its three
// modes, x2APIC. [SDM 3A "Advanced Programmable Interrupt Controller (APIC)"]
#include "long.inc"
#include "interrupts.inc"

#define TIMER 0x50
#define SELF 0x60
#define SELF_LOWER 0x45
#define SPURIOUS 0xff

main:
    enable_apic
    handle TIMER, timer_handler
    handle SELF, self_handler
    handle SELF_LOWER, self_handler
    handle SELF + 0x10, self_handler
    handle SPURIOUS, self_handler
    call registers
    call self_interrupts
    call priorities
    call one_shot
    call periodic
    call deadline
    call lvt_masked
    call task_priority_register
    call x2apic
    call disabled
    ret

timer_handler:
    inc dword ptr [ticks]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

self_handler:
    mov rax, [rdi + FRAME_VECTOR]
    shl qword ptr [order], 8
    mov [order], al
    cmp eax, SPURIOUS
    je 1f
    cmp byte ptr [keep_in_service], 0
    jne 1f
    mov APIC_REGISTER(APIC_EOI), 0
1:  ret

registers:
    print "registers\n"
    show_apic "  id ", APIC_ID
    mov eax, APIC_REGISTER(APIC_VERSION)
    and eax, 0xff
    shr eax, 4
    print_value "  version 1x: ", rax, 1
    show_apic "  spurious vector ", APIC_SVR
    show_apic "  task priority ", APIC_TPR
    show_apic "  processor priority ", APIC_PPR
    show_apic "  destination format ", APIC_DFR
    show_apic "  logical destination ", APIC_LDR
    mov APIC_REGISTER(APIC_LDR), 0x12345678
    show_apic "  written ", APIC_LDR
    mov APIC_REGISTER(APIC_LDR), 0
    mov APIC_REGISTER(APIC_TPR), 0xffffff35
    show_apic "  task priority ", APIC_TPR
    mov rax, cr8
    print_value "  CR8 ", rax, 2
    mov eax, 6
    mov cr8, rax
    show_apic "  after CR8 ", APIC_TPR
    xor eax, eax
    mov cr8, rax
    show_apic "  timer's entry ", APIC_LVT_TIMER
    mov APIC_REGISTER(APIC_LVT_ERROR), 0xe0
    show_apic "  error's entry ", APIC_LVT_ERROR
    mov ecx, MSR_APIC_BASE
    rdmsr
    print_value "  base ", rax, 8
    ret

self_interrupts:
    print "to itself\n"
    mov qword ptr [order], 0
    self_ipi SELF
    show_apic "  requested ", APIC_IRR + 0x10 * (SELF / 32)
    take_interrupts
    print_value "  taken ", [order], 16
    show_apic "  requested ", APIC_IRR + 0x10 * (SELF / 32)
    show_apic "  in service ", APIC_ISR + 0x10 * (SELF / 32)
    // By physical and logical destination.
    mov eax, APIC_REGISTER(APIC_ID)
    mov APIC_REGISTER(APIC_ICR_HIGH), eax
    mov APIC_REGISTER(APIC_ICR), 0x4000 | SELF
    take_interrupts
    mov APIC_REGISTER(APIC_LDR), 0x08000000
    mov APIC_REGISTER(APIC_ICR_HIGH), 0x08000000
    mov APIC_REGISTER(APIC_ICR), 0x4800 | SELF_LOWER
    take_interrupts
    mov APIC_REGISTER(APIC_ICR_HIGH), 0x04000000
    mov APIC_REGISTER(APIC_ICR), 0x4800 | SELF
    take_interrupts
    print_value "  taken ", [order], 16
    // Everybody, and everybody else.
    mov APIC_REGISTER(APIC_ICR), 0x84000 | SELF
    take_interrupts
    mov APIC_REGISTER(APIC_ICR), 0xc4000 | SELF
    take_interrupts
    print_value "  taken ", [order], 16
    // Twice is once while it is requested.
    mov qword ptr [order], 0
    self_ipi SELF
    self_ipi SELF
    take_interrupts
    take_interrupts
    print_value "  once ", [order], 16
    ret

priorities:
    print "priorities\n"
    mov qword ptr [order], 0
    self_ipi SELF_LOWER
    self_ipi SELF
    self_ipi SELF + 0x10
    take_interrupts
    print_value "  order ", [order], 16
    mov qword ptr [order], 0
    mov APIC_REGISTER(APIC_TPR), 0x50
    self_ipi SELF_LOWER
    self_ipi SELF
    take_interrupts
    take_interrupts
    print_value "  with a task priority of 50 ", [order], 16
    show_apic "  processor priority ", APIC_PPR
    show_apic "  requested ", APIC_IRR + 0x10 * (SELF_LOWER / 32)
    mov APIC_REGISTER(APIC_TPR), 0
    take_interrupts
    print_value "  with 0 ", [order], 16
    ret

one_shot:
    print "one shot\n"
    mov dword ptr [ticks], 0
    mov APIC_REGISTER(APIC_DIVIDE), 0xb
    mov APIC_REGISTER(APIC_LVT_TIMER), TIMER
    mov APIC_REGISTER(APIC_INITIAL), 100000
    wait_until [ticks], e, 1
    mov ecx, 3
    call pause_milliseconds
    take_interrupts
    print_value "  ticks ", [ticks], 4
    show_apic "  current count ", APIC_CURRENT
    show_apic "  initial count ", APIC_INITIAL
    // Stopped.
    mov APIC_REGISTER(APIC_INITIAL), 0x7fffffff
    mov APIC_REGISTER(APIC_INITIAL), 0
    show_apic "  stopped ", APIC_CURRENT
    // It counts down.
    mov APIC_REGISTER(APIC_INITIAL), 0xffffffff
    mov ebx, APIC_REGISTER(APIC_CURRENT)
    mov ecx, 2
    call pause_milliseconds
    mov eax, APIC_REGISTER(APIC_CURRENT)
    cmp eax, ebx
    setb al
    movzx eax, al
    print_value "  counts down ", rax, 1
    mov APIC_REGISTER(APIC_INITIAL), 0
    ret

periodic:
    print "periodic\n"
    mov dword ptr [ticks], 0
    mov APIC_REGISTER(APIC_LVT_TIMER), 0x20000 | TIMER
    mov APIC_REGISTER(APIC_DIVIDE), 3
    mov APIC_REGISTER(APIC_INITIAL), 50000
    wait_until [ticks], ae, 20
    print "  20 ticks\n"
    mov APIC_REGISTER(APIC_INITIAL), 0
    take_interrupts
    mov dword ptr [ticks], 0
    mov ecx, 5
    call pause_milliseconds
    take_interrupts
    print_value "  after the end ", [ticks], 4
    ret

deadline:
    print "TSC deadline\n"
    mov dword ptr [ticks], 0
    mov APIC_REGISTER(APIC_LVT_TIMER), 0x40000 | TIMER
    mfence
    mov ebx, 5
1:  rdtsc
    add eax, 1000000
    adc edx, 0
    mov ecx, MSR_TSC_DEADLINE
    wrmsr
    mov eax, 6
    sub eax, ebx
    mov [wanted], eax
2:  cli
    mov eax, [wanted]
    cmp [ticks], eax
    jae 3f
    sti
    hlt
    jmp 2b
3:  dec ebx
    jnz 1b
    print_value "  ticks ", [ticks], 4
    mov ecx, MSR_TSC_DEADLINE
    rdmsr
    shl rdx, 32
    or rax, rdx
    print_value "  deadline afterwards ", rax, 16
    // One that has passed is due at once; zero is none.
    mov eax, 1
    xor edx, edx
    wrmsr
    wait_until [ticks], ae, 6
    mov eax, -1
    mov edx, 0x7fffffff
    wrmsr
    xor eax, eax
    xor edx, edx
    wrmsr
    mov ecx, 3
    call pause_milliseconds
    take_interrupts
    print_value "  ticks ", [ticks], 4
    // The initial count has no meaning here.
    mov APIC_REGISTER(APIC_INITIAL), 1000
    show_apic "  current count ", APIC_CURRENT
    mov APIC_REGISTER(APIC_LVT_TIMER), APIC_MASKED
    ret

lvt_masked:
    print "masked\n"
    mov dword ptr [ticks], 0
    mov APIC_REGISTER(APIC_LVT_TIMER), APIC_MASKED | TIMER
    mov APIC_REGISTER(APIC_INITIAL), 100
    mov ecx, 3
    call pause_milliseconds
    take_interrupts
    print_value "  ticks ", [ticks], 4
    ret

// CR8 holds what waits, and lets it go.
task_priority_register:
    print "CR8\n"
    mov qword ptr [order], 0
    mov eax, 15
    mov cr8, rax
    self_ipi SELF
    take_interrupts
    print_value "  15 ", [order], 16
    mov eax, 5
    mov cr8, rax
    out 0x80, al
    take_interrupts
    print_value "  5 ", [order], 16
    xor eax, eax
    mov cr8, rax
    ret

x2apic:
    print "x2APIC\n"
    mov ecx, 0x802
    attempt "  RDMSR before", rdmsr
    mov ecx, MSR_APIC_BASE
    rdmsr
    or eax, 1 << 10
    wrmsr
    mov ecx, 0x802
    rdmsr
    print_value "  id ", rax, 8
    mov ecx, 0x80d
    rdmsr
    print_value "  logical destination ", rax, 8
    attempt "  WRMSR of it", wrmsr
    mov qword ptr [order], 0
    mov ecx, 0x83f
    mov eax, SELF
    xor edx, edx
    wrmsr
    mov byte ptr [keep_in_service], 1
    take_interrupts
    print_value "  to itself ", [order], 16
    mov ecx, 0x80b
    xor eax, eax
    wrmsr
    // Its command register is one of 64 bits.
    mov ecx, 0x830
    mov eax, 0x4000 | SELF_LOWER
    xor edx, edx
    wrmsr
    take_interrupts
    print_value "  by its id ", [order], 16
    mov ecx, 0x80b
    xor eax, eax
    wrmsr
    mov byte ptr [keep_in_service], 0
    mov ecx, 0x80e
    attempt "  RDMSR of the destination format", rdmsr
    mov ecx, 0x831
    attempt "  RDMSR of the upper command", rdmsr
    mov ecx, 0x83f
    attempt "  RDMSR of the self interrupt", rdmsr
    mov ecx, MSR_APIC_BASE
    rdmsr
    and eax, ~(1 << 10)
    attempt "  back to xAPIC", wrmsr
    and eax, ~(1 << 11)
    wrmsr
    or eax, 1 << 11
    wrmsr
    mov APIC_REGISTER(APIC_SVR), 0x1ff
    ret

disabled:
    print "switched off by software\n"
    mov APIC_REGISTER(APIC_LVT_TIMER), TIMER
    mov APIC_REGISTER(APIC_SVR), 0xff
    show_apic "  timer's entry ", APIC_LVT_TIMER
    mov APIC_REGISTER(APIC_LVT_TIMER), TIMER
    show_apic "  written ", APIC_LVT_TIMER
    mov qword ptr [order], 0
    self_ipi SELF
    take_interrupts
    print_value "  to itself ", [order], 16
    ret

    .bss
    .balign 16
order:
    .skip 8
ticks:
    .skip 4
wanted:
    .skip 4
keep_in_service:
    .skip 4
