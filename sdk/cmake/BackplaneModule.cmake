# How modules are built, inside this tree and outside of it (find_package(Backplane)).
#
# backplane_add_module(NAME SOURCES file... [LINK target...] [REQUIRES module...] [PACKAGE name]
#                      [INCLUDE dir] [EXPORTS file])
#
# A loadable module: one shared object NAME.so that registers types. REQUIRES names the modules it
# builds on: they are linked, and written into its metadata so that they are loaded first. PACKAGE
# is the package that ships it, for messages, and the install component that it is part of; a
# packager with other names sets BACKPLANE_PACKAGE_<NAME> at configure time. INCLUDE is the folder
# of its headers; one that is called "include" is installed, and find_package(Backplane) then gives
# Backplane::NAME to modules that build on this one. EXPORTS is the linker's version script that
# lists what those may use; without one, everything.
#
# A module listed in BACKPLANE_BUILTIN_MODULES becomes a static library that is linked into the
# program instead.

include(GNUInstallDirs)

define_property(GLOBAL PROPERTY BACKPLANE_LOADABLE_MODULES
  BRIEF_DOCS "Modules built as shared objects")
define_property(GLOBAL PROPERTY BACKPLANE_PACKAGED_MODULES
  BRIEF_DOCS "Those of them that a package ships")
define_property(GLOBAL PROPERTY BACKPLANE_LINKED_MODULES
  BRIEF_DOCS "Modules linked into the program")

# The target of a module: of this tree, or of an installed Backplane.
function(backplane_module_target module result)
  if(TARGET ${module})
    set(${result} ${module} PARENT_SCOPE)
  elseif(TARGET Backplane::${module})
    set(${result} Backplane::${module} PARENT_SCOPE)
  else()
    message(FATAL_ERROR "There is no module '${module}'")
  endif()
endfunction()

# Fails if one of the words looks like an argument's name: it is none, or lacks its value.
function(_backplane_check_arguments call known)
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "${call}: SOURCES names no file")
  endif()
  foreach(word IN LISTS ARGN)
    if(word MATCHES "^[A-Z_]+$")
      message(FATAL_ERROR "${call}: '${word}' is none of its arguments, or lacks its value: ${known}")
    endif()
  endforeach()
endfunction()

# Fails unless what a module builds on is there.
function(_backplane_check_requirements name)
  foreach(required IN LISTS ARGN)
    if(NOT TARGET ${required} AND NOT TARGET Backplane::${required})
      if(TARGET backplane-sdk)
        message(FATAL_ERROR "The module ${name} builds on ${required}, which is not in "
          "BACKPLANE_MODULES: add it to the list, or leave ${name} out")
      endif()
      message(FATAL_ERROR "The module ${name} builds on ${required}, which is not installed: "
        "install the package that has it")
    endif()
  endforeach()
endfunction()

