#include "dsqn/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>

#include "dsqn/error.hpp"
#include "helpers.hpp"

namespace dsqn {

namespace {

using Work = std::function<void(int, std::size_t)>;

// What the workers of one loop share.
class Loop final : public Job {
 public:
  Loop(std::size_t n_items, std::size_t n_helpers, const Work& work)
      : n_items_(n_items), n_workers_(n_helpers + 1), running_(n_helpers), work_(work) {}

  void drain(int worker) noexcept {
    try {
      for (std::size_t item, end; take(item, end);) {
        for (; item < end && !failed_; ++item) work_(worker, item);
      }
    } catch (const Interrupted&) {
      keep_error(true);
    } catch (...) {
      keep_error(false);
    }
  }

  void help(int worker) noexcept override { drain(worker); }
  void leave() noexcept override { leave(1); }

  // Takes helpers off the list of those that are waited for. The loop may be gone afterwards.
  void leave(std::size_t helpers) noexcept {
    const std::lock_guard lock(mutex_);
    running_ -= helpers;
    done_.notify_one();
  }

  void wait(const std::function<void()>& idle) {
    spin_until([&] { return running_ == 0; });
    std::unique_lock lock(mutex_);  // taken in any case: the last helper may still hold it
    while (running_ > 0) {
      if (done_.wait_for(lock, std::chrono::milliseconds(20)) == std::cv_status::no_timeout) {
        continue;
      }
      lock.unlock();
      try {
        idle();
      } catch (const Interrupted&) {
        keep_error(true);
      } catch (...) {
        keep_error(false);
      }
      lock.lock();
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  // The next items: several as long as many are left, since neighbours write into the same cache
  // lines.
  bool take(std::size_t& first, std::size_t& end) {
    first = next_;
    do {
      if (failed_ || first >= n_items_) return false;
      end = first + std::max<std::size_t>((n_items_ - first) / (2 * n_workers_), 1);
    } while (!next_.compare_exchange_weak(first, end));
    return true;
  }

  // The first error is kept; but an interruption replaces it, since the caller waits for one.
  void keep_error(bool interruption) {
    const std::lock_guard lock(mutex_);
    if (!error_ || interruption) error_ = std::current_exception();
    failed_ = true;
  }

  std::size_t n_items_;
  std::size_t n_workers_;
  std::atomic<std::size_t> running_;
  const Work& work_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::condition_variable done_;
  std::exception_ptr error_;
};

}  // namespace

void parallel_for(int n_threads, std::size_t n_items, const Work& work,
                  const std::function<void()>& idle) {
  const auto wanted = std::min(n_items, static_cast<std::size_t>(std::max(n_threads, 1)));
  if (wanted <= 1) {
    for (std::size_t item = 0; item < n_items; ++item) work(0, item);
    return;
  }
  Loop loop(n_items, wanted - 1, work);
  Helpers& helpers = Helpers::instance();
  const auto offers = helpers.offer(loop, wanted - 1);
  loop.drain(0);
  // All items are taken: who has not begun has nothing to do.
  loop.leave(wanted - 1 - offers.size() + helpers.withdraw(offers));
  loop.wait(idle);
  loop.rethrow();
}

}  // namespace dsqn
