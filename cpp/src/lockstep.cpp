#include "dsqn/lockstep.hpp"

#include <algorithm>
#include <limits>

#include "dsqn/network.hpp"

namespace dsqn {

namespace {

template <class T>
bool fits(const Network<T>& network) {
  const Dynamics& dynamics = network.dynamics();
  int width = 0;
  for (const auto& population : network.populations()) width += population.padded();
  return network.groupable() && dynamics.alpha == 0 && dynamics.timing == Timing::instant &&
         network.populations().size() <= static_cast<std::size_t>(kLockstepLayers) &&
         width <= kLockstepNeurons;
}

// A threshold that no comparison reaches, not even that of an infinite potential.
template <class T>
constexpr T never() {
  using Limits = std::numeric_limits<T>;
  return Limits::has_quiet_NaN ? Limits::quiet_NaN() : Limits::max();
}

}  // namespace

template <class T>
LockstepPlan<T> plan_lockstep(const Network<T>& network) {
  LockstepPlan<T> plan;
  if (!fits(network)) return plan;
  const auto& populations = network.populations();
  plan.silent.assign(static_cast<std::size_t>(populations.back().padded()), never<T>());
  for (const auto& population : populations) {
    const bool spikes = &population != &populations.back() || network.output_spikes();
    plan.layers.push_back({population.weights.data(), population.bias.data(),
                           spikes ? population.theta.data() : plan.silent.data(),
                           population.input().size(), population.n_out(), population.padded(),
                           plan.width});
    plan.width += population.padded();
    plan.additions_per_step += population.padded() * (population.input().size() + 1);
    const auto& start = population.initial_potential;
    plan.start.insert(plan.start.end(), start.begin(), start.end());
  }
  return plan;
}

template LockstepPlan<float> plan_lockstep(const Network<float>&);
template LockstepPlan<double> plan_lockstep(const Network<double>&);
template LockstepPlan<std::int32_t> plan_lockstep(const Network<std::int32_t>&);

}  // namespace dsqn
