// SPDX-License-Identifier: MIT
// virtio-blk by polling and by interrupt: reads, writes, flushes, errors, scattered data, several
// requests at once, indirect descriptors. The disk has 64 sectors; each is full of its number.
// [virtio-1.2 §5.2 "Block Device", §2.7.5.3 "Indirect Descriptors"]
#include "long.inc"
#include "interrupts.inc"
#include "virtio.inc"
#include "block.inc"

#define DONE 0x61

main:
    enable_apic
    handle DONE, done_handler
    mov dword ptr [virtio_wanted], FEATURE_FLUSH | FEATURE_INDIRECT
    mov eax, VIRTIO_BLOCK
    call virtio_find
    mov ecx, 64
    call virtio_start_queue
    call geometry
    call reads
    call writes
    call scattered
    call errors
    call many
    call indirect
    call by_interrupt
    ret

done_handler:
    inc dword ptr [interrupts]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

// What the last used element says was written.
.macro show_written
    movzx eax, word ptr [virtio_used + 2]
    dec eax
    and eax, 63
    mov eax, [virtio_used + 8 + rax * 8]
    print_value "    written ", rax, 4
.endm

geometry:
    print "geometry\n"
    mov rbx, [virtio_device]
    mov eax, [rbx]
    print_value "  sectors ", rax, 8
    mov eax, [rbx + 4]
    print_value "  upper half ", rax, 8
    mov eax, GET_ID
    xor esi, esi
    mov edi, offset buffer
    mov ecx, 20
    call request
    print_value "  GET_ID ", rax, 2
    print "    "
    mov esi, offset buffer
    call print_string
    print "\n"
    ret

reads:
    print "reads\n"
    mov eax, READ
    mov esi, 5
    mov edi, offset buffer
    mov ecx, 512
    call request
    print_value "  status ", rax, 2
    show_written
    print_value "    begins ", [buffer], 16
    print_value "    ends ", [buffer + 504], 16
    mov eax, READ
    mov esi, 60
    mov edi, offset buffer
    mov ecx, 4 * 512
    call request
    print_value "  four sectors ", rax, 2
    print_value "    the last ", [buffer + 3 * 512], 16
    ret

writes:
    print "writes\n"
    mov edi, offset buffer
    mov rax, 0x1122334455667788
    mov ecx, 64
    rep stosq
    mov eax, WRITE
    mov esi, 7
    mov edi, offset buffer
    mov ecx, 512
    call request
    print_value "  status ", rax, 2
    show_written
    mov eax, FLUSH
    xor esi, esi
    xor ecx, ecx
    call request
    print_value "  flush ", rax, 2
    mov eax, READ
    mov esi, 6
    mov edi, offset buffer
    mov ecx, 3 * 512
    call request
    print_value "  before ", [buffer + 504], 16
    print_value "  in it ", [buffer + 512], 16
    print_value "  its end ", [buffer + 1016], 16
    print_value "  behind ", [buffer + 1024], 16
    ret

// The data of one sector in pieces of odd lengths; the header in two.
scattered:
    print "scattered\n"
    mov dword ptr [header], READ
    mov qword ptr [header + 8], 9
    mov byte ptr [status], 0xff
    mov eax, offset header
    mov ecx, 5
    mov edx, DESCRIPTOR_NEXT
    call virtio_add
    mov eax, offset header + 5
    mov ecx, 11
    call virtio_add
    mov edx, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE
    mov eax, offset buffer + 1
    mov ecx, 3
    call virtio_add
    mov eax, offset buffer + 0x100
    mov ecx, 508
    call virtio_add
    mov eax, offset buffer + 0x800
    mov ecx, 1
    call virtio_add
    mov eax, offset status
    mov edx, DESCRIPTOR_WRITE
    mov dword ptr [buffer], 0
    mov qword ptr [buffer + 0x800], 0
    call virtio_add
    call virtio_notify
    call virtio_wait_used
    movzx eax, byte ptr [status]
    print_value "  status ", rax, 2
    print_value "  first piece ", [buffer], 8
    print_value "  second piece ", [buffer + 0x100 + 504], 8
    print_value "  third piece ", [buffer + 0x800], 8
    ret

