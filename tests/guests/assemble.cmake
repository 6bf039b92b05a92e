# How guests in assembly become images.

# assemble(OUTPUT SOURCE LINKER_SCRIPT [INCLUDE directory...] [DEFINE definition...]
#          [DEPENDS file...]): assembles, links, and leaves what goes into memory.
function(assemble output source script)
  cmake_parse_arguments(arg "" "" "INCLUDE;DEFINE;DEPENDS" ${ARGN})
  list(TRANSFORM arg_INCLUDE PREPEND "-I")
  list(TRANSFORM arg_DEFINE PREPEND "-D")
  set(object ${output}.o)
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_ASM_COMPILER} -c -MD -MF ${object}.d -MT ${object}
      ${arg_INCLUDE} ${arg_DEFINE} -o ${object} ${source}
    DEPENDS ${source} ${arg_DEPENDS} DEPFILE ${object}.d
    VERBATIM)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_LINKER} -m elf_x86_64 --oformat=binary -T ${script} -o ${output} ${object}
    DEPENDS ${object} ${script}
    VERBATIM)
endfunction()
