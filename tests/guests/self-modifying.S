// SPDX-License-Identifier: MIT
// Code that changes: in its own page, in another one, just ahead of itself, through another
// address, by string instructions; and tables in its page. [SDM 3A "Self-Modifying Code"]
#include "long.inc"

// Pages for code, where nothing else is.
#define PAGE_A 0x800000
#define PAGE_B 0x801000
#define ALIAS 0x8000000000

// Puts the bytes between two labels at an address.
.macro place address, from, to
    mov edi, \address
    mov esi, offset \from
    mov ecx, offset \to - \from
    rep movsb
.endm

main:
    call immediate
    call next_instruction
    call same_instruction
    call loop_body
    call generations
    call other_page
    call across_pages
    call alias
    call string_store
    call locked_store
    call jump_target
    call data_in_code
    call growing_code
    call tables_in_code
    ret

// An immediate operand is counted up by the code itself.
immediate:
    xor eax, eax
    mov ecx, 10
1:  inc dword ptr [2f + 1]
    jmp 2f
2:  mov edx, 0x100
    add eax, edx
    dec ecx
    jnz 1b
    print_value "immediate ", rax, 8
    ret

// The very next instruction, then behind a jump.
next_instruction:
    mov byte ptr [1f + 1], 0x22
1:  mov al, 0x11
    movzx eax, al
    print_value "next instruction ", rax, 2
    mov byte ptr [1f + 1], 0x44
    jmp 1f
1:  mov al, 0x33
    movzx eax, al
    print_value "behind a jump ", rax, 2
    ret

// A store changes the instruction that makes it: it is not done again.
same_instruction:
    mov ebx, offset 1f
    mov ecx, 0x90909090
1:  mov [rbx], ecx              // 89 0b
    nop
    nop
    mov eax, [1b]
    print_value "same instruction ", rax, 8
    ret

// A loop whose body turns from ADD into SUB half way.
loop_body:
    xor eax, eax
    mov ecx, 20
1:  add eax, ecx
    cmp ecx, 11
    jne 2f
    mov byte ptr [1b], 0x29
2:  dec ecx
    jnz 1b
    mov byte ptr [1b], 0x01
    print_value "loop ", rax, 8
    ret

// The same place holds many functions, one after the other.
generations:
    mov ebx, PAGE_A
    xor ebp, ebp
    xor r12d, r12d
1:  mov byte ptr [rbx], 0xb8    // mov eax, imm32; ret
    mov [rbx + 1], r12d
    mov byte ptr [rbx + 5], 0xc3
    call rbx
    add rbp, rax
    inc r12d
    cmp r12d, 1000
    jb 1b
    print_value "generations ", rbp, 8
    xor ebp, ebp
    ret

// A function in another page, rewritten between calls, called in a loop that does not change.
other_page:
    place PAGE_A, first, first_end
    mov ebx, PAGE_A
    call rbx
    mov r8, rax
    place PAGE_A, second, second_end
    call rbx
    shl r8, 16
    or r8, rax
    // From the page that is changed: it changes its caller.
    place PAGE_B, changer, changer_end
    mov ebx, PAGE_B
    call rbx
1:  mov ax, 0x1111
    movzx eax, ax
    shl r8, 16
    or r8, rax
    print_value "other page ", r8, 12
    ret
first:
    mov eax, 0xaaaa
    ret
first_end:
second:
    mov eax, 0xbbbb
    ret
second_end:
changer:
    mov rdx, [rsp]
    mov byte ptr [rdx + 2], 0xcc
    ret
changer_end:

// An instruction that lies in two pages: either half changes.
across_pages:
    mov ebx, PAGE_B - 3
    mov byte ptr [rbx], 0xb8
    mov dword ptr [rbx + 1], 0x44332211
    mov byte ptr [rbx + 5], 0xc3
    call rbx
    print_value "across pages ", rax, 8
    mov byte ptr [PAGE_B - 1], 0x99
    call rbx
    print_value "  first half ", rax, 8
    mov byte ptr [PAGE_B], 0x77
    call rbx
    print_value "  second half ", rax, 8
    mov dword ptr [PAGE_B - 2], 0x12345678
    call rbx
    print_value "  both ", rax, 8
    ret

