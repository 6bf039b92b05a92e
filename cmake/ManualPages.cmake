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

# backplane_add_manual_page(TARGET PACKAGE SUMMARY): of a command, from what its --help prints;
# SUMMARY goes on from its name. PACKAGE is the install component.
function(backplane_add_manual_page target package summary)
  if(NOT CMAKE_CROSSCOMPILING)
    _backplane_make_page(${target} ${package}
      ${target} --help | $<TARGET_FILE:backplane-manual> ${PROJECT_VERSION} ${target} "${summary}")
    add_dependencies(${target}-page ${target})
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
