// SPDX-License-Identifier: MIT
// From ring 3 of protected mode into ring 0: call gates with parameters and interrupt gates.
// [SDM 3A "Call Gates", "Stack Switching", "Exception- or Interrupt-Handler Procedures"]
#include "protected.inc"

main:
    call call_gates
    call interrupt_gates
    ret

call_gates:
    print "call gates\n"
    call_gate 0, CODE32, gate_with_parameters, 0xec, 2
    call_gate 1, CODE32, behind_gate, 0x8c
    user_attempt_begin "  inner level with parameters"
    push 0xaaaa
    push 0xbbbb
    mov esi, esp
    call SEGMENT(0):0
    mov [result], eax
    sub esi, esp
    mov [result + 4], esi
    mov eax, cs
    mov [result + 8], eax
    user_attempt_end
    print_value "    inside: cs ", [inside], 4
    print_value "    ss ", [inside + 4], 4
    print_value "    bytes on the stack ", [inside + 8], 4
    print_value "    outer ss ", [inside + 12], 4
    print_value "    outer esp is off by ", [inside + 16], 4
    print_value "    sum ", [result], 8
    print_value "    stack moved ", [result + 4], 8
    print_value "    cs ", [result + 8], 4
    user_attempt "  the kernel's gate from ring 3", call SEGMENT(1):0
    user_attempt_begin "  far jump through it"
    jmp SEGMENT(0):0
    user_attempt_end
    ret

behind_gate:
    retf

// [esp]: eip, cs, two parameters, esp, ss
gate_with_parameters:
    mov eax, cs
    mov [inside], eax
    mov eax, ss
    mov [inside + 4], eax
    mov eax, offset event_stack_top
    sub eax, esp
    mov [inside + 8], eax
    mov eax, [esp + 20]
    mov [inside + 12], eax
    mov eax, esi
    sub eax, [esp + 16]
    mov [inside + 16], eax
    mov eax, [esp + 8]
    add eax, [esp + 12]
    retf 8

interrupt_gates:
    print "interrupt gates\n"
    handle 0x80, from_ring_3
    open_gate 0x80
    mov eax, DATA
    mov fs, eax
    user_attempt_begin "  INT"
    mov ecx, esp
    int 0x80
    sub ecx, esp
    mov [result], ecx
    mov eax, fs
    mov [result + 4], eax
    user_attempt_end
    print_value "    outer cs ", [inside], 4
    print_value "    outer ss ", [inside + 4], 4
    print_value "    outer esp is off by ", [inside + 8], 8
    print_value "    stack moved ", [result], 8
    // A segment of the kernel's is taken from ring 3.
    print_value "    fs ", [result + 4], 4
    user_attempt "  the kernel's gate", int 0x81
    ret

from_ring_3:
    mov eax, [edi + FRAME_CS]
    mov [inside], eax
    mov eax, [edi + FRAME_SS]
    mov [inside + 4], eax
    mov eax, [edi + 7 * 4]      // ECX
    sub eax, [edi + FRAME_SP]
    mov [inside + 8], eax
    ret

    .bss
    .balign 16
result:
    .skip 16
inside:
    .skip 32
