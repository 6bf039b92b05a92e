/* SPDX-License-Identifier: MIT
   The stub's file, as bytes. */
  .section .rodata
  .globl backplane_native_stub, backplane_native_stub_end
  .hidden backplane_native_stub, backplane_native_stub_end
  .balign 16
backplane_native_stub:
  .incbin STUB_FILE
backplane_native_stub_end:

  .section .note.GNU-stack, "", @progbits
