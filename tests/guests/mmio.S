// SPDX-License-Identifier: MIT
// Instructions that work on a device's registers: those of an MSI-X table, which keep what is
// written, and a few of virtio's. Each is given the same register and operands. Only forms that
// hypervisors' own decoders know as well are here; mmio-vector has others.
#include "long.inc"
#include "virtio.inc"

// The table's first entry: an address of 64 bits (a multiple of 4), data of 32 bits, a mask bit.
#define DATA_REGISTER dword ptr [rbx + 8]
#define ADDRESS_REGISTER qword ptr [rbx]
#define RAM_PAGE 0x800000
#define AREA 0x8000000000

main:
    mov eax, VIRTIO_RNG
    call virtio_find
    mov eax, 1
    call pci_bar
    mov rbx, rax
    call moves_32
    call arithmetic_32
    call bits_32
    call exchanges_32
    call forms_64
    call strings
    call small
    call control
    call crossing
    ret

.macro prepare
    mov DATA_REGISTER, 0x80000005
    mov eax, 0x12345679
    mov ecx, 3
    mov edx, 0
    stc
.endm

.macro show_flags mask
    and r8d, \mask
    print " flags "
    print_hex r8, 3
.endm

// Around more than one instruction; form_end prints the register, EAX, EDX and the mask's flags.
.macro form_end name, mask
    pushf
    pop r8
    mov r9d, DATA_REGISTER
    print "  \name: "
    print_hex r9, 8
    print " eax "
    print_hex rax, 8
    print " edx "
    print_hex rdx, 8
    show_flags \mask
    print "\n"
.endm

.macro form name, mask, code:vararg
    prepare
    \code
    form_end "\name", \mask
.endm

#define ARITHMETIC 0x8d5
#define LOGIC 0x8c5
#define CARRY 1
#define ZERO 0x40
#define NONE 0

moves_32:
    print "moves\n"
    form "MOV r,m", ARITHMETIC, mov eax, DATA_REGISTER
    form "MOV m,r", ARITHMETIC, mov DATA_REGISTER, eax
    form "MOV m,imm", ARITHMETIC, mov DATA_REGISTER, 0x76543210
    form "MOV r,m with index", ARITHMETIC, mov edx, [rbx + rcx * 2 + 2]
    form "MOVSXD", ARITHMETIC, movsxd rax, DATA_REGISTER
    form "MOVNTI", ARITHMETIC, movnti DATA_REGISTER, eax
    form "CMOVC", ARITHMETIC, cmovc eax, DATA_REGISTER
    form "CMOVNC", ARITHMETIC, cmovnc eax, DATA_REGISTER
    prepare
    push qword ptr [rbx + 8]
    pop rdx
    form_end "PUSH m", ARITHMETIC
    ret

arithmetic_32:
    print "arithmetic\n"
    form "ADD m,r", ARITHMETIC, add DATA_REGISTER, eax
    form "ADD r,m", ARITHMETIC, add eax, DATA_REGISTER
    form "ADD m,imm", ARITHMETIC, add DATA_REGISTER, 0x7ffffffb
    form "ADC m,r", ARITHMETIC, adc DATA_REGISTER, eax
    form "ADC r,m", ARITHMETIC, adc eax, DATA_REGISTER
    form "SUB m,r", ARITHMETIC, sub DATA_REGISTER, eax
    form "SUB r,m", ARITHMETIC, sub eax, DATA_REGISTER
    form "SBB m,imm", ARITHMETIC, sbb DATA_REGISTER, 5
    form "SBB r,m", ARITHMETIC, sbb eax, DATA_REGISTER
    form "CMP m,r", ARITHMETIC, cmp DATA_REGISTER, eax
    form "CMP r,m", ARITHMETIC, cmp eax, DATA_REGISTER
    form "CMP m,imm", ARITHMETIC, cmp DATA_REGISTER, -0x7ffffffb
    form "AND m,r", LOGIC, and DATA_REGISTER, eax
    form "AND r,m", LOGIC, and eax, DATA_REGISTER
    form "OR m,imm", LOGIC, or DATA_REGISTER, 0x70
    form "OR r,m", LOGIC, or eax, DATA_REGISTER
    form "XOR m,r", LOGIC, xor DATA_REGISTER, eax
    form "XOR r,m", LOGIC, xor eax, DATA_REGISTER
    form "TEST m,r", LOGIC, test DATA_REGISTER, eax
    form "TEST m,imm", LOGIC, test DATA_REGISTER, 0xa
    form "INC", ARITHMETIC, inc DATA_REGISTER
    form "DEC", ARITHMETIC, dec DATA_REGISTER
    form "NEG", ARITHMETIC, neg DATA_REGISTER
    form "NOT", ARITHMETIC, not DATA_REGISTER
    form "MUL m", CARRY, mul DATA_REGISTER
    form "IMUL m", CARRY, imul DATA_REGISTER
    form "IMUL r,m", CARRY, imul eax, DATA_REGISTER
    form "IMUL r,m,imm", CARRY, imul edx, DATA_REGISTER, 7
    form "DIV m", NONE, div DATA_REGISTER
    form "IDIV m", NONE, idiv DATA_REGISTER
    ret

