// One fixed-point population over one block of time by products of matrices, with AMX. Integer
// sums are exact, so that they may be taken in any order.
#include <immintrin.h>

#include "dsqn/kernels.hpp"
#include "vec.hpp"

// clang-format off: each uses those above it
#include "update.inc"
#include "counts.inc"
#include "spread.inc"
// clang-format on

namespace {

using dsqn::kTileInputs;
using dsqn::kTileSide;
using Block = dsqn::PopulationBlock<std::int32_t>;

inline constexpr int kSums = kTileSide * kTileSide;
inline constexpr int kTileBytes = kTileSide * kTileInputs;

// How a block is split into tiles of equally many steps.
struct Steps {
  int n_tiles, per_tile;
};
inline Steps split_steps(int n_steps) {
  const int n_tiles = (n_steps + kTileSide - 1) / kTileSide;
  return {n_tiles, (n_steps + n_tiles - 1) / n_tiles};
}

// The compiler does not see what tile instructions read.
template <class T>
inline void show(const T* memory) {
  asm volatile("" : : "r"(memory) : "memory");
}

// Tiles 0 ... 5 have a step per row, 6 and 7 are weights.
inline void configure_tiles(int steps) {
  struct alignas(64) {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {};
  } config;
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = static_cast<std::uint8_t>(tile < 6 ? steps : kTileSide);
  }
  show(&config);
  _tile_loadconfig(&config);
}

// Weights that are read once only come from afar: asks for a tile some tiles ahead.
inline constexpr int kTilesAhead = 6;
template <bool far>
inline void fetch_tile(const std::uint8_t* tile) {
  if (!far) return;
  for (int row = 0; row < kTileSide; ++row) {
    _mm_prefetch(reinterpret_cast<const char*>(tile + kTilesAhead * kTileBytes + row * 64),
                 _MM_HINT_T0);
  }
}

// Sums of two tiles of spikes, of two pixels or times, with 16 neurons. Sums of the high bytes
// are in tiles 0 and 2, those of the low ones in 1 and 3; without low bytes, 1 and 3 have the
// second half of the terms, so that fewer products wait for each other.
template <bool two_bytes>
inline void multiply_pair(const dsqn::Tiles& a, const std::uint8_t* spikes,
                          const std::uint8_t* others, const std::uint8_t* weights) {
  const std::int64_t step = a.step_bytes;
  for (int k = 0; k < a.n_offsets; ++k) {
    _tile_loadd(4, spikes + a.offsets[k], step);
    _tile_loadd(5, others + a.offsets[k], step);
    _tile_loadd(6, weights, 64);
    weights += kTileBytes;
    if (two_bytes) {
      _tile_loadd(7, weights, 64);
      weights += kTileBytes;
      _tile_dpbusd(0, 4, 6);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbuud(1, 4, 7);
      _tile_dpbuud(3, 5, 7);
    } else if (k % 2 == 0) {
      _tile_dpbusd(0, 4, 6);
      _tile_dpbusd(2, 5, 6);
    } else {
      _tile_dpbusd(1, 4, 6);
      _tile_dpbusd(3, 5, 6);
    }
  }
}

// Sums of one tile of spikes: the second half of the terms is in tiles 2 and 3.
template <bool two_bytes, bool far>
inline void multiply_one(const dsqn::Tiles& a, const std::uint8_t* spikes,
                         const std::uint8_t* weights) {
  const std::int64_t step = a.step_bytes;
  for (int k = 0; k < a.n_offsets; ++k) {
    _tile_loadd(4, spikes + a.offsets[k], step);
    fetch_tile<far>(weights);
    _tile_loadd(6, weights, 64);
    weights += kTileBytes;
    if (two_bytes) {
      fetch_tile<far>(weights);
      _tile_loadd(7, weights, 64);
      weights += kTileBytes;
    }
    if (k % 2 == 0) {
      _tile_dpbusd(0, 4, 6);
      if (two_bytes) _tile_dpbuud(1, 4, 7);
    } else {
      _tile_dpbusd(2, 4, 6);
      if (two_bytes) _tile_dpbuud(3, 4, 7);
    }
  }
}

inline __m512i load_row(const std::int32_t* row) { return _mm512_load_si512(row); }

// sums = 256 * high + low, or high + low where both are halves of the same; row by row.
template <bool two_bytes>
inline void combine(const std::int32_t* high, const std::int32_t* low, int rows,
                    std::int32_t* sums) {
  for (int row = 0; row < rows; ++row, high += kTileSide, low += kTileSide, sums += kTileSide) {
    const __m512i h = load_row(high);
    _mm512_store_si512(sums,
                       _mm512_add_epi32(two_bytes ? _mm512_slli_epi32(h, 8) : h, load_row(low)));
  }
}

