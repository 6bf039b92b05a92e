// SPDX-License-Identifier: MIT
// Nothing but the headers that CMake adds: what the unit tests reuse is compiled with this file.
