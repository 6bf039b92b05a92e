# How guests in assembly become images: in GNU's language, whoever compiles the rest.
find_program(BACKPLANE_ASSEMBLER NAMES x86_64-linux-gnu-gcc gcc REQUIRED
  DOC "GCC, which assembles small guests")

# assemble(OUTPUT SOURCE LINKER_SCRIPT [ELF] [DEBUG] [INCLUDE directory...] [DEFINE definition...]
#          [DEPENDS file...]): assembles, links, and leaves what goes into memory, or an ELF file.
# DEBUG: with what a debugger wants to know of lines.
function(assemble output source script)
  cmake_parse_arguments(arg "ELF;DEBUG" "" "INCLUDE;DEFINE;DEPENDS" ${ARGN})
  list(TRANSFORM arg_INCLUDE PREPEND "-I")
  list(TRANSFORM arg_DEFINE PREPEND "-D")
  set(object ${output}.o)
  if(arg_DEBUG)
    list(APPEND arg_DEFINE -g)
  endif()
  set(format binary)
  if(arg_ELF)
    set(format elf64-x86-64)
  endif()
  add_custom_command(OUTPUT ${object}
    COMMAND ${BACKPLANE_ASSEMBLER} -c -MD -MF ${object}.d -MT ${object}
      ${arg_INCLUDE} ${arg_DEFINE} -o ${object} ${source}
    DEPENDS ${source} ${arg_DEPENDS} DEPFILE ${object}.d
    VERBATIM)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_LINKER} -m elf_x86_64 --oformat=${format} --build-id=none -z noexecstack
      -T ${script} -o ${output} ${object}
    DEPENDS ${object} ${script}
    VERBATIM)
endfunction()
