// SPDX-License-Identifier: MIT
// Task switches: by jump, call, gate, exception and return, to 32-bit and 16-bit tasks.
// [SDM 3A "Task Management"]
#include "protected.inc"

#define SEGMENT(n) (OWN + 8 * (n))
// Own descriptors.
#define SECOND SEGMENT(0)
#define SMALL SEGMENT(1)
#define USER_TASK SEGMENT(2)
#define GATE SEGMENT(3)
#define BAD SEGMENT(4)

// Fields of a 32-bit TSS.
#define TSS_LINK 0
#define TSS_CR3 28
#define TSS_IP 32
#define TSS_FLAGS 36
#define TSS_REGISTERS 40
#define TSS_SP 56
#define TSS_ES 72
#define TSS_CS 76
#define TSS_SS 80
#define TSS_DS 84
#define TSS_FS 88
#define TSS_GS 92
#define TSS_LDT 96
#define TSS_TRAP 100

#define DR6_RESET 0xffff0ff0

// describe SELECTOR, TSS, LIMIT, ATTRIBUTES
.macro describe selector, address, limit, attributes
    mov eax, offset \address
    mov word ptr [gdt + \selector], \limit
    mov [gdt + \selector + 2], ax
    shr eax, 16
    mov [gdt + \selector + 4], al
    mov word ptr [gdt + \selector + 5], \attributes
    mov [gdt + \selector + 7], ah
.endm

.macro print_type text, selector
    movzx eax, byte ptr [gdt + \selector + 5]
    print_value "\text", eax, 2
.endm

main:
    describe SECOND, second_tss, 0x67, 0x89
    describe SMALL, small_tss, 0x2b, 0x81
    describe USER_TASK, user_tss, 0x67, 0x89
    describe BAD, second_tss, 0x66, 0x89
    mov dword ptr [gdt + GATE], USER_TASK << 16
    mov dword ptr [gdt + GATE + 4], 0x8500
    mov edi, offset second_tss
    call fill_tss
    mov edi, offset user_tss
    call fill_tss
    call jumps
    call calls
    call gates
    call exceptions
    call to_16_bits
    call to_ring_3
    call trapped
    call bad_tasks
    ret

// A 32-bit task of the kernel's at edi.
fill_tss:
    mov dword ptr [edi + TSS_FLAGS], 2
    mov dword ptr [edi + TSS_SP], offset task_stack_top
    mov dword ptr [edi + TSS_CS], CODE32
    mov dword ptr [edi + TSS_SS], DATA
    mov dword ptr [edi + TSS_DS], DATA
    mov dword ptr [edi + TSS_ES], DATA
    mov dword ptr [edi + 4], offset event_stack_top
    mov dword ptr [edi + 8], DATA
    ret

show_state:
    str eax
    print_value "    tr ", eax, 4
    mov eax, cr0
    and eax, CR0_TS
    print_value "    CR0.TS ", eax, 1
    pushf
    pop eax
    and eax, FLAGS_NT
    print_value "    NT ", eax, 4
    ret

jumps:
    print "jump\n"
    mov dword ptr [second_tss + TSS_IP], offset jumped_to
    mov dword ptr [second_tss + TSS_REGISTERS], 0x12345678
    mov ebx, 0x87654321
    jmp SECOND:0
    print "  back\n"
    print_value "    ebx ", ebx, 8
    call show_state
    print_type "    first task ", TSS
    print_type "    second task ", SECOND
    clts
    ret

jumped_to:
    print_value "  eax ", eax, 8
    print_value "  ebx of the first task ", [tss + TSS_REGISTERS + 12], 8
    mov eax, offset task_stack_top
    sub eax, esp
    print_value "  stack used ", eax, 2
    call show_state
    print_type "    first task ", TSS
    print_type "    second task ", SECOND
    jmp TSS:0

calls:
    print "call and return\n"
    mov dword ptr [second_tss + TSS_IP], offset called
    call SECOND:0
    print "  back\n"
    call show_state
    print_type "    second task ", SECOND
    // Its place is behind its IRETD: the next call goes on there.
    call SECOND:0
    print "  and again\n"
    clts
    ret

called:
    print_value "  link ", [second_tss + TSS_LINK], 4
    call show_state
    print_type "    first task ", TSS
    print_type "    second task ", SECOND
    iretd
    print "  second time\n"
    iretd

gates:
    print "task gate\n"
    mov dword ptr [user_tss + TSS_IP], offset through_gate
    call GATE:0xdead
    print "  back\n"
    clts
    ret

through_gate:
    print_value "  link ", [user_tss + TSS_LINK], 4
    iretd

// An exception with an error code, and one without, whose handler is a task.
exceptions:
    print "exceptions\n"
    mov dword ptr [second_tss + TSS_IP], offset handler_task
    mov dword ptr [second_tss + TSS_SP], offset task_stack_top
    mov word ptr [idt + 8 * 3 + 2], SECOND
    mov word ptr [idt + 8 * 3 + 4], 0x8500
    int3
    print "  behind INT3\n"
    mov word ptr [idt + 8 * 3 + 2], CODE32
    mov word ptr [idt + 8 * 3 + 4], 0x8e00
    mov dword ptr [second_tss + TSS_IP], offset handler_with_error
    mov word ptr [idt + 8 * 13 + 2], SECOND
    mov word ptr [idt + 8 * 13 + 4], 0x8500
    mov eax, 0x18f0
