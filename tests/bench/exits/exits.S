// SPDX-License-Identifier: MIT
// The guest of tests/bench/run-kvm. Two letters that come in on the serial port make a command: what
// to do, and how often (A once, B 2 times, C 4 times, ...); then it says "done". No firmware has run:
// it places the registers of its virtio-blk device itself.
#include "long.inc"
#include "interrupts.inc"
#include "virtio.inc"

#define SERIAL_PIN 4
#define RECEIVED 0x50
#define COMPLETED 0x61
#define PORT 0x80
#define GET_ID 8

main:
    enable_apic
    mov r14d, IOAPIC
    handle RECEIVED, take_command
    handle COMPLETED, count_completed
    call place_registers
    call start_device
    ioapic_write TABLE_HIGH(SERIAL_PIN), 0
    ioapic_write TABLE(SERIAL_PIN), RECEIVED
    mov dx, SERIAL + 4          // the interrupt's output on
    mov al, 0x0b
    out dx, al
    mov dx, SERIAL + 1          // for received bytes
    mov al, 1
    out dx, al
    print "ready\n"
next_command:
    wait_until [received], ae, 2
    mov dword ptr [received], 0
    mov cl, [command + 1]
    sub cl, 'A'
    mov ebp, 1
    shl ebp, cl
    movzx eax, byte ptr [command]
    sub eax, 'a'
    cmp eax, 26
    jae next_command
    mov eax, [routines + rax * 4]
    test eax, eax
    jz next_command
    call rax
    print "done\n"
    jmp next_command

take_command:
1:  mov dx, SERIAL + 5
    in al, dx
    test al, 1
    jz 2f
    mov dx, SERIAL
    in al, dx
    mov ecx, [received]
    and ecx, 1
    mov [command + rcx], al
    inc dword ptr [received]
    jmp 1b
2:  mov APIC_REGISTER(APIC_EOI), 0
    ret

// --- what is measured: ebp times -----------------------------------------------------------------
nothing:
1:  dec ebp
    jnz 1b
    ret

port_write:
1:  out PORT, al
    dec ebp
    jnz 1b
    ret

port_read:
1:  in al, PORT
    dec ebp
    jnz 1b
    ret

register_read:
    mov rbx, [virtio_common]
1:  mov ax, [rbx + COMMON_QUEUE_SELECT]
    dec ebp
    jnz 1b
    ret

register_write:
    mov rbx, [virtio_common]
    xor eax, eax
1:  mov [rbx + COMMON_QUEUE_SELECT], ax
    dec ebp
    jnz 1b
    ret

// The queue has nothing new in it.
kick:
    mov rbx, [virtio_doorbell]
    xor eax, eax
1:  mov [rbx], ax
    dec ebp
    jnz 1b
    ret

// One request at a time: the doorbell, HLT, the interrupt of its completion.
request:
    mov rbx, [virtio_doorbell]
    mov r12d, [completed]
1:  inc r12d
    inc word ptr [virtio_available + 2]
    xor eax, eax
    mov [rbx], ax
2:  cmp [completed], r12d
    je 3f
    sti
    hlt
    cli
    jmp 2b
3:  dec ebp
    jnz 1b
    ret

quit:
    finish

count_completed:
    inc dword ptr [completed]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

// --- the device ----------------------------------------------------------------------------------
// Gives each memory BAR of the disk a place. [PCI 3.0 "Base Addresses"]
place_registers:
    mov eax, VIRTIO_BLOCK
    call pci_find
    mov r12d, 0xe0000000        // the next free address
    mov ebx, 0x10               // the BAR's register
1:  mov eax, ebx
    mov ecx, -1
    call pci_write
    mov eax, ebx
    call pci_read
    mov edx, eax                // its kind and the negative of its size
    test edx, edx
    jz 3f
    test dl, 1                  // ports
    jnz 3f
    mov eax, edx
    and eax, ~15
    mov esi, eax
    neg esi
    add r12d, esi
    dec r12d
    and r12d, eax
    mov eax, ebx
    mov ecx, r12d
    call pci_write
    add r12d, esi
    test dl, 4                  // 64 bits
    jz 3f
    add ebx, 4
    mov eax, ebx
    xor ecx, ecx
    call pci_write
3:  add ebx, 4
    cmp ebx, 0x28
    jb 1b
    ret

// One queue, whose places all name one chain that asks for the disk's serial number: the device
// answers that without a transfer.
start_device:
    mov eax, VIRTIO_BLOCK
    call virtio_find
    call msix_find
    mov eax, 0x80000000
    call msix_control
    mov rbx, [msix_table]
    mov dword ptr [rbx], APIC
    mov dword ptr [rbx + 4], 0
    mov dword ptr [rbx + 8], COMPLETED
    mov dword ptr [rbx + 12], 0
    mov word ptr [virtio_vector], 0
    mov ecx, 16
    call virtio_start_queue
    mov dword ptr [header], GET_ID
    mov eax, offset header
    mov ecx, 16
    mov edx, DESCRIPTOR_NEXT
    call virtio_add
    mov eax, offset serial_number
    mov ecx, 20
    mov edx, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE
    call virtio_add
    mov eax, offset status
    mov ecx, 1
    mov edx, DESCRIPTOR_WRITE
    call virtio_add
    // Not offered yet: the measurement does.
    mov word ptr [virtio_available + 2], 0
    ret

    .section .rodata
    .balign 4
routines:                       // by letter
    .irp routine, 0, 0, 0, 0, nothing, 0, 0, 0, port_read, 0, kick, register_read, 0, 0, port_write, 0, quit, request, register_write, 0, 0, 0, 0, 0, 0, 0
    .long \routine
    .endr

    .bss
    .balign 16
header:
    .skip 16
serial_number:
    .skip 20
status:
    .skip 1
command:
    .skip 2
    .balign 4
received:
    .skip 4
completed:
    .skip 4
