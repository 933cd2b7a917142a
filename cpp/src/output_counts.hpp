// An output population that never spikes, from the numbers of spikes that it gets.
#pragma once

#include <cstdint>

#include "dsqn/network.hpp"

namespace dsqn {

// Adds `n_steps` steps to the potentials v of a dense population of fixed point: without leak,
// v = v0 + T * b + the sum of count * W over all inputs, in which the order of additions does not
// matter. `counts` are those of the population before, whose layout is `before`.
void integrate_counts(const Population<std::int32_t>& output, const Layout& before,
                      const std::int32_t* counts, std::int64_t n_steps, std::int32_t* v);

}  // namespace dsqn
