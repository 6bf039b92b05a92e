// SPDX-License-Identifier: MIT
// Two CPUs: INIT and start-up, interrupts from one to the other, a lock, atomic counters, memory
// order, a page taken away on the other CPU, and a second start. [SDM 3A "Multiple-Processor
// Management", "Memory Ordering"]
#include "long.inc"
#include "interrupts.inc"
#include "second-cpu.inc"

#define WAKE 0x61
#define CALL 0x62
#define ROUNDS 2000
// Where each waits for the other: a host that is busy runs them one after the other.
#define TURNS 60

main:
    enable_apic
    handle WAKE, wake_handler
    handle CALL, call_handler
    mov APIC_REGISTER(APIC_ICR_HIGH), 1 << 24
    call start_second
    call wakes
    call calls
    call lock_counter
    call atomics
    call ping_pong
    call message_passing
    call shootdown
    call not_masked
    call restart
    ret

start_second:
    print "start\n"
    send 0x4500                 // INIT
    mov ecx, 10
    call pause_milliseconds
    print_value "  before SIPI ", [second_starts], 1
    call send_startup
    spin_until [second_starts], e, 1
    // One that runs takes no notice of the next.
    call send_startup
    mov ecx, 2
    call pause_milliseconds
    print_value "  starts ", [second_starts], 1
    print_value "  id ", [second_id], 8
    print_value "  base ", [second_base], 8
    ret

wake_handler:
    mov eax, APIC_REGISTER(APIC_ID)
    shr eax, 24
    lock inc dword ptr [wakes_of + rax * 4]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

// The second CPU halts; each interrupt lets it go on once.
wakes:
    print "interrupts that wake\n"
    give halt_often
    mov ebx, 1
1:  spin_until [halted], ae, ebx
    send 0x4000 | WAKE
    inc ebx
    cmp ebx, TURNS
    jbe 1b
    await_second
    print_value "  taken ", [wakes_of + 4], 4
    // The other way, and to all but oneself.
    give wake_first
    wait_until [wakes_of], e, 1
    await_second
    give open_window
    send 0xc4000 | WAKE
    spin_until [wakes_of + 4], e, TURNS + 1
    mov dword ptr [window_open], 0
    await_second
    print_value "  first ", [wakes_of], 4
    print_value "  second ", [wakes_of + 4], 4
    ret

halt_often:
    mov ecx, 1
1:  mov [halted], ecx
    sti
    hlt
    cli
    cmp [wakes_of + 4], ecx
    jb 2f
    inc ecx
2:  cmp ecx, TURNS
    jbe 1b
    ret

wake_first:
    mov APIC_REGISTER(APIC_ICR_HIGH), 0
    send 0x4000 | WAKE
    ret

open_window:
    mov dword ptr [window_open], 1
    sti
1:  pause
    cmp dword ptr [window_open], 0
    jne 1b
    cli
    ret

// A function that the other CPU runs in its handler, while it computes.
call_handler:
    mov rax, [called_with]
    add [call_sum], rax
    lock inc dword ptr [calls_done]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

calls:
    print "calls while it computes\n"
    give compute
    spin_until [computing], e, 1
    mov ebx, 1
1:  mov [called_with], rbx
    send 0x4000 | CALL
    spin_until [calls_done], ae, ebx
    inc ebx
    cmp ebx, TURNS
    jbe 1b
    mov dword ptr [computing], 2
    await_second
    print_value "  sum ", [call_sum], 8
    print_value "  computed without a slip ", [slips], 8
    ret

compute:
    mov dword ptr [computing], 1
    sti
1:  mov eax, 12345
    mov ecx, 100
2:  imul eax, eax, 1103515245
    add eax, 12345
    dec ecx
    jnz 2b
    // The first result is as good as any.
    mov edx, [computed]
    mov [computed], eax
    test edx, edx
    jz 3f
    cmp eax, edx
    je 3f
    inc dword ptr [slips]
3:  cmp dword ptr [computing], 2
    jne 1b
    cli
    ret

// A counter behind a lock: ticket lock, and one made of XCHG.
lock_counter:
    print "locks\n"
    give add_behind_locks
    call add_behind_locks
    await_second
    print_value "  ticket lock ", [ticket_counter], 8
    print_value "  XCHG ", [xchg_counter], 8
    ret

add_behind_locks:
    mov ecx, TURNS
1:  mov eax, 1
    lock xadd [ticket_next], eax
2:  cmp [ticket_owner], eax
    je 3f
    pause
    jmp 2b
3:  inc dword ptr [ticket_counter]
    inc dword ptr [ticket_owner]
    dec ecx
    jnz 1b
    mov ecx, ROUNDS
1:  mov eax, 1
2:  xchg [xchg_lock], eax
    test eax, eax
    jz 3f
    pause
    jmp 1b
3:  inc dword ptr [xchg_counter]
    mov dword ptr [xchg_lock], 0
    dec ecx
    jnz 1b
    ret

atomics:
    print "atomic operations\n"
    give count_atomically
    call count_atomically
    await_second
    print_value "  LOCK INC ", [counters], 8
    print_value "  LOCK XADD ", [counters + 4], 8
    print_value "  LOCK CMPXCHG ", [counters + 8], 8
    print_value "  LOCK CMPXCHG8B ", [counters + 16], 16
    print_value "  LOCK BTC ", [counters + 24], 8
    print_value "  across cache lines ", [crossing - 2], 8
    print_value "  across pages ", [page_crossing - 2], 8
    print_value "  LOCK CMPXCHG16B ", [wide_counter], 16
    print_value "    upper half ", [wide_counter + 8], 16
    ret

