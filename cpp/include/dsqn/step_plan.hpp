// How the inputs of a population are taken in words of 64, so that its sums can be made step by
// step.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dsqn/kernels.hpp"

namespace dsqn {

class StepPlan {
 public:
  // `wiring` is that of one decision.
  explicit StepPlan(const Wiring& wiring);

  StepWords words() const;
  int n_words() const { return static_cast<int>(piece_offset_.size()) - 1; }
  // Whether no word has rows on both sides of a multiple of `chunk_rows`.
  bool stays_in_chunks(int chunk_rows) const;

 private:
  std::vector<WordPiece> pieces_;
  std::vector<std::int32_t> piece_offset_{0};
  std::vector<WordUse> uses_;
  std::vector<std::int32_t> use_offset_{0};
};

}  // namespace dsqn
