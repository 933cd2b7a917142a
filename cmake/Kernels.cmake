# The kernel sources, compiled once per instruction set with its own flags. Nothing else in the
# project is compiled with flags of a particular CPU.
include(CheckCXXCompilerFlag)
set(DSQN_KERNEL_FOLDER ${PROJECT_SOURCE_DIR}/cpp/src/kernels)
set(DSQN_KERNEL_OBJECTS "")
set(DSQN_KERNEL_DEFINITIONS "")

# Sanitizers look at every access, which takes minutes to compile at -O3 or with the places of all
# variables; lines are enough for a report.
if(DSQN_SANITIZE)
  set(DSQN_KERNEL_LEVEL -O1 -g1)
else()
  set(DSQN_KERNEL_LEVEL -O3)
endif()

function(dsqn_add_kernels source isa vector_bytes)
  set(target dsqn_kernels_${isa})
  add_library(${target} OBJECT ${DSQN_KERNEL_FOLDER}/${source})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cpp/include)
  target_compile_definitions(${target} PRIVATE DSQN_ISA=${isa} DSQN_VECTOR_BYTES=${vector_bytes})
  target_compile_options(${target} PRIVATE ${DSQN_KERNEL_LEVEL} -ffp-contract=off -fno-exceptions -fno-rtti
                                           -fno-math-errno -fno-trapping-math
                                           -fvisibility=hidden ${ARGN})
  target_link_libraries(${target} PRIVATE dsqn_warnings)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  set(DSQN_KERNEL_OBJECTS ${DSQN_KERNEL_OBJECTS} $<TARGET_OBJECTS:${target}> PARENT_SCOPE)
endfunction()

# Sanitizers find what happens while code runs: kernels that this machine has not the instructions
# for (FLAG of /proc/cpuinfo) are compiled without, and not optimised.
function(dsqn_sanitize_if_it_runs isa flag)
  if(DSQN_SANITIZE AND EXISTS /proc/cpuinfo)
    file(STRINGS /proc/cpuinfo flags REGEX "^flags" LIMIT_COUNT 1)
    if(NOT "${flags} " MATCHES " ${flag} ")
      target_compile_options(dsqn_kernels_${isa} PRIVATE -fno-sanitize=all -O0)
    endif()
  endif()
endfunction()

dsqn_add_kernels(population.cpp scalar 0)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  dsqn_add_kernels(population.cpp avx2 32 -mavx2 -mbmi -mpopcnt)
  set(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mbmi -mpopcnt -mprefer-vector-width=512)
  dsqn_add_kernels(population.cpp avx512 64 ${avx512})
  dsqn_sanitize_if_it_runs(avx512 avx512vl)
  list(APPEND DSQN_KERNEL_DEFINITIONS DSQN_HAS_X86)
  # Only Linux is known to let a process use tiles.
  check_cxx_compiler_flag("-mamx-tile -mamx-int8 -mavx512vpopcntdq" DSQN_COMPILES_AMX)
  if(DSQN_COMPILES_AMX AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
    dsqn_add_kernels(tiles.cpp amx 64 ${avx512} -mavx512vpopcntdq -mamx-tile -mamx-int8)
    dsqn_sanitize_if_it_runs(amx amx_int8)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      target_compile_options(dsqn_kernels_amx PRIVATE -Wno-maybe-uninitialized) # in its headers
    endif()
    list(APPEND DSQN_KERNEL_DEFINITIONS DSQN_HAS_AMX)
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  dsqn_add_kernels(population.cpp neon 16)
  list(APPEND DSQN_KERNEL_DEFINITIONS DSQN_HAS_NEON)
endif()
