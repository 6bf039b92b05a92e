# SPDX-License-Identifier: MIT
# CMake toolchain: x86-64 Windows, with Debian's mingw-w64 in its flavour with POSIX threads (which
# std::thread needs). BACKPLANE_WINDOWS_PREFIX is what host/windows/build-dependencies has made.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

set(mingw x86_64-w64-mingw32)
set(CMAKE_C_COMPILER ${mingw}-gcc-posix)
set(CMAKE_CXX_COMPILER ${mingw}-g++-posix)
set(CMAKE_RC_COMPILER ${mingw}-windres)

list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES BACKPLANE_WINDOWS_PREFIX)
set(CMAKE_FIND_ROOT_PATH "${BACKPLANE_WINDOWS_PREFIX}" /usr/${mingw})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Not the build machine's packages.
set(ENV{PKG_CONFIG_LIBDIR} "${BACKPLANE_WINDOWS_PREFIX}/lib/pkgconfig")

# Programs that the build makes and runs itself.
set(CMAKE_CROSSCOMPILING_EMULATOR "${CMAKE_CURRENT_LIST_DIR}/run")
