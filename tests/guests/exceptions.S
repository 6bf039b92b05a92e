// SPDX-License-Identifier: MIT
// Every exception that software can raise in 64-bit mode: vector, error code, place, and what the
// frame holds. [SDM 3A "Exception and Interrupt Reference"]
#include "long.inc"

#define USER_STACK (event_stack_top - 0x800)

main:
    call divide
    call traps
    call invalid_opcodes
    call device_not_available
    call protection
    call segments
    call stack_faults
    call page_faults
    call alignment
    call floating_point
    call double_fault
    ret

divide:
    xor ecx, ecx
    mov eax, 1
    cdq
    attempt "DIV by zero", div ecx
    attempt "IDIV by zero", idiv ecx
    mov eax, 0x80000000
    cdq
    mov ecx, -1
    attempt "IDIV of the least number", idiv ecx
    mov edx, 5
    mov ecx, 5
    attempt "DIV overflow", div ecx
    print_value "  edx is still ", rdx, 8
    mov eax, 0x1000
    mov cl, 0x10
    attempt "8-bit DIV overflow", div cl
    mov rax, 7
    xor edx, edx
    mov qword ptr [scratch], 0
    attempt "64-bit DIV by memory", div qword ptr [scratch]
    ret

traps:
    attempt "INT3", int3
    attempt "INT1", .byte 0xf1
    attempt "INT 3", .byte 0xcd, 3
    attempt "INT 4", int 4
    // Single step: the instruction behind POPFQ is done first.
    attempt_begin "single step"
    pushfq
    or qword ptr [rsp], FLAGS_TF
    popfq
    nop
    attempt_end
    mov rax, dr6
    print_value "  dr6 ", rax, 8
    mov rax, 0xffff0ff0
    mov dr6, rax
    // A breakpoint on an instruction is a fault, on data a trap.
    mov eax, offset breakpoint_here
    mov dr0, rax
    mov eax, 0x401
    mov dr7, rax
    attempt_begin "breakpoint on code"
    nop
breakpoint_here:
    nop
    attempt_end
    mov rax, dr6
    print_value "  dr6 ", rax, 8
    xor eax, eax
    mov dr7, rax
    mov rax, 0xffff0ff0
    mov dr6, rax
    mov rax, cr4
    or rax, CR4_DE
    mov cr4, rax
    attempt "MOV from DR4 with CR4.DE", mov rax, dr4
    mov rax, cr4
    and rax, ~CR4_DE
    mov cr4, rax
    attempt "MOV from DR4 without", mov rax, dr4
    mov eax, 0x2400
    mov dr7, rax
    attempt "MOV from DR7 with general detect", mov rax, dr7
    mov rax, dr6
    print_value "  dr6 ", rax, 8
    mov rax, 0xffff0ff0
    mov dr6, rax
    ret

invalid_opcodes:
    mov ebx, offset scratch
    attempt "UD2", ud2
    attempt "UD1", .byte 0x0f, 0xb9, 0xc0
    attempt "UD0", .byte 0x0f, 0xff, 0xc0
    attempt "PUSH ES", .byte 0x06
    attempt "PUSHA", .byte 0x60
    attempt "INTO", .byte 0xce
    attempt "AAA", .byte 0x37
    attempt "CALL far direct", .byte 0x9a, 0, 0, 0, 0, 8, 0
    attempt "VEX without CR4.OSXSAVE", .byte 0xc5, 0xf8, 0x77
    attempt "LEA with a register", .byte 0x8d, 0xc0
    attempt "LOCK MOV", .byte 0xf0, 0x89, 0x03
    attempt "LOCK ADD of a register", .byte 0xf0, 0x01, 0xc0
    attempt "MOV CS", .byte 0x8e, 0xc8
    attempt "MOV from segment 6", .byte 0x8c, 0xf0
    attempt "MOV to CR1", .byte 0x0f, 0x22, 0xc8
    attempt "FE /7", .byte 0xfe, 0xf8
    attempt "FF /7", .byte 0xff, 0xf8
    attempt "C6 /1", .byte 0xc6, 0xc8
    // Fifteen bytes are the most.
    attempt_begin "14 prefixes"
    .fill 14, 1, 0x2e
    nop
    attempt_end
    attempt_begin "15 prefixes"
    .fill 15, 1, 0x2e
    nop
    attempt_end
    ret

