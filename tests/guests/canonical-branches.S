// SPDX-License-Identifier: MIT
// A near branch to an address that is not canonical faults where it stands.
// [SDM 2A "JMP-Jump", "CALL-Call Procedure", 2B "RET-Return From Procedure"]
#include "long.inc"

main:
    mov rbp, 0x0000800000000000
    mov [target], rbp
    attempt "JMP register", jmp rbp
    attempt "JMP memory", jmp qword ptr [target]
    mov rbx, rsp
    attempt "CALL register", call rbp
    sub rbx, [attempt_sp]
    print_value "pushed ", rbx, 2
    attempt "CALL memory", call [target]
    push rbp
    attempt "RET", ret
    pop rbp
    mov rbp, 0xffff7fffffffffff
    attempt "JMP to the last one", jmp rbp
    ret

    .bss
    .balign 8
target:
    .skip 8
