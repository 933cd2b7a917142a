#include "output_counts.hpp"

#include <algorithm>

namespace dsqn {

namespace {

// Sums may leave the range of 32 bits on their way, and come back: they wrap around.
using Wrapping = std::uint32_t;

Wrapping product(std::int64_t n, std::int32_t x) {
  return static_cast<Wrapping>(n) * static_cast<Wrapping>(x);
}

void add(std::int32_t& v, Wrapping x) {
  v = static_cast<std::int32_t>(static_cast<Wrapping>(v) + x);
}

}  // namespace

void integrate_counts(const Population<std::int32_t>& output, const Layout& before,
                      const std::int32_t* counts, std::int64_t n_steps, std::int32_t* v) {
  constexpr int lanes = kUnitBytes / static_cast<int>(sizeof(std::int32_t));
  const Wiring wiring = output.wiring();
  for (int j = 0; j < wiring.n_channels; ++j) {
    add(v[j], product(n_steps, output.bias[static_cast<std::size_t>(j)]));
  }
  for (int unit = 0; unit < wiring.n_units; unit += kPanelUnits) {
    const int first = unit * lanes, width = std::min(kPanelUnits, wiring.n_units - unit) * lanes;
    const int used = std::min(width, wiring.n_channels - first);
    const std::int16_t* panel = output.weights.data() + std::int64_t{first} * wiring.n_rows;
    const std::int32_t* count = counts;
    for (int pixel = 0; pixel < before.pixels(); ++pixel) {
      const std::int16_t* row = panel + std::int64_t{pixel} * before.padded * width;
      for (int i = 0; i < before.channels; ++i, ++count, row += width) {
        if (*count == 0) continue;
        for (int j = 0; j < used; ++j) add(v[first + j], product(*count, row[j]));
      }
    }
  }
}

}  // namespace dsqn
