// Decisions of a small dense network, one or a few at a time.
#pragma once

#include <cstddef>

#include "dsqn/result.hpp"
#include "dsqn/workspace.hpp"

namespace dsqn {

// Simulates `lanes` decisions from observations x on and writes them to the rows from `row` on.
// Throws as constant_current does.
template <class T>
void decide_small(const Network<T>& network, const KernelTable& kernels,
                  const typename Types<T>::Input* x, Workspace<T>& workspace, Result<T>& result,
                  std::size_t row, int lanes, Stop stop);

}  // namespace dsqn
