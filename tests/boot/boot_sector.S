// SPDX-License-Identifier: MIT
// The first sector of a disk: reads the second one from the disk it came from, by the firmware,
// prints the text in it on the serial port, and ends.
    .intel_syntax noprefix

#define SECOND 0x7e00
#define SERIAL 0x3f8
#define DEBUG_EXIT 0x501
#define PASSED 16
#define FAILED 17

    .text
    .code16
    .globl start
start:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ax, 0x0201              // read one sector; the firmware left the drive's number in dl
    mov cx, 2                   // cylinder 0, sector 2
    mov dh, 0                   // head 0
    mov bx, SECOND
    int 0x13
    mov al, FAILED
    jc 2f
    mov si, bx
    mov dx, SERIAL
1:  lodsb
    test al, al
    jz 3f
    out dx, al
    jmp 1b
3:  mov al, PASSED
2:  mov dx, DEBUG_EXIT
    out dx, al
    jmp .

    .org 510
    .word 0xaa55
    .asciz "read by the boot sector\n"
    .org 8192
