// SPDX-License-Identifier: MIT
// One CPU changes code that the other runs. The one that runs it reads a number, serializes, and
// must then find the code of that number or of a later one. [SDM 3A "Handling Self- and
// Cross-Modifying Code"]
#include "long.inc"
#include "interrupts.inc"
#include "second-cpu.inc"

#define ROUNDS 60000

main:
    enable_apic
    mov APIC_REGISTER(APIC_ICR_HIGH), 1 << 24
    send 0x4500                 // INIT
    mov ecx, 10
    call pause_milliseconds
    call send_startup
    spin_until [second_starts], e, 1

    mov edi, offset lonely
    mov dword ptr [companion], offset nothing
    print "alone in its page\n"
    call patch_often
    mov edi, offset accompanied
    mov dword ptr [companion], offset neighbour
    print "beside code that stays\n"
    call patch_often
    ret

// rdi: the function whose operand is counted up; the same page is written to before, so that both
// writes are of one block, with what takes long between them.
patch_often:
    mov [function], rdi
    mov dword ptr [version], 0
    mov dword ptr [rdi + 4], 0
    mov dword ptr [finished], 0
    mov dword ptr [calls], 0
    give run_patched
    spin_until [calls], ae, 1
    mov ebx, 1
    fninit
    fld1
1:  mov [rdi + 16], ebx
    .rept 30
    fsin
    .endr
    mov [rdi + 4], ebx
    mov [version], ebx
    inc ebx
    cmp ebx, ROUNDS
    jbe 1b
    mov dword ptr [finished], 1
    await_second
    call [function]
    print_value "  at last ", rax, 8
    print_value "  stale ", [stale], 8
    ret

run_patched:
    mov dword ptr [stale], 0
1:  mov esi, [version]
    xor eax, eax
    cpuid
    call [companion]
    call [function]
    cmp eax, esi
    jae 2f
    inc dword ptr [stale]
2:  inc dword ptr [calls]
    cmp dword ptr [finished], 0
    je 1b
    ret

// Where functions are, so that the operand is one aligned word, which changes in one step.
.macro patched_function name
    .balign 4096
\name:
    nop
    nop
    nop
    mov eax, 0
    ret
    .balign 16
    .long 0
.endm

    patched_function lonely
    patched_function accompanied
    .balign 256
neighbour:
    ret
    .balign 4096
nothing:
    ret

    .bss
    .balign 8
function:
    .skip 8
companion:
    .skip 8
    .balign 64
version:
    .skip 4
    .balign 64
finished:
    .skip 4
calls:
    .skip 4
stale:
    .skip 4
