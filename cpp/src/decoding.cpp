#include "decoding.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace dsqn {

template <class T>
int decode(const Network<T>& network, const T* potentials, const std::int32_t* counts,
           std::int64_t n_steps, T* outputs) {
  const int n = network.n_out();
  const auto& output = network.populations().back();
  switch (network.dynamics().decoding) {
    case Decoding::potential:
    case Decoding::first_spike: std::copy(potentials, potentials + n, outputs); break;
    case Decoding::count:
      if (network.dynamics().two_output_neurons) {
        for (int j = 0; j < n / 2; ++j) {
          outputs[j] = static_cast<T>(counts[j]) - static_cast<T>(counts[j + n / 2]);
        }
        return argmax(outputs, n / 2);
      }
      for (int j = 0; j < n; ++j) outputs[j] = static_cast<T>(counts[j]);
      break;
    case Decoding::count_and_potential:
      for (int j = 0; j < n; ++j) {
        const T theta = output.theta[static_cast<std::size_t>(j % output.output().channels)];
        const T spiked = static_cast<T>(counts[j]) * theta;
        outputs[j] = spiked + potentials[j];
        // In fixed point the caller divides: the sum is exact, a quotient would not be.
        if constexpr (!std::is_integral_v<T>) outputs[j] /= static_cast<T>(n_steps);
      }
      break;
  }
  if (network.dynamics().decoding == Decoding::first_spike) {
    return decode_first_spike(potentials, counts, n);
  }
  return argmax(outputs, n);
}

template <class T>
int decode_first_spike(const T* potentials, const std::int32_t* counts, int n) {
  const bool any = std::any_of(counts, counts + n, [](std::int32_t c) { return c > 0; });
  if (!any) return argmax(potentials, n);
  int best = -1;
  for (int j = 0; j < n; ++j) {
    if (counts[j] > 0 && (best < 0 || potentials[j] > potentials[best])) best = j;
  }
  return best;
}

template int decode<float>(const Network<float>&, const float*, const std::int32_t*, std::int64_t,
                           float*);
template int decode<double>(const Network<double>&, const double*, const std::int32_t*,
                            std::int64_t, double*);
template int decode<std::int32_t>(const Network<std::int32_t>&, const std::int32_t*,
                                  const std::int32_t*, std::int64_t, std::int32_t*);
template int decode_first_spike<std::int32_t>(const std::int32_t*, const std::int32_t*, int);
template int decode_first_spike<float>(const float*, const std::int32_t*, int);
template int decode_first_spike<double>(const double*, const std::int32_t*, int);

}  // namespace dsqn
