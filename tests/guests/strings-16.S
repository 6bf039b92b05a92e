// SPDX-License-Identifier: MIT
// String instructions of 16-bit code: offsets that wrap, segments, limits, 32-bit addresses, and the
// upper halves of registers. [SDM 1 "String Operations"; SDM 3B "8086 Emulation"]
#include "real.inc"

#define FROM_SEGMENT 0x5000
#define TO_SEGMENT 0x6000
#define ARITHMETIC_FLAGS 0x8d5
// Behind the image, in its segment.
#define IN_CODE 0xf000

main:
    vector 13, limit_handler
    vector 12, limit_handler
    call once
    call repeated
    call segments
    call wide_addresses
    call limits
    ret

limit_handler:
    mov byte ptr cs:[NEAR(limit_met)], 1
    push bp
    mov bp, sp
    mov word ptr [bp + 2], offset NEAR(behind_limit)
    pop bp
    iret

fill_buffers:
    cld
    push FROM_SEGMENT
    pop ds
    push TO_SEGMENT
    pop es
    xor di, di
    mov eax, 3
1:  mov [di], al
    mov es:[di], al
    add ax, 0x55
    shr al
    inc di
    jnz 1b
    inc byte ptr es:[0x813]
    inc byte ptr es:[5]
    ret

show:
    push edx
    push ds
    push cs
    pop ds
    pushf
    pop dx
    print " esi "
    print_hex esi, 8
    print " edi "
    print_hex edi, 8
    print " ecx "
    print_hex ecx, 8
    print " eax "
    print_hex eax, 8
    and dx, ARITHMETIC_FLAGS
    movzx edx, dx
    print " flags "
    print_hex edx, 3
    push ebx
    push esi
    push TO_SEGMENT
    pop ds
    xor ebx, ebx
    xor si, si
1:  rol ebx, 5
    add ebx, [si]
    add si, 4
    jnz 1b
    push cs
    pop ds
    print_value " sum ", ebx, 8
    pop esi
    pop ebx
    pop ds
    pop edx
    ret

// The registers, with something in their upper halves, and the flags that an instruction begins with.
.macro begin direction, source, destination, count
    mov esi, 0x10000 + \source
    mov edi, 0x20000 + \destination
    mov ecx, 0x30000 + \count
    mov eax, 0x44332211
    cmp ecx, -1
    stc
    \direction
.endm

// string "what", cld or std, SI, DI, COUNT, CODE
.macro string name, direction, source, destination, count, code
    call fill_buffers
    begin \direction, \source, \destination, \count
    \code
    cld
    print "\name"
    call show
.endm

once:
    print "once\n"
    .irp size, b, w, d
    .irp direction, cld, std
    string "  movs\size \direction", \direction, 0x800, 0x800, 5, "movs\size"
    string "  cmps\size \direction", \direction, 0x800, 0x800, 5, "cmps\size"
    string "  stos\size \direction", \direction, 0x800, 0x800, 5, "stos\size"
    string "  lods\size \direction", \direction, 0x800, 0x800, 5, "lods\size"
    string "  scas\size \direction", \direction, 0x800, 0x800, 5, "scas\size"
    .endr
    .endr
    string "  lodsb at the end", cld, 0xffff, 0, 5, "lodsb"
    string "  stosb at the beginning", std, 0, 0, 5, "stosb"
    ret

repeated:
    print "repeated\n"
    .irp size, b, w, d
    .irp direction, cld, std
    .irp count, 0, 9, 300
    string "  rep movs\size \direction \count", \direction, 0x800, 0x800, \count, "rep movs\size"
    string "  rep stos\size \direction \count", \direction, 0x800, 0x800, \count, "rep stos\size"
    string "  rep lods\size \direction \count", \direction, 0x800, 0x800, \count, "rep lods\size"
    string "  repe cmps\size \direction \count", \direction, 0x800, 0x800, \count, "repe cmps\size"
    string "  repne scas\size \direction \count", \direction, 0x800, 0x800, \count, "repne scas\size"
    .endr
    .endr
    .endr
    print "offsets wrap\n"
    string "  rep movsb", cld, 0xfff0, 0xffe0, 200, "rep movsb"
    string "  rep movsb down", std, 0x10, 0x20, 200, "rep movsb"
    string "  rep stosw", cld, 0, 0xffe0, 200, "rep stosw"
    string "  rep stosd down", std, 0, 0x20, 200, "rep stosd"
    string "  repe cmpsb", cld, 0xfff0, 0xfff0, 200, "repe cmpsb"
    string "  rep lodsw", cld, 0xfff0, 0, 200, "rep lodsw"
    string "  rep movsb of all", cld, 0x1234, 0x4321, 0xffff, "rep movsb"
    ret

