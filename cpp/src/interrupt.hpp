// Lets a long run be stopped: asks the caller now and then, by the clock.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

#include "dsqn/error.hpp"

namespace dsqn {

class Interrupt {
 public:
  explicit Interrupt(const std::function<bool()>& asked) : asked_(asked) {}

  // Called by every worker between pieces of work of about `work` additions; throws Interrupted
  // once stopped. Only the calling thread (worker 0) may ask, since asking may need an
  // interpreter lock.
  void check(int worker, std::int64_t work) {
    if (stopped_.load(std::memory_order_relaxed)) throw Interrupted();
    if (worker != 0 || !asked_) return;
    work_ += work;
    if (work_ < kWorkBetweenClocks) return;
    work_ = 0;
    ask();
  }

  // Asks if the last time was over 20 ms ago, and never again once the answer was yes: the
  // caller may have an exception pending from then on.
  void ask() {
    const auto now = std::chrono::steady_clock::now();
    if (!asked_ || stopped_ || now - last_ < std::chrono::milliseconds(20)) return;
    last_ = now;
    if (asked_()) {
      stopped_ = true;
      throw Interrupted();
    }
  }

 private:
  // At most a millisecond of additions, even one by one: the clock costs nothing beside it.
  static constexpr std::int64_t kWorkBetweenClocks = 1 << 20;

  const std::function<bool()>& asked_;
  std::atomic<bool> stopped_{false};
  std::int64_t work_ = 0;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace dsqn
