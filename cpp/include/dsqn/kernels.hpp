// What a kernel is given. Kernel sources are compiled once per instruction set, so this header
// holds plain structs only: an inline library function compiled with AVX-512 could otherwise be
// the one that the linker keeps for everybody.
#pragma once

#include <cstdint>

namespace dsqn {

// Time is simulated in blocks: one bit per step, one word per neuron and block.
inline constexpr int kBlock = 64;
// Neurons are padded to whole units of 64 bytes; weights lie in panels of up to 4 units.
inline constexpr int kUnitBytes = 64;
inline constexpr int kPanelUnits = 4;

enum class Reset : std::uint8_t { none, subtraction, zero };
enum class Spikes : std::uint8_t { binary, burst, signed_ };

// One population over one block of time. Arrays are padded to whole units and aligned.
template <class T>
struct PopulationBlock {
  int n_steps;  // 1 ... kBlock
  int n_units;  // padded neurons / (kUnitBytes / sizeof(T))

  // Synaptic input: either the constant current per step (bias included) ...
  const T* constant;
  // ... or spikes: bit t of words[i] is input i at step t, for the inputs listed in active.
  const T* weights;  // panels of [n_in][panel width]
  int n_in;
  const std::int32_t* active;  // ascending inputs with a spike in this block
  int n_active;
  const std::uint64_t* words;
  const std::int8_t* values;  // [n_in][kBlock] spike values, or null where all are 1
  T* scratch;                 // kBlock * panel width

  // Dynamics
  const T* bias;
  const T* theta;  // infinity in padding lanes
  T alpha, beta;
  Reset reset;  // none: the population never spikes
  Spikes spikes;
  int burst_limit;
  bool strict;      // fires for v > theta instead of v >= theta
  bool late_reset;  // resets one step late (timing spytorch)
  bool bias_first;  // v = (bias + input) + beta * v (timing nest, reset by subtraction)
  T* v;
  T* synapse;  // used where alpha > 0
  T* sum;      // spikes so far, used by signed spikes
  T* fired;    // spikes of the step before, used by late resets

  // Results
  std::uint64_t* out_words;
  std::int8_t* out_values;  // [neuron][kBlock], null for binary spikes
  T* potentials;            // [n_steps][padded neurons], null where not recorded
};

// Constant current: c = bias; c += x[i] * W[i, :] for i ascending.
template <class T>
struct ConstantCurrent {
  int n_units;
  int n_in;
  const T* x;
  const T* weights;
  const T* bias;
  T* current;
};

struct KernelTable {
  const char* isa;
  void (*population_f32)(const PopulationBlock<float>&);
  void (*population_f64)(const PopulationBlock<double>&);
  void (*constant_f32)(const ConstantCurrent<float>&);
  void (*constant_f64)(const ConstantCurrent<double>&);
  // counts[j] += number of bits of words[j] & mask; returns their sum over all j < n.
  std::int64_t (*count)(const std::uint64_t* words, std::uint64_t mask, int n,
                        std::int32_t* counts);
};

}  // namespace dsqn
