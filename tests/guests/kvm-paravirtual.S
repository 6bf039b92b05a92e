// SPDX-License-Identifier: MIT
// What KVM offers a guest that knows it: leaves of CPUID, a clock, stolen time; and that a reset takes
// away the pages that it writes them to.
// [Linux Documentation/virt/kvm/x86/cpuid.rst, Documentation/virt/kvm/x86/msr.rst]
#include "long.inc"
#include "interrupts.inc"
#include "boots.inc"

#define MSR_WALL_CLOCK 0x4b564d00
#define MSR_SYSTEM_TIME 0x4b564d01
#define MSR_STEAL_TIME 0x4b564d03
#define ENABLED 1
// Nobody else uses these, before or after a reset.
#define SYSTEM_TIME 0x800000
#define TIME_VERSION dword ptr [SYSTEM_TIME]
#define TIME_TSC qword ptr [SYSTEM_TIME + 8]
#define TIME_NANOSECONDS qword ptr [SYSTEM_TIME + 16]
#define TIME_MULTIPLIER dword ptr [SYSTEM_TIME + 24]
#define TIME_SHIFT byte ptr [SYSTEM_TIME + 28]
#define WALL_CLOCK 0x801000
#define WALL_SECONDS dword ptr [WALL_CLOCK + 4]
#define STEAL_TIME 0x802000
#define STEAL_SIZE 64
// Clocks, for guests that ask twice and do without I/O delays, and stolen time.
#define FEATURES 0x2b

main:
    boots
    print_value "boot ", r13, 1
    test r13d, r13d
    jnz after_reset
    call leaves
    call clock
    call wall_clock
    call stolen_time
    count_boot
    mov al, 3                   // reset, by port 92h
    out 0x92, al
    jmp .

leaves:
    mov eax, 0x40000000
    cpuid
    mov [signature], ebx
    mov [signature + 4], ecx
    mov [signature + 8], edx
    print "  signature "
    mov esi, offset signature
    call print_string
    print "\n"
    mov eax, 0x40000001
    cpuid
    and eax, FEATURES
    print_value "  features ", rax, 2
    ret

// Tells the kernel a page, by a register.
.macro give_page msr, address:vararg
    mov ecx, \msr
    mov eax, \address
    xor edx, edx
    wrmsr
.endm

// Nanoseconds in rax.
now:
1:  mov r8d, TIME_VERSION
    test r8d, 1
    jnz 1b
    rdtsc
    shl rdx, 32
    or rax, rdx
    sub rax, TIME_TSC
    movsx ecx, TIME_SHIFT
    test ecx, ecx
    js 2f
    shl rax, cl
    jmp 3f
2:  neg ecx
    shr rax, cl
3:  mov edx, TIME_MULTIPLIER
    mul rdx
    shrd rax, rdx, 32
    add rax, TIME_NANOSECONDS
    cmp r8d, TIME_VERSION
    jne 1b
    ret

clock:
    give_page MSR_SYSTEM_TIME, SYSTEM_TIME | ENABLED
    call now
    mov rbx, rax
    mov ecx, 20
    call pause_milliseconds
    call now
    sub rax, rbx
    // A busy host may take longer.
    cmp rax, 18000000
    jb 1f
    mov rdx, 30000000000
    cmp rax, rdx
    ja 1f
    print "  the clock counts nanoseconds\n"
    ret
1:  print_value "  nanoseconds in 20 milliseconds: ", rax, 16
    ret

wall_clock:
    give_page MSR_WALL_CLOCK, WALL_CLOCK
    cmp WALL_SECONDS, 1700000000
    jb 1f
    print "  it knows the time of day\n"
    ret
1:  print_value "  seconds since 1970: ", [WALL_CLOCK + 4], 8
    ret

stolen_time:
    mov dword ptr [STEAL_TIME + 8], 0
    give_page MSR_STEAL_TIME, STEAL_TIME | ENABLED
    mov ecx, 2
    call pause_milliseconds
    cmp dword ptr [STEAL_TIME + 8], 0
    je 1f
    print "  stolen time is counted\n"
    ret
1:  print "  no stolen time\n"
    ret

// MSR's value, which is 0 once more.
.macro show_register text, msr
    mov ecx, \msr
    rdmsr
    print_value "\text", rax, 8
.endm

after_reset:
    show_register "  clock ", MSR_SYSTEM_TIME
    show_register "  stolen time ", MSR_STEAL_TIME
    mov edi, STEAL_TIME
    mov ecx, STEAL_SIZE
    xor eax, eax
    rep stosb
    mov ecx, 10
    call pause_milliseconds
    mov esi, STEAL_TIME
    mov ecx, STEAL_SIZE / 8
    xor ebx, ebx
1:  lodsq
    or rbx, rax
    loop 1b
    print_value "  written to its page ", rbx, 16
    ret

    .bss
    .balign 4
signature:
    .skip 16
