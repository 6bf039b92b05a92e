# The installed SDK: library, headers, CMake package, pkg-config file. All paths are relative, so
# the installed tree may be moved. An install component is what one package has, and is called as
# it.
include(CMakePackageConfigHelpers)

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/Backplane)
set(BACKPLANE_INSTALL_MODULEDIR ${CMAKE_INSTALL_LIBDIR}/backplane)

# As Debian has it: a library's package ends in the number that its name ends in.
set(BACKPLANE_LIBRARY_PACKAGE libbackplane${BACKPLANE_SDK_MAJOR})
install(TARGETS backplane-sdk EXPORT BackplaneTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    COMPONENT ${BACKPLANE_LIBRARY_PACKAGE} NAMELINK_COMPONENT backplane-sdk-dev
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${BACKPLANE_LIBRARY_PACKAGE}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT backplane-sdk-dev)
install(TARGETS backplane-modinfo
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT backplane-utils)
install(TARGETS backplane-module EXPORT BackplaneTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT backplane-sdk-dev)
install(PROGRAMS tools/new-module/backplane-new-module
  DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT backplane-sdk-dev)
install(DIRECTORY templates
  DESTINATION ${CMAKE_INSTALL_DATADIR}/backplane COMPONENT backplane-sdk-dev)
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/sdk-version" CONTENT "${BACKPLANE_SDK_VERSION}\n")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/sdk-version"
  DESTINATION ${CMAKE_INSTALL_DATADIR}/backplane/templates COMPONENT backplane-sdk-dev)
install(DIRECTORY include/backplane DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT backplane-sdk-dev)
install(EXPORT BackplaneTargets NAMESPACE Backplane:: DESTINATION ${package_directory}
  COMPONENT backplane-sdk-dev)
install(EXPORT BackplaneTestingTargets NAMESPACE Backplane:: DESTINATION ${package_directory}
  COMPONENT backplane-sdk-testing)

configure_package_config_file(cmake/BackplaneConfig.cmake.in
  "${CMAKE_CURRENT_BINARY_DIR}/BackplaneConfig.cmake"
  INSTALL_DESTINATION ${package_directory}
  PATH_VARS BACKPLANE_INSTALL_MODULEDIR)
# find_package() accepts what the loader accepts.
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/BackplaneConfigVersion.cmake"
  VERSION ${BACKPLANE_SDK_VERSION} COMPATIBILITY SameMajorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/BackplaneConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/BackplaneConfigVersion.cmake"
  cmake/BackplaneModule.cmake
  cmake/backplane-module.pc.in
  DESTINATION ${package_directory}
  COMPONENT backplane-sdk-dev)

set(pkgconfig_directory "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH to_prefix "${pkgconfig_directory}" "${CMAKE_INSTALL_PREFIX}")
file(RELATIVE_PATH to_headers "${pkgconfig_directory}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
configure_file(cmake/backplane.pc.in "${CMAKE_CURRENT_BINARY_DIR}/backplane.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/backplane.pc"
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT backplane-sdk-dev)