segments:
    print "segments\n"
    .irp at, 0, 4, 8, 12, 16
    mov dword ptr cs:[IN_CODE + \at], 0x11213141 * (\at + 1)
    .endr
    push FROM_SEGMENT + 0x123
    pop fs
    push FROM_SEGMENT + 0x234
    pop gs
    string "  movsb from FS", cld, 0x800, 0x800, 5, "movs byte ptr es:[di], byte ptr fs:[si]"
    string "  rep movsw from GS", cld, 0x800, 0x800, 50, "rep movs word ptr es:[di], word ptr gs:[si]"
    string "  lodsd from ES", cld, 0x813, 0, 5, "lods eax, dword ptr es:[si]"
    string "  lodsw from CS", cld, IN_CODE, 0, 5, "lods ax, word ptr cs:[si]"
    string "  rep movsb from CS", cld, IN_CODE, 0x800, 20, "rep movs byte ptr es:[di], byte ptr cs:[si]"
    string "  repe cmpsb from ES", cld, 0x810, 0x810, 50, "repe cmps byte ptr es:[si], byte ptr es:[di]"
    string "  stosb, which FS is not for", cld, 0, 0x800, 5, ".byte 0x64; stosb"
    ret

wide_addresses:
    print "32-bit addresses\n"
    .macro wide name, direction, count, code
    string "\name", \direction, 0x800, 0x800, \count, "movzx esi, si; movzx edi, di; movzx ecx, cx; .byte 0x67; \code"
    .endm
    .irp direction, cld, std
    wide "  movsw \direction", \direction, 5, "movsw"
    wide "  rep movsd \direction", \direction, 60, "rep movsd"
    wide "  rep stosb \direction", \direction, 60, "rep stosb"
    wide "  repe cmpsb \direction", \direction, 60, "repe cmpsb"
    .endr
    ret

// What does not lie within 64 KiB.
.macro beyond name, direction, source, destination, count, code
    call fill_buffers
    mov byte ptr cs:[NEAR(limit_met)], 0
    mov word ptr cs:[NEAR(next_limit)], offset NEAR(88f)
    begin \direction, \source, \destination, \count
    \code
88: cld
    push ds
    print "\name"
    push eax
    movzx eax, byte ptr cs:[NEAR(limit_met)]
    print_value ": faults ", eax, 1
    pop eax
    pop ds
    call show
.endm

limits:
    print "limits\n"
    beyond "  lodsw", cld, 0xffff, 0, 5, "lodsw"
    beyond "  stosd", cld, 0, 0xfffd, 5, "stosd"
    beyond "  movsw from", cld, 0xffff, 0x800, 5, "movsw"
    beyond "  rep stosw", cld, 0, 0xfff7, 40, "rep stosw"
    beyond "  rep movsd", cld, 0xff81, 0x800, 100, "rep movsd"
    beyond "  rep lodsb, 32-bit addresses", cld, 0, 0, 5, "mov esi, 0xfffe; movzx ecx, cx; .byte 0x67; rep lodsb"
    beyond "  rep stosb, 32-bit addresses", cld, 0, 0, 50, "mov edi, 0xffe0; movzx ecx, cx; .byte 0x67; rep stosb"
    ret

// Where the handler goes on.
behind_limit:
    jmp cs:[NEAR(next_limit)]

next_limit:
    .word 0
limit_met:
    .byte 0
