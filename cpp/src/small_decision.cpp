#include "small_decision.hpp"

#include <algorithm>
#include <type_traits>

#include "constant.hpp"
#include "decoding.hpp"
#include "dsqn/error.hpp"

namespace dsqn {

namespace {

// To find the neurons that cannot fire takes about as long as some steps.
constexpr std::int64_t kFewestSteps = 16;

void run_kernel(const KernelTable& k, const Lockstep<float>& a) { k.lockstep_f32(a); }
void run_kernel(const KernelTable& k, const Lockstep<double>& a) { k.lockstep_f64(a); }
void run_kernel(const KernelTable& k, const Lockstep<std::int32_t>& a) { k.lockstep_fixed(a); }

// Brings every decision to the state before the first step.
template <class T>
void reset(const LockstepPlan<T>& plan, int lanes, Workspace<T>& workspace) {
  auto& state = workspace.lockstep;
  T* to = state.v.data();
  for (const auto& layer : plan.layers) {
    for (int lane = 0; lane < lanes; ++lane) {
      to = std::copy_n(plan.start.data() + layer.first, layer.width, to);
    }
  }
  std::fill_n(state.counts.data(), plan.width * lanes, 0);
}

// Spike counts of one decision without padding, their sum and the operations that they cause.
template <class T>
void count(const Network<T>& network, const LockstepState<T>& state, Result<T>& result,
           std::size_t row, int lanes, int lane) {
  const auto& layers = network.lockstep().layers;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::int32_t* from =
        state.counts.data() + layers[l].first * lanes + lane * layers[l].width;
    std::int32_t* to =
        result.spike_counts(l).data() + row * static_cast<std::size_t>(layers[l].n_out);
    std::int64_t spikes = 0;
    for (int j = 0; j < layers[l].n_out; ++j) {
      to[j] = from[j];
      spikes += from[j];
    }
    result.total_spikes[row] += spikes;
    if (l + 1 < layers.size()) result.synaptic_operations[row] += spikes * layers[l + 1].n_out;
  }
}

}  // namespace

template <class T>
void decide_small(const Network<T>& network, const KernelTable& kernels,
                  const typename Types<T>::Input* x, Workspace<T>& workspace, Result<T>& result,
                  std::size_t row, int lanes, Stop stop) {
  const auto& plan = network.lockstep();
  auto& state = workspace.lockstep;
  reset(plan, lanes, workspace);
  constant_current(network, kernels, x, lanes, stop, workspace);
  Lockstep<T> job{};
  job.layers = plan.layers.data();
  job.n_layers = static_cast<int>(plan.layers.size());
  job.n_decisions = lanes;
  job.width = plan.width;
  job.additions_per_step = plan.additions_per_step;
  job.n_steps = result.steps_run;
  job.beta = static_cast<T>(network.dynamics().beta);
  job.zero = network.dynamics().reset == Reset::zero;
  job.current = workspace.current.data();
  job.nothing = state.nothing.data();
  job.v = state.v.data();
  job.words = state.words.data();
  job.sums = state.sums.data();
  job.counts = state.counts.data();
  job.output_spikes = network.output_spikes();
  job.prunes = plan.scratch > 0 && job.n_steps >= kFewestSteps;
  job.scratch = state.scratch.data();
  job.stop = stop;
  run_kernel(kernels, job);
  if (stop.asked(stop.context, 0)) throw Interrupted();
  const auto& output = plan.layers.back();
  for (int lane = 0; lane < lanes; ++lane) {
    const auto at = row + static_cast<std::size_t>(lane);
    count(network, state, result, at, lanes, lane);
    result.steps_used[at] = result.steps_run;
    const auto last = plan.layers.size() - 1;
    result.actions[at] = decode(
        network, state.v.data() + output.first * lanes + lane * output.width,
        result.spike_counts(last).data() + at * static_cast<std::size_t>(result.n_out),
        result.n_steps, result.outputs.data() + at * static_cast<std::size_t>(result.n_actions));
  }
}

template void decide_small<float>(const Network<float>&, const KernelTable&, const float*,
                                  Workspace<float>&, Result<float>&, std::size_t, int, Stop);
template void decide_small<double>(const Network<double>&, const KernelTable&, const double*,
                                   Workspace<double>&, Result<double>&, std::size_t, int, Stop);
template void decide_small<std::int32_t>(const Network<std::int32_t>&, const KernelTable&,
                                         const float*, Workspace<std::int32_t>&,
                                         Result<std::int32_t>&, std::size_t, int, Stop);

}  // namespace dsqn