bits_32:
    print "bits\n"
    form "SHL m,1", LOGIC, shl DATA_REGISTER, 1
    form "SHR m,imm", 0x0c5, shr DATA_REGISTER, 4
    form "SAR m,cl", 0x0c5, sar DATA_REGISTER, cl
    form "ROL m,cl", CARRY, rol DATA_REGISTER, cl
    form "ROR m,1", CARRY, ror DATA_REGISTER, 1
    form "RCL m,imm", CARRY, rcl DATA_REGISTER, 5
    form "RCR m,cl", CARRY, rcr DATA_REGISTER, cl
    form "SHLD m,r,imm", 0x0c5, shld DATA_REGISTER, eax, 8
    form "SHRD m,r,cl", 0x0c5, shrd DATA_REGISTER, eax, cl
    form "BT m,imm", CARRY, bt DATA_REGISTER, 2
    form "BTS m,imm", CARRY, bts DATA_REGISTER, 1
    form "BTR m,imm", CARRY, btr DATA_REGISTER, 31
    form "BTC m,imm", CARRY, btc DATA_REGISTER, 0
    form "BT m,r", CARRY, bt DATA_REGISTER, ecx
    form "BTS m,r", CARRY, bts DATA_REGISTER, ecx
    prepare
    mov edx, 67
    bts dword ptr [rbx], edx
    form_end "BTS m,r from elsewhere", CARRY
    prepare
    mov edx, -62
    btr dword ptr [rbx + 16], edx
    form_end "BTR m,r from behind", CARRY
    form "LOCK BTC m,r", CARRY, lock btc DATA_REGISTER, ecx
    form "BSF", ZERO, bsf eax, DATA_REGISTER
    form "BSR", ZERO, bsr eax, DATA_REGISTER
    ret

exchanges_32:
    print "exchanges\n"
    form "XCHG", ARITHMETIC, xchg DATA_REGISTER, eax
    form "XADD", ARITHMETIC, xadd DATA_REGISTER, eax
    form "LOCK XADD", ARITHMETIC, lock xadd DATA_REGISTER, eax
    form "CMPXCHG unequal", ARITHMETIC, cmpxchg DATA_REGISTER, ecx
    prepare
    mov eax, 0x80000005
    cmpxchg DATA_REGISTER, ecx
    form_end "CMPXCHG equal", ARITHMETIC
    prepare
    mov eax, 0x80000005
    lock cmpxchg DATA_REGISTER, ecx
    form_end "LOCK CMPXCHG equal", ARITHMETIC
    form "LOCK ADD", ARITHMETIC, lock add DATA_REGISTER, eax
    form "LOCK DEC", ARITHMETIC, lock dec DATA_REGISTER
    form "LOCK OR", LOGIC, lock or DATA_REGISTER, eax
    ret

// --- 64 bits -------------------------------------------------------------------------------------
.macro form64 name, mask, code:vararg
    mov rax, 0xfedcba9876543210
    mov ADDRESS_REGISTER, rax
    mov rax, 0x1111111100000004
    mov ecx, 4
    xor edx, edx
    stc
    \code
    pushf
    pop r8
    mov r9, ADDRESS_REGISTER
    print "  \name: "
    print_hex r9, 16
    print " rax "
    print_hex rax, 16
    show_flags \mask
    print "\n"
.endm

