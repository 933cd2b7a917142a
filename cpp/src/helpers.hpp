// Threads that help with loops. They stay alive from loop to loop, one set of them per process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace dsqn {

// Gives other threads a hint that this one waits.
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Waits without sleep for about as long as it takes to wake a thread up; whether it came true.
template <class F>
bool spin_until(F condition) {
  constexpr int kSpins = 2000;
  for (int i = 0; i < kSpins; ++i) {
    if (condition()) return true;
    relax();
  }
  return false;
}

// What helpers do. Each that takes it calls help() once, then leave(), and never touches it again.
class Job {
 public:
  virtual void help(int worker) noexcept = 0;
  virtual void leave() noexcept = 0;

 protected:
  ~Job() = default;
};

class Helpers {
 public:
  struct Helper;
  // A job that a helper was given; it has a number, since the helper may have another one by the
  // time that the offer is withdrawn.
  struct Offer {
    Helper* helper;
    std::uint32_t number;
  };

  // Those of this process: after a fork, which leaves threads behind, others.
  static Helpers& instance();

  // Offers the job to `n` helpers, as workers 1 ... n; to fewer where no more threads can be had.
  std::vector<Offer> offer(Job& job, std::size_t n);
  // Takes back what no helper has begun with; returns how many.
  std::size_t withdraw(const std::vector<Offer>& offers);

 private:
  Helpers();
  static void forget() noexcept;
  static void serve(Helpers& all, Helper& self) noexcept;
  Offer give(Helper& helper, Job& job, int worker);
  bool start(Helper& helper);
  void rest(Helper& helper) noexcept;

  std::mutex mutex_;
  std::vector<Helper*> idle_;  // the last one to have worked is the next one to
  std::size_t n_helpers_ = 0;
};

}  // namespace dsqn
