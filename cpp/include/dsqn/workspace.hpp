// State of a decision, or of a group of them, in simulation: one per worker, reused from decision
// to decision.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dsqn/aligned.hpp"
#include "dsqn/encoding.hpp"
#include "dsqn/network.hpp"

namespace dsqn {

// Spikes of one block on their way: a word per neuron, and values where they are not all 1.
struct SpikeBlock {
  AlignedVector<std::uint64_t> words;
  AlignedVector<std::int16_t> values;  // [neuron][kBlock], empty where all are 1

  void resize(int n, bool graded) {
    words.resize(static_cast<std::size_t>(n));
    values.resize(graded ? static_cast<std::size_t>(n) * kBlock : 0);
  }
  const std::int16_t* values_or_null() const { return values.empty() ? nullptr : values.data(); }
};

// One population's state, the spikes that it emitted in the current block and, for delays, the
// last ones of the block before.
template <class T>
struct PopulationState {
  AlignedVector<T> v, synapse, sum, fired;
  SpikeBlock emitted;
  std::vector<std::uint64_t> carry;        // [neuron] last steps, in the low bits
  std::vector<std::int16_t> carry_values;  // [neuron][delay]
  SpikeBlock delayed;                      // emitted, as they arrive at the next population
  std::vector<SpikeBlock> pooled;          // what each pool before this population gives
  AlignedVector<T> potentials;             // [kBlock][padded], empty where nobody looks
};

// The same for a small dense network that runs as a whole; see Lockstep.
template <class T>
struct LockstepState {
  AlignedVector<T> nothing, v, sums;
  AlignedVector<std::uint64_t> words;
  AlignedVector<std::int32_t> counts;
  AlignedVector<unsigned char> scratch;
};

// Arrays per neuron are [decision of the group][neuron].
template <class T>
struct Workspace {
  explicit Workspace(const Network<T>& network);

  // Brings every population to the state before the first step.
  void reset(const Network<T>& network, int lanes);
  Scratch<T> scratch();

  std::vector<PopulationState<T>> populations;
  LockstepState<T> lockstep;
  Encoder encoder;
  SpikeBlock encoded;
  AlignedVector<T> current;            // constant current of the first population
  AlignedVector<float> exact_current;  // the same before rounding, fixed point
  AlignedVector<T> outputs;            // output potentials without padding
  AlignedVector<T> sums;
  AlignedVector<std::int16_t> narrow;
  AlignedVector<std::uint8_t> spike_bytes;  // for Tiles
  AlignedVector<std::int32_t> active;
  AlignedVector<std::int32_t> n_active;
  AlignedVector<SteppedWord> stepped;
  AlignedVector<typename Types<T>::Input> values;  // of the observations that `active` lists
};

extern template struct Workspace<float>;
extern template struct Workspace<double>;
extern template struct Workspace<std::int32_t>;

}  // namespace dsqn
