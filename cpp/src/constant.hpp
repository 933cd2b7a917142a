// The constant current of the first population, of several decisions at once.
#pragma once

#include "dsqn/network.hpp"
#include "dsqn/workspace.hpp"

namespace dsqn {

// Fills workspace.current from `lanes` observations x. Throws Interrupted where the run was
// stopped, RangeError where a current is beyond fixed point.
template <class T>
void constant_current(const Network<T>& network, const KernelTable& kernels,
                      const typename Types<T>::Input* x, int lanes, Stop stop,
                      Workspace<T>& workspace);

}  // namespace dsqn
