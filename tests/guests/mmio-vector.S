// SPDX-License-Identifier: MIT
// Vector, x87 and newer integer instructions on a device's registers (an MSI-X table's), which
// hypervisors' decoders for such accesses mostly do not know: for accelerators that are emulators.
#include "long.inc"
#include "virtio.inc"

main:
    mov rax, cr4
    or rax, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, rax
    mov eax, VIRTIO_RNG
    call virtio_find
    mov eax, 1
    call pci_bar
    mov rbx, rax
    call moves
    call arithmetic
    call x87
    call integers
    call partly
    call from_ring_3
    ret

// The first two entries: 16 bytes each.
.macro prepare
    mov dword ptr [rbx], 0x3f800000     // 1.0
    mov dword ptr [rbx + 4], 0x40000000 // 2.0
    mov dword ptr [rbx + 8], 0x40400000 // 3.0
    mov dword ptr [rbx + 12], 1
    mov dword ptr [rbx + 16], 0x9abcdef0
    mov dword ptr [rbx + 20], 0x12345678
    mov dword ptr [rbx + 24], 0x0fedcba9
    mov dword ptr [rbx + 28], 0
    movups xmm1, [operand]
.endm

// vector "text", CODE: XMM1 and the first entry afterwards
.macro vector name, code:vararg
    prepare
    \code
    movups [result], xmm1
    print "  \name: "
    print_hex [result + 8], 16
    print_hex [result], 16
    mov r8, [rbx + 8]
    mov r9, [rbx]
    print " "
    print_hex r8, 16
    print_hex r9, 16
    print "\n"
.endm

moves:
    print "moves\n"
    vector "MOVUPS x,m", movups xmm1, [rbx]
    vector "MOVAPS x,m", movaps xmm1, [rbx + 16]
    vector "MOVDQU x,m", movdqu xmm1, [rbx]
    vector "MOVSS x,m", movss xmm1, [rbx + 8]
    vector "MOVSD x,m", movsd xmm1, qword ptr [rbx]
    vector "MOVD x,m", movd xmm1, dword ptr [rbx + 8]
    vector "MOVQ x,m", movq xmm1, qword ptr [rbx]
    vector "MOVHPS x,m", movhps xmm1, [rbx]
    vector "MOVLPD x,m", movlpd xmm1, [rbx]
    vector "MOVUPS m,x", movups [rbx], xmm1
    vector "MOVDQA m,x", movdqa [rbx], xmm1
    vector "MOVNTDQ m,x", movntdq [rbx], xmm1
    vector "MOVSS m,x", movss [rbx + 8], xmm1
    vector "MOVQ m,x", movq qword ptr [rbx], xmm1
    vector "MOVHPD m,x", movhpd [rbx], xmm1
    attempt "  MOVAPS that is not aligned", movaps xmm1, [rbx + 8]
    ret

arithmetic:
    print "arithmetic\n"
    vector "ADDPS", addps xmm1, [rbx]
    vector "MULSS", mulss xmm1, [rbx + 8]
    vector "SQRTSS", sqrtss xmm1, [rbx + 4]
    vector "CVTSI2SD", cvtsi2sd xmm1, dword ptr [rbx + 20]
    vector "CVTSS2SD", cvtss2sd xmm1, [rbx + 4]
    vector "PADDD", paddd xmm1, [rbx + 16]
    vector "PXOR", pxor xmm1, [rbx + 16]
    vector "PSHUFD", pshufd xmm1, [rbx], 0x1b
    vector "PUNPCKLDQ", punpckldq xmm1, [rbx + 16]
    vector "PCMPEQB", pcmpeqb xmm1, [rbx]
    vector "UCOMISS", ucomiss xmm1, [rbx]
    ret

x87:
    print "x87\n"
    prepare
    fninit
    fld dword ptr [rbx]
    fadd dword ptr [rbx + 4]
    fmul dword ptr [rbx + 8]
    fstp dword ptr [rbx]
    mov eax, [rbx]
    print_value "  (1 + 2) * 3 ", rax, 8
    fild dword ptr [rbx + 20]
    fist dword ptr [rbx + 8]
    mov eax, [rbx + 8]
    print_value "  FILD and FIST ", rax, 8
    fistp qword ptr [rbx]
    mov rax, [rbx]
    print_value "  FISTP m64 ", rax, 16
    fild qword ptr [rbx + 16]
    fstp qword ptr [rbx]
    mov rax, [rbx]
    and rax, -4                 // an address in the table is a multiple of 4
    print_value "  FSTP m64 ", rax, 16
    fld qword ptr [rbx]
    fcomp dword ptr [rbx + 4]
    fnstsw ax
    and eax, 0x4500
    print_value "  FCOMP ", rax, 4
    ret

.macro integer name, code:vararg
    prepare
    mov eax, 0x1234
    mov ecx, 3
    mov edx, 0xf0
    \code
    mov r8, [rbx + 16]
    print "  \name: "
    print_hex rax, 16
    print_value " ", r8, 16
.endm

integers:
    print "integers\n"
    integer "POPCNT", popcnt eax, dword ptr [rbx + 16]
    integer "CRC32", crc32 eax, dword ptr [rbx + 16]
    integer "CMPXCHG8B", cmpxchg8b [rbx + 16]
    ret

// Sixteen bytes of which half are memory.
partly:
    print "partly memory\n"
    mov dword ptr [page_map + 8], offset pointer_table + 7
    mov dword ptr [pointer_table], offset directory + 7
    mov dword ptr [directory], offset page_table + 7
    mov dword ptr [page_table], 0x800000 + 7
    mov [page_table + 8], rbx
    or dword ptr [page_table + 8], 0x17
    prepare
    mov rax, 0x8877665544332211
    mov [0x800ff8], rax
    mov r15, 0x8000000ff8
    movups xmm1, [r15]
    movups [result], xmm1
    print_value "  load ", [result], 16
    print_value "    ", [result + 8], 16
    movups xmm1, [operand]
    movups [r15], xmm1
    print_value "  store ", [0x800ff8], 16
    mov rax, [rbx]
    print_value "    ", rax, 16
    ret

from_ring_3:
    print "from ring 3\n"
    prepare
    user_attempt "  MOV", mov eax, [rbx + 4]
    print_value "    ", rax, 8
    user_attempt "  ADDPS", addps xmm1, [rbx]
    movups [result], xmm1
    print_value "    ", [result], 16
    user_attempt "  POPCNT", popcnt eax, dword ptr [rbx + 16]
    print_value "    ", rax, 8
    ret

    .section .rodata
    .balign 16
operand:
    .long 0x40a00000, 0x40c00000, 0x40e00000, 1

    .bss
    .balign 4096
pointer_table:
    .skip 4096
directory:
    .skip 4096
page_table:
    .skip 4096
result:
    .skip 16
