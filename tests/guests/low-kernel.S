// SPDX-License-Identifier: MIT
// A kernel that also has a segment in low memory, over everything that the loader likes to put
// there: what the loader leaves behind is elsewhere, and its descriptors are good to be loaded.
// [Multiboot Specification version 0.6.96 "Boot information format"]
#define VIRTUAL 0
#include "elf.inc"

#define PATTERN 0x5aa55aa5
#define INFO_COMMAND_LINE 16
#define LOW_SIZE 0x2f000

    .section .low, "aw"
pattern:
    .fill LOW_SIZE / 4, 4, PATTERN

    .text
    .globl start
start:
    mov edi, eax
    mov esp, P(stack_top)
    cmp edi, LOADER_MAGIC
    jne 3f
    print "Multiboot's magic number\n"
    mov edi, offset pattern
    mov ecx, LOW_SIZE / 4
    mov eax, PATTERN
    repe scasd
    jne 1f
    print "the low segment as it was linked\n"
1:  mov ax, ds
    mov ds, ax
    mov ss, ax
    print "segment registers loaded again\n"
    mov esi, [ebx + INFO_COMMAND_LINE]
2:  lodsb                       // the first word is the file's name
    cmp al, ' '
    jne 2b
    push esi
    print "command line: "
    pop esi
    call print_string
    print "\n"
3:  finish
