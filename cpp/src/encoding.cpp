#include "dsqn/encoding.hpp"

#include <algorithm>
#include <cmath>

#include "dsqn/philox.hpp"

namespace dsqn {

Encoder::Encoder(int n_in)
    : rate_(static_cast<std::size_t>(n_in)),
      sign_(static_cast<std::size_t>(n_in)),
      next_(static_cast<std::size_t>(n_in)) {}

template <class T>
void Encoder::start(Encoding encoding, const T* x, std::uint64_t seed, std::uint64_t decision) {
  encoding_ = encoding;
  seed_ = seed;
  decision_ = decision;
  for (std::size_t i = 0; i < rate_.size(); ++i) {
    const double value = static_cast<double>(x[i]);
    rate_[i] = std::min(std::fabs(value), 1.0);
    sign_[i] = static_cast<std::int8_t>((value > 0) - (value < 0));
    next_[i] = 1;
  }
}

void Encoder::block(std::int64_t first, int n, std::uint64_t* words, std::int16_t* values) {
  const std::uint64_t mask = n == kBlock ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
  for (std::size_t i = 0; i < rate_.size(); ++i) {
    words[i] = 0;
    if (sign_[i] == 0) continue;
    const int input = static_cast<int>(i);
    words[i] = mask & (encoding_ == Encoding::poisson ? poisson(input, first)
                                                      : equidistant(input, first, n));
    std::fill_n(values + i * kBlock, kBlock, static_cast<std::int16_t>(sign_[i]));
  }
}

std::uint64_t Encoder::poisson(int input, std::int64_t first) const {
  const auto limit = static_cast<std::uint64_t>(rate_[static_cast<std::size_t>(input)] * 0x1p32);
  const std::array<std::uint32_t, 2> key = {static_cast<std::uint32_t>(seed_),
                                            static_cast<std::uint32_t>(seed_ >> 32)};
  std::uint64_t word = 0;
  for (int t = 0; t < kBlock; t += 4) {
    const auto random = philox4x32(
        {static_cast<std::uint32_t>(input), static_cast<std::uint32_t>((first + t) / 4),
         static_cast<std::uint32_t>(decision_), static_cast<std::uint32_t>(decision_ >> 32)},
        key);
    for (int lane = 0; lane < 4; ++lane) {
      word |= std::uint64_t{random[static_cast<std::size_t>(lane)] < limit} << (t + lane);
    }
  }
  return word;
}

std::uint64_t Encoder::equidistant(int input, std::int64_t first, int n) {
  const auto i = static_cast<std::size_t>(input);
  std::uint64_t word = 0;
  // A rate may be so small that k / rate overflows an integer: compare as double first.
  for (;; ++next_[i]) {
    const double when = std::nearbyint(static_cast<double>(next_[i]) / rate_[i]);
    if (!(when <= static_cast<double>(first + n))) return word;
    word |= std::uint64_t{1} << (static_cast<std::int64_t>(when) - 1 - first);
  }
}

template void Encoder::start<float>(Encoding, const float*, std::uint64_t, std::uint64_t);
template void Encoder::start<double>(Encoding, const double*, std::uint64_t, std::uint64_t);

}  // namespace dsqn