template <bool two_bytes>
inline void combine_halves(const std::int32_t (*c)[kSums], int rows, std::int32_t* sums) {
  for (int row = 0; row < rows; ++row) {
    const int at = row * kTileSide;
    const __m512i h = _mm512_add_epi32(load_row(c[0] + at), load_row(c[2] + at));
    const __m512i l = _mm512_add_epi32(load_row(c[1] + at), load_row(c[3] + at));
    _mm512_store_si512(sums + at, two_bytes ? _mm512_add_epi32(_mm512_slli_epi32(h, 8), l)
                                            : _mm512_add_epi32(h, l));
  }
}

// A tile of spikes, and where the sums of its steps go.
struct Product {
  const std::uint8_t* spikes;
  std::int32_t* sums;
  int rows;
};

inline void clear_sums() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

inline void store_sums(std::int32_t (*c)[kSums]) {
  _tile_stored(0, c[0], 64);
  _tile_stored(1, c[1], 64);
  _tile_stored(2, c[2], 64);
  _tile_stored(3, c[3], 64);
  show(c);
}

template <bool two_bytes>
void multiply(const dsqn::Tiles& a, const Product* products, int n, const std::uint8_t* weights) {
  alignas(64) std::int32_t c[4][kSums];
  for (int k = 0; k < n; k += 2) {
    clear_sums();
    if (k + 1 < n) {
      multiply_pair<two_bytes>(a, products[k].spikes, products[k + 1].spikes, weights);
      store_sums(c);
      for (int i = 0; i < 2; ++i) {
        const Product& to = products[k + i];
        combine<two_bytes>(c[2 * i], c[2 * i + 1], to.rows, to.sums);
      }
    } else {
      n == 1 ? multiply_one<two_bytes, true>(a, products[k].spikes, weights)
             : multiply_one<two_bytes, false>(a, products[k].spikes, weights);
      store_sums(c);
      combine_halves<two_bytes>(c, products[k].rows, products[k].sums);
    }
  }
}

// Pixels whose sums are taken and updated together.
inline constexpr int kMostProducts = kTogether * dsqn::kBlock / kTileSide;

// Sums of 16 neurons of each of `n_pixels` pixels: [pixel][step][neuron].
void sum_pixels(const Block& a, const Steps& steps, int pixel, int n_pixels,
                const std::uint8_t* weights) {
  Product products[kMostProducts];
  int n = 0;
  for (int p = 0; p < n_pixels; ++p) {
    for (int tile = 0; tile < steps.n_tiles; ++tile) {
      const int first = tile * steps.per_tile, left = a.n_steps - first;
      const std::int64_t from = a.tiles.pixels[pixel + p] + first * a.tiles.step_bytes;
      products[n++] = {a.tiles.spikes + from, a.scratch.sums + (p * a.n_steps + first) * kTileSide,
                       left < steps.per_tile ? left : steps.per_tile};
    }
  }
  a.tiles.two_bytes ? multiply<true>(a.tiles, products, n, weights)
                    : multiply<false>(a.tiles, products, n, weights);
}

void population_tiles(const Block& a) {
  const int stride = a.wiring.n_units * kTileSide, n_pixels = a.wiring.n_pixels;
  spread_spikes(a);
  show(a.tiles.spikes);
  const Steps steps = split_steps(a.n_steps);
  configure_tiles(steps.per_tile);
  const std::uint8_t* weights = a.tiles.weights;
  const std::int64_t work = std::int64_t(a.n_steps) * a.tiles.n_offsets * kTileSide;
  for (int channel = 0; channel < stride; channel += kTileSide) {
    for (int pixel = 0; pixel < n_pixels;) {
      const int n = n_pixels - pixel < kTogether ? n_pixels - pixel : kTogether;
      sum_pixels(a, steps, pixel, n, weights);
      if (n == kTogether && is_common(a)) {
        update_pixels(a, channel, pixel * stride + channel, stride);
      } else {
        Block one = a;
        for (int p = 0; p < n; ++p, one.scratch.sums += a.n_steps * kTileSide) {
          update_panel(one, channel, (pixel + p) * stride + channel, kTileSide, false);
        }
      }
      pixel += n;
      if (a.stop.asked(a.stop.context, n * work)) {
        _tile_release();
        return;
      }
    }
    weights += std::int64_t(a.tiles.n_offsets) * (a.tiles.two_bytes ? 2 : 1) * kTileBytes;
  }
  _tile_release();
}

}  // namespace

extern "C" const dsqn::KernelTable* dsqn_kernels_amx() {
  // The rest is that of AVX-512.
  static constexpr dsqn::KernelTable table = {"amx",   nullptr, nullptr, nullptr, population_tiles,
                                              nullptr, nullptr, nullptr, nullptr, nullptr,
                                              nullptr, count,   weigh,   nullptr};
  return &table;
}
