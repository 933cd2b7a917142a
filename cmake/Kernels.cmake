# The kernel sources, compiled once per instruction set with its own flags. Nothing else in the
# project is compiled with flags of a particular CPU.
set(DSQN_KERNEL_SOURCES ${PROJECT_SOURCE_DIR}/cpp/src/kernels/population.cpp)
set(DSQN_KERNEL_OBJECTS "")
set(DSQN_KERNEL_DEFINITIONS "")

# Sanitizers look at every access, which at -O3 takes minutes to compile.
if(DSQN_SANITIZE)
  set(DSQN_KERNEL_LEVEL -O1)
else()
  set(DSQN_KERNEL_LEVEL -O3)
endif()

function(dsqn_add_kernels isa vector_bytes)
  set(target dsqn_kernels_${isa})
  add_library(${target} OBJECT ${DSQN_KERNEL_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cpp/include)
  target_compile_definitions(${target} PRIVATE DSQN_ISA=${isa} DSQN_VECTOR_BYTES=${vector_bytes})
  target_compile_options(${target} PRIVATE ${DSQN_KERNEL_LEVEL} -ffp-contract=off -fno-exceptions -fno-rtti
                                           -fno-math-errno -fno-trapping-math
                                           -fvisibility=hidden ${ARGN})
  target_link_libraries(${target} PRIVATE dsqn_warnings)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  set(DSQN_KERNEL_OBJECTS ${DSQN_KERNEL_OBJECTS} $<TARGET_OBJECTS:${target}> PARENT_SCOPE)
endfunction()

dsqn_add_kernels(scalar 0)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  dsqn_add_kernels(avx2 32 -mavx2 -mbmi -mpopcnt)
  dsqn_add_kernels(avx512 64 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mbmi -mpopcnt
                   -mprefer-vector-width=512)
  list(APPEND DSQN_KERNEL_DEFINITIONS DSQN_HAS_X86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  dsqn_add_kernels(neon 16)
  list(APPEND DSQN_KERNEL_DEFINITIONS DSQN_HAS_NEON)
endif()
