// How the values of an image, or of a vector, lie in memory: [pixel][padded channel].
#pragma once

#include <cstdint>
#include <vector>

#include "dsqn/kernels.hpp"

namespace dsqn {

// A vector of n values is one pixel of n channels.
struct Layout {
  int height = 1;
  int width = 1;
  int channels = 0;
  int padded = 0;  // channels with padding

  int pixels() const { return height * width; }
  int size() const { return pixels() * padded; }
  int values() const { return pixels() * channels; }
};

struct Window {
  int height = 1, width = 1;
  int stride_rows = 1, stride_columns = 1;
  int padding_rows = 0, padding_columns = 0;
};

// Rows and columns of the images that a window sliding over `in` gives.
inline int window_rows(const Layout& in, const Window& w) {
  return (in.height + 2 * w.padding_rows - w.height) / w.stride_rows + 1;
}
inline int window_columns(const Layout& in, const Window& w) {
  return (in.width + 2 * w.padding_columns - w.width) / w.stride_columns + 1;
}

// The inputs that every output pixel sees, by kernel row and column.
struct Taps {
  std::vector<Tap> taps;
  std::vector<std::int32_t> offset;
};

// Taps of a sliding window; rows of weights are [kernel row][kernel column][channel].
Taps window_taps(const Layout& in, const Window& window);
// Taps of a dense connection: one pixel that sees all, for each decision of a group.
Taps dense_taps();

}  // namespace dsqn
