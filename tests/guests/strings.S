// SPDX-License-Identifier: MIT
// String instructions of 64-bit code: every one of them, in every size, once and repeated, in both
// directions; overlaps, segments, address sizes, pages, faults and interrupts halfway.
// [SDM 1 "String Operations"; SDM 2B "REP/REPE/REPZ/REPNE/REPNZ"]
#include "long.inc"
#include "area.inc"
#include "interrupts.inc"

#define FROM 0x900000
#define TO 0x910000
#define BYTES 0x2000
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define ARITHMETIC_FLAGS 0x8d5

main:
    call make_area
    call once
    call repeated
    call overlaps
    call other_addresses
    call across_pages
    call faults
    call interruptions
    ret

// Numbers at FROM, the same at TO but for one byte.
fill_buffers:
    cld
    mov edi, FROM
    mov eax, 3
1:  mov [rdi], eax
    mov [rdi + TO - FROM], eax
    imul eax, eax, 0x19660d
    add eax, 0x3c6ef35f
    add edi, 4
    cmp edi, FROM + BYTES
    jb 1b
    inc byte ptr [TO + 0x813]
    inc byte ptr [TO + 0x7ea]
    ret

// The registers, the flags, and a sum over what is at TO.
show:
    pushfq
    push rbx
    push rdx
    print " rsi "
    print_hex rsi, 9
    print " rdi "
    print_hex rdi, 9
    print " rcx "
    print_hex rcx, 9
    print " rax "
    print_hex rax, 16
    mov rbx, [rsp + 16]
    and ebx, ARITHMETIC_FLAGS
    print " flags "
    print_hex rbx, 3
    mov edx, TO
    xor ebx, ebx
1:  rol ebx, 5
    add ebx, [rdx]
    add edx, 4
    cmp edx, TO + BYTES
    jb 1b
    print_value " sum ", rbx, 8
    pop rdx
    pop rbx
    popfq
    ret

// The count, the accumulator and the flags that an instruction begins with.
.macro begin direction, count
    mov ecx, \count
    mov rax, 0x8877665544332211
    cmp ecx, -1
    stc
    \direction
.endm

// string "what", cld or std, COUNT, CODE
.macro string name, direction, count, code
    call fill_buffers
    mov esi, FROM + 0x800
    mov edi, TO + 0x800
    begin \direction, \count
    \code
    cld
    print "\name"
    call show
.endm

once:
    print "once\n"
    .irp size, b, w, d, q
    .irp direction, cld, std
    string "  movs\size \direction", \direction, 5, "movs\size"
    string "  cmps\size \direction", \direction, 5, "cmps\size"
    string "  stos\size \direction", \direction, 5, "stos\size"
    string "  lods\size \direction", \direction, 5, "lods\size"
    string "  scas\size \direction", \direction, 5, "scas\size"
    .endr
    .endr
    // Flags that an earlier instruction left, and that a later one reads.
    string "  between STC and ADC", cld, 5, "stosb; adc eax, 0"
    ret

repeated:
    print "repeated\n"
    .irp size, b, w, d, q
    .irp direction, cld, std
    .irp count, 0, 1, 9, 300
    string "  rep movs\size \direction \count", \direction, \count, "rep movs\size"
    string "  rep stos\size \direction \count", \direction, \count, "rep stos\size"
    string "  rep lods\size \direction \count", \direction, \count, "rep lods\size"
    string "  repe cmps\size \direction \count", \direction, \count, "repe cmps\size"
    string "  repne cmps\size \direction \count", \direction, \count, "repne cmps\size"
    string "  repe scas\size \direction \count", \direction, \count, "repe scas\size"
    string "  repne scas\size \direction \count", \direction, \count, "repne scas\size"
    .endr
    .endr
    .endr
    // Either prefix repeats where there is nothing to compare.
    string "  repne movsb", cld, 20, ".byte 0xf2, 0xa4"
    string "  repne stosd", cld, 20, ".byte 0xf2, 0xab"
    string "  repne lodsw", cld, 20, ".byte 0xf2, 0x66, 0xad"
    // A search that finds.
    string "  search", cld, 300, "mov al, 0x40; repne scasb"
    string "  search of a word", cld, 300, "mov ax, [rdi + 0x20]; repne scasw"
    string "  search of nothing", cld, 0, "mov al, 0x40; repne scasb"
    ret

overlaps:
    print "overlaps\n"
    .irp size, b, w, d, q
    .irp direction, cld, std
    .irp distance, 1, -1, 8, -8, 12
    string "  movs\size \direction \distance", \direction, 100, "lea rsi, [rdi + \distance]; rep movs\size"
    .endr
    .endr
    .endr
    ret

