// Which instruction sets this build and this CPU have, and which one runs.
#pragma once

#include <string>
#include <vector>

#include "dsqn/kernels.hpp"

namespace dsqn {

// Names of the instruction sets that run here, slowest first; "scalar" is always there.
std::vector<std::string> available_isas();

// Kernels of the fastest one, or of the one that DSQN_FORCE_ISA names.
// Throws CpuError where that one is unknown or does not run here.
const KernelTable& kernels();

}  // namespace dsqn
