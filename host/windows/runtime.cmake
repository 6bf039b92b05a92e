# SPDX-License-Identifier: MIT
# The libraries that a program for Windows needs beside it: the compiler's own, and those of
# BACKPLANE_WINDOWS_PREFIX and of Debian that are linked as DLLs.
set(names libgcc_s_seh-1.dll libstdc++-6.dll libwinpthread-1.dll zlib1.dll libglib-2.0-0.dll)
foreach(name IN LISTS names)
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=${name}
    OUTPUT_VARIABLE from_compiler OUTPUT_STRIP_TRAILING_WHITESPACE)
  cmake_path(GET from_compiler PARENT_PATH compiler_directory)
  find_file(runtime_file ${name} NO_CACHE NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH REQUIRED
    PATHS "${compiler_directory}" "${BACKPLANE_WINDOWS_PREFIX}/bin" /usr/x86_64-w64-mingw32/lib)
  file(COPY "${runtime_file}" DESTINATION "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  install(FILES "${runtime_file}" DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT backplane)
  unset(runtime_file)
endforeach()