forms_64:
    print "64 bits\n"
    form64 "MOV r,m", ARITHMETIC, mov rax, ADDRESS_REGISTER
    form64 "MOV m,r", ARITHMETIC, mov ADDRESS_REGISTER, rax
    form64 "MOV m,imm", ARITHMETIC, mov ADDRESS_REGISTER, -4
    form64 "lower half", ARITHMETIC, mov eax, [rbx]
    form64 "upper half", ARITHMETIC, mov eax, [rbx + 4]
    form64 "ADD m,r", ARITHMETIC, add ADDRESS_REGISTER, rax
    form64 "SUB r,m", ARITHMETIC, sub rax, ADDRESS_REGISTER
    form64 "AND m,imm", LOGIC, and ADDRESS_REGISTER, -0x100
    form64 "CMP m,r", ARITHMETIC, cmp ADDRESS_REGISTER, rax
    form64 "XCHG", ARITHMETIC, xchg ADDRESS_REGISTER, rax
    form64 "LOCK XADD", ARITHMETIC, lock xadd ADDRESS_REGISTER, rax
    form64 "BTS m,imm", CARRY, bts ADDRESS_REGISTER, 40
    form64 "SHL m,cl", 0x0c5, shl ADDRESS_REGISTER, cl
    form64 "PUSH m", ARITHMETIC, push ADDRESS_REGISTER
    pop rax
    print_value "    ", rax, 16
    push 0x1234 * 4
    form64 "POP m", ARITHMETIC, pop ADDRESS_REGISTER
    form64 "CMPXCHG unequal", ARITHMETIC, cmpxchg ADDRESS_REGISTER, rcx
    ret

// --- string instructions -------------------------------------------------------------------------
strings:
    print "strings\n"
    // Two entries from memory, and back.
    mov esi, offset entries
    mov rdi, rbx
    mov ecx, 8
    rep movsd
    mov rax, rdi
    sub rax, rbx
    print_value "  REP MOVSD to the device moved rdi by ", rax, 4
    mov rsi, rbx
    mov edi, offset copy
    mov ecx, 8
    rep movsd
    print_value "    back ", [copy], 16
    print_value "    ", [copy + 8], 16
    print_value "    ", [copy + 16], 16
    print_value "    ", [copy + 24], 16
    // Eight bytes at a time, downwards.
    std
    mov esi, offset entries + 24
    lea rdi, [rbx + 0x28]
    mov ecx, 4
    rep movsq
    cld
    mov rsi, [rbx + 0x10]
    print_value "  REP MOVSQ downwards ", rsi, 16
    // From the device to the device.
    mov rsi, rbx
    lea rdi, [rbx + 0x30]
    movsd
    movsd
    movsd
    mov rax, [rbx + 0x30]
    print_value "  MOVSD within the device ", rax, 16
    mov eax, [rbx + 0x38]
    print_value "    ", rax, 8
    lea rdi, [rbx + 0x20]
    mov eax, 0x44444444
    mov ecx, 3
    rep stosd
    mov rax, [rbx + 0x20]
    print_value "  REP STOSD ", rax, 16
    lea rdi, [rbx + 0x20]
    mov rax, 0x5555555588888888
    stosq
    mov rax, [rbx + 0x20]
    print_value "  STOSQ ", rax, 16
    lea rsi, [rbx + 0x24]
    lodsd
    print_value "  LODSD ", rax, 8
    lea rsi, [rbx + 0x20]
    lodsq
    print_value "  LODSQ ", rax, 16
    mov rdi, rbx
    mov eax, 0x33333331
    mov ecx, 8
    repne scasd
    print_value "  REPNE SCASD leaves ", rcx, 2
    mov rsi, rbx
    mov edi, offset entries
    mov ecx, 8
    repe cmpsd
    print_value "  REPE CMPSD leaves ", rcx, 2
    mov esi, offset entries
    mov rdi, rbx
    mov dword ptr [rbx + 8], 0
    mov ecx, 8
    repe cmpsd
    print_value "  with a difference ", rcx, 2
    ret

