// SPDX-License-Identifier: MIT
// A firmware image of 64 KiB that carries a guest: at the reset vector into protected mode, copies
// the guest to where it belongs, and enters it by its Multiboot header. GUEST is the guest's file.
// [SDM 3A "First Instruction Executed", "Switching to Protected Mode"]
    .intel_syntax noprefix

#define SIZE 0x10000
#define HERE 0xffff0000
#define IMAGE 0x40000
#define ENTRY 28                // of the header, at the image's beginning
#define CODE32 0x08
#define DATA 0x10
#define CR0_PE 1

    .section .guest, "a"
    .incbin GUEST

    .section .enter, "ax"
    .code16
enter:
    cli
    lgdtd cs:[gdt_pointer - HERE]
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    ljmpd CODE32, offset protected
    .code32
protected:
    mov eax, DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    cld
    mov esi, HERE
    mov edi, IMAGE
    mov ecx, SIZE / 4
    rep movsd
    jmp dword ptr [IMAGE + ENTRY]

    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt

    .section .reset, "ax"
    .code16
    jmp enter
