# Translated code, and much of what runs it, is made of x86-64 instructions.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles("
#if !(defined __x86_64__ || defined _M_X64) || defined __ILP32__
#error not x86-64
#endif
int main() {}" BACKPLANE_BUILDS_FOR_X86_64)
if(NOT BACKPLANE_BUILDS_FOR_X86_64)
  message(FATAL_ERROR "Backplane runs on x86-64 processors (amd64), in 64-bit mode: "
    "${CMAKE_CXX_COMPILER} compiles for something else")
endif()
