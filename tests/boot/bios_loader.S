// SPDX-License-Identifier: MIT
// A boot sector that reads what its table says from the disk it came from, and enters a Linux kernel
// in real mode. Whoever writes the disk fills the table in, and the kernel's header.
// [boot "Running the Kernel"]

.equ kBuffer, 0x10000
.equ kPiece, 64                 // sectors read at a time
.equ kSetupSegment, 0x9000
.equ kFlat, 8
.equ kErrorPort, 0x402

.code16
.section .text
.globl start
start:
    ljmp $0, $1f
1:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $start, %sp
    movb %dl, drive
    movw $table, %bp

next:
    movl 4(%bp), %ecx
    testl %ecx, %ecx
    jz enter_kernel
    cmpl $kPiece, %ecx
    jbe 1f
    movl $kPiece, %ecx
1:  movw %cx, packet_sectors
    movl (%bp), %eax
    movl %eax, packet_lba
    pushl %ecx
    movb $0x42, %ah             // extended read
    movb drive, %dl
    movw $packet, %si
    int $0x13
    popl %ecx
    jc fail
    addl %ecx, (%bp)
    subl %ecx, 4(%bp)
    movl 8(%bp), %edi
    shll $9, %ecx
    addl %ecx, 8(%bp)
    shrl $2, %ecx
    call copy
    cmpl $0, 4(%bp)
    jne next
    addw $12, %bp
    jmp next

// ECX doublewords from the buffer to EDI, beyond what real mode reaches.
copy:
    cli
    lgdtl gdt_pointer
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    movw $kFlat, %bx
    movw %bx, %ds
    movw %bx, %es
    andb $0xfe, %al
    movl %eax, %cr0
    movl $kBuffer, %esi
    cld
    addr32 rep movsl
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    sti
    ret

enter_kernel:
    cli
    movw $kSetupSegment, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movw $0xe000, %sp
    ljmp $kSetupSegment + 0x20, $0

fail:
    movw $kErrorPort, %dx
    movb $'!', %al
    outb %al, %dx
    cli
    hlt
    jmp fail

drive:
    .byte 0
.balign 4
packet:
    .byte 16, 0
packet_sectors:
    .word 0
    .word 0, kBuffer >> 4
packet_lba:
    .quad 0
.balign 8
gdt:
    .quad 0
    .quad 0x00cf93000000ffff
gdt_pointer:
    .word . - gdt - 1
    .long gdt

// First sector, sectors, address; of none, the end.
.org 0x180
table:
.org 510
    .word 0xaa55
