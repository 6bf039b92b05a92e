// SPDX-License-Identifier: MIT
// MOVBE on a device's register, which an MSI-X table has. [SDM 2B "MOVBE-Move Data After Swapping
// Bytes"]
#include "long.inc"
#include "virtio.inc"

#define DATA_REGISTER dword ptr [rbx + 8]

main:
    mov eax, VIRTIO_RNG
    call virtio_find
    mov eax, 1
    call pci_bar
    mov rbx, rax
    mov DATA_REGISTER, 0x80000005
    movbe eax, DATA_REGISTER
    print_value "loaded ", rax, 8
    mov eax, 0x12345679
    movbe DATA_REGISTER, eax
    mov eax, DATA_REGISTER
    print_value "stored ", rax, 8
    ret
