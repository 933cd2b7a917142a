// Lets a long run be stopped: asks the caller now and then, by the clock.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

#include "dsqn/error.hpp"
#include "dsqn/kernels.hpp"

namespace dsqn {

class Interrupt {
  using Time = std::chrono::steady_clock::time_point;

 public:
  explicit Interrupt(const std::function<bool()>& asked) : asked_(asked) {}

  // Called by every worker between pieces of work of about `work` additions; throws Interrupted
  // once stopped. Only the calling thread (worker 0) may ask, since asking may need an
  // interpreter lock.
  void check(int worker, std::int64_t work) {
    if (stops(worker, work)) throw Interrupted();
  }

  // Asks if the last time was over 20 ms ago, and never again once the answer was yes: the
  // caller may have an exception pending from then on.
  void ask() {
    if (stops_now()) throw Interrupted();
  }

  // check() for a kernel, which must not throw.
  Stop for_kernel(int worker) {
    return worker == 0 ? Stop{&stops_as<0>, this} : Stop{&stops_as<1>, this};
  }

 private:
  template <int worker>
  static bool stops_as(void* self, std::int64_t work) {
    return static_cast<Interrupt*>(self)->stops(worker, work);
  }

  bool stops(int worker, std::int64_t work) {
    if (stopped_.load(std::memory_order_relaxed)) return true;
    if (worker != 0 || !asked_) return false;
    work_ += work;
    if (work_ < kWorkBetweenClocks) return false;
    work_ = 0;
    return stops_now();
  }

  bool stops_now() {
    if (stopped_) return true;
    if (!asked_) return false;
    const auto now = std::chrono::steady_clock::now();
    if (last_ == Time{}) last_ = now;  // most runs end before they look at the clock
    if (now - last_ < std::chrono::milliseconds(20)) return false;
    last_ = now;
    if (asked_()) stopped_ = true;
    return stopped_;
  }

  // At most a millisecond of additions, even one by one: the clock costs nothing beside it.
  static constexpr std::int64_t kWorkBetweenClocks = 1 << 20;

  const std::function<bool()>& asked_;
  std::atomic<bool> stopped_{false};
  std::int64_t work_ = 0;
  Time last_{};
};

}  // namespace dsqn
