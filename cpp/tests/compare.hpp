// Compares a result of the simulator with naive decisions, bit for bit.
#pragma once

#include <cmath>
#include <cstdlib>

#include "check.hpp"
#include "decoding.hpp"
#include "dsqn/simulator.hpp"
#include "naive_simulator.hpp"

namespace dsqn::test {

template <class T>
bool same(T a, T b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

// Spikes, counts and operations of one population; `fan` is the fan-out of each of its neurons.
template <class T>
void compare_population(const Result<T>& result, std::size_t row, std::size_t l,
                        const NaivePopulation<T>& wanted, std::int64_t& total) {
  const std::size_t n = wanted.v.size();
  CHECK_EQUAL(result.width(l), n);
  for (std::size_t j = 0; j < n; ++j) {
    int count = 0;
    for (const auto& spikes : wanted.spikes) {
      count += spikes[j];
      total += std::abs(spikes[j]);
    }
    CHECK_EQUAL(result.spike_counts(l)[row * n + j], count);
  }
  for (const auto& recording : result.recordings) {
    if (recording.population != static_cast<int>(l)) continue;
    for (std::size_t t = 0; t < static_cast<std::size_t>(result.steps_run); ++t) {
      for (std::size_t j = 0; j < n; ++j) {
        const auto at = (row * static_cast<std::size_t>(result.steps_run) + t) * n + j;
        const bool ran = t < wanted.spikes.size();
        CHECK_EQUAL(int{recording.spikes[at]}, ran ? wanted.spikes[t][j] : 0);
        CHECK(same(recording.potentials[at], ran ? wanted.potentials[t][j] : T(0)));
      }
    }
  }
}

template <class T>
std::int64_t naive_operations(const Network<T>& network, const NaiveDecision<T>& wanted,
                              std::int64_t& input_spikes) {
  std::int64_t operations = 0;
  const auto add = [&](const std::vector<std::vector<int>>& spikes, const Layout& layout,
                       const Population<T>& to) {
    std::int64_t total = 0;
    for (std::size_t t = 0; t < spikes.size() && t < static_cast<std::size_t>(wanted.steps_used);
         ++t) {
      for (std::size_t j = 0; j < spikes[t].size(); ++j) {
        const auto channels = static_cast<std::size_t>(layout.channels);
        const auto at = j / channels * static_cast<std::size_t>(layout.padded) + j % channels;
        operations += std::int64_t{std::abs(spikes[t][j])} * to.fan_out()[at];
        total += std::abs(spikes[t][j]);
      }
    }
    return total;
  };
  const auto& populations = network.populations();
  const auto& first = populations[0];
  const Layout in = first.pools().empty() ? first.input() : first.pools()[0].input();
  input_spikes = add(wanted.encoded, in, first);
  for (std::size_t l = 0; l + 1 < populations.size(); ++l) {
    add(wanted.populations[l].spikes, populations[l].output(), populations[l + 1]);
  }
  return operations;
}

template <class T>
void compare(const Network<T>& network, const Result<T>& result, std::size_t row,
             const NaiveDecision<T>& wanted) {
  CHECK_EQUAL(result.steps_used[row], wanted.steps_used);
  std::int64_t total = 0, input_spikes = 0;
  for (std::size_t l = 0; l < wanted.populations.size(); ++l) {
    compare_population(result, row, l, wanted.populations[l], total);
  }
  CHECK_EQUAL(result.total_spikes[row], total);
  CHECK_EQUAL(result.synaptic_operations[row], naive_operations(network, wanted, input_spikes));
  CHECK_EQUAL(result.input_spikes[row], input_spikes);
  const auto& output = wanted.populations.back();
  const auto n_actions = static_cast<std::size_t>(result.n_actions);
  std::vector<T> outputs(n_actions);
  const auto* counts =
      result.spike_counts(wanted.populations.size() - 1).data() + row * output.v.size();
  const int action = decode(network, output.v.data(), counts, result.n_steps, outputs.data());
  CHECK_EQUAL(result.actions[row], action);
  for (std::size_t j = 0; j < n_actions; ++j) {
    CHECK(same(result.outputs[row * n_actions + j], outputs[j]));
  }
}

}  // namespace dsqn::test
