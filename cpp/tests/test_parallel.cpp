// The parallel loop: every item once, exceptions, and what the caller does while it waits.
#include "dsqn/parallel.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "check.hpp"
#include "dsqn/error.hpp"

namespace dsqn::test {
namespace {

void nothing() {}

// Items are handed out to whoever comes first: a test that needs both workers has one wait.
void wait_for(const std::atomic<bool>& begun) {
  while (!begun) std::this_thread::yield();
}

void check_every_item_once() {
  for (const int n_threads : {-1, 0, 1, 2, 4, 9}) {
    for (const std::size_t n : {0u, 1u, 2u, 100u}) {
      std::vector<std::atomic<int>> seen(n);
      std::atomic<int> workers_too_high{0};
      const auto caller = std::this_thread::get_id();
      std::atomic<int> wrong_thread{0};
      parallel_for(
          n_threads, n,
          [&](int worker, std::size_t item) {
            ++seen[item];
            if (worker < 0 || worker >= std::max(n_threads, 1)) ++workers_too_high;
            if ((worker == 0) != (std::this_thread::get_id() == caller)) ++wrong_thread;
          },
          nothing);
      for (const auto& count : seen) CHECK_EQUAL(count.load(), 1);
      CHECK_EQUAL(workers_too_high.load(), 0);
      CHECK_EQUAL(wrong_thread.load(), 0);
    }
  }
}

// A worker works on one item at a time, so that it needs no lock for what is its own.
void check_workers_are_sequential() {
  std::vector<std::size_t> own(4, 0);
  parallel_for(
      4, 2000, [&](int worker, std::size_t) { ++own[static_cast<std::size_t>(worker)]; }, nothing);
  CHECK_EQUAL(own[0] + own[1] + own[2] + own[3], std::size_t{2000});
}

void check_exceptions() {
  for (const int n_threads : {1, 2, 4}) {
    std::atomic<int> done{0};
    const auto fail_at = [&](int, std::size_t item) {
      ++done;
      if (item == 3) throw std::domain_error("item 3");
      if (n_threads > 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    CHECK_THROWS(parallel_for(n_threads, 10000, fail_at, nothing), std::domain_error);
    CHECK(done < 10000);  // the others stopped
    const auto always = [](int, std::size_t) { throw std::range_error("every item"); };
    CHECK_THROWS(parallel_for(n_threads, 8, always, nothing), std::range_error);
  }
}

void check_idle() {
  // Only the helper has work left: the caller asks while it waits, about every 20 ms.
  std::atomic<int> asked{0};
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> elsewhere{false};
  std::atomic<bool> helper_has_begun{false};
  const auto slow_helper = [&](int worker, std::size_t) {
    if (worker == 0) return wait_for(helper_has_begun);
    helper_has_begun = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
  };
  parallel_for(2, 2, slow_helper, [&] {
    ++asked;
    if (std::this_thread::get_id() != caller) elsewhere = true;
  });
  CHECK(asked >= 2);
  CHECK(!elsewhere);
  helper_has_begun = false;
  const auto interrupted = [] { throw std::underflow_error("asked to stop"); };
  CHECK_THROWS(parallel_for(2, 2, slow_helper, interrupted), std::underflow_error);
}

// The caller has an exception of its own pending when it interrupts: no other may replace that.
void check_interruption_wins() {
  std::atomic<bool> caller_has_begun{false};
  const auto fails_elsewhere = [&](int worker, std::size_t) {
    if (worker != 0) {
      wait_for(caller_has_begun);
      throw std::domain_error("a worker failed first");
    }
    caller_has_begun = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    throw Interrupted();
  };
  CHECK_THROWS(parallel_for(2, 2, fails_elsewhere, nothing), Interrupted);
}

// Threads of this process; 0 where the system does not say, or a sanitizer has one of its own.
std::size_t threads_alive() {
#if defined(__SANITIZE_THREAD__)
  return 0;
#endif
  const std::filesystem::path tasks("/proc/self/task");
  if (!std::filesystem::exists(tasks)) return 0;
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(tasks), {}));
}

// Both workers take part: each waits for the other.
void work_together() {
  std::atomic<int> begun{0};
  parallel_for(
      2, 2,
      [&](int, std::size_t) {
        ++begun;
        while (begun < 2) std::this_thread::yield();
      },
      nothing);
}

void check_threads_are_kept() {
  const std::size_t before = threads_alive();
  parallel_for(1, 100, [](int, std::size_t) {}, nothing);
  CHECK_EQUAL(threads_alive(), before);
  std::set<std::thread::id> seen;
  std::mutex mutex;
  for (int i = 0; i < 50; ++i) {
    work_together();
    parallel_for(
        2, 10,
        [&](int, std::size_t) {
          const std::lock_guard lock(mutex);
          seen.insert(std::this_thread::get_id());
        },
        nothing);
    if (i % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // they sleep, too
  }
  CHECK(seen.size() <= 2);
  if (before > 0) CHECK_EQUAL(threads_alive(), before + 1);
}

void check_nested() {
  std::atomic<int> items{0};
  parallel_for(
      3, 6,
      [&](int, std::size_t) { parallel_for(3, 5, [&](int, std::size_t) { ++items; }, nothing); },
      nothing);
  CHECK_EQUAL(items.load(), 30);
}

void check_several_callers() {
  std::atomic<int> items{0};
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&] {
        for (int i = 0; i < 300; ++i) {
          parallel_for(3, 7, [&](int, std::size_t) { ++items; }, nothing);
        }
      });
    }
  }
  CHECK_EQUAL(items.load(), 4 * 300 * 7);
}

// A child has none of the parent's threads: it starts its own.
void check_fork() {
  // The thread sanitizer and QEMU do not let the child of several threads start threads.
#if !defined(__SANITIZE_THREAD__) && !defined(DSQN_EMULATED)
  work_together();
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    for (int i = 0; i < 3; ++i) work_together();
    _exit(0);
  }
  int status = -1;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  work_together();
#endif
}

}  // namespace
}  // namespace dsqn::test

int main() {
  using namespace dsqn::test;
  check_threads_are_kept();
  check_nested();
  check_several_callers();
  check_fork();
  check_every_item_once();
  check_workers_are_sequential();
  check_exceptions();
  check_idle();
  check_interruption_wins();
  return failures;
}
