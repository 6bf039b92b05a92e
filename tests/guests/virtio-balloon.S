// SPDX-License-Identifier: MIT
// virtio-balloon by polling and by interrupt, and message-signalled interrupts: the MSI-X table,
// masks, pending bits, destinations. [virtio-1.2 §5.5 "Traditional Memory Balloon Device"; PCI 3.0
// "MSI-X"; SDM 3A "Message Signalled Interrupts"]
#include "long.inc"
#include "interrupts.inc"
#include "virtio.inc"

#define FIRST 0x61
#define SECOND 0x72
#define CONFIG_PAGES 0
#define CONFIG_ACTUAL 4
// Of an MSI-X table entry.
#define MESSAGE_ADDRESS 0
#define MESSAGE_DATA 8
#define MESSAGE_CONTROL 12

main:
    enable_apic
    handle FIRST, count_interrupt
    handle SECOND, count_interrupt
    call features
    call polling
    call chains
    call messages
    call masks
    call destinations
    call reset
    ret

count_interrupt:
    mov rax, [rdi + FRAME_VECTOR]
    inc dword ptr [counts + rax * 4]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

#define COUNT(vector) [counts + 4 * (vector)]

.macro take
    sti
    nop
    cli
.endm

// Offers rcx pages from number eax on to the device, in one piece.
offer_pages:
    mov edi, offset pages
    mov edx, ecx
1:  mov [rdi], eax
    add edi, 4
    inc eax
    dec edx
    jnz 1b
    mov eax, offset pages
    shl ecx, 2
    call virtio_add
    call virtio_notify
    ret

features:
    print "features\n"
    mov eax, VIRTIO_BALLOON
    call virtio_find
    mov rbx, [virtio_common]
    movzx eax, byte ptr [rbx + COMMON_STATUS]
    print_value "  status ", rax, 2
    mov dword ptr [rbx + COMMON_FEATURE_SELECT], 1
    mov eax, [rbx + COMMON_FEATURE]
    and eax, 1
    print_value "  VERSION_1 ", rax, 1
    mov dword ptr [rbx + COMMON_FEATURE_SELECT], 7
    mov eax, [rbx + COMMON_FEATURE]
    print_value "  features from 224 on ", rax, 8
    movzx eax, word ptr [rbx + COMMON_QUEUES]
    cmp eax, 3
    setae al
    print_value "  three queues or more ", rax, 1
    mov word ptr [rbx + COMMON_QUEUE_SELECT], 100
    movzx eax, word ptr [rbx + COMMON_QUEUE_SIZE]
    print_value "  size of queue 100 ", rax, 4
    mov rbx, [virtio_device]
    mov eax, [rbx + CONFIG_PAGES]
    print_value "  pages wanted ", rax, 8
    mov dword ptr [rbx + CONFIG_ACTUAL], 0x12
    mov eax, [rbx + CONFIG_ACTUAL]
    print_value "  actual ", rax, 8
    mov dword ptr [rbx + CONFIG_ACTUAL], 0
    ret

polling:
    print "polling\n"
    mov ecx, 32
    call virtio_start_queue
    mov eax, 0x1000
    mov ecx, 1
    call offer_pages
    call virtio_wait_used
    movzx eax, word ptr [virtio_used + 2]
    print_value "  used ", rax, 4
    print_value "    head ", [virtio_used + 4], 8
    print_value "    written ", [virtio_used + 8], 8
    mov eax, 0x1001
    mov ecx, 64
    call offer_pages
    call virtio_wait_used
    movzx eax, word ptr [virtio_used + 2]
    print_value "  used ", rax, 4
    print_value "    head ", [virtio_used + 12], 8
    // More rounds than the queue has places.
    mov r12d, 100
1:  mov eax, 0x1100
    mov ecx, 1
    call offer_pages
    call virtio_wait_used
    dec r12d
    jnz 1b
    movzx eax, word ptr [virtio_used + 2]
    print_value "  used ", rax, 4
    ret

// Several chains at once, of more than one descriptor.
chains:
    print "chains\n"
    mov r12d, 8
1:  mov eax, offset pages
    mov ecx, 8
    mov edx, DESCRIPTOR_NEXT
    call virtio_add
    mov eax, offset pages + 8
    mov ecx, 4
    xor edx, edx
    call virtio_add
    dec r12d
    jnz 1b
    call virtio_notify
    call virtio_wait_used
    movzx eax, word ptr [virtio_used + 2]
    print_value "  used ", rax, 4
    // Interrupts were not taken: the status has been waiting.
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    print_value "  status ", rax, 2
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    print_value "  read again ", rax, 2
    // The driver may say that it wants none.
    mov word ptr [virtio_available], 1
    mov eax, 0x1000
    mov ecx, 1
    xor edx, edx
    call offer_pages
    call virtio_wait_used
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    print_value "  status without interrupts ", rax, 2
    ret

