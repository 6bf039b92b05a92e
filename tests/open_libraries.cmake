# Libraries and modules show what their lists of exports say (sdk/abi, modules/*/abi); tests look at
# what is inside as well. For them each is linked once more, from the same objects and under the same
# name, hiding nothing; what is in its list keeps its version.

set(BACKPLANE_OPEN_LIBRARY_DIRECTORY "${CMAKE_BINARY_DIR}/tests/${CMAKE_INSTALL_LIBDIR}")
set(BACKPLANE_OPEN_MODULE_DIRECTORY "${BACKPLANE_OPEN_LIBRARY_DIRECTORY}/backplane")

# The open twins of those targets of a list that are libraries or modules of ours; the others as they
# are.
function(backplane_open_names result)
  get_property(modules GLOBAL PROPERTY BACKPLANE_LOADABLE_MODULES)
  set(names "")
  foreach(name IN LISTS ARGN)
    if(name STREQUAL "Backplane::backplane" OR name STREQUAL "backplane-sdk")
      list(APPEND names backplane-sdk-open)
    elseif(name IN_LIST modules)
      list(APPEND names ${name}-open)
    else()
      list(APPEND names ${name})
    endif()
  endforeach()
  set(${result} ${names} PARENT_SCOPE)
endfunction()

function(_backplane_add_open_twin target directory)
  set(twin ${target}-open)
  add_library(${twin} SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:${target}>)
  foreach(property IN ITEMS PREFIX OUTPUT_NAME VERSION SOVERSION INSTALL_RPATH LINK_OPTIONS
      INTERFACE_INCLUDE_DIRECTORIES INTERFACE_COMPILE_FEATURES)
    get_target_property(value ${target} ${property})
    if(NOT value MATCHES "-NOTFOUND$")
      set_property(TARGET ${twin} PROPERTY ${property} "${value}")
    endif()
  endforeach()
  get_target_property(name ${twin} OUTPUT_NAME)
  if(NOT name)
    set_property(TARGET ${twin} PROPERTY OUTPUT_NAME ${target})
  endif()
  set_target_properties(${twin} PROPERTIES
    LINKER_LANGUAGE CXX LIBRARY_OUTPUT_DIRECTORY "${directory}")
  get_target_property(exports ${target} BACKPLANE_EXPORTS)
  if(exports)
    file(READ "${exports}" list)
    string(REGEX REPLACE "  local:\n *\\*;\n" "" list "${list}")
    set(open_list "${CMAKE_CURRENT_BINARY_DIR}/open/${target}.map")
    file(CONFIGURE OUTPUT "${open_list}" CONTENT "${list}" @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${exports}")
    backplane_export(${twin} "${open_list}")
  endif()
  get_target_property(libraries ${target} LINK_LIBRARIES)
  backplane_open_names(libraries ${libraries})
  # What is linked in is needed by what links it, if both are open.
  target_link_libraries(${twin} PUBLIC ${libraries})
endfunction()

_backplane_add_open_twin(backplane-sdk "${BACKPLANE_OPEN_LIBRARY_DIRECTORY}")
get_property(modules GLOBAL PROPERTY BACKPLANE_LOADABLE_MODULES)
set(twins "")
foreach(module IN LISTS modules)
  _backplane_add_open_twin(${module} "${BACKPLANE_OPEN_MODULE_DIRECTORY}")
  list(APPEND twins ${module}-open)
endforeach()
# All of them, for tests that load modules by their types.
add_custom_target(open-modules DEPENDS ${twins})