device_not_available:
    mov rax, cr0
    or rax, CR0_TS
    mov cr0, rax
    attempt "FNOP with CR0.TS", fnop
    attempt "WAIT with CR0.TS", wait
    mov rcx, cr4
    or rcx, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, rcx
    attempt "ADDPS with CR0.TS", addps xmm0, xmm1
    clts
    attempt "ADDPS after CLTS", addps xmm0, xmm1
    mov rax, cr0
    or rax, CR0_EM
    mov cr0, rax
    attempt "FNOP with CR0.EM", fnop
    attempt "ADDPS with CR0.EM", addps xmm0, xmm1
    and rax, ~CR0_EM
    mov cr0, rax
    mov rcx, cr4
    and rcx, ~CR4_OSFXSR
    mov cr4, rcx
    attempt "ADDPS without CR4.OSFXSR", addps xmm0, xmm1
    or rcx, CR4_OSFXSR
    mov cr4, rcx
    ret

protection:
    mov rax, 0x0000800000000000
    attempt "load from a non-canonical address", mov ecx, [rax]
    attempt "store to one", mov [rax], ecx
    mov ecx, 0xdeadbeef
    attempt "RDMSR of none", rdmsr
    attempt "WRMSR of none", wrmsr
    mov eax, 1 << 29 | CR0_PE | CR0_PG
    attempt "CR0.NW without CD", mov cr0, rax
    mov rax, cr0
    and rax, ~CR0_PE
    attempt "CR0.PG without PE", mov cr0, rax
    mov rax, cr0
    mov eax, eax
    btc rax, 31
    attempt "leaving paging in 64-bit mode", mov cr0, rax
    mov rax, cr4
    and rax, ~CR4_PAE
    attempt "leaving PAE in long mode", mov cr4, rax
    mov rax, cr4
    bts rax, 30
    attempt "reserved bit of CR4", mov cr4, rax
    mov eax, 16
    attempt "CR8 of 16", mov cr8, rax
    mov rax, 1 << 32
    attempt "high half of DR7", mov dr7, rax
    ret

segments:
    mov eax, 0x18f0
    attempt "DS beyond the GDT", mov ds, eax
    mov eax, TSS
    attempt "DS with a TSS", mov ds, eax
    mov eax, DATA | 3
    attempt "DS with an RPL above DPL", mov ds, eax
    mov eax, 0x18f4
    attempt "ES from no LDT", mov es, eax
    xor eax, eax
    attempt "DS null", mov ds, eax
    attempt "SS null at CPL 0", mov ss, eax
    mov eax, DATA
    mov ds, eax
    mov ss, eax
    mov eax, CODE64
    attempt "SS with code", mov ss, eax
    // Own descriptors: data and code that are not present.
    mov rax, 0x00cf13000000ffff
    mov [gdt + OWN], rax
    mov rax, 0x00af1b000000ffff
    mov [gdt + OWN + 8], rax
    mov eax, OWN
    attempt "DS not present", mov ds, eax
    attempt "SS not present", mov ss, eax
    attempt_begin "far jump to code not present"
    push OWN + 8
    push 0
    rex.W ljmp [rsp]
    attempt_end
    attempt_begin "far return to data"
    push DATA
    push 0
    retfq
    attempt_end
    attempt_begin "far return to null"
    push 0
    push 0
    retfq
    attempt_end
    attempt_begin "IRETQ with a bad CS"
    push DATA
    push rsp
    push 2
    push 0x18f0
    push 0
    iretq
    attempt_end
    mov eax, TSS
    attempt "LTR of a busy TSS", ltr ax
    mov eax, DATA
    attempt "LTR of data", ltr ax
    attempt "LLDT of data", lldt ax
    attempt "INT with no such gate", int 0x81
    mov byte ptr [idt + 16 * 0x81 + 5], 0x0e
    attempt "INT with a gate not present", int 0x81
    mov byte ptr [idt + 16 * 0x81 + 5], 0x85
    attempt "INT with a task gate", int 0x81
    mov byte ptr [idt + 16 * 0x81 + 5], 0x8e
    mov word ptr [idt + 16 * 0x81 + 2], DATA
    attempt "INT to data", int 0x81
    mov word ptr [idt + 16 * 0x81 + 2], 0
    attempt "INT to null", int 0x81
    ret

