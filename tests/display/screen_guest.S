// SPDX-License-Identifier: MIT
// The first sector of a disk: writes a text in text mode, then does what is typed. v: a VBE mode
// of 1024x768, of which the first 64 KiB are filled through the window; q: ends; anything else is
// shown in the corner. What it has done is a letter on the serial port.
    .intel_syntax noprefix

#define SERIAL 0x3f8
#define DEBUG_EXIT 0x501
#define PASSED 16
#define FAILED 17
#define TEXT_AT ((10 * 80 + 5) * 2)
#define VBE_MODE 0x144          // 1024x768, 32 bits
#define COLOUR 0x00336699

    .text
    .code16
    .globl start
start:
    xor ax, ax
    mov ds, ax
    mov ax, 3                   // 80x25
    int 0x10
    mov ax, 0xb800
    mov es, ax
    mov si, offset text
    mov di, TEXT_AT
    mov ah, 0x1f
1:  lodsb
    test al, al
    jz 2f
    stosw
    jmp 1b
2:  mov al, 'T'
say:
    mov dx, SERIAL
    out dx, al
next:
    mov ah, 0
    int 0x16
    cmp al, 'v'
    je vbe
    cmp al, 'q'
    je quit
    mov ah, 0x2e
    mov es:[0], ax
    jmp say
vbe:
    mov ax, 0x4f02
    mov bx, VBE_MODE
    int 0x10
    cmp ax, 0x004f
    mov al, FAILED
    jne end
    mov ax, 0xa000
    mov es, ax
    xor di, di
    mov eax, COLOUR
    mov cx, 16384
    cld
    rep stosd
    mov al, 'V'
    jmp say
quit:
    mov al, PASSED
end:
    mov dx, DEBUG_EXIT
    out dx, al
    jmp .

text:
    .asciz "Backplane"
    .org 510
    .word 0xaa55