messages:
    print "messages\n"
    mov eax, VIRTIO_BALLOON
    call virtio_find
    call msix_find
    mov eax, 0x80000000
    call msix_control
    mov rbx, [msix_table]
    mov dword ptr [rbx + 16 + MESSAGE_ADDRESS], APIC
    mov dword ptr [rbx + 16 + MESSAGE_ADDRESS + 4], 0
    mov dword ptr [rbx + 16 + MESSAGE_DATA], FIRST
    mov eax, [rbx + 16 + MESSAGE_CONTROL]
    print_value "  masked from the beginning ", rax, 8
    mov dword ptr [rbx + 16 + MESSAGE_CONTROL], 0
    mov word ptr [virtio_vector], 1
    mov ecx, 16
    call virtio_start_queue
    mov rax, [virtio_common]
    movzx eax, word ptr [rax + COMMON_QUEUE_VECTOR]
    print_value "  the queue's vector ", rax, 4
    mov rax, [virtio_common]
    mov word ptr [rax + COMMON_CONFIG_VECTOR], 0x1000
    movzx eax, word ptr [rax + COMMON_CONFIG_VECTOR]
    print_value "  a vector that is not there ", rax, 4
    call balloon_page
    wait_until COUNT(FIRST), e, 1
    mov r12d, 1
1:  call balloon_page
    inc r12d
    wait_until COUNT(FIRST), e, r12d
    cmp r12d, 50
    jb 1b
    print_value "  interrupts ", COUNT(FIRST), 4
    mov rax, [virtio_isr]
    movzx eax, byte ptr [rax]
    print_value "  status ", rax, 2
    // The message changes.
    mov dword ptr [rbx + 16 + MESSAGE_DATA], SECOND
    call balloon_page
    wait_until COUNT(SECOND), e, 1
    print_value "  to another vector ", COUNT(SECOND), 4
    ret

.macro show_pending text
    mov rax, [msix_pending]
    mov eax, [rax]
    print_value "\text", rax, 8
.endm

// Until the pending bit of vector 1 is set.
await_pending:
    mov rax, [msix_pending]
1:  test dword ptr [rax], 2
    jz 1b
    ret

masks:
    print "masks\n"
    mov dword ptr COUNT(SECOND), 0
    mov dword ptr [rbx + 16 + MESSAGE_CONTROL], 1
    call balloon_page
    call await_pending
    show_pending "  pending "
    call balloon_page
    take
    print_value "  masked ", COUNT(SECOND), 4
    mov dword ptr [rbx + 16 + MESSAGE_CONTROL], 0
    wait_until COUNT(SECOND), e, 1
    show_pending "  unmasked: pending "
    take
    print_value "  interrupts ", COUNT(SECOND), 4
    // All of the function's.
    mov eax, 0xc0000000
    call msix_control
    call balloon_page
    call await_pending
    show_pending "  all masked: pending "
    take
    print_value "  interrupts ", COUNT(SECOND), 4
    mov eax, 0x80000000
    call msix_control
    wait_until COUNT(SECOND), e, 2
    show_pending "  unmasked: pending "
    print_value "  interrupts ", COUNT(SECOND), 4
    ret

destinations:
    print "destinations\n"
    mov APIC_REGISTER(APIC_LDR), 0x02000000
    mov dword ptr [rbx + 16 + MESSAGE_ADDRESS], APIC | 0x02 << 12 | 4
    call balloon_page
    wait_until COUNT(SECOND), e, 3
    print "  logical\n"
    mov dword ptr [rbx + 16 + MESSAGE_ADDRESS], APIC | 0xff << 12
    call balloon_page
    wait_until COUNT(SECOND), e, 4
    print "  everybody\n"
    mov dword ptr [rbx + 16 + MESSAGE_ADDRESS], APIC | 0x02 << 12 | 12
    mov dword ptr [rbx + 16 + MESSAGE_DATA], 0x100 | SECOND
    call balloon_page
    wait_until COUNT(SECOND), e, 5
    print "  lowest priority\n"
    handle 2, nmi_handler
    mov dword ptr [rbx + 16 + MESSAGE_ADDRESS], APIC
    mov dword ptr [rbx + 16 + MESSAGE_DATA], 0x400
    call balloon_page
    spin_until [nmis], e, 1
    print "  NMI\n"
    mov dword ptr [rbx + 16 + MESSAGE_DATA], FIRST
    ret

nmi_handler:
    inc dword ptr [nmis]
    ret

reset:
    print "reset\n"
    mov rbx, [virtio_common]
    mov byte ptr [rbx + COMMON_STATUS], 0
    movzx eax, byte ptr [rbx + COMMON_STATUS]
    print_value "  status ", rax, 2
    mov word ptr [rbx + COMMON_QUEUE_SELECT], 0
    movzx eax, word ptr [rbx + COMMON_QUEUE_ENABLE]
    print_value "  queue enabled ", rax, 4
    movzx eax, word ptr [rbx + COMMON_QUEUE_VECTOR]
    print_value "  queue's vector ", rax, 4
    mov eax, [rbx + COMMON_QUEUE_DESCRIPTORS]
    print_value "  descriptors ", rax, 8
    ret

    .bss
    .balign 16
pages:
    .skip 512
counts:
    .skip 4 * 256
nmis:
    .skip 4
