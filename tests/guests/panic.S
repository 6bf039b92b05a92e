// SPDX-License-Identifier: MIT
// A panic that the guest reports ends the machine as -action panic= says.
#include "protected.inc"

#define PVPANIC 0x505
#define CRASH_LOADED 2
#define PANICKED 1

main:
    mov dx, PVPANIC
    in al, dx
    movzx eax, al
    print_value "events ", eax, 2
    mov al, CRASH_LOADED
    out dx, al
    print "not yet\n"
    mov al, PANICKED
    out dx, al
    jmp .
