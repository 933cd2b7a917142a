// What a run gives back.
#pragma once

#include <cstdint>
#include <vector>

namespace dsqn {

// Spikes and potentials of one population: [decision][step][neuron].
template <class T>
struct Recording {
  int population = 0;
  std::vector<std::int8_t> spikes;
  std::vector<T> potentials;
};

template <class T>
struct Result {
  std::size_t batch = 0;
  std::vector<std::size_t> widths;  // neurons of each population
  int n_out = 0;                    // neurons of the output population
  int n_actions = 0;                // outputs after decoding
  std::int64_t n_steps = 0;         // T
  std::int64_t steps_run = 0;       // most steps of any decision
  std::vector<std::int64_t> actions;
  std::vector<T> outputs;                               // [decision][action]
  std::vector<std::vector<std::int32_t>> spike_counts;  // population, [decision][neuron]
  std::vector<std::int64_t> total_spikes;
  std::vector<std::int64_t> input_spikes;
  std::vector<std::int64_t> synaptic_operations;
  std::vector<std::int64_t> steps_used;
  std::vector<Recording<T>> recordings;
};

}  // namespace dsqn
