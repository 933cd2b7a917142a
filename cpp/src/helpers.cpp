#include "helpers.hpp"

#include <pthread.h>
#include <signal.h>

#include <exception>
#include <memory>
#include <new>
#include <thread>

namespace dsqn {

namespace {

constexpr std::size_t kMostHelpers = 1024;

std::atomic<Helpers*> current{nullptr};

// Signals are for the threads of the program, which may wait to be interrupted by one.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

// Never deleted: whoever made an offer may look at it later. On a cache line of its own, since it
// is looked at all the time.
struct alignas(64) Helpers::Helper {
  std::atomic<std::uint32_t> offered{0};  // number of the offer; 0: none, or taken
  // Written while there is no offer, by whoever took the helper off the list.
  std::uint32_t last = 0;
  int worker = 0;
  Job* job = nullptr;
};

// Neither the helpers nor their list are ever deleted: threads may look at them until the process
// ends, after the destructors of static objects.
Helpers& Helpers::instance() {
  [[maybe_unused]] static const int registered = pthread_atfork(nullptr, nullptr, &forget);
  Helpers* found = current.load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  std::unique_ptr<Helpers> made(new Helpers);
  if (current.compare_exchange_strong(found, made.get())) return *made.release();
  return *found;
}

// In the child of a fork: locks may be held by threads that are not there.
void Helpers::forget() noexcept { current = nullptr; }

Helpers::Helpers() { idle_.reserve(kMostHelpers); }

std::vector<Helpers::Offer> Helpers::offer(Job& job, std::size_t n) {
  std::vector<Offer> offers;
  offers.reserve(n);
  const std::lock_guard lock(mutex_);
  while (offers.size() < n) {
    const int worker = static_cast<int>(offers.size()) + 1;
    if (!idle_.empty()) {
      Helper& helper = *idle_.back();
      idle_.pop_back();
      offers.push_back(give(helper, job, worker));
      helper.offered.notify_one();
      continue;
    }
    if (n_helpers_ == kMostHelpers) break;
    // Nothing here throws: helpers already have the job, which must then live until they are done.
    std::unique_ptr<Helper> helper(new (std::nothrow) Helper);
    if (!helper) break;
    const Offer offer = give(*helper, job, worker);
    if (!start(*helper)) break;
    offers.push_back(offer);
    ++n_helpers_;
    [[maybe_unused]] Helper* const kept = helper.release();
  }
  return offers;
}

Helpers::Offer Helpers::give(Helper& helper, Job& job, int worker) {
  helper.job = &job;
  helper.worker = worker;
  if (++helper.last == 0) ++helper.last;
  helper.offered.store(helper.last, std::memory_order_release);
  return {&helper, helper.last};
}

bool Helpers::start(Helper& helper) {
  const SignalsBlocked blocked;
  try {
    std::thread(&Helpers::serve, std::ref(*this), std::ref(helper)).detach();
  } catch (const std::exception&) {  // no more threads to be had, or no memory for them
    return false;
  }
  return true;
}

std::size_t Helpers::withdraw(const std::vector<Offer>& offers) {
  std::size_t withdrawn = 0;
  for (const Offer& offer : offers) {
    std::uint32_t number = offer.number;
    if (!offer.helper->offered.compare_exchange_strong(number, 0)) continue;
    rest(*offer.helper);
    ++withdrawn;
  }
  return withdrawn;
}

void Helpers::rest(Helper& helper) noexcept {
  const std::lock_guard lock(mutex_);
  idle_.push_back(&helper);
}

void Helpers::serve(Helpers& all, Helper& self) noexcept {
  for (;;) {
    const auto is_offered = [&] { return self.offered.load(std::memory_order_relaxed) != 0; };
    if (!spin_until(is_offered)) self.offered.wait(0, std::memory_order_relaxed);
    std::uint32_t number = self.offered.load(std::memory_order_relaxed);
    if (number == 0 || !self.offered.compare_exchange_strong(number, 0)) continue;
    Job& job = *self.job;
    job.help(self.worker);
    all.rest(self);  // before the job ends, so that the next loop finds it on the list
    job.leave();
  }
}

}  // namespace dsqn