function(backplane_add_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PACKAGE;INCLUDE;EXPORTS" "SOURCES;LINK;REQUIRES")
  _backplane_check_arguments("backplane_add_module(${name})"
    "SOURCES, LINK, REQUIRES, PACKAGE, INCLUDE, EXPORTS" ${arg_UNPARSED_ARGUMENTS}
    ${arg_KEYWORDS_MISSING_VALUES} ${arg_SOURCES} ${arg_LINK} ${arg_REQUIRES})
  if(NOT arg_EXPORTS)
    set(arg_EXPORTS ${BACKPLANE_DEFAULT_EXPORTS})
  endif()
  if(BACKPLANE_PACKAGE_${name})
    set(arg_PACKAGE ${BACKPLANE_PACKAGE_${name}})
  endif()
  _backplane_check_requirements(${name} ${arg_REQUIRES})
  # Not by definitions, which would keep the module's files from using precompiled headers.
  set(modinfo_file "${CMAKE_CURRENT_BINARY_DIR}/${name}_modinfo.cpp")
  set(text "// What the build knows of ${name}.\n#include <backplane/modinfo.h>\n")
  if(arg_PACKAGE)
    string(APPEND text "BACKPLANE_MODINFO(\"package\", \"${arg_PACKAGE}\")\n")
  endif()
  foreach(required IN LISTS arg_REQUIRES)
    string(APPEND text "BACKPLANE_MODINFO(\"requires\", \"${required}\")\n")
  endforeach()
  file(CONFIGURE OUTPUT "${modinfo_file}" CONTENT "${text}" @ONLY)

  if(name IN_LIST BACKPLANE_BUILTIN_MODULES OR BACKPLANE_BUILTIN_MODULES STREQUAL "all")
    _backplane_add_linked_module(${name})
  else()
    _backplane_add_loadable_module(${name})
  endif()
  target_sources(${name} PRIVATE ${arg_SOURCES} "${modinfo_file}")
  target_link_libraries(${name} PUBLIC Backplane::backplane PRIVATE ${arg_LINK})
  if(arg_INCLUDE)
    target_include_directories(${name} PUBLIC
      $<BUILD_INTERFACE:${arg_INCLUDE}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    cmake_path(GET arg_INCLUDE FILENAME leaf)
    if(leaf STREQUAL "include" AND EXISTS "${arg_INCLUDE}/backplane")
      install(DIRECTORY "${arg_INCLUDE}/backplane" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT backplane-sdk-dev)
      _backplane_install_import_file(${name} "${arg_INCLUDE}" ${arg_REQUIRES})
    endif()
  endif()
endfunction()

# backplane_export(LIBRARY file): the library shows what this version script lists, and nothing else.
function(backplane_export library file)
  set_target_properties(${library} PROPERTIES
    LINK_FLAGS "-Wl,--version-script=\"${file}\"" LINK_DEPENDS "${file}" BACKPLANE_EXPORTS "${file}")
endfunction()

# The headers of a module that is linked into the program, which only the program links.
function(_backplane_use_headers name linked_module)
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:$<TARGET_PROPERTY:${linked_module},INTERFACE_INCLUDE_DIRECTORIES>>)
endfunction()

macro(_backplane_add_loadable_module name)
  add_library(${name} SHARED)
  target_link_libraries(${name} PRIVATE Backplane::module-anchor)
  get_property(linked GLOBAL PROPERTY BACKPLANE_LINKED_MODULES)
  set(needs_program OFF)
  foreach(required IN LISTS arg_REQUIRES)
    if(required IN_LIST linked)
      # What it uses of that module is in the program.
      set(needs_program ON)
      _backplane_use_headers(${name} ${required})
    else()
      backplane_module_target(${required} target)
      target_link_libraries(${name} PUBLIC ${target})
    endif()
  endforeach()
  if(WIN32)
    # Symbols are bound when a file is loaded, and none may be missing when it is linked.
    target_link_options(${name} PRIVATE -Wl,--export-all-symbols)
  else()
    target_link_options(${name} PRIVATE -Wl,-z,now)
    if(NOT needs_program)
      target_link_options(${name} PRIVATE -Wl,--no-undefined)
    endif()
    if(arg_EXPORTS)
      backplane_export(${name} "${arg_EXPORTS}")
    endif()
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" INSTALL_RPATH "$ORIGIN;$ORIGIN/..")
  if(BACKPLANE_MODULE_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES
      LIBRARY_OUTPUT_DIRECTORY "${BACKPLANE_MODULE_OUTPUT_DIRECTORY}"
      RUNTIME_OUTPUT_DIRECTORY "${BACKPLANE_MODULE_OUTPUT_DIRECTORY}")
  endif()
  set(component ${name})
  if(arg_PACKAGE)
    set(component ${arg_PACKAGE})
    set_property(GLOBAL APPEND PROPERTY BACKPLANE_PACKAGED_MODULES ${name})
  endif()
  install(TARGETS ${name}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/backplane COMPONENT ${component}
    RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/backplane COMPONENT ${component})
  set_property(GLOBAL APPEND PROPERTY BACKPLANE_LOADABLE_MODULES ${name})
endmacro()

macro(_backplane_add_linked_module name)
  add_library(${name} STATIC)
  get_property(linked GLOBAL PROPERTY BACKPLANE_LINKED_MODULES)
  foreach(required IN LISTS arg_REQUIRES)
    if(NOT required IN_LIST linked)
      message(FATAL_ERROR "BACKPLANE_BUILTIN_MODULES has '${name}', which builds on '${required}': "
        "add that to the list")
    endif()
    _backplane_use_headers(${name} ${required})
  endforeach()
  # (In this tree it is among the program's own objects.)
  get_target_property(anchor_type Backplane::module-anchor TYPE)
  if(anchor_type STREQUAL "STATIC_LIBRARY")
    target_link_libraries(${name} INTERFACE Backplane::module-anchor)
  endif()
  target_compile_definitions(${name} PRIVATE BACKPLANE_MODINFO_PREFIX="${name}.")
  set_target_properties(${name} PROPERTIES BACKPLANE_REQUIRES "${arg_REQUIRES}")
  set_property(GLOBAL APPEND PROPERTY BACKPLANE_LINKED_MODULES ${name})
endmacro()

# One small file a module, read by BackplaneConfig.cmake, and one for pkg-config: modules come in
# packages of their own, so none may be missed by the others.
set(_backplane_module_pc "${CMAKE_CURRENT_LIST_DIR}/backplane-module.pc.in")
function(_backplane_install_import_file name include)
  set(file "${CMAKE_CURRENT_BINARY_DIR}/${name}.cmake")
  file(CONFIGURE OUTPUT "${file}" CONTENT "_backplane_import_module(${name} ${ARGN})\n" @ONLY)
  install(FILES "${file}" DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Backplane/modules
    COMPONENT backplane-sdk-dev)

  # The version that its headers say, or else the project's.
  set(version "${PROJECT_VERSION}")
  file(GLOB_RECURSE headers "${include}/version.h")
  foreach(header IN LISTS headers)
    file(STRINGS "${header}" line REGEX "^#define [A-Z0-9_]+_VERSION \"[0-9.]+\"$")
    string(REGEX REPLACE ".*\"(.*)\".*" "\\1" version "${line}")
  endforeach()
  set(pc_requires "")
  foreach(required IN LISTS ARGN)
    string(APPEND pc_requires ", backplane-${required}")
  endforeach()
  file(RELATIVE_PATH to_headers
    "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
  configure_file("${_backplane_module_pc}" "${CMAKE_CURRENT_BINARY_DIR}/backplane-${name}.pc" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/backplane-${name}.pc"
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT backplane-sdk-dev)
endfunction()

# backplane_add_module_test(MODULE SOURCES file... [LINK target...])
#
# A test of a module, with the test kit (Backplane::testing): the program MODULE-test, known to
# CTest. It finds the module under test as the emulator would, by the types that are named, in
# front of installed ones; the sources need not mention it.
function(backplane_add_module_test module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  _backplane_check_arguments("backplane_add_module_test(${module})" "SOURCES, LINK"
    ${arg_UNPARSED_ARGUMENTS} ${arg_KEYWORDS_MISSING_VALUES} ${arg_SOURCES} ${arg_LINK})
  set(finder "${CMAKE_CURRENT_BINARY_DIR}/${module}_under_test.cpp")
  file(GENERATE OUTPUT "${finder}" CONTENT
"// Where the module under test is.
#include <backplane/module.h>
namespace {
[[gnu::constructor]] void find_module_under_test() {
  backplane::ModuleIndex::instance().add_path(\"$<TARGET_FILE_DIR:${module}>\");
}
}  // namespace
")
  add_executable(${module}-test ${arg_SOURCES} "${finder}")
  target_link_libraries(${module}-test PRIVATE Backplane::testing ${arg_LINK})
  add_dependencies(${module}-test ${module})
  add_test(NAME ${module} COMMAND ${module}-test)
endfunction()

# backplane_link_modules(TARGET module...): links modules into a program that uses their classes,
# such as a test. Linked modules come with all their types, and with what they build on.
function(backplane_link_modules target)
  get_property(linked GLOBAL PROPERTY BACKPLANE_LINKED_MODULES)
  foreach(module IN LISTS ARGN)
    if(module IN_LIST linked)
      # Once, however many modules build on it.
      get_target_property(present ${target} BACKPLANE_HAS_MODULES)
      if(NOT module IN_LIST present)
        set_property(TARGET ${target} APPEND PROPERTY BACKPLANE_HAS_MODULES ${module})
        target_link_libraries(${target} PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,${module}>)
        get_target_property(below ${module} BACKPLANE_REQUIRES)
        if(below)
          backplane_link_modules(${target} ${below})
        endif()
      endif()
    else()
      backplane_module_target(${module} module_target)
      target_link_libraries(${target} PRIVATE ${module_target})
    endif()
  endforeach()
endfunction()

# Links the modules of BACKPLANE_BUILTIN_MODULES into the program. Modules that are loaded may
# build on them, so the program then exports its symbols.
function(backplane_link_builtin_modules program)
  get_property(linked GLOBAL PROPERTY BACKPLANE_LINKED_MODULES)
  if(linked)
    backplane_link_modules(${program} ${linked})
    set_target_properties(${program} PROPERTIES ENABLE_EXPORTS ON)
  endif()
endfunction()

# Writes the file known-modules of the module directory from the loadable modules' metadata, so
# that the package of a module that was removed can still be named.
function(backplane_write_known_modules)
  get_property(modules GLOBAL PROPERTY BACKPLANE_PACKAGED_MODULES)
  if(NOT modules)
    return()
  endif()
  set(output "${BACKPLANE_MODULE_OUTPUT_DIRECTORY}/known-modules")
  list(TRANSFORM modules REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE files)
  add_custom_command(OUTPUT "${output}"
    COMMAND ${CMAKE_COMMAND} -E echo
      "# Modules that packages provide: MODULE PACKAGE TYPE... Lines may be added." > "${output}"
    COMMAND backplane-modinfo --known ${files} >> "${output}"
    DEPENDS backplane-modinfo ${modules}
    VERBATIM)
  add_custom_target(known-modules ALL DEPENDS "${output}")
  install(FILES "${output}" DESTINATION ${CMAKE_INSTALL_LIBDIR}/backplane COMPONENT backplane)
endfunction()
