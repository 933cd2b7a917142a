#include "dsqn/layout.hpp"

namespace dsqn {

namespace {

// Taps of one output pixel whose window starts at (top, left), which may lie in the padding.
void add_pixel(const Layout& in, const Window& window, int top, int left, Taps& result) {
  for (int r = 0; r < window.height; ++r) {
    const int row = top + r;
    if (row < 0 || row >= in.height) continue;
    for (int c = 0; c < window.width; ++c) {
      const int column = left + c;
      if (column < 0 || column >= in.width) continue;
      result.taps.push_back({row * in.width + column, (r * window.width + c) * in.channels});
    }
  }
  result.offset.push_back(static_cast<std::int32_t>(result.taps.size()));
}

}  // namespace

Taps window_taps(const Layout& in, const Window& window) {
  Taps result;
  result.offset.push_back(0);
  for (int r = 0; r < window_rows(in, window); ++r) {
    for (int c = 0; c < window_columns(in, window); ++c) {
      add_pixel(in, window, r * window.stride_rows - window.padding_rows,
                c * window.stride_columns - window.padding_columns, result);
    }
  }
  return result;
}

Taps dense_taps() {
  Taps result{{}, {0}};
  for (int decision = 0; decision < kCurrentGroup; ++decision) {
    result.taps.push_back({decision, 0});
    result.offset.push_back(decision + 1);
  }
  return result;
}

}  // namespace dsqn
