// How a population of fixed point is multiplied tile by tile, where the machine can do so.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dsqn/aligned.hpp"
#include "dsqn/kernels.hpp"
#include "dsqn/layout.hpp"

namespace dsqn {

// A population whose inputs are spikes without values.
struct TileSource {
  const Layout& in;
  const Layout& out;
  bool dense;
  const Window& window;         // of a convolution
  const std::int16_t* weights;  // row-major
  int n_rows, n_out;
};

class TilePlan {
 public:
  explicit TilePlan(const TileSource& source);

  // What a kernel gets; `spikes` has spike_bytes() for each decision of a group.
  Tiles tiles(std::uint8_t* spikes) const;
  std::size_t spike_bytes() const { return static_cast<std::size_t>(tiles_.lane_bytes); }

 private:
  void place_windows(const TileSource& source);
  void pack(const TileSource& source);
  void pack_tile(const TileSource& source, int run, int from, int first, std::uint8_t* to) const;

  Tiles tiles_{};
  int run_bytes_ = 0;  // of a window that follow each other
  int n_runs_ = 0;
  std::vector<std::int32_t> offsets_, pixels_;
  AlignedVector<std::uint8_t> weights_;
};

// Null where most of the tiles would be empty, or too many.
std::shared_ptr<const TilePlan> plan_tiles(const TileSource& source);

}  // namespace dsqn
