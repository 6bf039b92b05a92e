// SPDX-License-Identifier: MIT
// What of paging in long mode only some processors have: 1 GiB pages, SMEP, SMAP, process contexts.
// [SDM 3A "4-Level Paging and 5-Level Paging", "Access Rights", "Process-Context Identifiers (PCIDs)"]
#include "long.inc"
#include "area.inc"

main:
    call make_area
    call huge_pages
    call supervisor_mode
    call contexts
    ret

huge_pages:
    print "1 GiB pages\n"
    mov dword ptr [pointer_table + 8], PRESENT | WRITABLE | LARGE
    mov rbx, AREA + 0x40000000
    mov eax, [rbx + PAGE_B]
    print_value "  loaded ", rax, 8
    print_rights "  after a load ", [pointer_table + 8]
    mov byte ptr [rbx + PAGE_B + 1], 0x11
    print_rights "  after a store ", [pointer_table + 8]
    mov eax, [PAGE_B]
    print_value "  now ", rax, 8
    mov dword ptr [PAGE_B], 0xbbbbbbbb
    // Bits between the PAT bit and the address are reserved.
    mov dword ptr [pointer_table + 8], 0x200000 + (PRESENT | WRITABLE | LARGE)
    invlpg [rbx]
    attempt "  reserved bit", mov eax, [rbx]
    ret

supervisor_mode:
    print "SMEP and SMAP\n"
    mov byte ptr [PAGE_A + 0x20], 0xc3
    map 0, PAGE_A, PRESENT | WRITABLE | USER
    lea rbp, [r15 + 0x20]
    mov rbx, cr4
    or rbx, CR4_SMEP
    mov cr4, rbx
    attempt "  call of the user's page", call rbp
    attempt "  load from it", mov eax, [r15]
    or rbx, CR4_SMAP
    mov cr4, rbx
    attempt "  load with SMAP", mov eax, [r15]
    attempt "  store with SMAP", mov [r15 + 0x100], eax
    stac
    attempt "  load after STAC", mov eax, [r15]
    attempt "  store after STAC", mov [r15 + 0x100], eax
    attempt "  call after STAC", call rbp
    clac
    attempt "  load after CLAC", mov eax, [r15]
    map 1, PAGE_B, PRESENT | WRITABLE
    stac
    mov eax, [r15 + 0xffe]
    clac
    map 2, PAGE_A, PRESENT | WRITABLE | USER
    attempt "  load across from the supervisor's into the user's", mov eax, [r15 + 0x1ffe]
    attempt "  load across the other way", mov eax, [r15 + 0xffe]
    and rbx, ~(CR4_SMEP | CR4_SMAP)
    mov cr4, rbx
    attempt "  call without SMEP", call rbp
    attempt "  load without SMAP", mov eax, [r15]
    xor ebp, ebp
    ret

// Process contexts: translations may stay over a change of CR3, and must go when they are told to.
contexts:
    print "process contexts\n"
    mov rbx, cr3
    lea rax, [rbx + 1]
    mov cr3, rax
    mov rax, cr4
    or rax, CR4_PCIDE
    attempt "  CR4.PCIDE with a context other than 0", mov cr4, rax
    mov cr3, rbx
    mov rax, cr4
    or rax, CR4_PCIDE
    attempt "  CR4.PCIDE with context 0", mov cr4, rax
    // Another first level, which differs in the area alone.
    mov esi, offset page_map
    mov edi, offset other_map
    mov ecx, 512
    rep movsq
    mov dword ptr [other_map + 8], offset other_pointers + 7
    mov dword ptr [other_pointers], offset other_directory + 7
    mov dword ptr [other_directory], offset other_table + 7
    mov dword ptr [other_table], PAGE_B + (PRESENT | WRITABLE)
    map 0, PAGE_A, PRESENT | WRITABLE
    lea r12, [rbx + 1]
    mov r13d, offset other_map + 2
    mov r14, 1 << 63
    mov cr3, r12
    mov eax, [r15]
    print_value "  context 1 ", rax, 8
    mov cr3, r13
    mov eax, [r15]
    print_value "  context 2 ", rax, 8
    or r12, r14
    or r13, r14
    mov cr3, r12
    mov eax, [r15]
    print_value "  context 1 kept ", rax, 8
    mov cr3, r13
    mov eax, [r15]
    print_value "  context 2 kept ", rax, 8
    // The context that is not running changes.
    mov dword ptr ENTRY(0), PAGE_C + (PRESENT | WRITABLE)
    mov qword ptr [descriptor_of_context], 1
    mov qword ptr [descriptor_of_context + 8], r15
    xor eax, eax
    invpcid rax, [descriptor_of_context]
    mov cr3, r12
    mov eax, [r15]
    print_value "  after INVPCID of an address ", rax, 8
    mov cr3, r13
    mov eax, [r15]
    mov dword ptr ENTRY(0), PAGE_A + (PRESENT | WRITABLE)
    mov eax, 1
    invpcid rax, [descriptor_of_context]
    mov cr3, r12
    mov eax, [r15]
    print_value "  after INVPCID of a context ", rax, 8
    mov cr3, r13
    mov dword ptr ENTRY(0), PAGE_B + (PRESENT | WRITABLE)
    mov eax, 3
    invpcid rax, [descriptor_of_context]
    mov cr3, r12
    mov eax, [r15]
    print_value "  after INVPCID of all ", rax, 8
    mov cr3, r13
    mov dword ptr ENTRY(0), PAGE_C + (PRESENT | WRITABLE)
    btr r12, 63
    mov cr3, r12
    mov eax, [r15]
    print_value "  context 1 not kept ", rax, 8
    mov eax, 4
    attempt "  INVPCID of type 4", invpcid rax, [descriptor_of_context]
    mov rax, cr0
    btr rax, 31
    attempt "  leaving paging", mov cr0, rax
    mov cr3, rbx
    mov rax, cr4
    and rax, ~CR4_PCIDE
    mov cr4, rax
    mov eax, [r15]
    print_value "  without contexts ", rax, 8
    ret

    .bss
    .balign 4096
other_map:
    .skip 4096
other_pointers:
    .skip 4096
other_directory:
    .skip 4096
other_table:
    .skip 4096
descriptor_of_context:
    .skip 16