// The page is written through another linear address.
alias:
    mov dword ptr [page_map + 8], offset alias_pointers + 7
    mov dword ptr [alias_pointers], offset alias_directory + 7
    mov dword ptr [alias_directory], (PAGE_A & ~0x1fffff) | 0x87
    mov r15, ALIAS + (PAGE_A & 0x1fffff)
    place PAGE_A, first, first_end
    mov ebx, PAGE_A
    call rbx
    mov r8, rax
    mov byte ptr [r15 + 1], 0x55
    call rbx
    shl r8, 16
    or r8, rax
    mov byte ptr [PAGE_A + 2], 0x66
    call r15
    shl r8, 16
    or r8, rax
    print_value "alias ", r8, 12
    ret

string_store:
    mov edi, PAGE_A
    mov al, 0x90
    mov ecx, 4096
    rep stosb
    mov byte ptr [PAGE_A + 4095], 0xc3
    mov ebx, PAGE_A
    call rbx
    mov dword ptr [PAGE_A + 0x800], 0xc0ffc0ff  // inc eax, twice
    xor eax, eax
    call rbx
    print_value "string store ", rax, 2
    mov edi, PAGE_A
    mov eax, 0xc0ffc0ff
    mov ecx, 1000
    rep stosd
    xor eax, eax
    call rbx
    print_value "  again ", rax, 4
    ret

locked_store:
    place PAGE_A, first, first_end
    mov ebx, PAGE_A
    call rbx
    mov r8, rax
    lock inc byte ptr [rbx + 1]
    call rbx
    shl r8, 16
    or r8, rax
    mov ecx, 0x5678
    xchg [rbx + 1], cx
    call rbx
    shl r8, 16
    or r8, rax
    mov eax, [rbx]
    mov ecx, eax
    bswap ecx
    lock cmpxchg [rbx + 8], ecx
    call rbx
    shl r8, 16
    or r8, rax
    print_value "locked stores ", r8, 16
    ret

// A jump is changed to lead elsewhere, and back.
jump_target:
    xor ebp, ebp
    mov ecx, 6
1:  xor byte ptr [2f + 1], 4f - 3f
2:  jmp 3f
3:  add ebp, 0x100
    jmp 5f
4:  add ebp, 1
5:  dec ecx
    jnz 1b
    print_value "jump target ", rbp, 4
    xor ebp, ebp
    ret

// Data beside the code that is running is written all the time.
data_in_code:
    xor eax, eax
    mov ecx, 20000
1:  add [data_here], ecx
    add eax, [data_here]
    dec ecx
    jnz 1b
    print_value "data in code ", rax, 8
    ret
data_here:
    .long 0

// Code that writes the code that follows it, one byte at a time, and runs into it.
growing_code:
    mov edi, PAGE_B
    mov esi, offset seed
    mov ecx, offset seed_end - seed
    rep movsb
    mov ebx, PAGE_B
    xor eax, eax
    mov edx, 200
    call rbx
    print_value "growing code ", rax, 4
    ret
seed:
    mov edi, PAGE_B + (seed_end - seed)
1:  mov word ptr [rdi], 0xc0ff  // inc eax
    mov byte ptr [rdi + 2], 0xc3
    call 2f
    add edi, 2
    dec edx
    jnz 1b
    ret
2:  mov r8d, PAGE_B + (seed_end - seed)
    jmp r8
seed_end:

// The processor marks a page as accessed, in a table that lies in a page with code, while it
// fetches an instruction that goes on in that page.
#define PAGE_C 0x804000
tables_in_code:
    mov qword ptr [PAGE_A], PAGE_C + 0x27
    mov qword ptr [PAGE_A + 8], PAGE_C + 0x1007
    mov dword ptr [alias_directory + 8], PAGE_A + 7
    mov byte ptr [PAGE_C + 0xffd], 0xb8
    mov dword ptr [PAGE_C + 0xffe], 0x44332211
    mov byte ptr [PAGE_C + 0x1002], 0xc3
    mov ebx, PAGE_A + 0x800
    mov byte ptr [rbx], 0xc3
    call rbx
    mov rbx, ALIAS + 0x200ffd
    call rbx
    print_value "tables in code ", rax, 8
    mov eax, [PAGE_A + 8]
    print_value "  entry ", rax, 8
    ret

    .bss
    .balign 4096
alias_pointers:
    .skip 4096
alias_directory:
    .skip 4096
