/* SPDX-License-Identifier: MIT
   Where things are in a stub's area, and what its files are: for its C++, its assembly, and the
   emulator. The area is all that a stub has beside the guest's pages. */
#pragma once

/* Offsets in the area. The code comes from the stub's own file; all else is shared memory, which
   the emulator has mapped too, in the same order. */
#define STUB_CODE 0x0
#define STUB_CODE_SIZE 0x2000
#define STUB_ORDERS 0x2000 /* read-only here: what the mapper is to do */
#define STUB_ORDERS_SIZE 0x2000
#define STUB_SETUP 0x4000 /* read-only here: filters, and where the area is */
#define STUB_SETUP_SIZE 0x1000
#define STUB_WORDS 0x5000  /* from here on guest code may write */
#define STUB_STACKS 0x6000 /* of both tasks, before guest code runs */
#define STUB_STACKS_SIZE 0x2000
#define STUB_SIGNALS 0x8000 /* the stack of signal frames */
#define STUB_SIGNALS_SIZE 0x18000
#define STUB_SIZE 0x20000
#define STUB_SHARED STUB_ORDERS /* where the shared memory begins */

/* In STUB_WORDS: what the handler loads before it goes back to the guest. */
#define STUB_FS_BASE 0x0
#define STUB_GS_BASE 0x8
#define STUB_SCRATCH 0x10 /* what is read from STUB_ORDER_FD, which says nothing */

/* Files. */
#define STUB_SHARED_FD 3
#define STUB_RAM_FD 4
#define STUB_ORDER_FD 5 /* an event: there are orders */
#define STUB_DONE_FD 6  /* an event: they are done */
#define STUB_IMAGE_FD 7 /* the stub's own file */

/* Orders: a count, and from offset 32 on 32 bytes each. */
#define STUB_ORDERS_FIRST 32
#define STUB_ORDER_BYTES 32
#define STUB_ORDER_MAP 0
#define STUB_ORDER_UNMAP 1
#define STUB_ORDER_PROTECT 2

/* What the mapper says with STUB_DONE_FD. */
#define STUB_DONE 1
#define STUB_FAILED 2

/* The number of the call by which the handler hands over; no kernel has it. */
#define STUB_HAND_OVER 0x4e54
