// Networks of fixed point against the same networks in double precision, which computes exactly
// with such integers. One instruction set per run, as in test_simulator.
#include <cmath>
#include <cstdio>

#include "check.hpp"
#include "dsqn/cpu.hpp"
#include "dsqn/error.hpp"
#include "dsqn/simulator.hpp"
#include "random_network.hpp"

namespace dsqn::test {
namespace {

using Integers = std::vector<std::int32_t>;

// Brings a network to integers that stand for multiples of 1 / scale.
void make_integers(PlainNetwork<double>& network, double scale) {
  for (auto& layer : network.layers) {
    for (auto* values : {&layer.weight, &layer.bias, &layer.initial_potential}) {
      for (double& value : *values) value = std::nearbyint(value * scale);
    }
    for (double& value : layer.threshold) value = std::max(1.0, std::nearbyint(value * scale));
  }
}

Integers as_integers(const std::vector<double>& values) { return {values.begin(), values.end()}; }

std::shared_ptr<const Network<std::int32_t>> build_fixed(const PlainNetwork<double>& plain) {
  std::vector<std::vector<std::int16_t>> weights;
  std::vector<Integers> arrays;
  std::vector<LayerSpec<std::int32_t>> specs;
  for (const auto& layer : plain.layers) {
    weights.emplace_back(layer.weight.begin(), layer.weight.end());
    for (const auto* a : {&layer.bias, &layer.threshold, &layer.initial_potential}) {
      arrays.push_back(as_integers(*a));
    }
  }
  for (std::size_t l = 0; l < plain.layers.size(); ++l) {
    const auto& layer = plain.layers[l];
    LayerSpec<std::int32_t> spec{layer.pools,
                                 layer.convolution,
                                 layer.window,
                                 layer.n_rows,
                                 layer.n_out,
                                 weights[l].data(),
                                 arrays[3 * l].data(),
                                 arrays[3 * l + 1].data(),
                                 arrays[3 * l + 2].data()};
    spec.chunk_rows = 64;
    specs.push_back(spec);
  }
  return std::make_shared<const Network<std::int32_t>>(specs, plain.in, plain.dynamics);
}

template <class A, class B>
void check_alike(const A& found, const B& wanted) {
  CHECK_EQUAL(found.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CHECK_EQUAL(static_cast<double>(found[i]), static_cast<double>(wanted[i]));
  }
}

std::int64_t check(const PlainNetwork<double>& plain, std::size_t batch, std::int64_t n_steps,
                   Random& random) {
  const Simulator<std::int32_t> fixed(build_fixed(plain));
  const Simulator<double> exact(plain.build());
  std::vector<float> x;
  fill(x, batch * static_cast<std::size_t>(fixed.network().n_in()), -1, 1, random);
  const std::vector<double> same(x.begin(), x.end());
  RunOptions options;
  options.n_steps = n_steps;
  options.n_threads = 2;
  std::int64_t spikes = 0;
  for (const bool record : {false, true}) {
    if (record) {
      for (int l = 0; l < static_cast<int>(plain.layers.size()); ++l) options.record.push_back(l);
    }
    const auto found = fixed.run(x.data(), nullptr, batch, options);
    const auto wanted = exact.run(same.data(), nullptr, batch, options);
    check_alike(found.actions, wanted.actions);
    check_alike(found.outputs, wanted.outputs);
    check_alike(found.counts, wanted.counts);
    check_alike(found.synaptic_operations, wanted.synaptic_operations);
    for (std::size_t k = 0; k < wanted.recordings.size(); ++k) {
      check_alike(found.recordings[k].spikes, wanted.recordings[k].spikes);
      check_alike(found.recordings[k].potentials, wanted.recordings[k].potentials);
    }
    for (const std::int64_t n : wanted.total_spikes) spikes += n;
  }
  return spikes;
}

PlainLayer<double> convolution(const Window& window, int channels, int n_out, Random& random) {
  auto layer = random_layer<double>(window.height * window.width * channels, n_out, random);
  layer.convolution = true;
  layer.window = window;
  return layer;
}

Window random_window(Random& random) {
  return {pick(random, {1, 2, 3, 4}), pick(random, {2, 3, 4}), pick(random, {1, 2, 3}),
          pick(random, {1, 2}),       pick(random, {0, 0, 1}), pick(random, {0, 1, 2})};
}

// Two convolutions whose windows have many inputs, then a dense head.
PlainNetwork<double> random_large_image(Random& random) {
  PlainNetwork<double> network;
  network.in = {pick(random, {6, 7, 9}), pick(random, {6, 8}), 2, 2};
  const int first = pick(random, {16, 17, 32, 48}), second = pick(random, {3, 16, 64, 70});
  network.layers.push_back(convolution({2, 2, 1, 1, 1, 0}, 2, first, random));
  network.layers.push_back(convolution(random_window(random), first, second, random));
  network.layers.push_back(random_layer<double>(network.build()->n_out(), 40, random));
  network.layers.push_back(random_layer<double>(40, 3, random));
  return network;
}

void check_networks(int nth, Random& random) {
  constexpr Timing timings[] = {Timing::instant, Timing::nest, Timing::spytorch};
  std::int64_t spikes = 0;
  for (int k = 0; k < 40; k += nth) {
    auto network =
        k % 2 == 0 ? random_large_image(random)
                   : random_dense<double>(
                         {5, pick(random, {64, 65, 300}), pick(random, {16, 100, 257}), 3}, random);
    network.dynamics.encoding = Encoding::poisson;
    network.dynamics.timing = timings[k / 2 % 3];
    network.dynamics.reset = k % 4 < 2 ? Reset::subtraction : Reset::zero;
    network.dynamics.decoding = k % 5 == 0 ? Decoding::count : Decoding::potential;
    make_integers(network, k % 3 == 0 ? 50 : 400);  // weights of one byte, or of two
    spikes += check(network, static_cast<std::size_t>(pick(random, {1, 3, 9})),
                    pick(random, {1, 5, 15, 16, 17, 33, 64, 65, 100}), random);
  }
  CHECK(spikes > 10'000);
}

}  // namespace
}  // namespace dsqn::test

int main(int argc, char** argv) {
  using namespace dsqn::test;
  try {
    std::printf("%s\n", dsqn::kernels().isa);
  } catch (const dsqn::CpuError& error) {
    std::printf("%s\n", error.what());
    return 77;
  }
  Random random(2);
  check_networks(argc > 1 ? std::atoi(argv[1]) : 1, random);
  return failures;
}
