# Warnings that every target of ours is compiled with.
add_library(dsqn_warnings INTERFACE)
target_compile_options(dsqn_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                               -Wno-psabi)
