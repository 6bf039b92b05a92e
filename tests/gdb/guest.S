// SPDX-License-Identifier: MIT
// What gdb looks at in the tests: functions that call each other, variables, repetitions, flags of
// a debugger's own, and a second CPU that counts.
#include "long.inc"
#include "interrupts.inc"
#include "second-cpu.inc"

#define ROUNDS 10

main:
    enable_apic
    mov APIC_REGISTER(APIC_ICR_HIGH), 1 << 24
    send 0x4500                 // INIT
    mov ecx, 10
    call pause_milliseconds
    call send_startup
    spin_until [second_starts], e, 1
    give count_for_ever
1:  pause
    cmp qword ptr [counter], 0
    je 1b
    mov ecx, ROUNDS
1:  push rcx
    mov edi, ecx
    call outer
    pop rcx
    loop 1b
    call clear
    call see_own_flags
    print_value "sum ", [sum], 8
    print_value "cleared ", [area], 8
    print_value "trap flag ", rbx, 8
    print_value "first byte of a function ", [inner], 2
    .globl finished
finished:
    cmp dword ptr [wait_for_ever], 0
    jne finished
    ret

    .globl outer, inner, inner_add
    .type outer, @function
outer:
    push rbp
    mov rbp, rsp
    call inner
    add eax, 1
    pop rbp
    ret
    .size outer, . - outer

// sum += argument
    .type inner, @function
inner:
    push rbp
    mov rbp, rsp
    mov eax, edi
inner_add:
    add [sum], eax
    mov eax, [sum]
    pop rbp
    ret
    .size inner, . - inner

    .globl clear, clear_repeat
    .type clear, @function
clear:
    mov edi, offset area
    mov ecx, 64
    mov eax, 0x11111111
clear_repeat:
    rep stosd
    ret
    .size clear, . - clear

// Whether a trap flag shows that is none of the guest's.
    .globl see_own_flags
    .type see_own_flags, @function
see_own_flags:
    pushfq
    pop rbx
    and ebx, 0x100
    ret
    .size see_own_flags, . - see_own_flags

    .globl count_for_ever, counted
    .type count_for_ever, @function
count_for_ever:
    inc qword ptr [counter]
counted:
    jmp count_for_ever
    .size count_for_ever, . - count_for_ever

    .data
    .globl sum, area, counter, wait_for_ever
    // Not in a page with code, to which writes are the interpreter's.
    .balign 4096
    .type sum, @object
sum:
    .long 0
    .size sum, 4
wait_for_ever:
    .long 0
counter:
    .quad 0
area:
    .skip 256
    .text
