#include "dsqn/workspace.hpp"

#include <algorithm>

namespace dsqn {

namespace {

template <class T>
bool is_graded(const Network<T>& network) {
  return network.dynamics().spikes != Spikes::binary;
}

template <class T>
std::size_t encoded_inputs(const Network<T>& network) {
  const bool constant = network.dynamics().encoding == Encoding::constant;
  return constant ? 0 : static_cast<std::size_t>(network.n_in());
}

template <class T>
std::size_t delayed_inputs(const Network<T>& network) {
  return network.delay() == 0 ? 0 : static_cast<std::size_t>(network.widest_input());
}

template <class T>
PopulationState<T> make_state(const Population<T>& population, const Network<T>& network) {
  const auto padded = static_cast<std::size_t>(population.padded());
  PopulationState<T> state;
  for (auto* array : {&state.v, &state.synapse, &state.sum, &state.fired}) array->resize(padded);
  state.words.resize(padded);
  state.carry.resize(padded);
  if (is_graded(network)) {
    state.values.resize(padded * kBlock);
    state.carry_values.resize(padded * static_cast<std::size_t>(network.delay()));
  }
  return state;
}

}  // namespace

template <class T>
Workspace<T>::Workspace(const Network<T>& network)
    : encoder(static_cast<int>(encoded_inputs(network))),
      encoded_words(encoded_inputs(network)),
      encoded_values(encoded_inputs(network) * kBlock),
      delayed_words(delayed_inputs(network)),
      delayed_values(is_graded(network) ? delayed_inputs(network) * kBlock : 0),
      active(static_cast<std::size_t>(network.widest_input())),
      scratch(kBlock * kPanelUnits * kUnitBytes / sizeof(T)),
      current(static_cast<std::size_t>(network.populations().front().padded())),
      potentials(network.populations().size()) {
  for (const auto& population : network.populations()) {
    populations.push_back(make_state(population, network));
  }
}

template <class T>
void Workspace<T>::reset(const Network<T>& network) {
  for (std::size_t l = 0; l < populations.size(); ++l) {
    auto& state = populations[l];
    const auto& start = network.populations()[l].initial_potential;
    std::copy(start.begin(), start.end(), state.v.begin());
    for (auto* array : {&state.synapse, &state.sum, &state.fired}) {
      std::fill(array->begin(), array->end(), T(0));
    }
    std::fill(state.carry.begin(), state.carry.end(), 0);
  }
}

template struct Workspace<float>;
template struct Workspace<double>;

}  // namespace dsqn
