#include "dsqn/workspace.hpp"

#include <algorithm>
#include <type_traits>

namespace dsqn {

namespace {

template <class T>
bool is_encoded(const Network<T>& network) {
  return network.dynamics().encoding != Encoding::constant;
}

template <class T>
PopulationState<T> make_state(const Population<T>& population, const Network<T>& network) {
  PopulationState<T> state;
  const int lanes = network.groupable() ? kGroup : 1;
  const auto padded = static_cast<std::size_t>(population.padded() * lanes);
  const auto delay = static_cast<std::size_t>(network.delay());
  for (auto* array : {&state.v, &state.synapse, &state.sum, &state.fired}) array->resize(padded);
  state.emitted.resize(population.padded() * lanes, network.graded());
  if (delay > 0) {
    state.carry.resize(padded);
    state.delayed.resize(population.padded() * lanes, network.graded());
    if (network.graded()) state.carry_values.resize(padded * delay);
  }
  for (const auto& pool : population.pools()) {
    state.pooled.emplace_back();
    state.pooled.back().resize(pool.output().size(), true);
  }
  return state;
}

// -0 is what floats can add to anything without a change.
template <class T>
LockstepState<T> make_lockstep(const LockstepPlan<T>& plan) {
  LockstepState<T> state;
  if (plan.layers.empty()) return state;
  const auto n = static_cast<std::size_t>(plan.width) * kGroup;
  state.nothing.assign(kUnitBytes / sizeof(T), -T(0));
  state.v.resize(n);
  state.words.resize(n);
  state.sums.resize(n * kBlock);
  state.counts.resize(n);
  state.scratch.resize(plan.scratch * kGroup);
  return state;
}

}  // namespace

template <class T>
Workspace<T>::Workspace(const Network<T>& network)
    : encoder(is_encoded(network) ? network.n_in() : 0),
      current(is_encoded(network)
                  ? 0
                  : static_cast<std::size_t>(network.populations().front().padded()) *
                        static_cast<std::size_t>(network.current_group())),
      outputs(static_cast<std::size_t>(network.n_out())),
      sums(kGroup * kBlock * kPanelUnits * kUnitBytes / sizeof(T)),
      narrow(std::is_integral_v<T> ? sums.size() : 0) {
  const std::size_t lanes = network.groupable() ? kGroup : 1;
  std::size_t inputs = 0, pixels = 0, bytes = 0, words = 0;
  for (const auto& population : network.populations()) {
    populations.push_back(make_state(population, network));
    inputs = std::max(inputs, static_cast<std::size_t>(population.input().size()));
    pixels = std::max(pixels, static_cast<std::size_t>(population.input_pixels()));
    if (population.steps() != nullptr) {
      words = std::max(words, static_cast<std::size_t>(population.steps()->n_words()));
    }
    if (population.tiles() != nullptr) {
      bytes = std::max(bytes, population.tiles()->spike_bytes() * lanes + kTileInputs);
    }
  }
  spike_bytes.resize(bytes);
  stepped.resize(words * lanes);
  lockstep = make_lockstep(network.lockstep());
  if (network.float_first() != nullptr) exact_current.resize(current.size());
  encoded.resize(is_encoded(network) ? network.n_in() : 0, true);
  // An offset is written before it is known to count.
  active.resize(std::max(inputs * lanes, network.populations().front().input().size() *
                                             static_cast<std::size_t>(network.current_group())) +
                1);
  n_active.resize(std::max(pixels * lanes, static_cast<std::size_t>(network.current_group())));
  if (network.current_group() > 1) values.resize(active.size());
}

template <class T>
void Workspace<T>::reset(const Network<T>& network, int lanes) {
  for (std::size_t l = 0; l < populations.size(); ++l) {
    auto& state = populations[l];
    const auto& start = network.populations()[l].initial_potential;
    const auto n = static_cast<std::ptrdiff_t>(network.populations()[l].padded()) * lanes;
    for (auto to = state.v.begin(); to < state.v.begin() + n;) {
      to = std::copy(start.begin(), start.end(), to);
    }
    for (auto* array : {&state.synapse, &state.sum, &state.fired}) {
      std::fill_n(array->begin(), n, T(0));
    }
    if (!state.carry.empty()) std::fill_n(state.carry.begin(), n, 0);
  }
}

template <class T>
Scratch<T> Workspace<T>::scratch() {
  return {sums.data(), narrow.data(), active.data(), n_active.data(), stepped.data()};
}

template struct Workspace<float>;
template struct Workspace<double>;
template struct Workspace<std::int32_t>;

}  // namespace dsqn
