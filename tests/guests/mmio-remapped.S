// SPDX-License-Identifier: MIT
// One linear page that leads to a device, to memory and to a device again, with and without the right
// to write. The device is the local APIC; its task priority is what is written and read.
#include "long.inc"
#include "area.inc"

#define APIC 0xfee00000
#define PRIORITY 0x80

main:
    call make_area
    lea rbx, [r15 + PRIORITY]
    mov dword ptr [PAGE_A + PRIORITY], 0
    xor r12d, r12d
    mov ebp, 50
1:  map 0, APIC, PRESENT | WRITABLE
    call count
    map 0, PAGE_A, PRESENT | WRITABLE
    call count
    dec ebp
    jnz 1b
    print_value "sum ", r12, 8
    print_value "in memory ", [PAGE_A + PRIORITY], 8
    mov rbx, APIC + PRIORITY
    mov eax, [rbx]
    print_value "in the device ", rax, 8

    lea rbx, [r15 + PRIORITY]
    mov ebp, 3
1:  map 0, APIC, PRESENT
    mov eax, [rbx]
    print_value "read-only ", rax, 8
    attempt "  written to", mov [rbx], ebp
    map 0, 0, 0
    attempt "not there", mov eax, [rbx]
    dec ebp
    jnz 1b

    // The whole of the address space is forgotten instead.
    map 0, APIC, PRESENT | WRITABLE
    mov dword ptr [rbx], 0x30
    mov dword ptr ENTRY(0), PAGE_A + PRESENT + WRITABLE
    call flush
    mov dword ptr [rbx], 0x40
    print_value "in memory ", [PAGE_A + PRIORITY], 8
    mov rcx, APIC + PRIORITY
    mov eax, [rcx]
    print_value "in the device ", rax, 8
    mov dword ptr [rcx], 0
    ret

// Adds to what is there: the device keeps eight bits.
count:
    mov eax, [rbx]
    add r12d, eax
    inc eax
    and eax, 0x7f
    mov [rbx], eax
    ret