// --- 8 and 16 bits: the device's status and the size of its queue --------------------------------
small:
    print "8 and 16 bits\n"
    mov rbp, [virtio_common]
    lea rsi, [rbp + COMMON_STATUS]
    mov byte ptr [rsi], 0
    or byte ptr [rsi], 1
    movzx eax, byte ptr [rsi]
    print_value "  OR m8 ", rax, 2
    add byte ptr [rsi], 2
    movsx eax, byte ptr [rsi]
    print_value "  ADD m8 ", rax, 2
    xor eax, eax
    mov al, [rsi]
    cmp [rsi], al
    sete ah
    print_value "  CMP m8 ", rax, 4
    mov cl, 0x43
    xchg [rsi], cl
    movzx ecx, cl
    print_value "  XCHG m8 ", rcx, 2
    mov byte ptr [rsi], 0
    bts eax, 31
    stc
    setc byte ptr [rsi]
    movzx eax, byte ptr [rsi]
    print_value "  SETC m8 ", rax, 2
    mov al, 3
    mov rdi, rsi
    stosb
    movzx eax, byte ptr [rsi]
    print_value "  STOSB ", rax, 2
    xor eax, eax
    lodsb
    print_value "  LODSB ", rax, 2
    movzx eax, word ptr [rbp + COMMON_QUEUES]
    print_value "  MOVZX m16 ", rax, 4
    mov word ptr [rbp + COMMON_QUEUE_SELECT], 0
    lea rsi, [rbp + COMMON_QUEUE_SIZE]
    mov word ptr [rsi], 8
    movsx rax, word ptr [rsi]
    print_value "  MOVSX m16 ", rax, 16
    shr word ptr [rsi], 1
    mov ax, [rsi]
    print_value "  SHR m16 ", rax, 4
    mov cx, 2
    xchg [rsi], cx
    movzx ecx, cx
    print_value "  XCHG m16 ", rcx, 4
    mov ax, 2
    mov cx, 8
    cmpxchg [rsi], cx
    movzx eax, word ptr [rsi]
    print_value "  CMPXCHG m16 ", rax, 4
    mov ax, 4
    mov rdi, rsi
    stosw
    xor eax, eax
    lodsw
    print_value "  STOSW and LODSW ", rax, 4
    ret

// Addresses of code in a device's register.
control:
    print "control\n"
    mov eax, offset called
    mov [rbx], rax
    xor ecx, ecx
    call [rbx]
    print_value "  CALL m ", rcx, 2
    mov eax, offset 1f
    mov [rbx], rax
    jmp [rbx]
    .balign 4
1:  print "  JMP m\n"
    mov dword ptr [rbx + 8], 0
    mov ecx, 3
    attempt "  DIV by zero of a register", div DATA_REGISTER
    xor ecx, ecx
    ret

    .balign 4
called:
    mov ecx, 0x77
    ret

// --- accesses with a part in memory and a part in the device -------------------------------------
crossing:
    print "crossing\n"
    mov dword ptr [page_map + 8], offset pointer_table + 7
    mov dword ptr [pointer_table], offset directory + 7
    mov dword ptr [directory], offset page_table + 7
    mov dword ptr [page_table], RAM_PAGE + 7
    mov [page_table + 8], rbx
    or dword ptr [page_table + 8], 0x17
    mov dword ptr [page_table + 16], RAM_PAGE + 0x1007
    mov r15, AREA
    mov dword ptr [RAM_PAGE + 0xffc], 0x11223344
    mov dword ptr [RAM_PAGE + 0x1000], 0x99aabbcc
    mov dword ptr [rbx], 0x55667788
    mov rax, [r15 + 0xffc]
    print_value "  load into the device ", rax, 16
    mov rax, [r15 + 0x1ffc]
    print_value "  load out of it ", rax, 16
    mov rax, 0xaabbccdd12345678
    mov [r15 + 0xffc], rax
    print_value "  store: memory ", [RAM_PAGE + 0xffc], 8
    mov eax, [rbx]
    print_value "    device ", rax, 8
    mov rax, 0x77777777fedcba98
    mov [r15 + 0x1ffc], rax
    print_value "  store out of it ", [RAM_PAGE + 0x1000], 8
    mov eax, 0x10
    mov ecx, 4
    shl rcx, 32
    or rax, rcx
    add [r15 + 0xffc], rax
    print_value "  ADD: memory ", [RAM_PAGE + 0xffc], 8
    mov eax, [rbx]
    print_value "    device ", rax, 8
    // A string that runs from memory into the device.
    lea rdi, [r15 + 0xff8]
    mov eax, 0x20202020
    mov ecx, 4
    rep stosd
    print_value "  REP STOSD: memory ", [RAM_PAGE + 0xff8], 16
    mov rax, [rbx]
    print_value "    device ", rax, 16
    lea rsi, [r15 + 0xff8]
    mov edi, offset copy
    mov ecx, 4
    rep movsd
    print_value "  REP MOVSD ", [copy + 8], 16
    ret

    .section .rodata
    .balign 8
entries:
    .long 0x11111110, 0x22222222, 0x33333331, 1
    .long 0x44444440, 0x55555555, 0x66666666, 0

    .bss
    .balign 4096
pointer_table:
    .skip 4096
directory:
    .skip 4096
page_table:
    .skip 4096
copy:
    .skip 64
