# Fails when a run of a workload takes over 5 % more instructions than written down. The count is
# the difference between eleven runs and one, so that what is done once does not matter.
#   cmake -DVALGRIND=... -DPROGRAM=... -DNAME=... -DWRITTEN_DOWN=... -P check_instructions.cmake
set(ENV{DSQN_FORCE_ISA} avx2)

function(count_instructions runs result)
  execute_process(COMMAND ${VALGRIND} --tool=callgrind --callgrind-out-file=/dev/null
                          ${PROGRAM} ${NAME} ${runs}
                  OUTPUT_VARIABLE out ERROR_VARIABLE log RESULT_VARIABLE failed)
  if(failed OR NOT log MATCHES "Collected : ([0-9]+)")
    message(FATAL_ERROR "callgrind failed: ${log}")
  endif()
  set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

count_instructions(1 few)
count_instructions(11 many)
math(EXPR found "(${many} - ${few}) / 10")
math(EXPR limit "${WRITTEN_DOWN} * 105 / 100")
message("${NAME}: ${found} instructions per run, ${WRITTEN_DOWN} written down")
if(found GREATER limit)
  message(FATAL_ERROR "more than ${limit}")
endif()
