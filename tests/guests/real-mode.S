// SPDX-License-Identifier: MIT
// Real mode: segments, string instructions, decimal arithmetic, interrupts through the table at 0,
// and segments that keep the limits of protected mode. [SDM 3B "8086 Emulation"]
#include "real.inc"

#define SCRATCH_SEGMENT 0x3000

main:
    vector 0, divide_handler
    vector 3, breakpoint_handler
    vector 4, overflow_handler
    vector 5, bound_handler
    vector 6, opcode_handler
    vector 13, protection_handler
    vector 0x21, service
    call segmentation
    call strings
    call decimal
    call interrupts
    call faults
    call unreal
    call big_operands
    ret

segmentation:
    print "segments\n"
    // One byte has many addresses; 20 bits and the carry beyond.
    mov ax, SCRATCH_SEGMENT
    mov es, ax
    mov byte ptr es:[0x1234], 0x5a
    mov ax, SCRATCH_SEGMENT + 0x123
    mov fs, ax
    movzx eax, byte ptr fs:[4]
    print_value "  through another segment ", eax, 2
    mov ax, 0xffff
    mov gs, ax
    mov byte ptr gs:[0x10], 0xa5
    push 0
    pop fs
    movzx eax, byte ptr fs:[0]
    mov bl, al
    not byte ptr gs:[0x10]
    cmp bl, fs:[0]
    setne al
    movzx eax, al
    print_value "  address line 20 off ", eax, 1
    // Offsets wrap at 64 KiB in calculation.
    mov bx, 0xfff0
    mov si, 0x20
    mov byte ptr es:[0x10], 0x77
    movzx eax, byte ptr es:[bx + si]
    print_value "  wrapped offset ", eax, 2
    mov sp, sp
    lea eax, [esp]
    print_value "  sp ", eax, 8
    // BP goes through SS.
    mov bp, sp
    push 0x4321
    movzx eax, word ptr [bp - 2]
    add sp, 2
    print_value "  through bp ", eax, 4
    mov dword ptr es:[0x20], 0x5678abcd
    lds si, es:[0x20]
    mov ax, ds
    push IMAGE_SEGMENT
    pop ds
    shl eax, 16
    mov ax, si
    print_value "  LDS ", eax, 8
    // The same place, called by two names.
    call IMAGE_SEGMENT:offset NEAR(where)
    print_value "  called as ", eax, 8
    call 0x3f00:offset NEAR(where + 0x1000)
    print_value "  and as ", eax, 8
    ret

// CS, and in the upper half how far IP is from where the image has it.
where:
    call where_is_ip
where_is_ip:
    pop ax
    sub ax, offset NEAR(where_is_ip)
    shl eax, 16
    mov ax, cs
    retf

strings:
    print "strings\n"
    push SCRATCH_SEGMENT
    pop es
    mov si, offset NEAR(alphabet)
    xor di, di
    mov cx, 26
    rep movsb
    movzx eax, di
    print_value "  MOVSB to ", eax, 4
    mov al, 'm'
    xor di, di
    mov cx, 100
    repne scasb
    movzx eax, cx
    print_value "  SCASB leaves ", eax, 4
    mov byte ptr es:[20], '!'
    mov si, offset NEAR(alphabet)
    xor di, di
    mov cx, 26
    repe cmpsb
    movzx eax, cx
    print_value "  CMPSB leaves ", eax, 4
    // Downwards.
    std
    mov di, 0x105
    mov cx, 3
    mov ax, 0x1122
    rep stosw
    cld
    movzx eax, di
    print_value "  STOSW down to ", eax, 4
    // DI wraps, the upper half of EDI stays.
    mov edi, 0x0001fffe
    mov eax, 0x99
    mov cx, 4
    rep stosb
    print_value "  wrapped edi ", edi, 8
    movzx eax, byte ptr es:[1]
    print_value "  at 1 ", eax, 2
    // A count of zero, and of 32 bits with its prefix.
    xor cx, cx
    mov di, 7
    rep stosb
    movzx eax, di
    print_value "  none ", eax, 4
    mov ecx, 5
    mov edi, 0x200
    mov esi, offset NEAR(alphabet)
    addr32 rep movsb
    sub esi, offset NEAR(alphabet)
    print_value "  esi moved ", esi, 8
    mov dx, 0x80
    mov si, offset NEAR(alphabet)
    mov cx, 4
    rep outsb
    movzx eax, cx
    print_value "  OUTSB leaves ", eax, 4
    mov si, offset NEAR(alphabet)
    lodsd
    print_value "  LODSD ", eax, 8
    mov bx, offset NEAR(alphabet)
    mov al, 7
    xlatb
    movzx eax, al
    print_value "  XLAT ", eax, 2
    ret

// show "text": AX and the flags that decimal instructions define
.macro show text
    pushf
    pop bx
    movzx eax, ax
    and bx, 0x11
    movzx ebx, bx
    print "  \text "
    print_hex eax, 4
    print_value " ", ebx, 2
.endm

decimal:
    print "decimal\n"
    mov ax, 0x38
    add al, 0x45
    daa
    show "38+45"
    mov ax, 0x99
    add al, 0x99
    daa
    show "99+99"
    mov ax, 0x35
    sub al, 0x47
    das
    show "35-47"
    mov ax, 0x0108
    add al, 9
    aaa
    show "8+9"
    mov ax, 0x0203
    sub al, 8
    aas
    show "3-8"
    mov ax, 63
    aam
    pushf
    movzx eax, ax
    print_value "  AAM 63 ", eax, 4
    popf
    mov ax, 0x0709
    aad
    movzx eax, ax
    print_value "  AAD 79 ", eax, 4
    mov ax, 0xff
    aam 16
    movzx eax, ax
    print_value "  AAM 16 ", eax, 4
    mov ax, 0x0a05
    aad 16
    movzx eax, ax
    print_value "  AAD 16 ", eax, 4
    stc
    .byte 0xd6
    movzx eax, al
    print_value "  SALC ", eax, 2
    ret

