// SPDX-License-Identifier: MIT
// Segmentation in protected mode: limits, types, gates and privilege levels, 16-bit code.
// [SDM 3A "Protected-Mode Memory Management", "Protection"]
#include "protected.inc"

// Linear addresses that segments here begin at.
#define BASE 0x800000

main:
    call limits
    call types
    call questions
    call stack_segment
    call code_limit
    call local_table
    call code_16
    call gates
    call rings
    call fast_calls
    call leftovers
    ret

limits:
    print "limits\n"
    own 0, BASE, 0xfff, 0x4093
    mov eax, SEGMENT(0)
    mov fs, eax
    mov dword ptr [BASE + 0xffc], 0x87654321
    mov eax, fs:[0xffc]
    print_value "  the last doubleword ", eax, 8
    mov ebx, 0xfff
    attempt "  the last byte", mov al, fs:[ebx]
    attempt "  word at the last byte", mov ax, fs:[ebx]
    attempt "  doubleword before the end", mov eax, fs:[ebx - 2]
    attempt "  byte behind", mov fs:[ebx + 1], al
    mov ecx, -1
    attempt "  byte at the top", mov al, fs:[ecx]
    attempt "  doubleword around the top", mov eax, fs:[ecx - 1]
    attempt "  locked addition behind", lock add fs:[ebx], eax
    attempt "  PUSH from behind", push fs:[ebx]
    attempt "  FLD from behind", fld qword ptr fs:[ebx - 4]
    attempt "  CALL through memory behind", call fs:[ebx]
    mov esi, 0xffe
    mov edi, offset buffer
    mov ecx, 4
    attempt "  REP MOVSB runs behind", rep movsb es:[edi], fs:[esi]
    print_value "    ecx ", ecx, 4
    print_value "    esi ", esi, 4
    own 0, BASE, 1, 0xc093
    mov eax, SEGMENT(0)
    mov fs, eax
    attempt "  last byte of two pages", mov al, fs:[0x1fff]
    attempt "  behind", mov al, fs:[0x2000]
    // Addresses wrap at 4 GiB.
    own 0, 0xfff00000, 0xfffff, 0xc093
    mov eax, SEGMENT(0)
    mov fs, eax
    mov dword ptr [BASE], 0x1357
    mov eax, fs:[BASE + 0x100000]
    print_value "  wrapped ", eax, 8
    xor eax, eax
    mov gs, eax
    attempt "  null segment", mov al, gs:[0]
    ret

types:
    print "types\n"
    own 0, 0, 0xfffff, 0xc091
    own 1, 0, 0xfffff, 0xc099
    own 2, 0, 0xfffff, 0xc013
    mov eax, SEGMENT(0)
    attempt "  read-only into FS", mov fs, eax
    attempt "  read", mov eax, fs:[buffer]
    attempt "  write", mov fs:[buffer], eax
    mov eax, SEGMENT(0)
    attempt "  read-only into SS", mov ss, eax
    mov eax, SEGMENT(1)
    attempt "  execute-only into FS", mov fs, eax
    mov eax, SEGMENT(2)
    attempt "  not present into FS", mov fs, eax
    attempt "  not present into SS", mov ss, eax
    attempt "  write through CS", mov cs:[buffer], eax
    attempt "  read through CS", mov eax, cs:[buffer]
    mov eax, GDT_SIZE
    attempt "  beyond the table", mov fs, eax
    mov eax, TSS
    attempt "  a TSS into FS", mov fs, eax
    xor eax, eax
    attempt "  null into SS", mov ss, eax
    mov dword ptr [pointer], offset buffer
    mov word ptr [pointer + 4], SEGMENT(2)
    attempt "  LFS", lfs eax, [pointer]
    // The accessed bit is set by loading.
    own 0, 0, 0xfffff, 0xc092
    mov eax, SEGMENT(0)
    mov fs, eax
    movzx eax, byte ptr [gdt + SEGMENT(0) + 5]
    print_value "  type after loading ", eax, 2
    // What was loaded stays, whatever the table says later.
    own 0, 0, 0, 0
    mov dword ptr [buffer], 0x2468
    mov eax, fs:[buffer]
    print_value "  still loaded ", eax, 8
    ret

.macro question text, code:vararg
    mov ecx, 0xdddddddd
    \code
    setz al
    movzx eax, al
    print "  \text: "
    print_hex eax, 1
    print_value " ", ecx, 8
.endm

