#include "dsqn/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "dsqn/error.hpp"

namespace dsqn {

namespace {

using Work = std::function<void(int, std::size_t)>;

// What the workers of one loop share.
class Loop {
 public:
  Loop(std::size_t n_items, std::size_t n_helpers, const Work& work)
      : n_items_(n_items), running_(n_helpers), work_(work) {}

  void drain(int worker) {
    try {
      for (std::size_t item; !failed_ && (item = next_++) < n_items_;) work_(worker, item);
    } catch (const Interrupted&) {
      keep_error(true);
    } catch (...) {
      keep_error(false);
    }
  }

  void help(int worker) {
    drain(worker);
    leave(1);
  }

  // Takes helpers off the list of those that are waited for.
  void leave(std::size_t helpers) {
    const std::lock_guard lock(mutex_);
    running_ -= helpers;
    done_.notify_one();
  }

  void wait(const std::function<void()>& idle) {
    std::unique_lock lock(mutex_);
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
  // The first error is kept; but an interruption replaces it, since the caller waits for one.
  void keep_error(bool interruption) {
    const std::lock_guard lock(mutex_);
    if (!error_ || interruption) error_ = std::current_exception();
    failed_ = true;
  }

  std::size_t n_items_;
  std::size_t running_;
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
  {
    std::vector<std::jthread> threads;  // joined at the end of this scope
    threads.reserve(wanted - 1);
    for (std::size_t worker = 1; worker < wanted; ++worker) {
      try {
        threads.emplace_back([&loop, worker] { loop.help(static_cast<int>(worker)); });
      } catch (const std::system_error&) {  // no more threads to be had: fewer do the work
        loop.leave(wanted - worker);
        break;
      }
    }
    loop.drain(0);
    loop.wait(idle);
  }
  loop.rethrow();
}

}  // namespace dsqn
