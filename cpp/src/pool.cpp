#include "dsqn/pool.hpp"

#include <algorithm>

namespace dsqn {

Pool::Pool(const Layout& in, const Window& window)
    : in_(in),
      out_{window_rows(in, window), window_columns(in, window), in.channels, in.padded},
      taps_(window_taps(in, window)) {}

void Pool::block(const std::uint64_t* words, const std::int16_t* values, std::uint64_t* words_out,
                 std::int16_t* values_out) const {
  std::size_t j = 0;
  for (std::size_t pixel = 0; pixel < static_cast<std::size_t>(out_.pixels()); ++pixel) {
    for (int channel = 0; channel < out_.padded; ++channel, ++j) {
      std::int16_t* sum = values_out + j * kBlock;
      std::fill_n(sum, kBlock, std::int16_t{0});
      words_out[j] = 0;
      for (auto k = taps_.offset[pixel]; k < taps_.offset[pixel + 1]; ++k) {
        const int from = taps_.taps[static_cast<std::size_t>(k)].from;
        const auto i = static_cast<std::size_t>(from * in_.padded + channel);
        words_out[j] |= words[i];
        for (std::uint64_t bits = words[i]; bits != 0; bits &= bits - 1) {
          const auto t = static_cast<std::size_t>(__builtin_ctzll(bits));
          const int value = values == nullptr ? 1 : values[i * kBlock + t];
          sum[t] = static_cast<std::int16_t>(sum[t] + value);
        }
      }
    }
  }
}

}  // namespace dsqn
