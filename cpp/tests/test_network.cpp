// How a network lies in memory: padding, panels of weights, taps of windows, fan-out.
#include <cmath>

#include "check.hpp"
#include "naive_simulator.hpp"

namespace dsqn::test {
namespace {

template <class T>
constexpr int kLanes = kUnitBytes / static_cast<int>(sizeof(T));

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kCacheLine == 0; }

// The packed weight from a row to a neuron: panel after panel, each [row][panel width].
template <class T>
T packed(const Population<T>& population, int row, int neuron) {
  const int panel_width = kPanelUnits * kLanes<T>;
  const int start = neuron / panel_width * panel_width;
  const int width = std::min(panel_width, population.output().padded - start);
  const int at = start * population.wiring().n_rows + row * width + neuron - start;
  return population.weights[static_cast<std::size_t>(at)];
}

template <class T>
void check_dense(int n_in, int n_out, Random& random) {
  const auto plain = random_dense<T>({n_in, n_out}, random);
  const auto network = plain.build();
  const auto& p = network->populations()[0];
  const int padded = (n_out + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
  CHECK_EQUAL(network->n_in(), n_in);
  CHECK_EQUAL(p.n_out(), n_out);
  CHECK_EQUAL(p.padded(), padded);
  CHECK(aligned(p.weights.data()) && aligned(p.bias.data()) && aligned(p.theta.data()));
  CHECK_EQUAL(p.weights.size(), static_cast<std::size_t>(n_in) * static_cast<std::size_t>(padded));
  for (int j = 0; j < padded; ++j) {
    const auto k = static_cast<std::size_t>(j);
    const bool real = j < n_out;
    CHECK_EQUAL(p.bias[k], real ? plain.layers[0].bias[k] : T(0));
    CHECK_EQUAL(p.theta[k], real ? plain.layers[0].threshold[k] : T(INFINITY));
    CHECK_EQUAL(p.initial_potential[k], real ? plain.layers[0].initial_potential[k] : T(0));
    for (int i = 0; i < n_in; ++i) {
      const auto from = static_cast<std::size_t>(i * n_out + j);
      CHECK_EQUAL(packed(p, i, j), real ? plain.layers[0].weight[from] : T(0));
    }
  }
  CHECK_EQUAL(p.fan_out().size(), static_cast<std::size_t>(n_in));
  for (const auto fan : p.fan_out()) CHECK_EQUAL(fan, n_out);
}

void check_window(const Layout& in, const Window& window) {
  const Taps taps = window_taps(in, window);
  const auto wanted = naive_window(in.height, in.width, window);
  CHECK_EQUAL(window_rows(in, window) * window_columns(in, window),
              static_cast<int>(wanted.size()));
  CHECK_EQUAL(taps.offset.size(), wanted.size() + 1);
  for (std::size_t pixel = 0; pixel < wanted.size(); ++pixel) {
    const auto first = static_cast<std::size_t>(taps.offset[pixel]);
    const auto n = static_cast<std::size_t>(taps.offset[pixel + 1]) - first;
    CHECK_EQUAL(n, wanted[pixel].size());
    for (std::size_t k = 0; k < std::min(n, wanted[pixel].size()); ++k) {
      CHECK_EQUAL(taps.taps[first + k].from, wanted[pixel][k].pixel);
      CHECK_EQUAL(taps.taps[first + k].row, wanted[pixel][k].kernel_pixel * in.channels);
    }
  }
}

// Fan-out of each input of a population: a spike there, and what then arrives.
template <class T>
void check_fan_out(const PlainNetwork<T>& plain, std::size_t l) {
  const auto network = plain.build();
  const auto& population = network->populations()[l];
  const Layout in = l == 0 ? plain.in : network->populations()[l - 1].output();
  PlainLayer<T> ones = plain.layers[l];
  std::fill(ones.weight.begin(), ones.weight.end(), T(1));
  for (int i = 0; i < in.values(); ++i) {
    Image<int> spikes{in.height, in.width, in.channels, {}};
    spikes.values.assign(static_cast<std::size_t>(in.values()), 0);
    spikes.values[static_cast<std::size_t>(i)] = 1;
    for (const Window& pool : ones.pools) spikes = naive_pool(spikes, pool);
    T reached = 0;
    for (const T value : naive_current(ones, spikes, [](int) { return T(0); }).values) {
      reached += value;
    }
    const int at = i / in.channels * in.padded + i % in.channels;
    CHECK_EQUAL(population.fan_out()[static_cast<std::size_t>(at)],
                static_cast<std::int64_t>(reached));
  }
}

template <class T>
void check_type(Random& random) {
  for (const int n_in : {0, 1, 3, 64}) {
    for (const int n_out : {0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 129, 300}) {
      check_dense<T>(n_in, n_out, random);
    }
  }
  for (int i = 0; i < 10; ++i) {
    const auto plain = random_image<T>(i % 2 == 0, random);
    for (std::size_t l = 0; l < plain.layers.size(); ++l) check_fan_out(plain, l);
  }
}

// An input that reaches more than 2^31 synapses, through windows of windows.
void check_large_fan_out() {
  PlainLayer<float> layer;
  layer.convolution = true;
  layer.window = {9, 9, 1, 1, 0, 0};
  layer.pools = {{32, 32, 1, 1, 0, 0}, {16, 16, 1, 1, 0, 0}};
  layer.n_rows = 81;
  layer.n_out = 4096;
  layer.weight.resize(81 * 4096);
  for (auto* values : {&layer.bias, &layer.threshold, &layer.initial_potential}) {
    values->resize(4096, 1.0f);
  }
  const Population<float> population(layer.spec(), {64, 64, 1, 1});
  std::int64_t sum = 0, most = 0;
  for (const std::int64_t n : population.fan_out()) {
    sum += n;
    most = std::max(most, n);
  }
  CHECK(most > std::int64_t{1} << 31);
  CHECK_EQUAL(sum, std::int64_t{32 * 32} * 16 * 16 * 10 * 10 * 81 * 4096);
}

void check_steps() {
  Random random(2);
  auto plain = random_dense<float>({2, 2}, random);
  const Timing timings[] = {Timing::instant, Timing::nest, Timing::spytorch};
  for (int i = 0; i < 3; ++i) {
    plain.dynamics.timing = timings[i];
    CHECK_EQUAL(plain.build()->delay(), i);
    CHECK_EQUAL(plain.build()->steps_run(7), i == 2 ? 6 : 7);
  }
}

}  // namespace
}  // namespace dsqn::test

int main() {
  using namespace dsqn::test;
  Random random(1);
  check_type<float>(random);
  check_type<double>(random);
  check_window({5, 7, 3, 16}, {2, 3, 1, 2, 0, 0});
  check_window({5, 7, 3, 3}, {3, 3, 2, 1, 1, 2});
  check_window({1, 1, 4, 4}, {3, 3, 1, 1, 1, 1});
  check_window({4, 4, 1, 16}, {1, 1, 3, 2, 2, 0});
  check_large_fan_out();
  check_steps();
  return dsqn::test::failures;
}
