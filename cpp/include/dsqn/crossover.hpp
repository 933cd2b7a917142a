// Spikes one by one beside all steps at once: from which density on the latter is faster.
#pragma once

namespace dsqn {

// Shortest seconds of a float block of 64 steps: `inputs` neurons, each of which fires at that
// share of the steps, reach `outputs` neurons, at most as many as one unit has.
double block_seconds(int inputs, int outputs, double density, bool all_steps, double seconds);

}  // namespace dsqn
