# Manual pages, made when building from what the programs say of themselves. A build for another
# system has none.

# Writes what a command of the build prints to a page, and installs it.
function(_backplane_make_page name package)
  set(output "${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DATAROOTDIR}/man/man1/${name}.1")
  cmake_path(GET output PARENT_PATH directory)
  file(MAKE_DIRECTORY "${directory}")
  add_custom_command(OUTPUT "${output}"
    COMMAND ${ARGN} > "${output}"
    DEPENDS backplane-manual
    VERBATIM)
  add_custom_target(${name}-page ALL DEPENDS "${output}")
  install(FILES "${output}" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${package})
endfunction()

# backplane_add_manual_page(NAME PACKAGE SUMMARY [SCRIPT]): of a command, from what its --help prints;
# SUMMARY goes on from its name. PACKAGE is the install component. The command is the target NAME, or
# that script.
function(backplane_add_manual_page name package summary)
  if(NOT CMAKE_CROSSCOMPILING)
    set(command ${name} ${ARGN})
    list(POP_BACK command program)
    _backplane_make_page(${name} ${package}
      ${program} --help | $<TARGET_FILE:backplane-manual> ${PROJECT_VERSION} ${name} "${summary}")
    if(TARGET ${name})
      add_dependencies(${name}-page ${name})
    endif()
  endif()
endfunction()

# backplane_add_program_pages(): of the program, from the table of its options.
function(backplane_add_program_pages)
  if(NOT CMAKE_CROSSCOMPILING)
    _backplane_make_page(backplane backplane backplane-manual ${PROJECT_VERSION})
    set(alias "${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DATAROOTDIR}/man/man1/backplane-kvm.1")
    file(CONFIGURE OUTPUT "${alias}" CONTENT ".so man1/backplane.1\n")
    install(FILES "${alias}" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT backplane)
  endif()
endfunction()
