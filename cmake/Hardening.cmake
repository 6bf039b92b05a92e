# What Debian asks of programs: a mistake with memory ends the program sooner than it is of use to
# somebody. Compilers that a distribution sets up do some of it by themselves.
include(CheckPIESupported)
check_pie_supported()

add_compile_options(-fstack-protector-strong)
# Needs optimisation, and gives way to what whoever builds has chosen.
if(NOT "${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS}" MATCHES "_FORTIFY_SOURCE")
  add_compile_options($<$<CONFIG:RelWithDebInfo,Release,MinSizeRel>:-U_FORTIFY_SOURCE>
    $<$<CONFIG:RelWithDebInfo,Release,MinSizeRel>:-D_FORTIFY_SOURCE=2>)
endif()
add_link_options(-Wl,-z,relro -Wl,-z,now)
