# backplane_use_general_registers(file...): sources whose code is called by translated code, with the
# guest's vector registers in place. (Calls that compilers make of loops, and the C library's checked
# functions, use those as well.)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(BACKPLANE_GENERAL_REGISTERS -mgeneral-regs-only -fno-tree-loop-distribute-patterns)
else()
  # Clang has no use for the library's headers without the type long double.
  set(BACKPLANE_GENERAL_REGISTERS -mno-mmx -mno-sse -mno-implicit-float
    -fno-builtin-memcpy -fno-builtin-memmove -fno-builtin-memset)
endif()
list(APPEND BACKPLANE_GENERAL_REGISTERS -fno-sanitize=all -U_FORTIFY_SOURCE)

function(backplane_use_general_registers)
  set_source_files_properties(${ARGN} PROPERTIES
    COMPILE_OPTIONS "${BACKPLANE_GENERAL_REGISTERS}" SKIP_PRECOMPILE_HEADERS ON)
endfunction()
