# Where things are installed, and the same shape of the build tree, so that nothing needs to know
# which of the two it is in.
include(GNUInstallDirs)

# What lies below the prefix is relative to it, however it was given: then the tree may be moved.
set(fixed OFF)
foreach(kind IN ITEMS BINDIR LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}}")
    cmake_path(IS_PREFIX CMAKE_INSTALL_PREFIX "${CMAKE_INSTALL_${kind}}" NORMALIZE below)
    if(below)
      file(RELATIVE_PATH CMAKE_INSTALL_${kind} "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_${kind}}")
    else()
      set(fixed ON)
    endif()
  endif()
endforeach()

if(fixed)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/root${CMAKE_INSTALL_FULL_BINDIR}")
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/root${CMAKE_INSTALL_FULL_LIBDIR}")
else()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_BINDIR}")
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}")
endif()
set(BACKPLANE_MODULE_OUTPUT_DIRECTORY "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/backplane")

file(RELATIVE_PATH to_libraries "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH "$ORIGIN/${to_libraries}")
