// The network that is simulated: immutable once built, shared by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dsqn/aligned.hpp"
#include "dsqn/kernels.hpp"
#include "dsqn/layout.hpp"
#include "dsqn/lockstep.hpp"
#include "dsqn/pool.hpp"
#include "dsqn/step_plan.hpp"
#include "dsqn/tile_plan.hpp"

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

// One population as the caller describes it: a connection, maybe pooling before it, and one value
// per channel (per neuron of a dense population) for the rest. Images are channels-last.
template <class T>
struct LayerSpec {
  std::vector<Window> pools;  // applied to the spikes that arrive, in order
  bool convolution = false;
  Window window;   // of a convolution
  int n_rows = 0;  // inputs, or kernel height * kernel width * channels in
  int n_out = 0;   // neurons, or channels out
  const typename Types<T>::Weight* weight =
      nullptr;  // n_rows x n_out, row-major, pooling's factor multiplied in
  const T* bias = nullptr;
  const T* threshold = nullptr;
  const T* initial_potential = nullptr;
  // Fixed point only: see PopulationBlock and FixedPoint.
  int chunk_rows = 0;
  T unit = 1;
};

// How the constant current of a fixed-point network comes about: computed in float by `first`,
// then scaled and rounded to an integer of at most `largest`; both are per channel.
struct FixedPoint {
  LayerSpec<float> first;
  const float* scale = nullptr;
  const std::int32_t* largest = nullptr;
};

// A population as the kernels want it: channels padded to whole units, weights in panels.
template <class T>
class Population {
 public:
  // `in` is the layout of the spikes that arrive before any pooling.
  Population(const LayerSpec<T>& spec, const Layout& in);

  const std::vector<Pool>& pools() const { return pools_; }
  const Layout& input() const { return input_; }    // after pooling
  const Layout& output() const { return output_; }  // its own neurons
  int padded() const { return output_.size(); }
  int n_out() const { return output_.values(); }
  // For `lanes` decisions at once, which needs a dense population.
  Wiring wiring(int lanes = 1) const;
  bool is_dense() const { return dense_; }
  bool has_negative_zero() const { return negative_zero_; }  // among its biases
  // Input pixels as the wiring counts them: a dense population takes its inputs as one.
  int input_pixels() const { return dense_ ? 1 : input_.pixels(); }
  // Where products of tiles are the way: takes the weights for them, instead of those in panels.
  void use_tiles(const LayerSpec<T>& spec);
  const TilePlan* tiles() const { return tiles_.get(); }
  // Plans sums step by step, where that is faster; for spikes without values.
  void use_steps();
  const StepPlan* steps() const { return steps_.get(); }
  // Synapses that leave each input of this population (before pooling), in its layout.
  const std::vector<std::int64_t>& fan_out() const { return fan_out_; }

  int chunk_rows = 0;
  T unit = 1;
  AlignedVector<typename Types<T>::Weight>
      weights;  // panel after panel, each [n_rows][panel width]; empty with tiles()
  AlignedVector<T> bias;
  AlignedVector<T> theta;              // infinity in padding lanes
  AlignedVector<T> initial_potential;  // 0 in padding lanes

 private:
  std::vector<Pool> pools_;
  Layout input_, output_;
  Taps taps_;
  bool dense_ = true;
  bool negative_zero_ = false;
  int span_ = 0;
  int n_rows_ = 0;
  std::vector<std::int64_t> fan_out_;
  std::shared_ptr<const TilePlan> tiles_;
  std::shared_ptr<const StepPlan> steps_;
};

template <class T>
class Network {
 public:
  // `in` is the layout of one observation, without padding.
  Network(const std::vector<LayerSpec<T>>& layers, const Layout& in, const Dynamics& dynamics);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const std::vector<Population<T>>& populations() const { return populations_; }
  const Dynamics& dynamics() const { return dynamics_; }
  int n_in() const { return in_.values(); }
  // Neurons of the output population; twice the outputs with two output neurons.
  int n_out() const { return populations_.back().n_out(); }
  // Steps by which a spike reaches the next population late.
  int delay() const;
  // Steps simulated for a decision of n_steps.
  std::int64_t steps_run(std::int64_t n_steps) const;
  // Whether the output population emits spikes of its own.
  bool output_spikes() const;
  // Whether the numbers of spikes alone give the potentials of the output, bit for bit.
  bool output_from_counts() const;
  // What the constant current of each channel of a fixed-point network is multiplied by before
  // it is rounded, and its largest size then.
  const AlignedVector<float>& scale() const { return scale_; }
  const AlignedVector<float>& largest() const { return largest_; }
  void set_fixed_point(const FixedPoint& fixed);
  const Population<float>* float_first() const { return first_.get(); }
  // Whether several decisions can be simulated together: dense populations only, whole runs.
  bool groupable() const;
  // Decisions whose constant currents are computed together at most: what is listed of their
  // observations shall not take more than a few megabytes.
  int current_group() const;
  // How a small dense network runs as a whole; without layers where this one does not.
  const LockstepPlan<T>& lockstep() const { return lockstep_; }
  // Neurons of the populations before l; of all where l is their number.
  std::size_t first_neuron(std::size_t l) const { return first_neuron_[l]; }
  // Whether spikes carry values other than 1 somewhere.
  bool graded() const { return dynamics_.spikes != Spikes::binary; }

 private:
  Layout in_;
  std::vector<Population<T>> populations_;
  std::shared_ptr<const Population<float>> first_;  // fixed point with constant current
  AlignedVector<float> scale_, largest_;
  std::vector<std::size_t> first_neuron_;
  // How populations whose spikes have no values add up their input: by tiles in fixed point, where
  // this machine multiplies those, or step by step.
  void plan_sums(const std::vector<LayerSpec<T>>& layers);

  LockstepPlan<T> lockstep_;
  Dynamics dynamics_;
};

extern template class Population<float>;
extern template class Population<double>;
extern template class Population<std::int32_t>;
extern template class Network<float>;
extern template class Network<double>;
extern template class Network<std::int32_t>;

}  // namespace dsqn
