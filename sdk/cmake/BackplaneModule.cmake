# backplane_add_module(NAME SOURCES file... [LINK target...] [REQUIRES module...] [PACKAGE name]
#                      [INCLUDE dir])
#
# A loadable module: one shared object NAME.so that registers types. REQUIRES names the modules it
# builds on: they are linked, and written into its metadata so that they are loaded first.
function(backplane_add_module name)
  cmake_parse_arguments(arg "" "PACKAGE;INCLUDE" "SOURCES;LINK;REQUIRES" ${ARGN})
  set(requires_file "${CMAKE_CURRENT_BINARY_DIR}/${name}_requires.cpp")
  set(text "#include <backplane/modinfo.h>\n")
  foreach(required IN LISTS arg_REQUIRES)
    string(APPEND text "BACKPLANE_MODINFO(\"requires\", \"${required}\")\n")
  endforeach()
  file(CONFIGURE OUTPUT "${requires_file}" CONTENT "${text}" @ONLY)

  add_library(${name} SHARED ${arg_SOURCES} "${requires_file}" $<TARGET_OBJECTS:backplane-module-anchor>)
  target_link_libraries(${name} PUBLIC Backplane::backplane ${arg_REQUIRES} PRIVATE ${arg_LINK})
  target_link_options(${name} PRIVATE -Wl,--no-undefined -Wl,-z,now)
  if(arg_INCLUDE)
    target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${arg_INCLUDE}>)
  endif()
  if(arg_PACKAGE)
    target_compile_definitions(${name} PRIVATE BACKPLANE_PACKAGE="${arg_PACKAGE}")
  endif()
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    INSTALL_RPATH "$ORIGIN;$ORIGIN/.."
    LIBRARY_OUTPUT_DIRECTORY "${BACKPLANE_MODULE_OUTPUT_DIRECTORY}")
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/backplane)
endfunction()
