#include "dsqn/network.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "dsqn/cpu.hpp"

namespace dsqn {

namespace {

template <class T>
constexpr int unit_lanes() {
  return kUnitBytes / static_cast<int>(sizeof(T));
}

// A threshold that no potential reaches.
template <class T>
constexpr T never() {
  using Limits = std::numeric_limits<T>;
  return Limits::has_infinity ? Limits::infinity() : Limits::max();
}

template <class T>
AlignedVector<T> padded_copy(const T* values, int n, int padded, T fill) {
  AlignedVector<T> result(static_cast<std::size_t>(padded), fill);
  std::copy(values, values + n, result.begin());
  return result;
}

// Row of the source weights for each packed row; -1 for rows that padding inputs meet.
template <class T>
std::vector<int> source_rows(const LayerSpec<T>& spec, const Layout& in) {
  std::vector<int> rows;
  if (spec.convolution) {
    for (int row = 0; row < spec.n_rows; ++row) rows.push_back(row);
    return rows;
  }
  for (int pixel = 0; pixel < in.pixels(); ++pixel) {
    for (int channel = 0; channel < in.padded; ++channel) {
      rows.push_back(channel < in.channels ? pixel * in.channels + channel : -1);
    }
  }
  return rows;
}

// Panels of up to kPanelUnits units; within a panel one row of weights after the other.
template <class T>
AlignedVector<typename Types<T>::Weight> pack_panels(const LayerSpec<T>& spec,
                                                     const std::vector<int>& rows, int n_units) {
  using Weight = typename Types<T>::Weight;
  AlignedVector<Weight> packed(rows.size() * static_cast<std::size_t>(n_units * unit_lanes<T>()),
                               Weight(0));
  Weight* to = packed.data();
  for (int first = 0; first < n_units; first += kPanelUnits) {
    const int width = std::min(kPanelUnits, n_units - first) * unit_lanes<T>();
    const int start = first * unit_lanes<T>();
    const int used = std::min(width, spec.n_out - start);
    for (const int row : rows) {
      if (row >= 0) {
        const Weight* from =
            spec.weight + static_cast<std::size_t>(row) * static_cast<std::size_t>(spec.n_out);
        std::copy(from + start, from + start + used, to);
      }
      to += width;
    }
  }
  return packed;
}

// How many outputs each input reaches, through a window (channels of the window's output).
void scatter(const Taps& taps, const Wiring& wiring, int weight,
             std::vector<std::int64_t>& counts) {
  for (int k = 0; k < taps.offset[static_cast<std::size_t>(wiring.n_pixels)]; ++k) {
    const Tap& tap = taps.taps[static_cast<std::size_t>(k)];
    const auto first = static_cast<std::size_t>(std::int64_t{tap.from} * wiring.stride);
    for (std::size_t i = 0; i < static_cast<std::size_t>(wiring.span); ++i) {
      counts[first + i] += weight;
    }
  }
}

// The same through pooling, backwards: an input reaches what its windows reach.
std::vector<std::int64_t> through_pool(const Layout& in, const Taps& taps, const Layout& out,
                                       const std::vector<std::int64_t>& after) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(in.size()));
  for (std::size_t pixel = 0; pixel + 1 < taps.offset.size(); ++pixel) {
    for (auto k = taps.offset[pixel]; k < taps.offset[pixel + 1]; ++k) {
      const auto from = static_cast<std::size_t>(taps.taps[static_cast<std::size_t>(k)].from);
      const auto input = from * static_cast<std::size_t>(in.padded);
      for (std::size_t c = 0; c < static_cast<std::size_t>(out.padded); ++c) {
        counts[input + c] += after[pixel * static_cast<std::size_t>(out.padded) + c];
      }
    }
  }
  return counts;
}

}  // namespace

template <class T>
Population<T>::Population(const LayerSpec<T>& spec, const Layout& in)
    : chunk_rows(spec.chunk_rows), unit(spec.unit), input_(in) {
  for (const Window& window : spec.pools) {
    pools_.emplace_back(input_, window);
    input_ = pools_.back().output();
  }
  const int n_units = (spec.n_out + unit_lanes<T>() - 1) / unit_lanes<T>();
  const int padded = n_units * unit_lanes<T>();
  output_ = {1, 1, spec.n_out, padded};
  if (spec.convolution) {
    output_.height = window_rows(input_, spec.window);
    output_.width = window_columns(input_, spec.window);
  }
  dense_ = !spec.convolution;
  taps_ = spec.convolution ? window_taps(input_, spec.window) : dense_taps();
  span_ = spec.convolution ? input_.channels : input_.size();
  const auto rows = source_rows(spec, input_);
  n_rows_ = static_cast<int>(rows.size());
  weights = pack_panels(spec, rows, n_units);
  bias = padded_copy(spec.bias, spec.n_out, padded, T(0));
  negative_zero_ = std::any_of(bias.begin(), bias.end(),
                               [](T b) { return b == 0 && std::signbit(static_cast<double>(b)); });
  theta = padded_copy(spec.threshold, spec.n_out, padded, never<T>());
  initial_potential = padded_copy(spec.initial_potential, spec.n_out, padded, T(0));
  fan_out_.resize(static_cast<std::size_t>(input_.size()));
  scatter(taps_, wiring(), spec.n_out, fan_out_);
  for (auto pool = pools_.rbegin(); pool != pools_.rend(); ++pool) {
    fan_out_ = through_pool(pool->input(), pool->taps(), pool->output(), fan_out_);
  }
}

