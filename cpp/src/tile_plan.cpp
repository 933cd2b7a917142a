#include "dsqn/tile_plan.hpp"

#include <algorithm>
#include <limits>

namespace dsqn {

namespace {

constexpr int round_up(int n, int unit) { return (n + unit - 1) / unit * unit; }

// Inputs that follow each other in the image of spikes: a row of the kernel, or all of them.
int run_length(const TileSource& source) {
  return source.dense ? source.in.size() : source.window.width * source.in.padded;
}
int count_runs(const TileSource& source) { return source.dense ? 1 : source.window.height; }

bool fits_a_byte(std::int16_t weight) { return weight >= -128 && weight <= 127; }

}  // namespace

TilePlan::TilePlan(const TileSource& source)
    : run_bytes_(run_length(source)), n_runs_(count_runs(source)) {
  place_windows(source);
  pack(source);
}

void TilePlan::place_windows(const TileSource& source) {
  const Layout& in = source.in;
  const Window window = source.dense ? Window{} : source.window;
  tiles_.height = source.dense ? 1 : in.height;
  tiles_.width = source.dense ? 1 : in.width;
  tiles_.channels = source.dense ? in.size() : in.padded;
  tiles_.rows = tiles_.height + 2 * window.padding_rows;
  tiles_.padded = window.padding_rows > 0 || window.padding_columns > 0;
  // An odd number of cache lines, so that the steps of a tile lie in different sets of the cache.
  const int columns = tiles_.width + 2 * window.padding_columns;
  const int lines = round_up(columns * tiles_.channels, kTileInputs) / kTileInputs;
  tiles_.step_bytes = std::int64_t{lines + 1 - lines % 2} * kTileInputs;
  tiles_.row_bytes = tiles_.step_bytes * kBlock;
  tiles_.lane_bytes = tiles_.row_bytes * tiles_.rows;
  tiles_.first_byte = window.padding_rows * tiles_.row_bytes +
                      std::int64_t{window.padding_columns} * tiles_.channels;
  for (int run = 0; run < n_runs_; ++run) {
    for (int from = 0; from < run_bytes_; from += kTileInputs) {
      offsets_.push_back(static_cast<std::int32_t>(run * tiles_.row_bytes + from));
    }
  }
  // A dense population has a pixel for each decision of a group.
  for (int pixel = 0; pixel < (source.dense ? kGroup : source.out.pixels()); ++pixel) {
    const int row = pixel / source.out.width, column = pixel % source.out.width;
    const std::int64_t from = source.dense
                                  ? pixel * tiles_.lane_bytes
                                  : row * window.stride_rows * tiles_.row_bytes +
                                        std::int64_t{column} * window.stride_columns * in.padded;
    pixels_.push_back(static_cast<std::int32_t>(from));
  }
}

void TilePlan::pack(const TileSource& source) {
  const auto n_weights =
      static_cast<std::size_t>(source.n_rows) * static_cast<std::size_t>(source.n_out);
  tiles_.two_bytes = !std::all_of(source.weights, source.weights + n_weights, fits_a_byte);
  const std::size_t per_tile = kTileInputs * kTileSide * (tiles_.two_bytes ? 2 : 1);
  const auto n_units = static_cast<std::size_t>(source.out.padded / kTileSide);
  weights_.assign(n_units * offsets_.size() * per_tile, 0);
  std::uint8_t* to = weights_.data();
  const int tiles_per_run = static_cast<int>(offsets_.size()) / n_runs_;
  for (int first = 0; first < source.out.padded; first += kTileSide) {
    for (int tile = 0; tile < static_cast<int>(offsets_.size()); ++tile, to += per_tile) {
      pack_tile(source, tile / tiles_per_run, tile % tiles_per_run * kTileInputs, first, to);
    }
  }
}

// Inputs of a run from `from` on, for 16 neurons from `first` on.
void TilePlan::pack_tile(const TileSource& source, int run, int from, int first,
                         std::uint8_t* to) const {
  const int padded = source.in.padded, channels = source.in.channels;
  const int end = std::min(from + kTileInputs, run_bytes_);
  const int n = std::min(kTileSide, source.n_out - first);
  for (int i = from; i < end; ++i) {
    const int channel = i % padded, pixel = run * (run_bytes_ / padded) + i / padded;
    if (channel >= channels) continue;
    const std::int16_t* weights =
        source.weights + std::int64_t{pixel * channels + channel} * source.n_out + first;
    std::uint8_t* at = to + (i - from) / 4 * kTileInputs + i % 4;
    for (int j = 0; j < n; ++j, at += 4) {
      if (!tiles_.two_bytes) {
        *at = static_cast<std::uint8_t>(weights[j]);
        continue;
      }
      *at = static_cast<std::uint8_t>(weights[j] >> 8);
      at[kTileInputs * kTileSide] = static_cast<std::uint8_t>(weights[j]);
    }
  }
}

Tiles TilePlan::tiles(std::uint8_t* spikes) const {
  Tiles tiles = tiles_;
  tiles.weights = weights_.data();
  tiles.offsets = offsets_.data();
  tiles.n_offsets = static_cast<int>(offsets_.size());
  tiles.pixels = pixels_.data();
  tiles.spikes = spikes;
  return tiles;
}

std::shared_ptr<const TilePlan> plan_tiles(const TileSource& source) {
  const std::int64_t run_tiles = (run_length(source) + kTileInputs - 1) / kTileInputs;
  const std::int64_t inputs = count_runs(source) * run_tiles * kTileInputs;
  if (source.n_rows < kTileInputs || inputs > 2 * std::int64_t{source.n_rows}) return nullptr;
  auto plan = std::make_shared<const TilePlan>(source);
  const bool fits = plan->spike_bytes() <= std::numeric_limits<std::int32_t>::max() / kGroup;
  return fits ? plan : nullptr;
}

}  // namespace dsqn
