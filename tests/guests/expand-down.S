// SPDX-License-Identifier: MIT
// Segments that grow downwards: what is behind the limit, and where the top is.
// [SDM 3A "Data Segment Types", "Limit Checking"]
#include "protected.inc"

// The linear address that segments here begin at.
#define BASE 0x800000

main:
    own 0, BASE, 0xfff, 0x4097
    mov eax, OWN
    mov fs, eax
    mov ebx, 0x1000
    attempt "at the limit", mov al, fs:[ebx - 1]
    attempt "behind it", mov al, fs:[ebx]
    attempt "across it", mov ax, fs:[ebx - 1]
    mov ecx, -4
    attempt "the top", mov eax, fs:[ecx]
    attempt "across the top", mov eax, fs:[ecx + 1]
    own 0, BASE, 0xfff, 0x0097
    mov eax, OWN
    mov fs, eax
    attempt "top of a small one", mov ax, fs:[0xfffe]
    attempt "across it", mov ax, fs:[0xffff]
    attempt "above it", mov al, fs:[0x10000]
    ret
