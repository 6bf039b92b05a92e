// SPDX-License-Identifier: MIT
// Nothing but the headers that CMake adds: what libraries, modules and the host reuse is compiled
// with this file.