other_addresses:
    print "segments\n"
    mov ecx, MSR_FS_BASE
    mov eax, 0x123
    xor edx, edx
    wrmsr
    mov ecx, MSR_GS_BASE
    mov eax, -0x456
    mov edx, -1
    wrmsr
    string "  movsb from FS", cld, 5, "movs byte ptr [rdi], byte ptr fs:[rsi]"
    string "  rep movsq from GS", cld, 50, "rep movs qword ptr [rdi], qword ptr gs:[rsi]"
    string "  lodsd from GS", std, 5, "lods eax, dword ptr gs:[rsi]"
    string "  repe cmpsb from FS", cld, 50, "repe cmps byte ptr fs:[rsi], byte ptr [rdi]"
    string "  stosw, which FS is not for", cld, 5, ".byte 0x64; stosw"
    string "  rep stosb, the same", cld, 50, ".byte 0x64; rep stosb"
    print "32-bit addresses\n"
    .macro narrow name, direction, count, code
    string "\name", \direction, \count, "bts rsi, 32; bts rdi, 33; bts rcx, 34; .byte 0x67; \code"
    .endm
    .irp direction, cld, std
    narrow "  movsw \direction", \direction, 5, "movsw"
    narrow "  scasd \direction", \direction, 5, "scasd"
    narrow "  rep stosq \direction", \direction, 5, "rep stosq"
    narrow "  rep movsb \direction", \direction, 70, "rep movsb"
    narrow "  rep lodsb \direction", \direction, 7, "rep lodsb"
    narrow "  repe cmpsb \direction", \direction, 100, "repe cmpsb"
    .endr
    ret

across_pages:
    print "across pages\n"
    .irp size, w, d, q
    .irp direction, cld, std
    string "  movs\size \direction", \direction, 5, "add esi, 0x7ff; add edi, 0x7ff; movs\size"
    string "  stos\size \direction", \direction, 5, "add edi, 0x7ff; stos\size"
    string "  lods\size \direction", \direction, 5, "add esi, 0x7ff; lods\size"
    string "  cmps\size \direction", \direction, 5, "add esi, 0x7ff; add edi, 0x7ff; cmps\size"
    string "  scas\size \direction", \direction, 5, "add edi, 0x7ff; scas\size"
    string "  rep movs\size \direction", \direction, 100, "add esi, 0x7a1; add edi, 0x7b7; rep movs\size"
    string "  rep stos\size \direction", \direction, 100, "add edi, 0x7b7; rep stos\size"
    string "  repe cmps\size \direction", \direction, 100, "add esi, 0x7b3; add edi, 0x7b3; repe cmps\size"
    .endr
    .endr
    ret

// Two pages in the middle, between others that are not there: what is left is where it stopped.
.macro halfway name, direction, source, destination, count, code
    call fill_middle
    lea rsi, \source
    lea rdi, \destination
    begin \direction, \count
    attempt_begin "\name"
    \code
    attempt_end
    cld
    mov ebx, [attempt_flags]
    print "   "
    call show_middle
.endm

fill_middle:
    mov edx, PAGE_A
1:  mov dword ptr [rdx], 0x11111111
    add edx, 4
    cmp edx, PAGE_A + 0x2000
    jb 1b
    // Numbers where some begin.
    mov edx, PAGE_A + 0x800
1:  imul eax, edx, 0x19660d
    mov [rdx], eax
    add edx, 4
    cmp edx, PAGE_A + 0xc00
    jb 1b
    ret

show_middle:
    print " rsi "
    print_hex rsi, 16
    print " rdi "
    print_hex rdi, 16
    print " rcx "
    print_hex rcx, 4
    print " rax "
    print_hex rax, 16
    and ebx, ARITHMETIC_FLAGS | FLAGS_DF
    print " flags "
    print_hex rbx, 3
    mov edx, PAGE_A
    xor ebx, ebx
1:  rol ebx, 5
    add ebx, [rdx]
    add edx, 4
    cmp edx, PAGE_A + 0x2000
    jb 1b
    print_value " sum ", rbx, 8
    ret

