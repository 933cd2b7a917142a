# Checks that each kernel object exports one symbol, the function that gives its table, and that
# nothing weak is among them: a weak function compiled for one instruction set could be the one
# that the linker keeps for all.
#
#   cmake -DNM=nm -DOBJECTS="a.o;b.o" -P check_exports.cmake
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} --extern-only --defined-only ${object}
                  OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" symbols "${text}")
  list(LENGTH symbols count)
  if(NOT count EQUAL 1 OR NOT symbols MATCHES " T dsqn_kernels_[a-z0-9]+$")
    message(SEND_ERROR "${object} must export dsqn_kernels_<isa> alone, but exports:\n${text}")
  endif()
endforeach()
