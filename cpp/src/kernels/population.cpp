// One population over one block of time; compiled once per instruction set.
//
// Event-driven: rows of weights are added where a bit is set. In wide populations the sums of a
// step stay in registers; in narrow ones a row is loaded once per block and added to sums in L1.
// Lanes run along the receiving neurons, so the order of additions for each neuron is that of
// semantics, on every instruction set.
#include "dsqn/kernels.hpp"
#include "vec.hpp"

// clang-format off: each uses those above it
#include "counts.inc"
#include "wiring.inc"
#include "sparse_image.inc"
#include "shared_rows.inc"
#include "active.inc"
#include "words.inc"
#include "by_step.inc"
#include "steps.inc"
#include "current.inc"
#include "peak.inc"
#include "update.inc"
#include "candidates.inc"
#include "fixed.inc"
#include "lookup.inc"
#include "tracks.inc"
#include "rows.inc"
#include "lockstep.inc"
#include "remaining.inc"
#include "gather.inc"
#include "pruned.inc"
// clang-format on

namespace {

// Whether to stop after a pixel; `width` neurons were updated.
template <class T>
bool stops(const dsqn::PopulationBlock<T>& a, int pixel, int width) {
  const std::int64_t rows = a.constant == nullptr ? row_additions(a.wiring, pixel) : 0;
  return a.stop.asked(a.stop.context, (rows + 1) * a.n_steps * width);
}

// Of sums that are floats from the beginning.
template <class T>
bool stays_narrow(const dsqn::PopulationBlock<T>&) {
  return false;
}
template <class T>
void sort_active(const dsqn::PopulationBlock<T>&) {}

template <class T>
void prepare_spikes(const dsqn::PopulationBlock<T>& a, bool narrow) {
  if (a.constant != nullptr) return;
  if (adds_by_step(a)) return step_words(a);
  list_active(a);
  if (narrow) sort_active(a);
}

template <class T>
void population(const dsqn::PopulationBlock<T>& a) {
  if (simulates_candidates(a)) return population_of_candidates(a);
  const int stride = a.wiring.n_units * kUnitLanes<T>;
  const bool narrow = stays_narrow(a);
  prepare_spikes(a, narrow);
  for (int unit = 0; unit < a.wiring.n_units; unit += dsqn::kPanelUnits) {
    const int left = a.wiring.n_units - unit;
    const int units = left < dsqn::kPanelUnits ? left : dsqn::kPanelUnits;
    const int first = unit * kUnitLanes<T>;
    const auto* panel = a.weights + std::int64_t(first) * a.wiring.n_rows;
    const int width = units * kUnitLanes<T>, together = narrow ? 1 : pixels_together(a, width);
    int pixel = 0;
    for (; together > 1 && pixel + together <= a.wiring.n_pixels; pixel += together) {
      for (int k = 0; k < together && a.constant == nullptr; ++k) {
        T* sums = a.scratch.sums + std::int64_t(k) * a.n_steps * width;
        accumulate_panel(a, panel, units, pixel + k, sums);
      }
      update_pixels(a, first, pixel * stride + first, stride);
      if (stops(a, pixel, together * width)) return;
    }
    for (; pixel < a.wiring.n_pixels; ++pixel) {
      if (a.constant == nullptr) accumulate_panel(a, panel, units, pixel, a.scratch.sums);
      update_panel(a, first, pixel * stride + first, width, narrow);
      if (stops(a, pixel, width)) return;
    }
  }
}

bool round_current(const dsqn::RoundedCurrent& a) {
  std::int32_t beyond = 0;
  for (int pixel = 0; pixel < a.n_pixels; ++pixel) {
    const float* exact = a.exact + std::int64_t(pixel) * a.n_channels;
    std::int32_t* current = a.current + std::int64_t(pixel) * a.n_channels;
    for (int j = 0; j < a.n_channels; ++j) {
      // Exact but for an overflow to infinity: the scale is a power of two.
      const float scaled = __builtin_rintf(exact[j] * a.scale[j]);
      const bool inside = __builtin_fabsf(scaled) <= a.largest[j];
      beyond |= inside ? 0 : 1;
      current[j] = static_cast<std::int32_t>(inside ? scaled : 0.0f);
    }
  }
  return beyond == 0;
}

}  // namespace

#define DSQN_JOIN(a, b) a##b
#define DSQN_NAME(isa) DSQN_JOIN(dsqn_kernels_, isa)
#define DSQN_TEXT_(x) #x
#define DSQN_TEXT(x) DSQN_TEXT_(x)

extern "C" const dsqn::KernelTable* DSQN_NAME(DSQN_ISA)() {
  static constexpr dsqn::KernelTable table = {
      DSQN_TEXT(DSQN_ISA),
      population<float>,
      population<double>,
      population<std::int32_t>,
      nullptr,
      lockstep<float>,
      lockstep<double>,
      lockstep<std::int32_t>,
      constant_current<float>,
      constant_current<double>,
      round_current,
      count,
      weigh,
      add_row_to_all,
  };
  return &table;
}
