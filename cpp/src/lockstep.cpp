#include "dsqn/lockstep.hpp"

#include <algorithm>
#include <limits>

#include "dsqn/network.hpp"

namespace dsqn {

namespace {

constexpr std::size_t kMostScratch = std::size_t{1} << 21;

template <class T>
bool fits(const Network<T>& network) {
  const Dynamics& dynamics = network.dynamics();
  int width = 0;
  for (const auto& population : network.populations()) width += population.padded();
  return network.groupable() && dynamics.alpha == 0 && dynamics.timing == Timing::instant &&
         network.populations().size() <= static_cast<std::size_t>(kLockstepLayers) &&
         width <= kLockstepNeurons;
}

template <class T>
constexpr int kLookupNeurons = std::min(kUnitBytes / static_cast<int>(sizeof(T)), kLookupInputs);

// Whether the sums of all weights are looked up: few neurons, which keep their potential and are
// reset by subtraction.
template <class T>
bool is_looked_up(const Network<T>& network) {
  const auto& populations = network.populations();
  const Dynamics& dynamics = network.dynamics();
  if (dynamics.beta != 1 || dynamics.reset != Reset::subtraction || network.output_spikes() ||
      populations.size() < 2 || populations.size() > static_cast<std::size_t>(kLookupLayers)) {
    return false;
  }
  const int n_out = populations.back().n_out();
  return n_out > 0 && n_out <= kOutputBytes / static_cast<int>(sizeof(T)) &&
         std::all_of(populations.begin(), populations.end() - 1, [](const auto& population) {
           return population.n_out() > 0 && population.n_out() <= kLookupNeurons<T>;
         });
}

// Row `spikes` is the sum of the weights of the inputs whose bit is set, in ascending order: that
// without the last one, and the last one.
template <class T>
AlignedVector<T> sums_of_weights(const Population<T>& population, int n_in, std::size_t width) {
  AlignedVector<T> table((std::size_t{1} << n_in) * width);
  const auto apart = static_cast<std::size_t>(population.padded());
  T* row = table.data() + width;
  for (int last = 0; last < n_in; ++last) {
    const auto* weights = population.weights.data() + static_cast<std::size_t>(last) * apart;
    const T* before = table.data();
    for (std::size_t k = 0; k < std::size_t{1} << last; ++k, before += width, row += width) {
      for (std::size_t j = 0; j < width; ++j) row[j] = before[j] + static_cast<T>(weights[j]);
    }
  }
  return table;
}

template <class T>
void add_tables(const Network<T>& network, LockstepPlan<T>& plan) {
  if (!is_looked_up(network)) return;
  const auto& populations = network.populations();
  for (std::size_t l = 1; l < populations.size(); ++l) {
    const bool output = l + 1 == populations.size();
    plan.tables.push_back(sums_of_weights(populations[l], populations[l - 1].n_out(),
                                          (output ? kOutputBytes : kUnitBytes) / sizeof(T)));
    plan.layers[l].table = plan.tables.back().data();
  }
}

// Whether it can be told of neurons that they will not fire: none leaks, those of the first
// population begin between 0 and their threshold, and no threshold is so small that sums lose
// digits.
template <class T>
bool is_pruned(const Network<T>& network) {
  const Dynamics& dynamics = network.dynamics();
  const auto& populations = network.populations();
  if (dynamics.beta != 1 || dynamics.reset != Reset::subtraction || populations.size() < 2) {
    return false;
  }
  const auto& first = populations.front();
  for (int i = 0; i < first.n_out(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const T start = first.initial_potential[at], theta = first.theta[at];
    if (start < 0 || start >= theta || theta > std::numeric_limits<T>::max() / 4) return false;
  }
  return std::all_of(populations.begin(), populations.begin() + 2, [](const auto& population) {
    return std::all_of(population.theta.begin(), population.theta.begin() + population.n_out(),
                       [](T theta) { return theta >= static_cast<T>(0x1p-60); });
  });
}

// Memory for the neurons that are left, at most: see kernels/pruned.inc.
template <class T>
std::size_t scratch_bytes(const LockstepPlan<T>& plan) {
  std::size_t bytes = 0, before = 0;
  const auto add = [&](std::size_t n, std::size_t each) { bytes += n * each + kUnitBytes; };
  for (const auto& layer : plan.layers) {
    const auto width = static_cast<std::size_t>(layer.width);
    add(2 * width, sizeof(double));                      // rates, deviations
    add(2 * width, sizeof(std::int32_t));                // numbers, counts
    add(3 * width, sizeof(T));                           // potentials, thresholds, biases
    add(2 * width, sizeof(std::uint64_t));               // words
    add(width * kBlock, sizeof(T));                      // sums
    add((2 * before + 64) * width + kBlock, sizeof(T));  // weights and what lies between, prefixes
    bytes += 8 * kUnitBytes;                             // each array begins on a line
    before = width;
  }
  return bytes;
}

// A threshold that no comparison reaches, not even that of an infinite potential; potentials of
// fixed point stay below 2**30.
template <class T>
constexpr T never() {
  using Limits = std::numeric_limits<T>;
  return Limits::has_quiet_NaN ? Limits::quiet_NaN() : static_cast<T>(1 << 30);
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
                           plan.width, nullptr});
    plan.width += population.padded();
    plan.additions_per_step += population.padded() * (population.input().size() + 1);
    const auto& start = population.initial_potential;
    plan.start.insert(plan.start.end(), start.begin(), start.end());
  }
  add_tables(network, plan);
  if (plan.tables.empty() && is_pruned(network)) {
    const std::size_t bytes = scratch_bytes(plan);
    if (bytes * kGroup <= kMostScratch) plan.scratch = bytes;
  }
  return plan;
}

template LockstepPlan<float> plan_lockstep(const Network<float>&);
template LockstepPlan<double> plan_lockstep(const Network<double>&);
template LockstepPlan<std::int32_t> plan_lockstep(const Network<std::int32_t>&);

}  // namespace dsqn