faulting:
    mov fs, eax
    print_value "  behind the fault: eax ", eax, 8
    mov word ptr [idt + 8 * 13 + 2], CODE32
    mov word ptr [idt + 8 * 13 + 4], 0x8e00
    clts
    ret

handler_task:
    print "  task of INT3\n"
    print_value "    link ", [second_tss + TSS_LINK], 4
    iretd

handler_with_error:
    pop eax
    print_value "  task of #GP: error ", eax, 4
    mov eax, offset faulting
    sub eax, [tss + TSS_IP]
    print_value "    place is off by ", eax, 4
    mov dword ptr [tss + TSS_REGISTERS], DATA
    iretd

to_16_bits:
    print "16-bit task\n"
    mov word ptr [small_tss + 14], offset in_16_bits - IMAGE
    mov word ptr [small_tss + 16], 2
    mov word ptr [small_tss + 18], 0x1111
    mov word ptr [small_tss + 26], 0x100
    mov word ptr [small_tss + 34], DATA
    mov word ptr [small_tss + 36], CODE16
    mov word ptr [small_tss + 38], DATA16
    mov word ptr [small_tss + 40], DATA
    pushf
    or dword ptr [esp], FLAGS_AC
    popf
    call SMALL:0
    pushf
    pop eax
    and eax, FLAGS_AC
    print_value "  AC afterwards ", eax, 8
    pushf
    and dword ptr [esp], ~FLAGS_AC
    popf
    print_value "  link ", [small_tss], 4
    print_value "  ax of the task ", [small_tss + 18], 8
    print_value "  upper half of its flags ", [small_tss + 24], 4
    print_type "  the task ", SMALL
    clts
    ret

    .code16
in_16_bits:
    pushfd
    pop ebx
    shr ebx, 16
    add ax, 0x2222
    iret
    .code32

to_ring_3:
    print "ring 3\n"
    mov dword ptr [user_tss + TSS_IP], offset user_task
    mov dword ptr [user_tss + TSS_FLAGS], 2
    mov dword ptr [user_tss + TSS_CS], USER_CODE32
    mov dword ptr [user_tss + TSS_SS], USER_DATA
    mov dword ptr [user_tss + TSS_DS], USER_DATA
    mov dword ptr [user_tss + TSS_ES], USER_DATA
    mov dword ptr [user_tss + TSS_SP], offset user_stack_top
    handle 0x80, back_to_kernel
    open_gate 0x80
    call USER_TASK:0
    print "  back\n"
    print_type "    the task ", USER_TASK
    clts
    ret

user_task:
    mov eax, cs
    mov [result], eax
    int 0x80

back_to_kernel:
    print_value "  cs ", [result], 4
    pushf
    or dword ptr [esp], FLAGS_NT
    popf
    iretd

// A task with T set traps when it is switched to.
trapped:
    print "a task that traps\n"
    handle 1, on_debug
    mov eax, DR6_RESET
    mov dr6, eax
    mov dword ptr [second_tss + TSS_IP], offset with_trap
    mov word ptr [second_tss + TSS_TRAP], 1
    call SECOND:0
    print "  back\n"
    mov word ptr [second_tss + TSS_TRAP], 0
    clts
    ret

with_trap:
    print "  its first instruction\n"
    iretd

on_debug:
    mov eax, [edi + FRAME_IP]
    sub eax, offset with_trap
    print_value "  #DB, off its first instruction by ", eax, 4
    mov eax, dr6
    and eax, 0xe00f
    print_value "    DR6 ", eax, 4
    mov eax, DR6_RESET
    mov dr6, eax
    ret

bad_tasks:
    print "what is refused\n"
    attempt "  limit too small", call BAD:0
    attempt "  a busy task", call TSS:0
    describe BAD, bad_tss, 0x67, 0x09
    attempt "  not present", call BAD:0
    describe BAD, bad_tss, 0x67, 0x89
    mov edi, offset bad_tss
    call fill_tss
    mov dword ptr [gdt + GATE], DATA << 16
    attempt "  a gate to data", call GATE:0
    mov dword ptr [gdt + GATE], 0
    attempt "  a gate to null", call GATE:0
    mov dword ptr [gdt + GATE], 0x4c0000
    attempt "  a gate to the LDT", call GATE:0
    mov word ptr [tss + TSS_LINK], DATA
    attempt_begin "  return to data"
    push FLAGS_NT
    popf
    iretd
    attempt_end
    mov word ptr [tss + TSS_LINK], SECOND
    attempt_begin "  return to a task that is not busy"
    push FLAGS_NT
    popf
    iretd
    attempt_end
    user_attempt "  from ring 3", call SECOND:0
    ret

    .bss
    .balign 16
second_tss:
    .skip 0x68
    .balign 16
user_tss:
    .skip 0x68
    .balign 16
bad_tss:
    .skip 0x68
    .balign 16
small_tss:
    .skip 0x2c
    .balign 16
result:
    .skip 16
    .skip 0x800
task_stack_top:
