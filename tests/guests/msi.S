// SPDX-License-Identifier: MIT
// Message-signalled interrupts of one device to two CPUs: vectors, destinations, masks of a vector
// and of the function, pending bits. [PCI 3.0 "MSI-X"; SDM 3A "Message Signalled Interrupts"]
#include "long.inc"
#include "interrupts.inc"
#include "second-cpu.inc"
#include "virtio.inc"

#define FIRST 0x61
#define SECOND 0x72
#define WAKE 0x83
// Of a message's address.
#define TO_CPU(id) ((id) << 12)
#define LOGICAL (1 << 2)
#define REDIRECTED (1 << 3)
// Of its data.
#define LOWEST_PRIORITY 0x100

// How often each CPU took a vector.
#define COUNT(cpu, vector) [counts + 0x400 * (cpu) + 4 * (vector)]

main:
    enable_apic
    handle FIRST, count_interrupt
    handle SECOND, count_interrupt
    handle WAKE, count_interrupt
    mov APIC_REGISTER(APIC_LDR), 0x01000000
    call start_second
    mov eax, VIRTIO_BALLOON
    call virtio_find
    call msix_find
    mov eax, 0x80000000
    call msix_control
    mov word ptr [virtio_vector], 0
    mov ecx, 16
    call virtio_start_queue
    mov rbx, [msix_table]
    give serve
    call vectors
    call both
    call masked
    call function_masked
    call no_vector
    mov dword ptr [serving], 0
    mov APIC_REGISTER(APIC_ICR_HIGH), 1 << 24
    send 0x4000 | WAKE
    await_second
    ret

start_second:
    mov APIC_REGISTER(APIC_ICR_HIGH), 1 << 24
    send 0x4500                 // INIT
    mov ecx, 10
    call pause_milliseconds
    call send_startup
    spin_until [second_starts], e, 1
    mov dword ptr [serving], 1
    ret

// The second CPU waits for interrupts.
serve:
    mov APIC_REGISTER(APIC_LDR), 0x02000000
    mov dword ptr [ready], 1
1:  sti
    hlt
    cli
    cmp dword ptr [serving], 0
    jne 1b
    ret

count_interrupt:
    mov eax, APIC_REGISTER(APIC_ID)
    shr eax, 24
    shl eax, 10
    mov ecx, [rdi + FRAME_VECTOR]
    lea rax, [rax + rcx * 4]
    lock inc dword ptr [counts + rax]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

// message NUMBER, ADDRESS, DATA: what the device writes, and where
.macro message number, address, data
    mov dword ptr [rbx + 16 * (\number)], APIC | (\address)
    mov dword ptr [rbx + 16 * (\number) + 4], 0
    mov dword ptr [rbx + 16 * (\number) + 8], \data
.endm

.macro mask number
    mov dword ptr [rbx + 16 * (\number) + 12], 1
.endm
.macro unmask number
    mov dword ptr [rbx + 16 * (\number) + 12], 0
.endm

// The device does something, for which the queue's vector is NUMBER.
.macro signal number
    mov rax, [virtio_common]
    mov word ptr [rax + COMMON_QUEUE_VECTOR], \number
    call balloon_page
.endm

// Prints what both CPUs took of a vector, and forgets it.
.macro show_counts text, vector
    print "  \text: cpu 0 "
    print_hex COUNT(0, \vector), 1
    print_value " cpu 1 ", COUNT(1, \vector), 1
    mov dword ptr COUNT(0, \vector), 0
    mov dword ptr COUNT(1, \vector), 0
.endm

.macro show_pending text
    mov rax, [msix_pending]
    mov eax, [rax]
    and eax, 3
    print_value "  \text ", rax, 1
.endm

// Until the pending bits of the first two vectors are so.
.macro await_pending bits
    mov rax, [msix_pending]
.Lpending\@:
    mov ecx, [rax]
    and ecx, 3
    cmp ecx, \bits
    jne .Lpending\@
.endm

vectors:
    print "a vector for each\n"
    spin_until [ready], e, 1
    message 0, TO_CPU(0), FIRST
    message 1, TO_CPU(1), SECOND
    unmask 0
    unmask 1
    mov r12d, 1
1:  signal 0
    wait_until COUNT(0, FIRST), e, r12d
    signal 1
    spin_until COUNT(1, SECOND), e, r12d
    inc r12d
    cmp r12d, 9
    jbe 1b
    show_counts "first", FIRST
    show_counts "second", SECOND
    // Two vectors with one message.
    message 1, TO_CPU(0), FIRST
    signal 0
    wait_until COUNT(0, FIRST), e, 1
    signal 1
    wait_until COUNT(0, FIRST), e, 2
    show_counts "the same message", FIRST
    ret

both:
    print "to both\n"
    message 0, TO_CPU(3) | LOGICAL, FIRST
    signal 0
    wait_until COUNT(0, FIRST), e, 1
    spin_until COUNT(1, FIRST), e, 1
    show_counts "logical", FIRST
    message 0, TO_CPU(2) | LOGICAL, FIRST
    signal 0
    spin_until COUNT(1, FIRST), e, 1
    show_counts "one of them", FIRST
    message 0, TO_CPU(0xff), FIRST
    signal 0
    wait_until COUNT(0, FIRST), e, 1
    spin_until COUNT(1, FIRST), e, 1
    show_counts "everybody", FIRST
    // Either, but not both.
    message 0, TO_CPU(3) | LOGICAL | REDIRECTED, LOWEST_PRIORITY | FIRST
    sti
    signal 0
1:  pause
    mov ecx, COUNT(0, FIRST)
    add ecx, COUNT(1, FIRST)
    jz 1b
    mov ecx, 3
    call pause_milliseconds
    cli
    mov ecx, COUNT(0, FIRST)
    add ecx, COUNT(1, FIRST)
    print_value "  lowest priority: together ", rcx, 1
    mov dword ptr COUNT(0, FIRST), 0
    mov dword ptr COUNT(1, FIRST), 0
    // To a CPU that is not there.
    message 0, TO_CPU(9), FIRST
    signal 0
    mov ecx, 3
    call pause_milliseconds
    take_interrupts
    show_counts "nobody", FIRST
    ret

// What waits goes where the message says in the end.
masked:
    print "masked\n"
    message 0, TO_CPU(1), SECOND
    mask 0
    signal 0
    await_pending 1
    signal 0
    show_pending "pending"
    take_interrupts
    show_counts "nothing yet", SECOND
    message 0, TO_CPU(0), FIRST
    unmask 0
    wait_until COUNT(0, FIRST), e, 1
    take_interrupts
    show_pending "pending"
    show_counts "to the new place", FIRST
    show_counts "to the old one", SECOND
    // The other vector goes on.
    message 1, TO_CPU(1), SECOND
    mask 0
    signal 1
    spin_until COUNT(1, SECOND), e, 1
    show_counts "the other vector", SECOND
    unmask 0
    take_interrupts
    show_counts "nothing had waited", FIRST
    ret

function_masked:
    print "all masked\n"
    message 0, TO_CPU(0), FIRST
    message 1, TO_CPU(1), SECOND
    mov eax, 0xc0000000
    call msix_control
    signal 0
    await_pending 1
    signal 1
    await_pending 3
    show_pending "pending"
    take_interrupts
    show_counts "first", FIRST
    show_counts "second", SECOND
    // One of the two stays masked by itself.
    mask 1
    mov eax, 0x80000000
    call msix_control
    wait_until COUNT(0, FIRST), e, 1
    show_pending "the first unmasked: pending"
    show_counts "first", FIRST
    show_counts "second", SECOND
    unmask 1
    spin_until COUNT(1, SECOND), e, 1
    show_pending "both unmasked: pending"
    show_counts "first", FIRST
    show_counts "second", SECOND
    ret

no_vector:
    print "no vector\n"
    signal 0xffff
    mov ecx, 3
    call pause_milliseconds
    take_interrupts
    show_pending "pending"
    show_counts "first", FIRST
    show_counts "second", SECOND
    ret

    .bss
    .balign 64
counts:
    .skip 0x400 * 2
serving:
    .skip 4
ready:
    .skip 4
