#include "dsqn/peak.hpp"

#include <algorithm>
#include <chrono>

#include "dsqn/aligned.hpp"
#include "dsqn/cpu.hpp"

namespace dsqn {

double row_add_rate(double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr int times = 256, width = kPanelUnits * kUnitBytes / static_cast<int>(sizeof(float));
  AlignedVector<float> sums(kBlock * width, 0.0f), row(width, 0.25f);
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  double best = 0;
  for (auto before = Clock::now(); before < end;) {
    kernels().add_row_to_all(sums.data(), row.data(), times);
    const auto after = Clock::now();
    const double took = std::chrono::duration<double>(after - before).count();
    best = std::max(best, double{times} * kBlock * width / took);
    before = after;
  }
  return best;
}

}  // namespace dsqn
