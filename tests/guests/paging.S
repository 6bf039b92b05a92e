// SPDX-License-Identifier: MIT
// Paging in long mode: page sizes, rights, accessed and dirty bits, what is cached and what ends
// that. [SDM 3A "4-Level Paging and 5-Level Paging", "Access Rights", "Invalidation of TLBs"]
#include "long.inc"
#include "area.inc"

main:
    call make_area
    call small_pages
    call large_pages
    call aliases
    call rights
    call no_execute
    call invalidation
    call global_pages
    ret

small_pages:
    print "4 KiB pages\n"
    map 0, PAGE_A, PRESENT | WRITABLE
    print_rights "  before ", ENTRY(0)
    mov eax, [r15]
    print_value "  loaded ", rax, 8
    print_rights "  after a load ", ENTRY(0)
    print_rights "  above it ", [directory]
    mov dword ptr [r15 + 4], 0x1234
    print_rights "  after a store ", ENTRY(0)
    print_rights "  above it ", [directory]
    // Cleared bits are set again once the translation is no longer cached.
    map 0, PAGE_A, PRESENT | WRITABLE
    lock or dword ptr [r15 + 8], 0
    print_rights "  after a locked OR of 0 ", ENTRY(0)
    map 0, PAGE_A, PRESENT | WRITABLE
    mov ecx, 1
    cmpxchg [r15], ecx
    print_rights "  after a CMPXCHG ", ENTRY(0)
    map 0, PAGE_A, PRESENT
    attempt "  store to a read-only page", mov [r15], eax
    map 1, 0, 0
    attempt "  load from a page that is not there", mov eax, [r15 + 0x1000]
    print_rights "  its entry ", ENTRY(1)
    // What was not there may come without invalidation.
    mov dword ptr ENTRY(1), PAGE_B + PRESENT | WRITABLE
    mov eax, [r15 + 0x1000]
    print_value "  now ", rax, 8
    // Across two pages that are not neighbours.
    map 0, PAGE_C, PRESENT | WRITABLE
    map 1, PAGE_A, PRESENT | WRITABLE
    mov rax, 0x1122334455667788
    mov [r15 + 0xffd], rax
    mov al, [PAGE_C + 0xfff]
    mov ah, [PAGE_A]
    movzx eax, ax
    print_value "  stored on both sides ", rax, 4
    mov rax, [r15 + 0xffd]
    print_value "  loaded from both ", rax, 16
    mov dword ptr [PAGE_A], 0xaaaaaaaa
    ret

large_pages:
    print "2 MiB pages\n"
    mov dword ptr [LARGE_PAGE + 0x1ffffc], 0x22222222
    mov dword ptr [directory + 8], LARGE_PAGE + (PRESENT | WRITABLE | LARGE)
    mov eax, [r15 + 0x200000 + 0x1ffffc]
    print_value "  loaded ", rax, 8
    print_rights "  after a load ", [directory + 8]
    mov [r15 + 0x200000], eax
    print_rights "  after a store ", [directory + 8]
    print_value "  at ", [LARGE_PAGE], 8
    // Bits between the PAT bit and the address are reserved.
    mov dword ptr [directory + 8], LARGE_PAGE + 0x4000 + (PRESENT | WRITABLE | LARGE)
    invlpg [r15 + 0x200000]
    attempt "  reserved bit of a 2 MiB page", mov eax, [r15 + 0x200000]
    // From large to small at the same place.
    mov dword ptr [directory + 8], offset page_table + (PRESENT | WRITABLE)
    map 2, PAGE_C, PRESENT | WRITABLE
    invlpg [r15 + 0x202000]
    mov eax, [r15 + 0x202000]
    print_value "  small again ", rax, 8
    mov dword ptr [directory + 8], 0
    invlpg [r15 + 0x202000]
    ret

aliases:
    print "aliases\n"
    map 3, PAGE_A, PRESENT | WRITABLE
    map 4, PAGE_A, PRESENT
    mov dword ptr [r15 + 0x3010], 0x5555
    mov eax, [r15 + 0x4010]
    print_value "  through the other ", rax, 8
    mov dword ptr [PAGE_A + 0x10], 0x6666
    mov eax, [r15 + 0x3010]
    add eax, [r15 + 0x4010]
    print_value "  sum ", rax, 8
    ret

