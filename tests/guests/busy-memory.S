// SPDX-License-Identifier: MIT
// Writes 4 MiB all the time, and looks whether each page has what was written last; until it is
// sent something. For migration_test.py.
#include "long.inc"

#define AREA 0x800000
#define AREA_END 0xc00000

main:
    xor r8d, r8d
pass:
    lea r9, [r8 + 1]
    mov edi, AREA
1:  cmp [rdi], r8
    jne lost
    cmp [rdi + 0xff8], r8
    jne lost
    mov [rdi], r9
    mov [rdi + 0xff8], r9
    add rdi, 0x1000
    cmp rdi, AREA_END
    jb 1b
    mov r8, r9
    cmp r8d, 1
    jne 2f
    print "busy\n"
2:  mov edx, SERIAL + 5
    in al, dx
    test al, 1
    jz pass
    print "all there\n"
    ret

lost:
    print "a page is lost: "
    print_hex rdi, 8
    print "\n"
    finish FAILED