questions:
    print "LAR, LSL, VERR, VERW, ARPL\n"
    own 0, BASE, 0x0bcde, 0x4091
    own 1, 0, 0x12, 0xc0f9
    mov ebx, SEGMENT(0)
    question "LAR of data", lar ecx, ebx
    question "LSL of data", lsl ecx, ebx
    question "VERR", verr bx
    question "VERW", verw bx
    mov ebx, SEGMENT(1) | 3
    question "LSL of pages", lsl ecx, ebx
    question "VERR of execute-only code", verr bx
    mov ebx, TSS
    question "LAR of a TSS", lar ecx, ebx
    question "VERR of a TSS", verr bx
    mov ebx, 0
    question "LAR of null", lar ecx, ebx
    mov ebx, 0x7ff8
    question "LSL of none", lsl ecx, ebx
    mov ebx, DATA | 3
    question "LSL with an RPL above DPL", lsl ecx, ebx
    mov ebx, 0x10
    mov edx, 3
    question "ARPL up", arpl bx, dx
    print_value "    ", ebx, 4
    mov edx, 1
    question "ARPL not down", arpl bx, dx
    print_value "    ", ebx, 4
    ret

stack_segment:
    print "stack\n"
    own 0, 0, 0x9ffff, 0x4093
    mov eax, SEGMENT(0)
    mov ss, eax
    mov ebp, 0xa0000
    attempt "  through EBP", mov eax, [ebp]
    attempt "  through ESP", mov eax, [esp + 0x60000]
    attempt "  the last word", mov ax, [ebp - 2]
    attempt "  across", mov ax, [ebp - 1]
    mov eax, DATA
    mov ss, eax
    // A 16-bit stack pointer wraps, and the upper half of ESP stays.
    own 1, BASE, 0xffff, 0x0093
    mov ebx, esp
    mov eax, SEGMENT(1)
    mov edx, 0x12340004
    mov ss, eax
    mov esp, edx
    push 0x11111111
    push 0x22222222
    mov ecx, esp
    pop eax
    mov edi, DATA
    mov ss, edi
    mov esp, ebx
    print_value "  esp ", ecx, 8
    print_value "  popped ", eax, 8
    print_value "  at the bottom ", [BASE], 8
    print_value "  at the top ", [BASE + 0xfffc], 8
    xor ebp, ebp
    ret

code_limit:
    print "code\n"
    own 0, 0, 0x4ffff, 0x409b
    attempt_begin "  jump beyond the limit"
    push SEGMENT(0)
    push 0x50000
    retf
    attempt_end
    attempt_begin "  near jump beyond it"
    push SEGMENT(0)
    push offset 1f
    retf
1:  mov eax, 0x50000
    jmp eax
    attempt_end
    attempt_begin "  back"
    jmp CODE32:offset 1f
1:
    attempt_end
    own 0, 0, 0xfffff, 0xc01b
    attempt_begin "  code not present"
    jmp SEGMENT(0):offset 1f
1:
    attempt_end
    attempt_begin "  far call to data"
    call DATA:0
    attempt_end
    own 0, 0, 0xfffff, 0xc0fb
    attempt_begin "  far call outwards"
    call SEGMENT(0):0
    attempt_end
    own 0, 0, 0xfffff, 0xc09f
    attempt_begin "  conforming code"
    jmp SEGMENT(0):offset 1f
1:  jmp CODE32:offset 1f
1:
    attempt_end
    ret

local_table:
    print "LDT\n"
    mov dword ptr [ldt + 8], BASE << 16 | 0xff
    mov dword ptr [ldt + 12], 0x00409300 | BASE >> 16
    own 3, 0, 15, 0x0082
    mov eax, offset ldt
    mov [gdt + SEGMENT(3) + 2], ax
    shr eax, 16
    mov [gdt + SEGMENT(3) + 4], al
    mov eax, SEGMENT(3)
    lldt ax
    sldt ebx
    print_value "  SLDT ", ebx, 4
    mov eax, 0xc
    mov fs, eax
    mov dword ptr [BASE + 0xfc], 0x3333
    mov eax, fs:[0xfc]
    print_value "  loaded ", eax, 8
    attempt "  behind", mov eax, fs:[0xfd]
    mov eax, 0x14
    attempt "  beyond it", mov fs, eax
    mov eax, TSS
    attempt "  LLDT of a TSS", lldt ax
    xor eax, eax
    lldt ax
    mov eax, 0xc
    attempt "  without one", mov fs, eax
    ret

    .code16
// Called from 32-bit code: operands, addresses and the stack pointer.
in_16_bits:
    mov eax, 0xffff
    inc ax
    mov bx, 0xffff
    mov si, 3
    lea ecx, [bx + si]
    mov edx, esp
    push 0x1234
    sub edx, esp
    pop di
    call 1f
1:  pop bp
    sub bp, offset in_16_bits - IMAGE
    retfd
    .code32

