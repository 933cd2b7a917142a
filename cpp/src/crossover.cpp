#include "dsqn/crossover.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <random>

#include "dsqn/cpu.hpp"
#include "dsqn/network.hpp"
#include "dsqn/workspace.hpp"

namespace dsqn {

namespace {

constexpr std::size_t kBlocks = 16;  // more than a branch predictor learns by heart

// Each neuron fires as regularly as with a constant current, from a phase of its own.
std::vector<std::uint64_t> make_words(std::size_t n, double density) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> any(0, 1);
  std::vector<std::uint64_t> words(n);
  for (auto& word : words) {
    const double rate = std::min(1.0, density * (0.5 + any(random)));
    double v = any(random);
    for (int t = 0; t < kBlock; ++t, v -= v >= 1 ? 1 : 0) {
      v += rate;
      if (v >= 1) word |= std::uint64_t{1} << t;
    }
  }
  return words;
}

// A population that never spikes, after one that nobody looks at.
std::vector<LayerSpec<float>> make_layers(int inputs, int outputs,
                                          const std::vector<float>& values) {
  LayerSpec<float> first, last;
  first.n_rows = 1;
  first.n_out = last.n_rows = inputs;
  last.n_out = outputs;
  for (auto* layer : {&first, &last}) {
    layer->weight = layer->bias = layer->threshold = layer->initial_potential = values.data();
  }
  return {first, last};
}

}  // namespace

double block_seconds(int inputs, int outputs, double density, bool all_steps, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto n = static_cast<std::size_t>(inputs) * static_cast<std::size_t>(outputs);
  const std::vector<float> values(std::max(n, static_cast<std::size_t>(inputs)), 0.25f);
  const Network<float> network(make_layers(inputs, outputs, values), {1, 1, 1, 1}, {});
  Workspace<float> workspace(network);
  const auto& population = network.populations().back();
  const auto padded = static_cast<std::size_t>(population.input().size());
  const auto words = make_words(kBlocks * padded, density);
  auto& state = workspace.populations.back();
  PopulationBlock<float> block{};
  block.n_steps = kBlock;
  block.wiring = population.wiring();
  block.weights = population.weights.data();
  block.adding = all_steps ? Adding::all_steps : Adding::spikes;
  block.scratch = workspace.scratch();
  block.bias = population.bias.data();
  block.theta = population.theta.data();
  block.beta = 1;
  block.v = state.v.data();
  block.out_words = state.emitted.words.data();
  block.stop = {[](void*, std::int64_t) { return false; }, nullptr};
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i == 0 || Clock::now() < end; ++i) {
    block.arrivals = {1, words.data() + i % kBlocks * padded, nullptr};
    const auto before = Clock::now();
    kernels().population_f32(block);
    best = std::min(best, std::chrono::duration<double>(Clock::now() - before).count());
  }
  return best;
}

}  // namespace dsqn