errors:
    print "errors\n"
    mov eax, READ
    mov esi, 64
    mov edi, offset buffer
    mov ecx, 512
    call request
    print_value "  behind the end ", rax, 2
    mov eax, WRITE
    mov esi, 63
    mov ecx, 1024
    call request
    print_value "  across the end ", rax, 2
    mov eax, READ
    mov rsi, -1
    mov ecx, 512
    call request
    print_value "  the last sector there could be ", rax, 2
    mov eax, READ
    mov esi, 1
    mov ecx, 511
    call request
    print_value "  part of a sector ", rax, 2
    mov eax, 0x77
    mov esi, 1
    mov ecx, 512
    call request
    print_value "  unknown type ", rax, 2
    mov eax, READ
    mov esi, 3
    mov ecx, 512
    call request
    print_value "  and a good one ", rax, 2
    print_value "    begins ", [buffer], 8
    ret

// Sixteen reads under way at the same time, each with its own header and status.
many:
    print "many\n"
    mov r12d, 20
1:  xor ebx, ebx
2:  mov eax, ebx
    shl eax, 4
    mov dword ptr [headers + rax], READ
    mov dword ptr [headers + rax + 4], 0
    lea ecx, [rbx + rbx * 2 + 1]
    mov [headers + rax + 8], rcx
    lea rax, [headers + rax]
    mov ecx, 16
    mov edx, DESCRIPTOR_NEXT
    call virtio_add
    mov eax, ebx
    shl eax, 9
    lea rax, [buffer + rax]
    mov ecx, 512
    mov edx, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE
    call virtio_add
    mov byte ptr [statuses + rbx], 0xff
    lea rax, [statuses + rbx]
    mov ecx, 1
    mov edx, DESCRIPTOR_WRITE
    call virtio_add
    call virtio_notify
    inc ebx
    cmp ebx, 16
    jb 2b
    call virtio_wait_used
    dec r12d
    jnz 1b
    print_value "  statuses ", [statuses], 16
    print_value "    ", [statuses + 8], 16
    xor ebx, ebx
    xor eax, eax
3:  mov ecx, ebx
    shl ecx, 9
    shl rax, 4
    xor al, [buffer + 511 + rcx]
    inc ebx
    cmp ebx, 16
    jb 3b
    print_value "  sectors ", rax, 16
    ret

indirect:
    print "indirect\n"
    mov dword ptr [header], READ
    mov qword ptr [header + 8], 11
    mov byte ptr [status], 0xff
    mov qword ptr [table], offset header
    mov dword ptr [table + 8], 16
    mov dword ptr [table + 12], DESCRIPTOR_NEXT | 2 << 16
    mov qword ptr [table + 32], offset buffer
    mov dword ptr [table + 40], 512
    mov dword ptr [table + 44], DESCRIPTOR_NEXT | DESCRIPTOR_WRITE | 1 << 16
    mov qword ptr [table + 16], offset status
    mov dword ptr [table + 24], 1
    mov dword ptr [table + 28], DESCRIPTOR_WRITE
    mov eax, offset table
    mov ecx, 48
    mov edx, DESCRIPTOR_INDIRECT
    call virtio_add
    call virtio_notify
    call virtio_wait_used
    movzx eax, byte ptr [status]
    print_value "  status ", rax, 2
    print_value "  begins ", [buffer], 8
    ret

by_interrupt:
    print "by interrupt\n"
    mov eax, VIRTIO_BLOCK
    call virtio_find
    call msix_find
    mov eax, 0x80000000
    call msix_control
    mov rbx, [msix_table]
    mov dword ptr [rbx], APIC
    mov dword ptr [rbx + 4], 0
    mov dword ptr [rbx + 8], DONE
    mov dword ptr [rbx + 12], 0
    mov word ptr [virtio_vector], 0
    mov ecx, 8
    call virtio_start_queue
    mov r12d, 1
    xor ebx, ebx
1:  mov eax, READ
    mov esi, r12d
    mov edi, offset buffer
    mov ecx, 512
    call offer_request
    call virtio_notify
    wait_until [interrupts], e, r12d
    movzx eax, byte ptr [status]
    add ebx, eax
    movzx eax, byte ptr [buffer + 100]
    add ebx, eax
    inc r12d
    cmp r12d, 50
    jbe 1b
    print_value "  interrupts ", [interrupts], 4
    print_value "  sum ", rbx, 8
    ret

    .bss
    .balign 16
headers:
    .skip 16 * 16
statuses:
    .skip 16
table:
    .skip 48
interrupts:
    .skip 4
