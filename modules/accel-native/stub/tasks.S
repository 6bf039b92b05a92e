/* SPDX-License-Identifier: MIT
   What runs beside guest code, in memory that guest code may write to: so nothing here keeps
   anything on a stack, and no address comes from memory but from the pages that are read-only. */
#include "layout.h"

#include <asm/unistd.h>

  /* The beginning of the code: first what the emulator's filters have to know. */
  .section .text.0, "ax"
  .globl stub_code_start
  .hidden stub_code_start
stub_code_start:
  .long stub_handed_over - stub_code_start
  .long stub_returned - stub_code_start

/* A signal: %rdi its number, %rdx the frame. All of it goes to the emulator as the arguments of a
   call that only it answers, and the guest goes on with what it has put into the frame. */
  .globl stub_handler
  .hidden stub_handler
stub_handler:
  mov %rdi, %r8
  mov %rdx, %rdi
  rdfsbase %rsi
  rdgsbase %rdx
  xor %r10d, %r10d
  xor %r9d, %r9d
  mov %ds, %r10d
  mov %es, %r9d
  shl $16, %r9
  or %r9, %r10
  xor %r9d, %r9d
  mov %fs, %r9d
  shl $32, %r9
  or %r9, %r10
  xor %r9d, %r9d
  mov %gs, %r9d
  shl $48, %r9
  or %r9, %r10
  mov $STUB_HAND_OVER, %eax
  syscall
  .globl stub_handed_over
  .hidden stub_handed_over
stub_handed_over:
  /* Nobody answers any more: this signal is the last. */
  test %rax, %rax
  jnz stub_returned
  xor %eax, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %fs
  mov %eax, %gs
  mov stub_code_start + STUB_WORDS + STUB_FS_BASE(%rip), %rax
  wrfsbase %rax
  mov stub_code_start + STUB_WORDS + STUB_GS_BASE(%rip), %rax
  wrgsbase %rax
  /* The return address is gone from the stack, as after a return. */
  lea 8(%rsp), %rsp
  .globl stub_restorer
  .hidden stub_restorer
stub_restorer:
  mov $__NR_rt_sigreturn, %eax
  syscall
  .globl stub_returned
  .hidden stub_returned
stub_returned:
  ud2

/* stub_clone(flags, stack, entry): a second task in the same memory, which begins at `entry`. */
  .globl stub_clone
  .hidden stub_clone
stub_clone:
  mov %rdx, %r9 /* which the kernel keeps */
  xor %edx, %edx
  xor %r10d, %r10d
  xor %r8d, %r8d
  mov $__NR_clone, %eax
  syscall
  test %rax, %rax
  jz 1f
  ret
1:
  xor %ebp, %ebp
  call *%r9
  ud2

/* Carries out orders for ever. */
  .globl stub_map
  .hidden stub_map
stub_map:
  mov $STUB_DONE, %r15d
.Lanswer:
  lea done(%rip), %rsi
  lea failed(%rip), %rax
  cmp $STUB_DONE, %r15d
  cmovne %rax, %rsi
  mov $STUB_DONE_FD, %edi
  mov $8, %edx
  mov $__NR_write, %eax
  syscall
  cmp $8, %rax
  jne .Lend
  mov $STUB_ORDER_FD, %edi
  lea stub_code_start + STUB_WORDS + STUB_SCRATCH(%rip), %rsi
  mov $8, %edx
  mov $__NR_read, %eax
  syscall
  cmp $8, %rax
  jne .Lend
  mov $STUB_DONE, %r15d
  lea stub_code_start + STUB_ORDERS(%rip), %rbx
  mov (%rbx), %r14d
  add $STUB_ORDERS_FIRST, %rbx
.Lnext:
  test %r14d, %r14d
  jz .Lanswer
  mov (%rbx), %rdi
  mov 8(%rbx), %rsi
  mov 24(%rbx), %edx
  mov 28(%rbx), %ecx
  mov $__NR_munmap, %eax
  cmp $STUB_ORDER_UNMAP, %ecx
  je 2f
  mov $__NR_mprotect, %eax
  cmp $STUB_ORDER_PROTECT, %ecx
  je 2f
  mov $0x11, %r10d /* MAP_SHARED | MAP_FIXED */
  mov $STUB_RAM_FD, %r8d
  mov 16(%rbx), %r9
  mov $__NR_mmap, %eax
2:
  syscall
  cmp $-4096, %rax
  jbe 3f
  mov $STUB_FAILED, %r15d
3:
  add $STUB_ORDER_BYTES, %rbx
  dec %r14d
  jmp .Lnext
.Lend:
  mov $1, %edi
  mov $__NR_exit_group, %eax
  syscall
  ud2

  .balign 8
done:
  .quad STUB_DONE
failed:
  .quad STUB_FAILED

  .section .note.GNU-stack, "", @progbits
