#include "dsqn/network.hpp"

#include <algorithm>
#include <limits>

namespace dsqn {

namespace {

template <class T>
AlignedVector<T> padded_copy(const T* values, int n, int padded, T fill) {
  AlignedVector<T> result(static_cast<std::size_t>(padded), fill);
  std::copy(values, values + n, result.begin());
  return result;
}

// Panels of up to kPanelUnits units; within a panel one row of weights per input.
template <class T>
AlignedVector<T> pack_panels(const DenseSpec<T>& spec, int n_units) {
  const int unit = kUnitBytes / static_cast<int>(sizeof(T));
  const std::size_t n_in = static_cast<std::size_t>(spec.n_in);
  AlignedVector<T> packed(n_in * static_cast<std::size_t>(n_units * unit), T(0));
  T* to = packed.data();
  for (int first = 0; first < n_units; first += kPanelUnits) {
    const int width = std::min(kPanelUnits, n_units - first) * unit;
    const int start = first * unit;
    const int used = std::min(width, spec.n_out - start);
    for (std::size_t i = 0; i < n_in; ++i, to += width) {
      const T* row = spec.weight + i * static_cast<std::size_t>(spec.n_out) + start;
      std::copy(row, row + used, to);
    }
  }
  return packed;
}

}  // namespace

template <class T>
Population<T>::Population(const DenseSpec<T>& spec)
    : n_in(spec.n_in),
      n_out(spec.n_out),
      n_units((spec.n_out * static_cast<int>(sizeof(T)) + kUnitBytes - 1) / kUnitBytes),
      weights(pack_panels(spec, n_units)) {
  const int padded = n_units * kUnitBytes / static_cast<int>(sizeof(T));
  bias = padded_copy(spec.bias, n_out, padded, T(0));
  theta = padded_copy(spec.threshold, n_out, padded, std::numeric_limits<T>::infinity());
  initial_potential = padded_copy(spec.initial_potential, n_out, padded, T(0));
}

template <class T>
Network<T>::Network(const std::vector<DenseSpec<T>>& layers, const Dynamics& dynamics)
    : populations_(layers.begin(), layers.end()), dynamics_(dynamics) {
  for (const auto& population : populations_) {
    widest_input_ = std::max(widest_input_, population.n_in);
    widest_padded_ = std::max(widest_padded_, population.padded());
  }
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

template struct Population<float>;
template struct Population<double>;
template class Network<float>;
template class Network<double>;

}  // namespace dsqn