rights:
    print "rights\n"
    map 0, PAGE_A, PRESENT
    // Without CR0.WP the supervisor may write everywhere.
    mov rax, cr0
    btr rax, 16
    mov cr0, rax
    mov dword ptr [r15], 0xa1
    print_rights "  written without WP ", ENTRY(0)
    mov rax, cr0
    or rax, CR0_WP
    mov cr0, rax
    attempt "  with WP", mov [r15], eax
    attempt "  read-modify-write with WP", inc dword ptr [r15]
    map 0, PAGE_A, PRESENT | USER
    attempt "  the user's page with WP", mov [r15], eax
    // A level above takes the right away.
    map 0, PAGE_A, PRESENT | WRITABLE
    and byte ptr [pointer_table], ~WRITABLE
    call flush
    attempt "  read-only above", mov [r15], eax
    or byte ptr [pointer_table], WRITABLE
    call flush
    mov rax, cr0
    btr rax, 16
    mov cr0, rax
    attempt "  without WP again", mov [r15], eax
    // Ring 3 needs its right at every level.
    or byte ptr [page_map], USER
    map 0, PAGE_A, PRESENT | WRITABLE | USER
    user_attempt "  ring 3", mov eax, [r15]
    map 0, PAGE_A, PRESENT | USER
    user_attempt "  ring 3 writes to a read-only page", mov [r15], eax
    map 0, PAGE_A, PRESENT | WRITABLE
    user_attempt "  ring 3 reads the supervisor's", mov eax, [r15]
    map 0, PAGE_A, PRESENT | WRITABLE | USER
    and byte ptr [directory], ~USER
    call flush
    user_attempt "  the supervisor's above", mov eax, [r15]
    or byte ptr [directory], USER
    and byte ptr [page_map], ~USER
    call flush
    mov dword ptr [PAGE_A], 0xaaaaaaaa
    ret

no_execute:
    print "execution\n"
    mov byte ptr [PAGE_A + 0x20], 0xc3
    map 0, PAGE_A, PRESENT | WRITABLE
    lea rbp, [r15 + 0x20]
    attempt "  call", call rbp
    bts qword ptr ENTRY(0), 63
    call flush
    attempt "  NX without EFER.NXE", mov eax, [r15]
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_NXE
    wrmsr
    attempt "  NX with EFER.NXE", mov eax, [r15]
    attempt "  and a call", call rbp
    btr qword ptr ENTRY(0), 63
    call flush
    attempt "  call again", call rbp
    bts qword ptr [directory], 63
    call flush
    attempt "  NX above", call rbp
    btr qword ptr [directory], 63
    call flush
    xor ebp, ebp
    ret

invalidation:
    print "invalidation\n"
    map 0, PAGE_A, PRESENT | WRITABLE
    mov eax, [r15]
    mov dword ptr ENTRY(0), PAGE_B + (PRESENT | WRITABLE)
    invlpg [r15 + 0xfff]
    mov eax, [r15]
    print_value "  after INVLPG ", rax, 8
    mov dword ptr ENTRY(0), PAGE_C + (PRESENT | WRITABLE)
    call flush
    mov eax, [r15]
    print_value "  after MOV to CR3 ", rax, 8
    mov dword ptr ENTRY(0), 0
    invlpg [r15]
    attempt "  taken away", mov eax, [r15]
    // A directory that is replaced.
    map 0, PAGE_A, PRESENT | WRITABLE
    mov eax, [r15]
    mov dword ptr [other_table], PAGE_B + (PRESENT | WRITABLE)
    mov dword ptr [directory], offset other_table + 7
    invlpg [r15]
    mov eax, [r15]
    print_value "  another table ", rax, 8
    mov dword ptr [directory], offset page_table + 7
    call flush
    // Stores through a page whose dirty bit was cleared behind a cached translation.
    map 0, PAGE_A, PRESENT | WRITABLE
    mov [r15 + 0x40], eax
    and byte ptr ENTRY(0), ~0x60
    invlpg [r15]
    mov eax, [r15 + 0x40]
    print_rights "  cleared, loaded ", ENTRY(0)
    mov [r15 + 0x40], eax
    print_rights "  stored ", ENTRY(0)
    ret

global_pages:
    print "global pages\n"
    mov rax, cr4
    or rax, CR4_PGE
    mov cr4, rax
    map 0, PAGE_A, PRESENT | WRITABLE | GLOBAL
    mov eax, [r15]
    mov dword ptr ENTRY(0), PAGE_B + (PRESENT | WRITABLE | GLOBAL)
    invlpg [r15]
    mov eax, [r15]
    print_value "  after INVLPG ", rax, 8
    mov dword ptr ENTRY(0), PAGE_C + (PRESENT | WRITABLE)
    mov rax, cr4
    btr rax, 7
    mov cr4, rax
    mov eax, [r15]
    print_value "  after a change of CR4.PGE ", rax, 8
    ret

    .bss
    .balign 4096
other_table:
    .skip 4096
