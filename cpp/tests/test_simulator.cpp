// The simulator against a naive simulation, in every mode. One instruction set per run:
// DSQN_FORCE_ISA names it; exit status 77 says that it does not run here. An argument N checks
// every Nth mode and network only.
#include <cmath>
#include <cstdio>
#include <limits>

#include "compare.hpp"
#include "dsqn/cpu.hpp"
#include "dsqn/error.hpp"

namespace dsqn::test {
namespace {

struct Readout {
  Decoding decoding;
  bool two_output_neurons, early_exit;
};
constexpr Readout kReadouts[] = {
    {Decoding::potential, false, false},
    {Decoding::potential, false, true},
    {Decoding::count, false, false},
    {Decoding::count, true, false},
    {Decoding::count_and_potential, false, false},
    {Decoding::first_spike, false, false},
};

struct Mode {
  Timing timing;
  Spikes spikes;
  Reset reset;
};
constexpr Mode kModes[] = {
    {Timing::instant, Spikes::binary, Reset::subtraction},
    {Timing::instant, Spikes::binary, Reset::zero},
    {Timing::instant, Spikes::burst, Reset::subtraction},
    {Timing::instant, Spikes::signed_, Reset::subtraction},
    {Timing::nest, Spikes::binary, Reset::subtraction},
    {Timing::nest, Spikes::binary, Reset::zero},
    {Timing::nest, Spikes::burst, Reset::subtraction},
    {Timing::nest, Spikes::signed_, Reset::subtraction},
    {Timing::spytorch, Spikes::binary, Reset::subtraction},
    {Timing::spytorch, Spikes::binary, Reset::zero},
};

Dynamics make_dynamics(const Mode& mode, Encoding encoding, const Readout& readout,
                       Random& random) {
  Dynamics d;
  d.alpha = pick(random, {0, 0, 5}) / 10.0;
  d.beta = pick(random, {10, 10, 9}) / 10.0;
  d.reset = mode.reset;
  d.spikes = mode.spikes;
  d.burst_limit = pick(random, {1, 2, 5, 127});
  d.timing = mode.timing;
  d.encoding = encoding;
  d.decoding = readout.decoding;
  d.two_output_neurons = readout.two_output_neurons;
  d.early_exit = readout.early_exit;
  d.exit_margin = 2.0;
  return d;
}

template <class T>
void check(const PlainNetwork<T>& plain, int n_steps, Random& random, std::size_t batch = 3) {
  const auto network = plain.build();
  const Simulator<T> simulator(network);
  const std::size_t n_in = static_cast<std::size_t>(network->n_in());
  std::vector<T> observations;
  fill(observations, batch * n_in, -1.3, 1.3, random);
  for (std::size_t i = 0; i < observations.size(); i += 4) observations[i] = 0;
  for (std::size_t i = 1; i < observations.size(); i += 2) observations[i] = T(0.5);
  std::vector<std::uint64_t> keys = {0, 1, ~std::uint64_t{0}};
  keys.resize(batch, 7);
  RunOptions all;
  all.n_steps = n_steps;
  all.seed = random();
  for (int l = 0; l < static_cast<int>(plain.layers.size()); ++l) all.record.push_back(l);
  RunOptions none = all;
  none.record.clear();
  none.n_threads = 2;
  const auto recorded = simulator.run(observations.data(), keys.data(), batch, all);
  const auto counted = simulator.run(observations.data(), keys.data(), batch, none);
  for (std::size_t row = 0; row < batch; ++row) {
    const std::vector<T> x(observations.data() + row * n_in,
                           observations.data() + (row + 1) * n_in);
    NaiveSimulator<T> naive(plain, x, n_steps, all.seed, keys[row]);
    const auto wanted = naive.run();
    compare(*network, recorded, row, wanted);
    compare(*network, counted, row, wanted);
  }
}

template <class T>
void check_every_mode(int nth, Random& random) {
  int mode_number = 0;
  const std::vector<int> sizes = {0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 64, 65, 129};
  const Encoding encodings[] = {Encoding::constant, Encoding::poisson, Encoding::equidistant};
  for (const Mode& mode : kModes) {
    for (const Encoding encoding : encodings) {
      for (const Readout& readout : kReadouts) {
        if (mode_number++ % nth != 0) continue;
        const auto dynamics = make_dynamics(mode, encoding, readout, random);
        const int outputs = 2 * pick(random, {1, 2, 4, 9});
        auto dense = random_dense<T>(
            {pick(random, sizes), pick(random, sizes), pick(random, sizes), outputs}, random);
        dense.dynamics = dynamics;
        if (mode_number % 2 == 0) {
          make_coarse(dense);
          dense.dynamics.alpha = dense.dynamics.alpha > 0 ? 0.5 : 0.0;
          dense.dynamics.beta = dense.dynamics.beta < 1 ? 0.5 : 1.0;
        }
        check(dense, pick(random, {1, 2, 33, 63, 64, 65, 129}), random);
        if (readout.two_output_neurons) continue;
        auto image = random_image<T>(pick(random, {0, 1}) == 1, random);
        image.dynamics = dynamics;
        check(image, pick(random, {1, 5, 66}), random);
      }
    }
  }
}

// Networks whose sums of weights are looked up, and those that are just too large; batches that
// fill groups, and not.
template <class T>
void check_tables(int nth, Random& random) {
  const std::vector<int> widths = {1, 2, 7, 8, 9, 15, 16, 17}, batches = {1, 2, 3, 4, 5, 9};
  for (int i = 0; i < 48; i += nth) {
    std::vector<int> sizes = {pick(random, {1, 4, 9}), pick(random, widths)};
    if (i % 3 > 0) sizes.push_back(pick(random, widths));
    sizes.push_back(pick(random, {1, 2, 3, 4, 5}));
    auto plain = random_dense<T>(sizes, random);
    if (i % 2 == 0) make_coarse(plain);
    const int n_steps = pick(random, {1, 2, 63, 100});
    check(plain, n_steps, random, static_cast<std::size_t>(pick(random, batches)));
  }
}

// Every third neuron of the first population reaches its threshold in the last step, or just not.
template <class T>
void fire_at_the_end(PlainNetwork<T>& plain, int n_steps) {
  auto& layer = plain.layers.front();
  for (std::size_t i = 0; i < layer.bias.size(); i += 3) {
    for (std::size_t k = i; k < layer.weight.size(); k += layer.bias.size()) layer.weight[k] = 0;
    const T missing = layer.threshold[i] - layer.initial_potential[i];
    layer.bias[i] = missing / static_cast<T>(n_steps);
    if (i % 2 == 0) layer.bias[i] = std::nextafter(layer.bias[i], T(0));
  }
}

// All neurons of the first population fire together, every eighth step; so those of the second one
// swing as far as they can, hardly beyond their thresholds.
template <class T>
void fire_in_phase(PlainNetwork<T>& plain, T start) {
  auto &first = plain.layers[0], &second = plain.layers[1];
  const std::size_t n = second.bias.size();
  std::fill(first.weight.begin(), first.weight.end(), T(0));
  for (std::size_t i = 0; i < first.bias.size(); ++i) first.bias[i] = first.threshold[i] / 8;
  for (std::size_t j = 0; j < n; ++j) {
    second.initial_potential[j] = second.threshold[j] / 2;
    const T reach = start < T(0.5) ? T(-1.3) / (1 - start) : T(1.05) / start;
    const T sum = second.threshold[j] / 2 * reach;
    for (std::size_t k = j; k < second.weight.size(); k += n) {
      second.weight[k] = sum / static_cast<T>(first.bias.size());
    }
    second.bias[j] = -sum / 8;
  }
}

// Thresholds so large that potentials overflow.
template <class T>
void make_huge(PlainNetwork<T>& plain) {
  auto& first = plain.layers.front();
  const T huge = std::numeric_limits<T>::max() * T(0.7);
  for (auto* values : {&first.weight, &first.bias, &first.threshold, &first.initial_potential}) {
    for (T& value : *values) value *= huge / 2;
  }
}

// Networks whose neurons are left out where they cannot fire: most of them, hardly any, all of
// them.
template <class T>
void check_pruned(int nth, Random& random) {
  const std::vector<int> widths = {1, 5, 17, 24, 33, 63, 64, 65, 100, 130};
  for (int i = 0; i < 60; i += nth) {
    std::vector<int> sizes = {pick(random, {1, 2, 4}), pick(random, {17, 40, 64, 70, 130})};
    for (int l = 0; l < i % 3; ++l) sizes.push_back(pick(random, widths));
    sizes.push_back(pick(random, {1, 3, 5, 18}));
    auto plain = random_dense<T>(sizes, random);
    for (auto& layer : plain.layers) {
      const double size = uniform(random, 0.05, 2) / std::sqrt(layer.n_rows), shift = -0.5 * size;
      for (T& w : layer.weight) w = static_cast<T>(static_cast<double>(w) * size);
      for (T& b : layer.bias) b = static_cast<T>(static_cast<double>(b) * size + shift);
    }
    auto& first = plain.layers.front();
    const T start = static_cast<T>(pick(random, {0, 1, 2, 3})) / 4;
    for (std::size_t k = 0; k < first.bias.size(); ++k) {
      first.initial_potential[k] = start * first.threshold[k];
    }
    if (i % 4 == 0) make_coarse(plain);
    const int n_steps = pick(random, {15, 16, 47, 48, 63, 64, 65, 100, 129, 600});
    if (i % 2 == 0) fire_at_the_end(plain, n_steps);
    if (i % 6 == 1) fire_in_phase(plain, start);
    if (i % 5 == 0) plain.dynamics.decoding = Decoding::count;
    if (i % 5 == 1) plain.dynamics.decoding = Decoding::count_and_potential;
    if (i % 10 == 2) make_huge(plain);
    check(plain, n_steps, random, static_cast<std::size_t>(pick(random, {1, 2, 3, 4, 5})));
  }
}

// Many inputs, whose rows of weights several decisions share, and an output population of few.
template <class T>
void check_wide(Random& random) {
  for (const int outputs : {1, 4, 5}) {
    auto plain = random_dense<T>({603, 550, outputs}, random);
    check(plain, pick(random, {31, 64, 100}), random, 9);
    check(plain, 3, random, 21);
  }
}

// Two convolutions without pools between them, whose inputs fill words of 64 in every way, and a
// dense population.
template <class T>
PlainNetwork<T> random_words(Random& random) {
  const int middle = pick(random, {3, 16, 20, 32, 33, 64, 65, 100, 130});
  PlainNetwork<T> network;
  network.in = {pick(random, {4, 5}), pick(random, {4, 6}), 2, 2};
  network.layers.push_back(random_layer<T>(2 * 2 * 2, middle, random));
  network.layers.back().window = {2, 2, 1, 1, 1, 0};
  const Window window{pick(random, {1, 2, 3}), pick(random, {1, 2, 3}), pick(random, {1, 2}),
                      pick(random, {1, 2}),    pick(random, {0, 0, 1}), pick(random, {0, 1, 2})};
  network.layers.push_back(random_layer<T>(window.height * window.width * middle,
                                           pick(random, {17, 40, 64, 66}), random));
  network.layers.back().window = window;
  for (auto& layer : network.layers) layer.convolution = true;
  const int flat = network.build()->n_out();
  network.layers.push_back(random_layer<T>(flat, pick(random, {9, 33, 80}), random));
  network.layers.push_back(random_layer<T>(network.layers.back().n_out, 3, random));
  return network;
}

// Populations that add up step by step.
template <class T>
void check_words(int nth, Random& random) {
  for (int i = 0; i < 36; i += nth) {
    auto plain =
        i % 3 > 0
            ? random_words<T>(random)
            : random_dense<T>({3, pick(random, {200, 257}), pick(random, {300, 511}), 2}, random);
    const Mode& mode = kModes[i / 3 % 10];
    const Mode binary{mode.timing, Spikes::binary, mode.reset};
    plain.dynamics = make_dynamics(binary, i % 4 == 0 ? Encoding::poisson : Encoding::constant,
                                   kReadouts[i % 3 == 0 ? 0 : 2], random);
    for (auto& layer : plain.layers) {  // from hardly any spikes to one at nearly every step
      for (T& theta : layer.threshold) theta *= static_cast<T>(pick(random, {1, 4, 16})) / 8;
    }
    if (i % 2 == 0) make_coarse(plain);
    check(plain, pick(random, {1, 2, 31, 63, 64, 65, 100, 129}), random,
          static_cast<std::size_t>(pick(random, {1, 2, 5})));
  }
}

// A single population, whose potentials are looked at though it fires.
template <class T>
void check_single(Random& random) {
  auto plain = random_dense<T>({4, 600}, random);
  for (T& b : plain.layers[0].bias) b = b / 4 - T(0.2);
  for (const Decoding decoding : {Decoding::count_and_potential, Decoding::count}) {
    plain.dynamics.decoding = decoding;
    check(plain, 70, random, 5);
  }
}

template <class T>
void check_empty_batch() {
  Random random(3);
  const Simulator<T> simulator(random_dense<T>({3, 4, 2}, random).build());
  RunOptions options;
  options.record = {0, 1};
  options.n_threads = 4;
  const auto result = simulator.run(nullptr, nullptr, 0, options);
  CHECK(result.actions.empty() && result.outputs.empty() && result.recordings[1].spikes.empty());
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
  Random random(1);
  const int nth = argc > 1 ? std::atoi(argv[1]) : 1;
  check_every_mode<float>(nth, random);
  check_every_mode<double>(nth, random);
  check_tables<float>(nth, random);
  check_tables<double>(nth, random);
  check_pruned<float>(nth, random);
  check_pruned<double>(nth, random);
  check_wide<float>(random);
  check_wide<double>(random);
  check_words<float>(nth, random);
  check_words<double>(nth, random);
  check_single<float>(random);
  check_single<double>(random);
  check_empty_batch<float>();
  return failures;
}