stack_faults:
    mov byte ptr [idt + 16 * 12 + 4], 1          // on a stack of its own
    mov rbp, 0x0000800000000010
    attempt "load through RBP", mov eax, [rbp]
    attempt_begin "PUSH to a non-canonical address"
    mov rsp, rbp
    push rax
    attempt_end
    attempt_begin "POP from one"
    mov rsp, rbp
    pop rax
    attempt_end
    attempt_begin "CALL with such a stack"
    mov rsp, rbp
    call stack_faults
    attempt_end
    xor ebp, ebp
    ret

page_faults:
    // Two pages above what is mapped, of which the second is not present.
    mov dword ptr [page_map + 0x1000 + 8 * 5], offset directory + 7
    mov dword ptr [directory], offset table + 7
    mov dword ptr [table], offset scratch + 7
    mov rbx, 0x140001000
    attempt "load", mov ecx, [rbx]
    attempt "store", mov [rbx], ecx
    attempt "load that crosses into it", mov rcx, [rbx - 4]
    attempt "store that crosses into it", mov [rbx - 1], cx
    attempt "locked addition", lock add [rbx], ecx
    attempt "jump", jmp rbx
    attempt "CMPXCHG that does not match", cmpxchg [rbx + 8], ecx
    mov ecx, 0x8000
    attempt "BT of bit 8000", bt dword ptr [rbx - 0x1000], ecx
    lea rdi, [rbx - 2]
    mov esi, offset scratch
    mov ecx, 3
    attempt "REP MOVSB", rep movsb
    print_value "  rcx ", rcx, 4
    mov rax, rbx
    sub rax, rdi
    print_value "  left in rdi ", rax, 4
    attempt_begin "PUSH"
    lea rsp, [rbx + 8]
    mov byte ptr [idt + 16 * 14 + 4], 1
    push rcx
    attempt_end
    mov byte ptr [idt + 16 * 14 + 4], 0
    // Bit 7 is reserved in an entry of the first level.
    mov dword ptr [page_map + 8 * 2], offset directory + 0x87
    mov rbx, 0x10000000000
    attempt "reserved bit", mov ecx, [rbx]
    ret

alignment:
    movaps xmm0, [scratch]
    attempt "misaligned MOVAPS", movaps xmm0, [scratch + 1]
    attempt "misaligned MOVUPS", movups xmm0, [scratch + 1]
    attempt "misaligned ADDPS", addps xmm0, [scratch + 4]
    attempt "misaligned CMPXCHG16B", cmpxchg16b [scratch + 8]
    ret

floating_point:
    fninit
    mov word ptr [scratch], 0x0300
    fldcw [scratch]
    fld1
    fldz
    // The exception waits for the next instruction that looks.
    attempt_begin "FDIV by zero unmasked"
    fdivp
    fnop
    attempt_end
    fnstsw ax
    print_value "  status ", rax, 4
    fninit
    mov dword ptr [scratch], 0x1f80 & ~0x200
    ldmxcsr [scratch]
    xorps xmm0, xmm0
    mov eax, 0x3f800000
    movd xmm1, eax
    attempt "DIVSS by zero unmasked", divss xmm1, xmm0
    stmxcsr [scratch]
    print_value "  mxcsr ", [scratch], 4
    mov rcx, cr4
    and rcx, ~CR4_OSXMMEXCPT
    mov cr4, rcx
    attempt "DIVSS without CR4.OSXMMEXCPT", divss xmm1, xmm0
    mov dword ptr [scratch], 0xffffffff
    attempt "LDMXCSR of reserved bits", ldmxcsr [scratch]
    mov dword ptr [scratch], 0x1f80
    ldmxcsr [scratch]
    ret

// A fault while one is delivered.
double_fault:
    mov byte ptr [idt + 16 * 8 + 4], 1
    mov word ptr [idt + 16 * 13 + 2], 0x18f0
    attempt_begin "#GP whose gate leads nowhere"
    mov eax, 0x18f0
    mov ds, eax
    attempt_end
    mov word ptr [idt + 16 * 13 + 2], CODE64
    mov rbx, 0x140001000
    attempt_begin "#PF without a stack"
    lea rsp, [rbx + 0x80]
    mov eax, [rbx + 0x40]
    attempt_end
    attempt_begin "UD2 without a stack"
    lea rsp, [rbx + 0x80]
    ud2
    attempt_end
    ret

    .bss
    .balign 4096
directory:
    .skip 4096
table:
    .skip 4096
scratch:
    .skip 4096
