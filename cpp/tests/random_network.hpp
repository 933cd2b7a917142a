// Random networks: plain arrays that own their values, as a caller has them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dsqn/network.hpp"

namespace dsqn::test {

using Random = std::mt19937_64;

inline double uniform(Random& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}
inline int pick(Random& random, const std::vector<int>& values) {
  return values[std::uniform_int_distribution<std::size_t>(0, values.size() - 1)(random)];
}

template <class T>
struct PlainLayer {
  std::vector<Window> pools;
  bool convolution = false;
  Window window;
  int n_rows = 0, n_out = 0;
  std::vector<T> weight, bias, threshold, initial_potential;

  LayerSpec<T> spec() const {
    return {pools,
            convolution,
            window,
            n_rows,
            n_out,
            weight.data(),
            bias.data(),
            threshold.data(),
            initial_potential.data()};
  }
};

template <class T>
struct PlainNetwork {
  Layout in;
  std::vector<PlainLayer<T>> layers;
  Dynamics dynamics;

  std::shared_ptr<const Network<T>> build() const {
    std::vector<LayerSpec<T>> specs;
    for (const auto& layer : layers) specs.push_back(layer.spec());
    return std::make_shared<const Network<T>>(specs, in, dynamics);
  }
};

template <class T>
void fill(std::vector<T>& values, std::size_t n, double low, double high, Random& random) {
  values.resize(n);
  for (T& value : values) value = static_cast<T>(uniform(random, low, high));
}

// Rounds every value to a multiple of 1/4, so that potentials often equal their thresholds.
template <class T>
void make_coarse(PlainNetwork<T>& network) {
  for (auto& layer : network.layers) {
    for (auto* values : {&layer.weight, &layer.bias, &layer.initial_potential}) {
      for (T& value : *values) value = std::nearbyint(value * 4) / 4;
    }
    for (T& value : layer.threshold) value = std::max(T(1), std::nearbyint(value * 4)) / 4;
  }
}

template <class T>
PlainLayer<T> random_layer(int n_rows, int n_out, Random& random) {
  PlainLayer<T> layer;
  layer.n_rows = n_rows;
  layer.n_out = n_out;
  const double gain = 2.5 / std::sqrt(std::max(n_rows, 1));
  const auto n = static_cast<std::size_t>(n_out);
  fill(layer.weight, static_cast<std::size_t>(n_rows) * n, -gain, gain, random);
  fill(layer.bias, n, -0.2, 0.4, random);
  fill(layer.threshold, n, 0.4, 1.6, random);
  fill(layer.initial_potential, n, -0.5, 1.2, random);
  return layer;
}

template <class T>
PlainNetwork<T> random_dense(const std::vector<int>& sizes, Random& random) {
  PlainNetwork<T> network;
  network.in = {1, 1, sizes[0], sizes[0]};
  for (std::size_t l = 1; l < sizes.size(); ++l) {
    network.layers.push_back(random_layer<T>(sizes[l - 1], sizes[l], random));
  }
  return network;
}

// An image, a convolution, pooling, a convolution, and a dense layer or the image itself.
template <class T>
PlainNetwork<T> random_image(bool dense_head, Random& random) {
  PlainNetwork<T> network;
  const int channels = pick(random, {1, 2, 17});
  network.in = {pick(random, {4, 5, 7}), pick(random, {4, 6}), channels, channels};
  const Window first{2, 3, 1, pick(random, {1, 2}), 1, 2},
      pool{2, 1, pick(random, {1, 2}), 1, 0, 0};
  const Window second{1, 2, 2, 1, 0, 1};
  const int middle = pick(random, {1, 5, 16, 66}), last = pick(random, {2, 3, 18});
  auto layer = random_layer<T>(2 * 3 * channels, middle, random);
  layer.convolution = true;
  layer.window = first;
  network.layers.push_back(layer);
  layer = random_layer<T>(2 * middle, last, random);
  layer.convolution = true;
  layer.window = second;
  layer.pools = {pool};
  network.layers.push_back(layer);
  if (!dense_head) return network;
  const auto built = network.build();
  network.layers.push_back(random_layer<T>(built->n_out(), 3, random));
  return network;
}

}  // namespace dsqn::test
