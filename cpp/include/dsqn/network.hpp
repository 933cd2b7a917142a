// The network that is simulated: immutable once built, shared by all workers.
#pragma once

#include <cstdint>
#include <vector>

#include "dsqn/aligned.hpp"
#include "dsqn/kernels.hpp"

namespace dsqn {

enum class Timing : std::uint8_t { instant, nest, spytorch };
enum class Encoding : std::uint8_t { constant, poisson, equidistant };
enum class Decoding : std::uint8_t { potential, count, count_and_potential, first_spike };

// How all populations of a network behave, and how it is read.
struct Dynamics {
  double alpha = 0.0;
  double beta = 1.0;
  Reset reset = Reset::subtraction;
  Spikes spikes = Spikes::binary;
  int burst_limit = 5;
  Timing timing = Timing::instant;
  Encoding encoding = Encoding::constant;
  Decoding decoding = Decoding::potential;
  bool two_output_neurons = false;
  bool early_exit = false;
  double exit_margin = 0.0;  // stop where best - second output potential exceeds it
};

// Dense weights (n_in x n_out, row-major) and one value per neuron for the rest.
template <class T>
struct DenseSpec {
  int n_in = 0;
  int n_out = 0;
  const T* weight = nullptr;
  const T* bias = nullptr;
  const T* threshold = nullptr;
  const T* initial_potential = nullptr;
};

// A population as the kernels want it: padded to whole units, weights packed into panels.
template <class T>
struct Population {
  explicit Population(const DenseSpec<T>& spec);

  int n_in;
  int n_out;
  int n_units;
  AlignedVector<T> weights;  // panel after panel, each [n_in][panel width]
  AlignedVector<T> bias;
  AlignedVector<T> theta;              // infinity in padding lanes
  AlignedVector<T> initial_potential;  // 0 in padding lanes

  int padded() const { return static_cast<int>(bias.size()); }
};

template <class T>
class Network {
 public:
  Network(const std::vector<DenseSpec<T>>& layers, const Dynamics& dynamics);

  const std::vector<Population<T>>& populations() const { return populations_; }
  const Dynamics& dynamics() const { return dynamics_; }
  int n_in() const { return populations_.front().n_in; }
  // Neurons of the output population; twice the outputs with two output neurons.
  int n_out() const { return populations_.back().n_out; }
  // Steps by which a spike reaches the next population late.
  int delay() const;
  // Steps simulated for a decision of n_steps.
  std::int64_t steps_run(std::int64_t n_steps) const;
  // Whether the output population emits spikes of its own.
  bool output_spikes() const;
  // Largest number of inputs, and of padded neurons, of any population.
  int widest_input() const { return widest_input_; }
  int widest_padded() const { return widest_padded_; }

 private:
  std::vector<Population<T>> populations_;
  Dynamics dynamics_;
  int widest_input_ = 0;
  int widest_padded_ = 0;
};

extern template struct Population<float>;
extern template struct Population<double>;
extern template class Network<float>;
extern template class Network<double>;

}  // namespace dsqn
