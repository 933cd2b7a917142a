// Observations as spikes, one block of steps at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "dsqn/network.hpp"

namespace dsqn {

// The encoder of one decision: e_i[t] = sign(x_i) at the steps where input i spikes.
class Encoder {
 public:
  explicit Encoder(int n_in);

  // Starts a decision; x has n_in values.
  template <class T>
  void start(Encoding encoding, const T* x, std::uint64_t seed, std::uint64_t decision);

  // Fills words[n_in] for steps [first, first + n), first a multiple of kBlock, and
  // values[n_in][kBlock] with +1 or -1 wherever a bit is set.
  void block(std::int64_t first, int n, std::uint64_t* words, std::int16_t* values);

 private:
  std::uint64_t poisson(int input, std::int64_t first) const;
  std::uint64_t equidistant(int input, std::int64_t first, int n);

  Encoding encoding_ = Encoding::constant;
  std::uint64_t seed_ = 0;
  std::uint64_t decision_ = 0;
  std::vector<double> rate_;        // min(|x_i|, 1)
  std::vector<std::int8_t> sign_;   // of x_i
  std::vector<std::int64_t> next_;  // equidistant: index k of the next spike
};

}  // namespace dsqn
