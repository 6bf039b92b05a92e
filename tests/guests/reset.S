// SPDX-License-Identifier: MIT
// Resets by each of a PC's ways, with both CPUs running and everything about interrupts set up: what
// they find afterwards. (A triple fault is in triple-fault.)
// [SDM 3A "Processor Management and Initialization", Table "IA-32 and Intel 64 Processor States
// Following Power-up, Reset, or INIT"; PIIX3 "Reset Control"; 82093AA]
#include "long.inc"
#include "interrupts.inc"
#include "second-cpu.inc"
#include "boots.inc"

#define SELF 0x60
#define WAITING 0x75
#define FREE_PIN 5
#define ELCR 0x4d0
#define RESET_CONTROL 0xcf9
#define PORT92 0x92
#define KEYBOARD 0x64
#define RESETS 3

main:
    mov r15d, APIC
    mov r14d, IOAPIC
    boots
    print_value "boot ", r13, 1
    call processor
    call local_apic
    call other_controllers
    call second
    cmp r13d, RESETS
    je 1f
    call disturb
    count_boot
    jmp [ways + r13 * 8]
1:  ret

processor:
    mov rax, cr8
    print_value "  CR8 ", rax, 1
    mov rax, cr4
    print_value "  CR4 ", rax, 8
    mov rax, dr0
    print_value "  DR0 ", rax, 8
    mov rax, dr7
    print_value "  DR7 ", rax, 8
    mov ecx, MSR_EFER
    rdmsr
    and eax, EFER_NXE | EFER_SCE
    print_value "  EFER.NXE and SCE ", rax, 4
    mov ecx, MSR_APIC_BASE
    rdmsr
    print_value "  APIC base ", rax, 8
    ret

local_apic:
    show_apic "  spurious vector ", APIC_SVR
    show_apic "  task priority ", APIC_TPR
    show_apic "  timer's entry ", APIC_LVT_TIMER
    show_apic "  initial count ", APIC_INITIAL
    show_apic "  logical destination ", APIC_LDR
    show_apic "  destination format ", APIC_DFR
    show_apic "  requested ", APIC_IRR + 0x10 * (SELF / 32)
    show_apic "  in service ", APIC_ISR + 0x10 * (SELF / 32)
    ret

other_controllers:
    ioapic_read TABLE(FREE_PIN)
    print_value "  IOAPIC's entry ", rax, 8
    mov al, 0x0b
    out PIC1, al
    in al, PIC1
    movzx eax, al
    print_value "  8259 in service ", rax, 2
    mov dx, ELCR
    in al, dx
    and eax, 1 << FREE_PIN
    print_value "  its edge or level ", rax, 2
    ret

// It waits, and can be started.
second:
    mov ecx, 2
    call pause_milliseconds
    print_value "  second CPU: starts before SIPI ", [second_starts], 1
    enable_apic
    mov APIC_REGISTER(APIC_ICR_HIGH), 1 << 24
    send 0x4500                 // INIT
    mov ecx, 10
    call pause_milliseconds
    call send_startup
    spin_until [second_starts], e, 1
    print_value "    and after it ", [second_starts], 1
    ret

// Leaves nothing as it was.
disturb:
    reset_pics
    mov al, 0xfe
    out PIC1 + 1, al
    handle PIC_VECTORS, stay_in_service
    handle SELF, stay_in_service
    pit_mode 0, 0, 100
    sti
1:  mov al, 0x0b
    out PIC1, al
    in al, PIC1
    test al, al
    jz 1b
    mov APIC_REGISTER(APIC_ICR), 0x44000 | SELF
    take_interrupts
    mov dx, ELCR
    mov al, 1 << FREE_PIN
    out dx, al
    ioapic_write TABLE(FREE_PIN), SELF
    mov APIC_REGISTER(APIC_LDR), 0x55000000
    mov APIC_REGISTER(APIC_DFR), 0x0fffffff
    mov APIC_REGISTER(APIC_LVT_TIMER), 0x20000 | WAITING
    mov APIC_REGISTER(APIC_DIVIDE), 0xb
    mov APIC_REGISTER(APIC_INITIAL), 1000
    mov eax, 9
    mov cr8, rax
    mov APIC_REGISTER(APIC_ICR), 0x44000 | WAITING
    mov eax, 0x12345678
    mov dr0, rax
    mov eax, 0x402
    mov dr7, rax
    mov rax, cr4
    or rax, CR4_TSD | CR4_OSFXSR
    mov cr4, rax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_NXE | EFER_SCE
    wrmsr
    ret

stay_in_service:
    ret

by_port92:
    mov al, 3
    out PORT92, al
    jmp .

by_reset_control:
    mov dx, RESET_CONTROL
    mov al, 2
    out dx, al
    mov al, 6
    out dx, al
    jmp .

by_keyboard:
    mov al, 0xfe
    out KEYBOARD, al
    jmp .

    .section .rodata
    .balign 8
ways:
    .quad by_port92, by_reset_control, by_keyboard
