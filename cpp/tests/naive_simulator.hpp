// One decision, neuron by neuron and step by step, in the order of additions that is defined.
// Written for being read beside the equations: no blocks, no padding, no bits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "dsqn/philox.hpp"
#include "random_network.hpp"

namespace dsqn::test {

// Input spikes [step][input] of an encoding.
template <class T>
std::vector<std::vector<int>> naive_encoding(Encoding encoding, const std::vector<T>& x, int steps,
                                             std::uint64_t seed, std::uint64_t decision) {
  std::vector<std::vector<int>> spikes(static_cast<std::size_t>(steps),
                                       std::vector<int>(x.size(), 0));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double rate = std::min(std::fabs(static_cast<double>(x[i])), 1.0);
    const int sign = x[i] > 0 ? 1 : -1;
    if (rate == 0) continue;
    for (int t = 1; t <= steps; ++t) {
      bool fires = false;
      if (encoding == Encoding::poisson) {
        const auto random = philox4x32(
            {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>((t - 1) / 4),
             static_cast<std::uint32_t>(decision), static_cast<std::uint32_t>(decision >> 32)},
            {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
        fires = static_cast<double>(random[static_cast<std::size_t>((t - 1) % 4)]) <
                std::floor(rate * 4294967296.0);
      } else {
        for (int k = 1; k <= t && !fires; ++k) fires = std::nearbyint(k / rate) == t;
      }
      if (fires) spikes[static_cast<std::size_t>(t - 1)][i] = sign;
    }
  }
  return spikes;
}

// Position of each value that a window sees, in order: [output pixel][(row of the kernel, input
// pixel)]; positions in the padding are left out.
struct Seen {
  int kernel_pixel, pixel;
};
inline std::vector<std::vector<Seen>> naive_window(int height, int width, const Window& w) {
  std::vector<std::vector<Seen>> all;
  for (int y = -w.padding_rows; y + w.height <= height + w.padding_rows; y += w.stride_rows) {
    for (int x = -w.padding_columns; x + w.width <= width + w.padding_columns;
         x += w.stride_columns) {
      all.emplace_back();
      for (int r = 0; r < w.height; ++r) {
        for (int c = 0; c < w.width; ++c) {
          const bool inside = y + r >= 0 && y + r < height && x + c >= 0 && x + c < width;
          if (inside) all.back().push_back({r * w.width + c, (y + r) * width + x + c});
        }
      }
    }
  }
  return all;
}

// An unpadded image, or a vector: one pixel of n channels.
template <class V>
struct Image {
  int height, width, channels;
  std::vector<V> values;
};

inline int windows_along(int size, int kernel, int stride, int padding) {
  return (size + 2 * padding - kernel) / stride + 1;
}

template <class V>
Image<V> naive_pool(const Image<V>& in, const Window& w) {
  Image<V> out{windows_along(in.height, w.height, w.stride_rows, 0),
               windows_along(in.width, w.width, w.stride_columns, 0),
               in.channels,
               {}};
  for (const auto& window : naive_window(in.height, in.width, w)) {
    for (int channel = 0; channel < in.channels; ++channel) {
      V sum = 0;
      for (const Seen& s : window) {
        sum += in.values[static_cast<std::size_t>(s.pixel * in.channels + channel)];
      }
      out.values.push_back(sum);
    }
  }
  return out;
}

// start(channel) + sum of value * weight over the inputs that are not 0, for every neuron.
template <class T, class V, class F>
Image<T> naive_current(const PlainLayer<T>& layer, const Image<V>& in, F start) {
  std::vector<std::vector<Seen>> windows;
  int rows = 1, columns = 1, span = in.channels;
  if (layer.convolution) {
    windows = naive_window(in.height, in.width, layer.window);
    rows = windows_along(in.height, layer.window.height, layer.window.stride_rows,
                         layer.window.padding_rows);
    columns = windows_along(in.width, layer.window.width, layer.window.stride_columns,
                            layer.window.padding_columns);
  } else {
    windows = {{{0, 0}}};
    span = static_cast<int>(in.values.size());
  }
  Image<T> out{rows, columns, layer.n_out, {}};
  for (const auto& window : windows) {
    for (int j = 0; j < layer.n_out; ++j) {
      T sum = start(j);
      for (const Seen& s : window) {
        for (int i = 0; i < span; ++i) {
          const V value = in.values[static_cast<std::size_t>(s.pixel * span + i)];
          if (value == 0) continue;
          const auto row = static_cast<std::size_t>(s.kernel_pixel * span + i);
          const T product =
              static_cast<T>(value) * layer.weight[row * static_cast<std::size_t>(layer.n_out) +
                                                   static_cast<std::size_t>(j)];
          sum = sum + product;
        }
      }
      out.values.push_back(sum);
    }
  }
  return out;
}

template <class T>
struct NaivePopulation {
  int height = 1, width = 1;
  std::vector<T> v, synapse;
  std::vector<int> sum, fired;
  std::vector<std::vector<int>> spikes;    // [step][neuron]
  std::vector<std::vector<T>> potentials;  // [step][neuron]
};

// The result of one decision.
template <class T>
struct NaiveDecision {
  std::vector<NaivePopulation<T>> populations;
  std::vector<std::vector<int>> encoded;
  int steps_used = 0;
};

template <class T>
class NaiveSimulator {
 public:
  NaiveSimulator(const PlainNetwork<T>& network, const std::vector<T>& x, int n_steps,
                 std::uint64_t seed, std::uint64_t key)
      : network_(network), dynamics_(network.dynamics), x_(x) {
    const bool late = dynamics_.timing == Timing::spytorch;
    steps_ = late ? n_steps - 1 : n_steps;
    delay_ = late ? 2 : dynamics_.timing == Timing::nest ? 1 : 0;
    if (dynamics_.encoding != Encoding::constant) {
      result_.encoded = naive_encoding(dynamics_.encoding, x, steps_, seed, key);
    }
    result_.populations.resize(network.layers.size());
    // The state of a population needs its size: that of its current.
    Image<int> values{network.in.height, network.in.width, network.in.channels,
                      std::vector<int>(x.size(), 0)};
    for (std::size_t l = 0; l < network.layers.size(); ++l) {
      values = start_population(l, values);
    }
  }

  NaiveDecision<T> run() {
    for (int t = 0; t < steps_; ++t) {
      for (std::size_t l = 0; l < network_.layers.size(); ++l) step(l, t);
      result_.steps_used = t + 1;
      if (decided(t)) break;
    }
    return result_;
  }

 private:
  Image<int> start_population(std::size_t l, const Image<int>& before) {
    const auto& layer = network_.layers[l];
    Image<int> values = before;
    for (const Window& pool : layer.pools) values = naive_pool(values, pool);
    const auto current = naive_current(layer, values, [](int) { return T(0); });
    auto& p = result_.populations[l];
    p.height = current.height;
    p.width = current.width;
    for (std::size_t j = 0; j < current.values.size(); ++j) {
      p.v.push_back(layer.initial_potential[j % static_cast<std::size_t>(layer.n_out)]);
    }
    p.synapse.assign(p.v.size(), T(0));
    p.sum.assign(p.v.size(), 0);
    p.fired.assign(p.v.size(), 0);
    return {current.height, current.width, layer.n_out, std::vector<int>(p.v.size(), 0)};
  }

  bool is_output(std::size_t l) const { return l + 1 == network_.layers.size(); }
  bool spikes(std::size_t l) const {
    return !is_output(l) || dynamics_.decoding == Decoding::count ||
           dynamics_.decoding == Decoding::count_and_potential;
  }

  // Synaptic input of this step without bias, or the constant current with it.
  std::vector<T> input(std::size_t l, int t) const {
    const auto& layer = network_.layers[l];
    const bool constant = l == 0 && dynamics_.encoding == Encoding::constant;
    if (constant) {
      const Image<T> image{network_.in.height, network_.in.width, network_.in.channels, x_};
      return naive_current(layer, image,
                           [&](int j) { return layer.bias[static_cast<std::size_t>(j)]; })
          .values;
    }
    Image<int> arriving{network_.in.height, network_.in.width, network_.in.channels, {}};
    if (l == 0) {
      arriving.values = result_.encoded[static_cast<std::size_t>(t)];
    } else {
      const auto& before = result_.populations[l - 1];
      arriving = {before.height, before.width, network_.layers[l - 1].n_out, {}};
      arriving.values = t < delay_ ? std::vector<int>(before.v.size(), 0)
                                   : before.spikes[static_cast<std::size_t>(t - delay_)];
    }
    for (const Window& pool : layer.pools) arriving = naive_pool(arriving, pool);
    return naive_current(layer, arriving, [](int) { return T(0); }).values;
  }

  void step(std::size_t l, int t) {
    const auto& layer = network_.layers[l];
    auto& p = result_.populations[l];
    const bool constant = l == 0 && dynamics_.encoding == Encoding::constant;
    const std::vector<T> current = input(l, t);
    std::vector<int> emitted(p.v.size(), 0);
    for (std::size_t j = 0; j < p.v.size(); ++j) {
      const std::size_t channel = j % static_cast<std::size_t>(layer.n_out);
      p.v[j] = integrate(p, j, current[j], constant, layer.bias[channel]);
      if (!spikes(l)) continue;
      emitted[j] = spike(p, j, layer.threshold[channel]);
      p.sum[j] += emitted[j];
      p.fired[j] = emitted[j];
      if (emitted[j] == 0 || dynamics_.timing == Timing::spytorch) continue;
      const T taken = static_cast<T>(emitted[j]) * layer.threshold[channel];
      p.v[j] = dynamics_.reset == Reset::zero ? T(0) : p.v[j] - taken;
    }
    p.spikes.push_back(emitted);
    p.potentials.push_back(p.v);
  }

  T integrate(NaivePopulation<T>& p, std::size_t j, T current, bool constant, T bias) const {
    const T alpha = static_cast<T>(dynamics_.alpha), beta = static_cast<T>(dynamics_.beta);
    const bool late = dynamics_.timing == Timing::spytorch;
    T kept = beta * p.v[j];
    if (late && dynamics_.reset == Reset::subtraction) kept = kept - static_cast<T>(p.fired[j]);
    T v;
    if (alpha != 0) {
      T y = alpha * p.synapse[j];
      if (!constant) y = y + bias;
      p.synapse[j] = y + current;
      v = kept + p.synapse[j];
    } else if (dynamics_.timing == Timing::nest && dynamics_.reset == Reset::subtraction) {
      v = (constant ? current : bias + current) + kept;
    } else {
      v = (constant ? kept : kept + bias) + current;
    }
    return late && dynamics_.reset == Reset::zero && p.fired[j] != 0 ? T(0) : v;
  }

  int spike(const NaivePopulation<T>& p, std::size_t j, T theta) const {
    const T v = p.v[j];
    const bool fires = dynamics_.timing == Timing::spytorch ? v > theta : v >= theta;
    if (fires && dynamics_.spikes == Spikes::burst) {
      const T whole = std::floor(v / theta);
      return whole < static_cast<T>(dynamics_.burst_limit) ? static_cast<int>(whole)
                                                           : dynamics_.burst_limit;
    }
    if (!fires && dynamics_.spikes == Spikes::signed_ && v < 0 && p.sum[j] > 0) return -1;
    return fires ? 1 : 0;
  }

  // Whether the decision is made at this step; first spikes become those of the output.
  bool decided(int t) {
    auto& output = result_.populations.back();
    if (dynamics_.early_exit && output.v.size() >= 2) {
      std::vector<T> sorted = output.v;
      std::sort(sorted.begin(), sorted.end());
      const T best = sorted[sorted.size() - 1], second = sorted[sorted.size() - 2];
      return best - second > static_cast<T>(dynamics_.exit_margin);
    }
    if (dynamics_.decoding != Decoding::first_spike) return false;
    bool any = false;
    for (std::size_t j = 0; j < output.v.size(); ++j) {
      const auto& theta = network_.layers.back().threshold;
      const int s = spike(output, j, theta[j % theta.size()]);
      output.spikes[static_cast<std::size_t>(t)][j] = s;
      any = any || s != 0;
    }
    return any;
  }

  const PlainNetwork<T>& network_;
  const Dynamics& dynamics_;
  const std::vector<T>& x_;
  int steps_ = 0, delay_ = 0;
  NaiveDecision<T> result_;
};

}  // namespace dsqn::test