faults:
    print "halfway\n"
    map 0, 0, 0
    map 1, PAGE_A, PRESENT | WRITABLE
    map 2, PAGE_B, PRESENT | WRITABLE
    map 3, 0, 0
    .irp count, 3, 6, 30, 600
    halfway "  rep stosq", cld, [FROM], [r15 + 0x3000 - 16], \count, "rep stosq"
    halfway "  rep stosb downwards", std, [FROM], [r15 + 0x1002], \count + 1, "rep stosb"
    halfway "  rep movsb from the end", cld, [r15 + 0x3000 - 2], [r15 + 0x1800], \count, "rep movsb"
    halfway "  rep movsd to the end", cld, [r15 + 0x1800], [r15 + 0x3000 - 8], \count, "rep movsd"
    halfway "  rep movsw downwards", std, [r15 + 0x1002], [r15 + 0x1800], \count, "rep movsw"
    halfway "  rep lodsd", cld, [r15 + 0x3000 - 8], [rdi], \count, "rep lodsd"
    halfway "  repe scasd", cld, [FROM], [r15 + 0x3000 - 8], \count, "mov eax, 0x11111111; repe scasd"
    halfway "  repe scasb downwards", std, [FROM], [r15 + 0x1001], \count, "mov al, 0x11; repe scasb"
    halfway "  repe cmpsb", cld, [r15 + 0x1100], [r15 + 0x3000 - 2], \count, "repe cmpsb"
    halfway "  repne cmpsw", cld, [r15 + 0x3000 - 4], [FROM], \count, "repne cmpsw"
    .endr
    print "an element that straddles\n"
    halfway "  stosq", cld, [FROM], [r15 + 0x3000 - 4], 5, "stosq"
    halfway "  movsd", cld, [r15 + 0x3000 - 1], [r15 + 0x1800], 5, "movsd"
    halfway "  movsd into it", cld, [r15 + 0x1800], [r15 + 0x3000 - 1], 5, "movsd"
    halfway "  rep stosd", cld, [FROM], [r15 + 0x3000 - 81], 40, "rep stosd"
    halfway "  rep movsq", std, [r15 + 0x1800], [r15 + 0x1000 + 163], 40, "rep movsq"
    halfway "  lodsw", cld, [r15 + 0x3000 - 1], [rdi], 5, "lodsw"
    halfway "  scasw", cld, [FROM], [r15 + 0x3000 - 1], 5, "scasw"
    halfway "  cmpsw", cld, [r15 + 0x1800], [r15 + 0x3000 - 1], 5, "cmpsw"
    print "a page that may not be written to\n"
    map 2, PAGE_B, PRESENT
    halfway "  rep stosb", cld, [FROM], [r15 + 0x1ffe], 5, "rep stosb"
    halfway "  rep movsd", cld, [r15 + 0x2000], [r15 + 0x2000 - 80], 40, "rep movsd"
    halfway "  rep scasb", cld, [FROM], [r15 + 0x1ffe], 5, "mov al, 0x11; repe scasb"
    print "addresses that are none\n"
    mov r14, 0x7ffffffffffe
    halfway "  lodsb", cld, [r14 + 2], [rdi], 5, "lodsb"
    halfway "  rep stosd", cld, [FROM], [r14 + 2], 50, "rep stosd"
    halfway "  movsb", cld, [FROM], [r14 + 2], 5, "movsb"
    ret

#define TIMER 0x60
#define LONG 0x400000
#define SOON 20000
// Where nobody wrote yet.
#define ZEROS 0x1400000

// A repetition that a timer interrupts between two elements: where it is, and with RF set.
// [SDM 3B "Instruction-Breakpoint Exception Condition"]
.macro interrupted name, code
    mov dword ptr [met], 0
    mov qword ptr [repeated_at], offset 2f
    mov APIC_REGISTER(APIC_INITIAL), SOON
    // The host may take longer to deliver it than one repetition is.
1:  mov esi, ZEROS
    mov edi, ZEROS
    mov ecx, LONG
    xor eax, eax
    sti
2:  \code
    cli
    cmp dword ptr [met], 0
    je 1b
    print_value "\name: RF ", [met_flags], 8
.endm

// Counts interrupts that are neither before the first element nor behind the last, and asks for
// another one after one that is.
take_timer:
    mov rax, [rdi + FRAME_IP]
    cmp rax, [repeated_at]
    jne 1f
    mov rax, [rdi + 13 * WORD]  // rcx
    test rax, rax
    jz 1f
    cmp rax, LONG
    je 1f
    inc dword ptr [met]
    mov rax, [rdi + FRAME_FLAGS]
    and eax, FLAGS_RF
    mov [met_flags], rax
    jmp 2f
1:  mov APIC_REGISTER(APIC_INITIAL), SOON
2:  mov APIC_REGISTER(APIC_EOI), 0
    ret

interruptions:
    print "interrupted\n"
    handle TIMER, take_timer
    enable_apic
    mov APIC_REGISTER(APIC_DIVIDE), 0xb
    mov APIC_REGISTER(APIC_LVT_TIMER), TIMER
    interrupted "  rep lodsb", "rep lodsb"
    interrupted "  repe scasb", "repe scasb"
    mov APIC_REGISTER(APIC_LVT_TIMER), APIC_MASKED
    ret

    .bss
    .balign 8
met:
    .skip 8
met_flags:
    .skip 8
repeated_at:
    .skip 8