count_atomically:
    mov ebp, ROUNDS
1:  lock inc dword ptr [counters]
    mov eax, 3
    lock xadd [counters + 4], eax
2:  mov eax, [counters + 8]
    lea ecx, [rax + 1]
    lock cmpxchg [counters + 8], ecx
    jne 2b
3:  mov eax, [counters + 16]
    mov edx, [counters + 20]
    mov ebx, eax
    mov ecx, edx
    add ebx, 0x80000001
    adc ecx, 0
    lock cmpxchg8b [counters + 16]
    jne 3b
    lock btc dword ptr [counters + 24], 5
    // These stop everything on many processors.
    test ebp, 0x3f
    jnz 4f
    lock add dword ptr [crossing - 2], 0x10001
    lock add dword ptr [page_crossing - 2], 0x10001
4:  mov rax, [wide_counter]
    mov rdx, [wide_counter + 8]
    lea rbx, [rax + 1]
    lea rcx, [rdx + 2]
    lock cmpxchg16b [wide_counter]
    jne 4b
    dec ebp
    jnz 1b
    xor ebp, ebp
    ret

// Each waits for the other in turn.
ping_pong:
    print "in turn\n"
    give pong
    xor ecx, ecx
1:  inc ecx
    mov [ball], ecx
    inc ecx
    spin_until [ball], e, ecx
    cmp ecx, TURNS
    jb 1b
    await_second
    print_value "  turns ", [ball], 8
    ret

pong:
    mov ecx, 1
1:  spin_until [ball], e, ecx
    inc ecx
    mov [ball], ecx
    inc ecx
    cmp ecx, TURNS
    jb 1b
    ret

// Stores are seen in their order: the flag never before the data.
message_passing:
    print "order of stores\n"
    mov dword ptr [flag], 0
    give consume
    mov ecx, 1
1:  mov eax, ecx
    not eax
    mov [message], eax
    mov [flag], ecx
    spin_until [answer], e, ecx
    inc ecx
    cmp ecx, TURNS
    jbe 1b
    await_second
    print_value "  wrong messages ", [wrong], 8
    ret

consume:
    mov ecx, 1
1:  spin_until [flag], e, ecx
    mov eax, [message]
    not eax
    cmp eax, ecx
    je 2f
    inc dword ptr [wrong]
2:  mov [answer], ecx
    inc ecx
    cmp ecx, TURNS
    jbe 1b
    ret

// A page is moved while the other CPU has its translation, which then is told to forget it.
shootdown:
    print "a page that moves\n"
    mov dword ptr [page_map + 8], offset pointer_table + 7
    mov dword ptr [pointer_table], offset directory + 7
    mov dword ptr [directory], offset page_table + 7
    mov dword ptr [page_table], 0x800007
    mov dword ptr [0x800000], 0xaaaa
    mov dword ptr [0x801000], 0xbbbb
    give read_page
    await_second
    mov ebx, [page_value]
    mov dword ptr [page_table], 0x801007
    handle CALL, forget_page
    mov dword ptr [calls_done], 0
    give open_window
    send 0x4000 | CALL
    spin_until [calls_done], e, 1
    mov dword ptr [window_open], 0
    await_second
    give read_page
    await_second
    print_value "  before ", rbx, 4
    print_value "  after ", [page_value], 4
    ret

read_page:
    mov rax, 0x8000000000
    mov eax, [rax]
    mov [page_value], eax
    ret

forget_page:
    mov rax, 0x8000000000
    invlpg [rax]
    lock inc dword ptr [calls_done]
    mov APIC_REGISTER(APIC_EOI), 0
    ret

// NMI comes whether interrupts are enabled or not.
not_masked:
    print "NMI\n"
    handle 2, nmi_handler
    send 0x4400
    spin_until [nmis], e, 1
    print_value "  taken ", [nmis], 4
    ret

nmi_handler:
    lock inc dword ptr [nmis]
    ret

// INIT stops it wherever it is.
restart:
    print "start again\n"
    give spin_for_ever
    spin_until [spinning], e, 1
    send 0x4500
    mov ecx, 10
    call pause_milliseconds
    mov dword ptr [second_job], 0
    call send_startup
    spin_until [second_starts], e, 2
    print_value "  starts ", [second_starts], 1
    give read_page
    await_second
    print_value "  and works ", [page_value], 4
    ret

spin_for_ever:
    mov dword ptr [spinning], 1
    jmp .

    .bss
    .balign 4096
pointer_table:
    .skip 4096
directory:
    .skip 4096
page_table:
    .skip 4096
    .balign 4096
page_crossing_area:
    .skip 4096
page_crossing:
    .skip 64
crossing:
    .skip 64
    .balign 64
counters:
    .skip 64
wide_counter:
    .skip 64
wakes_of:
    .skip 8
called_with:
    .skip 8
call_sum:
    .skip 8
halted:
    .skip 4
window_open:
    .skip 4
calls_done:
    .skip 4
computing:
    .skip 4
computed:
    .skip 4
slips:
    .skip 4
ticket_next:
    .skip 4
ticket_owner:
    .skip 4
ticket_counter:
    .skip 4
xchg_lock:
    .skip 4
xchg_counter:
    .skip 4
ball:
    .skip 4
message:
    .skip 4
flag:
    .skip 4
answer:
    .skip 4
wrong:
    .skip 4
page_value:
    .skip 4
nmis:
    .skip 4
spinning:
    .skip 4
