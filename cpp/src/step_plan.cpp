#include "dsqn/step_plan.hpp"

#include <algorithm>
#include <map>

namespace dsqn {

namespace {

// Inputs whose rows of weights follow each other, as pieces of which each lies in one input pixel.
struct Run {
  std::vector<WordPiece> pieces;
  std::int32_t row = 0;

  int size() const {
    int n = 0;
    for (const WordPiece& piece : pieces) n += piece.n;
    return n;
  }
};

// A pixel of more than a word's inputs is cut; neighbours are joined as long as they fit as a
// whole.
std::vector<Run> runs_of(const Wiring& wiring, int pixel) {
  std::vector<Run> runs;
  for (int k = wiring.offset[pixel]; k < wiring.offset[pixel + 1]; ++k) {
    const Tap& tap = wiring.taps[k];
    for (int from = 0; from < wiring.span; from += kWordInputs) {
      const WordPiece piece{tap.from * wiring.stride + from,
                            std::min(kWordInputs, wiring.span - from)};
      const std::int32_t row = tap.row + from;
      const bool joins = !runs.empty() && runs.back().size() + piece.n <= kWordInputs &&
                         runs.back().row + runs.back().size() == row;
      if (joins) {
        runs.back().pieces.push_back(piece);
      } else {
        runs.push_back({{piece}, row});
      }
    }
  }
  return runs;
}

}  // namespace

StepPlan::StepPlan(const Wiring& wiring) {
  std::map<std::vector<std::int32_t>, std::int32_t> known;  // words by their pieces
  for (int pixel = 0; pixel < wiring.n_pixels; ++pixel) {
    for (const Run& run : runs_of(wiring, pixel)) {
      std::vector<std::int32_t> key;
      for (const WordPiece& piece : run.pieces) key.push_back(piece.first);
      const auto [word, is_new] = known.try_emplace(key, n_words());
      uses_.push_back({word->second, run.row});
      if (!is_new) continue;
      pieces_.insert(pieces_.end(), run.pieces.begin(), run.pieces.end());
      piece_offset_.push_back(static_cast<std::int32_t>(pieces_.size()));
    }
    use_offset_.push_back(static_cast<std::int32_t>(uses_.size()));
  }
}

StepWords StepPlan::words() const {
  return {pieces_.data(), piece_offset_.data(), n_words(),
          uses_.data(),   use_offset_.data(),   static_cast<int>(use_offset_.size()) - 1};
}

bool StepPlan::stays_in_chunks(int chunk_rows) const {
  return std::all_of(uses_.begin(), uses_.end(), [&](const WordUse& use) {
    const auto w = static_cast<std::size_t>(use.word);
    int n = 0;
    for (auto k = piece_offset_[w]; k < piece_offset_[w + 1]; ++k) {
      n += pieces_[static_cast<std::size_t>(k)].n;
    }
    return use.row / chunk_rows == (use.row + n - 1) / chunk_rows;
  });
}

}  // namespace dsqn
