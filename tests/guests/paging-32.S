// SPDX-License-Identifier: MIT
// Paging outside long mode: two levels with 4 KiB and 4 MiB pages, and PAE with its four registers.
// [SDM 3A "32-Bit Paging", "PAE Paging"]
#include "protected.inc"

#define AREA 0x40000000
#define PAGE_A 0x800000
#define PAGE_B 0x801000
#define LARGE_PAGE 0xc00000
#define PRESENT 1
#define WRITABLE 2
#define USER 4
#define LARGE 0x80

main:
    mov dword ptr [PAGE_A], 0xaaaaaaaa
    mov dword ptr [PAGE_B], 0xbbbbbbbb
    mov dword ptr [LARGE_PAGE + 0x3ffffc], 0x44444444
    call two_levels
    call pae
    ret

.macro print_rights text, entry:vararg
    movzx eax, byte ptr \entry
    print_value "\text", eax, 2
.endm

two_levels:
    print "two levels\n"
    // The image and what lies around it: 16 MiB for the supervisor.
    mov eax, cr4
    or eax, CR4_PSE
    mov cr4, eax
    mov edi, offset directory
    mov eax, PRESENT | WRITABLE | LARGE
    mov ecx, 4
1:  mov [edi], eax
    add edi, 4
    add eax, 0x400000
    loop 1b
    mov dword ptr [directory + (AREA >> 20)], offset table + 7
    mov dword ptr [table], PAGE_A + (PRESENT | WRITABLE)
    mov dword ptr [table + 4], PAGE_B + PRESENT
    mov dword ptr [directory + (AREA >> 20) + 4], LARGE_PAGE + (PRESENT | WRITABLE | LARGE)
    mov eax, offset directory
    mov cr3, eax
    mov eax, cr0
    or eax, CR0_PG | CR0_WP
    mov cr0, eax
    mov eax, [AREA]
    print_value "  loaded ", eax, 8
    print_rights "  after a load ", [table]
    mov [AREA + 4], eax
    print_rights "  after a store ", [table]
    print_rights "  above it ", [directory + (AREA >> 20)]
    mov eax, [AREA + 0xffe]
    print_value "  across ", eax, 8
    attempt "  store to a read-only page", mov [AREA + 0x1000], eax
    attempt "  store across into it", mov [AREA + 0xffe], eax
    attempt "  load from none", mov eax, [AREA + 0x2000]
    mov eax, [AREA + 0x7ffffc]
    print_value "  4 MiB page ", eax, 8
    print_rights "  after a load ", [directory + (AREA >> 20) + 4]
    mov [AREA + 0x400000], eax
    print_rights "  after a store ", [directory + (AREA >> 20) + 4]
    // Bits 20 to 13 of a large page's entry are bits 39 to 32 of its address, bit 21 is reserved.
    mov dword ptr [directory + (AREA >> 20) + 4], LARGE_PAGE + 0x200000 + (PRESENT | LARGE)
    invlpg [AREA + 0x400000]
    attempt "  reserved bit", mov eax, [AREA + 0x400000]
    mov dword ptr [directory + (AREA >> 20) + 4], 0
    invlpg [AREA + 0x400000]
    attempt "  jump to none", jmp dword ptr [places]
    mov eax, cr0
    btr eax, 31
    mov cr0, eax
    mov eax, [PAGE_A + 4]
    print_value "  paging off ", eax, 8
    ret

pae:
    print "PAE\n"
    mov edi, offset directory
    xor eax, eax
    mov ecx, 2048
    rep stosd                   // the directory and the table
    mov dword ptr [pointers], offset directory + PRESENT
    mov dword ptr [pointers + 8], offset other_directory + PRESENT
    mov edi, offset directory
    mov eax, PRESENT | WRITABLE | LARGE
    mov ecx, 8
1:  mov [edi], eax
    add edi, 8
    add eax, 0x200000
    loop 1b
    mov dword ptr [other_directory], offset table + 7
    mov dword ptr [table], PAGE_A + (PRESENT | WRITABLE)
    mov dword ptr [table + 8], PAGE_B + (PRESENT | WRITABLE)
    mov eax, cr4
    or eax, CR4_PAE
    mov cr4, eax
    mov eax, offset pointers
    mov cr3, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_NXE
    wrmsr
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    mov eax, [AREA]
    print_value "  loaded ", eax, 8
    mov [AREA + 0x1000], eax
    print_rights "  after a load ", [table]
    print_rights "  after a store ", [table + 8]
    attempt "  load from none", mov eax, [AREA + 0x2000]
    attempt "  load where there is no directory", mov eax, [AREA + 0x40000000]
    mov byte ptr [AREA + 0x20], 0xc3
    mov ebp, AREA + 0x20
    attempt "  call", call ebp
    mov dword ptr [table + 4], 0x80000000
    invlpg [AREA]
    attempt "  call of a page with NX", call ebp
    attempt "  load from it", mov eax, [AREA]
    xor ebp, ebp
    // The four registers change with CR3 alone.
    mov dword ptr [pointers + 16], offset other_directory + PRESENT
    mov eax, cr3
    mov cr3, eax
    mov eax, [AREA + 0x40001000]
    print_value "  another gigabyte ", eax, 8
    mov dword ptr [pointers + 16], offset other_directory + PRESENT | 0x20
    mov eax, offset pointers
    attempt "  CR3 to an entry with a reserved bit", mov cr3, eax
    mov dword ptr [pointers + 16], 0
    mov cr3, eax
    mov eax, cr0
    btr eax, 31
    mov cr0, eax
    mov eax, cr4
    and eax, ~(CR4_PAE | CR4_PSE)
    mov cr4, eax
    ret

    .section .rodata
    .balign 4
places:
    .long AREA + 0x3000

    .bss
    .balign 4096
directory:
    .skip 4096
table:
    .skip 4096
other_directory:
    .skip 4096
    .balign 32
pointers:
    .skip 32
