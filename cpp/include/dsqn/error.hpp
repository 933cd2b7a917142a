// Failures that a caller can act on. Python checks arguments first; these are the rest.
#pragma once

#include <stdexcept>

namespace dsqn {

// An instruction set was forced that this CPU or build does not have.
struct CpuError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A constant current is beyond the range of a fixed-point network.
struct RangeError : std::runtime_error {
  RangeError() : std::runtime_error("a current is beyond the range of fixed point") {}
};

// The run was stopped from outside (Ctrl-C) before it ended.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("the run was interrupted") {}
};

}  // namespace dsqn