template <class T>
void Population<T>::use_tiles(const LayerSpec<T>& spec) {
  if constexpr (std::is_integral_v<T>) {
    const TileSource source{input_,      output_,     dense_,    spec.window,
                            spec.weight, spec.n_rows, spec.n_out};
    tiles_ = dsqn::plan_tiles(source);
    if (tiles_) weights = {};
  }
}

template <class T>
void Population<T>::use_steps() {
  // A single vector or two of sums are as fast row by row.
  if (tiles_ || output_.padded <= unit_lanes<T>()) return;
  auto plan = std::make_shared<const StepPlan>(wiring());
  if (std::is_integral_v<T> && chunk_rows < n_rows_ && !plan->stays_in_chunks(chunk_rows)) return;
  steps_ = std::move(plan);
}

template <class T>
Wiring Population<T>::wiring(int lanes) const {
  return {output_.pixels() * lanes,
          span_,
          dense_ ? input_.size() : input_.padded,
          n_rows_,
          output_.padded / unit_lanes<T>(),
          output_.channels,
          taps_.taps.data(),
          taps_.offset.data()};
}

template <class T>
Network<T>::Network(const std::vector<LayerSpec<T>>& layers, const Layout& in,
                    const Dynamics& dynamics)
    : in_(in), dynamics_(dynamics) {
  Layout layout = in;
  for (const auto& layer : layers) {
    populations_.emplace_back(layer, layout);
    layout = populations_.back().output();
  }
  first_neuron_.push_back(0);
  for (const auto& population : populations_) {
    first_neuron_.push_back(first_neuron_.back() + static_cast<std::size_t>(population.n_out()));
  }
  lockstep_ = plan_lockstep(*this);
  plan_sums(layers);
}

// Spikes that carry values come from the encoding, from pools and from neurons that are not binary.
template <class T>
void Network<T>::plan_sums(const std::vector<LayerSpec<T>>& layers) {
  if (graded() || !lockstep_.layers.empty()) return;
  const bool tiles = std::is_integral_v<T> && kernels().population_tiles != nullptr;
  for (std::size_t l = 1; l < layers.size(); ++l) {
    if (!populations_[l].pools().empty()) continue;
    if (tiles) populations_[l].use_tiles(layers[l]);
    populations_[l].use_steps();
  }
}

template <class T>
bool Network<T>::groupable() const {
  const bool dense = std::all_of(populations_.begin(), populations_.end(),
                                 [](const auto& p) { return p.pools().empty() && p.is_dense(); });
  return dense && !graded() && dynamics_.encoding == Encoding::constant && !dynamics_.early_exit &&
         dynamics_.decoding != Decoding::first_spike;
}

template <class T>
int Network<T>::current_group() const {
  constexpr int most_inputs = 1 << 19;
  if (!groupable()) return 1;
  const int fits = most_inputs / std::max(populations_.front().input().size(), 1);
  return std::clamp(fits / kGroup * kGroup, kGroup, kCurrentGroup);
}

template <class T>
void Network<T>::set_fixed_point(const FixedPoint& fixed) {
  first_ = std::make_shared<const Population<float>>(fixed.first, in_);
  const int n = first_->output().channels, padded = first_->output().padded;
  scale_ = padded_copy(fixed.scale, n, padded, 0.0f);
  const std::vector<float> largest(fixed.largest, fixed.largest + n);
  largest_ = padded_copy(largest.data(), n, padded, 0.0f);
}

template <class T>
int Network<T>::delay() const {
  switch (dynamics_.timing) {
    case Timing::nest: return 1;
    case Timing::spytorch: return 2;
    case Timing::instant: break;
  }
  return 0;
}

template <class T>
std::int64_t Network<T>::steps_run(std::int64_t n_steps) const {
  return dynamics_.timing == Timing::spytorch ? n_steps - 1 : n_steps;
}

template <class T>
bool Network<T>::output_spikes() const {
  return dynamics_.decoding == Decoding::count ||
         dynamics_.decoding == Decoding::count_and_potential;
}

// Integers only: the order of additions would show in floats.
template <class T>
bool Network<T>::output_from_counts() const {
  const auto& output = populations_.back();
  return std::is_integral_v<T> && populations_.size() > 1 && !graded() &&
         dynamics_.timing == Timing::instant && dynamics_.decoding == Decoding::potential &&
         !dynamics_.early_exit && output.is_dense() && output.pools().empty() && !output.tiles();
}

template class Population<float>;
template class Population<double>;
template class Population<std::int32_t>;
template class Network<float>;
template class Network<double>;
template class Network<std::int32_t>;

}  // namespace dsqn
