// What a run gives back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dsqn/network.hpp"

namespace dsqn {

// Spikes and potentials of one population: [decision][step][neuron].
template <class T>
struct Recording {
  int population = 0;
  std::vector<std::int8_t> spikes;
  std::vector<T> potentials;
};

// The arrays share one piece of memory: a run of a small network takes about as long as a few
// allocations.
template <class T>
struct Result {
  Result(std::shared_ptr<const Network<T>> of, std::size_t n_decisions, std::int64_t steps);

  // Spikes of each neuron of population l: [decision][neuron].
  std::span<std::int32_t> spike_counts(std::size_t l) const {
    const auto first = network->first_neuron(l) * batch;
    return counts.subspan(first, network->first_neuron(l + 1) * batch - first);
  }
  // Neurons of population l.
  std::size_t width(std::size_t l) const {
    return network->first_neuron(l + 1) - network->first_neuron(l);
  }

  std::shared_ptr<const Network<T>> network;
  std::size_t batch;
  int n_out;               // neurons of the output population
  int n_actions;           // outputs after decoding
  std::int64_t n_steps;    // T
  std::int64_t steps_run;  // most steps of any decision

 private:
  std::unique_ptr<std::byte[]> memory_;

 public:
  std::span<std::int64_t> actions, total_spikes, input_spikes, synaptic_operations, steps_used;
  std::span<T> outputs;  // [decision][action]
  std::span<std::int32_t> counts;
  std::vector<Recording<T>> recordings;
};

extern template struct Result<float>;
extern template struct Result<double>;
extern template struct Result<std::int32_t>;

}  // namespace dsqn
