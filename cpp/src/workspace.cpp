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
  const auto padded = static_cast<std::size_t>(population.padded());
  const auto delay = static_cast<std::size_t>(network.delay());
  for (auto* array : {&state.v, &state.synapse, &state.sum, &state.fired}) array->resize(padded);
  state.emitted.resize(population.padded(), network.graded());
  if (delay > 0) {
    state.carry.resize(padded);
    state.delayed.resize(population.padded(), network.graded());
    if (network.graded()) state.carry_values.resize(padded * delay);
  }
  for (const auto& pool : population.pools()) {
    state.pooled.emplace_back();
    state.pooled.back().resize(pool.output().size(), true);
  }
  return state;
}

}  // namespace

template <class T>
Workspace<T>::Workspace(const Network<T>& network)
    : encoder(is_encoded(network) ? network.n_in() : 0),
      current(is_encoded(network)
                  ? 0
                  : static_cast<std::size_t>(network.populations().front().padded())),
      outputs(static_cast<std::size_t>(network.n_out())),
      sums(kBlock * kPanelUnits * kUnitBytes / sizeof(T)),
      narrow(std::is_integral_v<T> ? sums.size() : 0) {
  std::size_t inputs = 0, pixels = 0;
  for (const auto& population : network.populations()) {
    populations.push_back(make_state(population, network));
    inputs = std::max(inputs, static_cast<std::size_t>(population.input().size()));
    pixels = std::max(pixels, static_cast<std::size_t>(population.input_pixels()));
  }
  if (network.float_first() != nullptr) exact_current.resize(current.size());
  encoded.resize(is_encoded(network) ? network.n_in() : 0, true);
  active.resize(inputs + 1);  // an offset is written before it is known to count
  n_active.resize(pixels);
}

template <class T>
void Workspace<T>::reset(const Network<T>& network) {
  for (std::size_t l = 0; l < populations.size(); ++l) {
    auto& state = populations[l];
    const auto& start = network.populations()[l].initial_potential;
    for (auto to = state.v.begin(); to < state.v.end();) {
      to = std::copy(start.begin(), start.end(), to);
    }
    for (auto* array : {&state.synapse, &state.sum, &state.fired}) {
      std::fill(array->begin(), array->end(), T(0));
    }
    std::fill(state.carry.begin(), state.carry.end(), 0);
  }
}

template <class T>
Scratch<T> Workspace<T>::scratch() {
  return {sums.data(), narrow.data(), active.data(), n_active.data()};
}

template struct Workspace<float>;
template struct Workspace<double>;
template struct Workspace<std::int32_t>;

}  // namespace dsqn
