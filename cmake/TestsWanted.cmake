# Whether the tests are built: as BACKPLANE_TESTS says, else as BUILD_TESTING does, else where what
# they need is installed, so that whoever builds to use it needs nothing of that.
if(NOT DEFINED BACKPLANE_TESTS)
  if(DEFINED BUILD_TESTING)
    set(BACKPLANE_TESTS ${BUILD_TESTING})
  elseif(NOT PROJECT_IS_TOP_LEVEL OR WIN32)
    set(BACKPLANE_TESTS ${PROJECT_IS_TOP_LEVEL})
  else()
    find_package(GTest QUIET)
    find_package(Python3 3.11 QUIET COMPONENTS Interpreter)
    set(BACKPLANE_TESTS OFF)
    if(GTest_FOUND AND Python3_FOUND)
      set(BACKPLANE_TESTS ON)
    else()
      message(STATUS "The tests are not built: libgtest-dev or python3 is not installed "
        "(host/linux/install-packages test installs what they need)")
    endif()
  endif()
endif()
