# What is built on, looked for where it is used: by the library and the program always, by a module
# where it is built. Each says what to install if it is not there.

# Who needs it: the module whose folder this is, the tests, or all.
function(_backplane_missing what package)
  set(needs "Backplane needs")
  set(or "")
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR PARENT_PATH above)
  if(above STREQUAL "${PROJECT_SOURCE_DIR}/modules")
    set(needs "The module ${folder} needs")
    set(or ", or leave the module out of BACKPLANE_MODULES")
  elseif(folder STREQUAL "tests")
    set(needs "The tests need")
    set(or ", or leave them out by BACKPLANE_TESTS=OFF")
  endif()
  message(FATAL_ERROR "${needs} ${what}, which is not installed: install it (Debian: "
    "apt-get install ${package})${or}")
endfunction()

# backplane_require_package(NAME DEBIAN-PACKAGE [argument...]): find_package(NAME argument...).
macro(backplane_require_package name package)
  find_package(${name} QUIET ${ARGN})
  if(NOT ${name}_FOUND)
    _backplane_missing("${name}" ${package})
  endif()
endmacro()

# backplane_require_library(VARIABLE PKG-CONFIG-NAME DEBIAN-PACKAGE): gives PkgConfig::VARIABLE.
macro(backplane_require_library variable name package)
  backplane_require_package(PkgConfig pkg-config)
  pkg_check_modules(${variable} QUIET IMPORTED_TARGET GLOBAL ${name})
  if(NOT ${variable}_FOUND)
    _backplane_missing("${name}" ${package})
  endif()
endmacro()

# backplane_require_header(FILE DEBIAN-PACKAGE): a library that is headers alone.
function(backplane_require_header file package)
  string(MAKE_C_IDENTIFIER "BACKPLANE_HAS_${file}" variable)
  find_path(${variable} ${file})
  mark_as_advanced(${variable})
  if(NOT ${variable})
    _backplane_missing("${file}" ${package})
  endif()
endfunction()
