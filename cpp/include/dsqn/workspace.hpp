// State of one decision in simulation: one per worker, reused from decision to decision.
#pragma once

#include <cstdint>
#include <vector>

#include "dsqn/aligned.hpp"
#include "dsqn/encoding.hpp"
#include "dsqn/network.hpp"

namespace dsqn {

// One population's state and the spikes that it emitted in the current block.
template <class T>
struct PopulationState {
  AlignedVector<T> v, synapse, sum, fired;
  AlignedVector<std::uint64_t> words;
  AlignedVector<std::int8_t> values;      // [neuron][kBlock] where spikes carry values
  std::vector<std::uint64_t> carry;       // last steps of the block before, for delays
  std::vector<std::int8_t> carry_values;  // [neuron][delay]
};

template <class T>
struct Workspace {
  explicit Workspace(const Network<T>& network);

  // Brings every population to the state before the first step.
  void reset(const Network<T>& network);

  std::vector<PopulationState<T>> populations;
  Encoder encoder;
  std::vector<std::uint64_t> encoded_words;  // input spikes of the encoding
  std::vector<std::int8_t> encoded_values;
  std::vector<std::uint64_t> delayed_words;  // spikes that arrive at a population
  std::vector<std::int8_t> delayed_values;
  std::vector<std::int32_t> active;
  AlignedVector<T> scratch;
  AlignedVector<T> current;                  // constant current of the first population
  std::vector<AlignedVector<T>> potentials;  // [population]: [kBlock][padded], empty if unused
};

extern template struct Workspace<float>;
extern template struct Workspace<double>;

}  // namespace dsqn