interrupts:
    print "interrupts\n"
    mov ax, 0x1234
    sti
    int 0x21
    pushf
    pop ax
    and ax, FLAGS_IF
    movzx eax, ax
    print_value "  IF afterwards ", eax, 4
    cli
    int3
    mov al, 0x7f
    add al, 1
    into
    mov al, 1
    add al, 1
    into
    print "  INTO without overflow\n"
    // The flags word that PUSHF makes on a 386 and later.
    pushf
    pop ax
    or ax, 0xf000
    push ax
    popf
    pushf
    pop ax
    and ax, 0xf000
    movzx eax, ax
    print_value "  upper flags ", eax, 4
    push 0
    popf
    ret

service:
    push bp
    mov bp, sp
    movzx eax, ax
    print_value "  INT 21 with ", eax, 4
    pushf
    pop ax
    and ax, FLAGS_IF
    movzx eax, ax
    print_value "  IF inside ", eax, 4
    mov ax, [bp + 6]
    and ax, FLAGS_IF
    movzx eax, ax
    print_value "  IF pushed ", eax, 4
    mov ax, [bp + 4]
    movzx eax, ax
    print_value "  CS pushed ", eax, 4
    pop bp
    iret

// Faults return behind the instruction: handlers take the place from where recover says.
.macro recoverable text, code:vararg
    print "  \text"
    mov word ptr [NEAR(recover)], offset NEAR(.Lrecover\@)
    mov word ptr [NEAR(fault_start)], offset NEAR(.Lstart\@)
.Lstart\@:
    \code
    print ": no exception\n"
.Lrecover\@:
.endm

faults:
    print "faults\n"
    xor cx, cx
    recoverable "DIV by zero", div cx
    recoverable "UD2", ud2
    mov ax, 5
    recoverable "BOUND inside", bound ax, [NEAR(bounds)]
    mov ax, 11
    recoverable "BOUND outside", bound ax, [NEAR(bounds)]
    mov bx, 0xffff
    recoverable "word at ffff", mov ax, [bx]
    mov ebx, 0x10000
    recoverable "offset 10000", mov al, [ebx]
    recoverable "ARPL", arpl ax, bx
    recoverable "LLDT", lldt ax
    recoverable "STR", str ax
    recoverable "LOCK NOP", .byte 0xf0, 0x90
    recoverable "15 prefixes", .fill 15, 1, 0x2e
    ret

.macro fault_handler label, name
\label:
    print ": \name at +"
    mov bp, sp
    mov ax, [bp]
    sub ax, [NEAR(fault_start)]
    movzx eax, ax
    print_hex eax, 2
    print "\n"
    mov ax, [NEAR(recover)]
    mov [bp], ax
    iret
.endm
fault_handler divide_handler, "#DE"
fault_handler bound_handler, "#BR"
fault_handler opcode_handler, "#UD"
fault_handler protection_handler, "#GP"

breakpoint_handler:
    print "  INT3\n"
    iret
overflow_handler:
    print "  INTO\n"
    iret

// A segment's limit stays as it was in protected mode.
unreal:
    print "unreal mode\n"
    lgdt [NEAR(gdt_pointer)]
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    mov bx, DATA
    mov fs, bx
    and al, ~CR0_PE
    mov cr0, eax
    mov bx, SCRATCH_SEGMENT
    mov fs, bx
    mov eax, 0x100000
    mov dword ptr fs:[eax], 0xfeedface
    mov esi, 0x100000 + SCRATCH_SEGMENT * 16
    push 0
    pop fs
    mov eax, fs:[esi]
    print_value "  above 1 MiB ", eax, 8
    mov ebx, 0x10000
    recoverable "DS is small", mov al, [ebx]
    // And small again.
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    mov bx, DATA16
    mov fs, bx
    and al, ~CR0_PE
    mov cr0, eax
    push 0
    pop fs
    mov ebx, 0x10000
    recoverable "FS again", mov al, fs:[ebx]
    ret

big_operands:
    print "32-bit operands\n"
    mov eax, 0x12345678
    push eax
    pop dx
    pop cx
    movzx ecx, cx
    movzx edx, dx
    print_value "  high ", ecx, 4
    print_value "  low ", edx, 4
    mov ebx, 3
    mov esi, offset NEAR(alphabet)
    movzx eax, byte ptr [esi + ebx * 4]
    print_value "  scaled ", eax, 2
    mov eax, 0x10000
    mul eax
    print_value "  edx of MUL ", edx, 8
    pushad
    mov eax, 1
    popad
    mov ecx, 0x10003
    xor eax, eax
1:  inc eax
    loop 1b
    print_value "  LOOP with cx ", eax, 8
    print_value "  ecx ", ecx, 8
    mov ecx, 0x10003
    xor eax, eax
1:  inc eax
    addr32 loop 1b
    print_value "  LOOP with ecx ", eax, 8
    xor cx, cx
    jcxz 1f
    print "  JCXZ not taken\n"
1:  mov ecx, 0x10000
    jecxz 1f
    print "  JECXZ not taken\n"
1:  enter 4, 2
    mov ax, bp
    sub ax, sp
    leave
    movzx eax, ax
    print_value "  ENTER ", eax, 4
    ret

    .section .rodata
alphabet:
    .ascii "abcdefghijklmnopqrstuvwxyz"
bounds:
    .word 1, 10
    .data
recover:
    .word 0
fault_start:
    .word 0
