# The SDK's version, which its header says.
set(header "${PROJECT_SOURCE_DIR}/sdk/include/backplane/abi.h")
file(STRINGS "${header}" numbers REGEX "^#define BACKPLANE_SDK_(MAJOR|MINOR) [0-9]+$")
string(REGEX REPLACE "[^0-9;]" "" numbers "${numbers}")
list(GET numbers 0 BACKPLANE_SDK_MAJOR)
list(JOIN numbers "." BACKPLANE_SDK_VERSION)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