code_16:
    print "16-bit code\n"
    mov esi, -1
    mov edi, -1
    mov ecx, -1
    call CODE16:offset in_16_bits - IMAGE
    print_value "  eax ", eax, 8
    print_value "  ecx ", ecx, 8
    print_value "  PUSH moved ", edx, 2
    print_value "  edi ", edi, 8
    print_value "  ip ", ebp, 4
    xor ebp, ebp
    ret

gates:
    print "call gates\n"
    call_gate 0, CODE32, behind_gate, 0x8c
    call_gate 1, CODE32, behind_gate, 0x0c
    call_gate 2, DATA, behind_gate, 0x8c
    attempt "  same level", call SEGMENT(0):0
    attempt "  not present", call SEGMENT(1):0
    attempt "  to data", call SEGMENT(2):0
    ret

behind_gate:
    retf

rings:
    print "ring 3\n"
    user_attempt "  CLI", cli
    user_attempt "  HLT", hlt
    user_attempt "  MOV from CR0", mov eax, cr0
    user_attempt "  LGDT", lgdt cs:[gdt_pointer]
    mov eax, DATA
    user_attempt "  the kernel's data", mov fs, eax
    user_attempt_begin "  the kernel's code"
    jmp CODE32:0
    user_attempt_end
    user_attempt_begin "  POPF"
    push FLAGS_IF | 0x3000 | FLAGS_CF
    popf
    pushf
    pop [result]
    user_attempt_end
    print_value "    flags ", [result], 8
    ret

fast_calls:
    print "SYSENTER\n"
    attempt "  without MSRs", sysenter
    mov ecx, 0x174
    mov eax, CODE32
    xor edx, edx
    wrmsr
    mov ecx, 0x175
    mov eax, offset event_stack_top
    wrmsr
    mov ecx, 0x176
    mov eax, offset sysenter_entry
    wrmsr
    // SYSENTER wants data behind its code segment, SYSEXIT the user's segments behind that.
    own 4, 0, 0xfffff, 0xc09b
    own 5, 0, 0xfffff, 0xc093
    own 6, 0, 0xfffff, 0xc0fb
    own 7, 0, 0xfffff, 0xc0f3
    mov ecx, 0x174
    mov eax, SEGMENT(4)
    wrmsr
    user_attempt_begin "  from ring 3"
    mov ecx, esp
    mov edx, offset 1f
    sysenter
1:  mov [result], eax
    mov eax, cs
    mov [result + 4], eax
    mov eax, ss
    mov [result + 8], eax
    user_attempt_end
    print_value "    inside: cs ", [inside], 4
    print_value "    ss ", [inside + 4], 4
    print_value "    result ", [result], 8
    print_value "    cs ", [result + 4], 4
    print_value "    ss ", [result + 8], 4
    user_attempt "  SYSEXIT in ring 3", sysexit
    attempt "  SYSCALL without EFER.SCE", syscall
    ret

sysenter_entry:
    mov eax, cs
    mov [inside], eax
    mov eax, ss
    mov [inside + 4], eax
    mov eax, 0x7777
    sysexit

leftovers:
    print "instructions that 64-bit mode has not\n"
    mov eax, 0x7fffffff
    add eax, 1
    attempt "  INTO with overflow", into
    xor eax, eax
    attempt "  INTO without", into
    mov eax, 5
    attempt "  BOUND inside", bound eax, [bounds]
    mov eax, 11
    attempt "  BOUND outside", bound eax, [bounds]
    attempt "  BOUND of a register", .byte 0x62, 0xc0
    mov ecx, esp
    mov eax, 1
    mov ebx, 2
    mov edx, 3
    pusha
    mov eax, [esp + 12]
    sub eax, ecx
    mov [result], eax
    mov dword ptr [esp + 28], 0x99
    popa
    print_value "  PUSHA stores esp ", [result], 8
    print_value "  POPA loads eax ", eax, 8
    mov ax, 0x0f
    add al, 1
    aaa
    movzx eax, ax
    print_value "  AAA ", eax, 4
    attempt "  AAM 0", .byte 0xd4, 0
    mov dword ptr [pointer], 0x13572468
    mov word ptr [pointer + 4], DATA
    les edi, [pointer]
    print_value "  LES ", edi, 8
    push es
    pop eax
    movzx eax, ax               // the upper half may be whatever was there
    print_value "  PUSH ES ", eax, 8
    .byte 0x82, 0xc0, 0x10      // ADD AL, 10h
    movzx eax, al
    print_value "  82 /0 ", eax, 2
    attempt "  REX is DEC here", .byte 0x4f
    ret

    .section .rodata
bounds:
    .long 1, 10
    .bss
    .balign 16
buffer:
    .skip 64
pointer:
    .skip 16
result:
    .skip 16
inside:
    .skip 32
ldt:
    .skip 16
