// Average pooling between populations: sums of spikes over windows, without neurons.
#pragma once

#include <cstdint>

#include "dsqn/layout.hpp"

namespace dsqn {

// The factor 1 / (window size) is already in the weights that follow.
class Pool {
 public:
  Pool(const Layout& in, const Window& window);

  const Layout& input() const { return in_; }
  const Layout& output() const { return out_; }
  const Taps& taps() const { return taps_; }

  // words_out[j] has a bit at each step where a spike lies in window j, values_out[j][t] the sum
  // of their values. values is null where all are 1.
  void block(const std::uint64_t* words, const std::int16_t* values, std::uint64_t* words_out,
             std::int16_t* values_out) const;

 private:
  Layout in_, out_;
  Taps taps_;
};

}  // namespace dsqn
