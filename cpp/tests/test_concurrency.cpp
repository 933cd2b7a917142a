// One simulator in several threads at once, and runs that are stopped from outside.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "compare.hpp"
#include "dsqn/error.hpp"

namespace dsqn::test {
namespace {

void check_runs_at_once() {
  Random random(1);
  auto plain = random_dense<float>({4, 33, 17, 3}, random);
  plain.dynamics.encoding = Encoding::poisson;
  plain.dynamics.spikes = Spikes::signed_;
  plain.dynamics.timing = Timing::nest;
  const Simulator<float> simulator(plain.build());
  const std::size_t batch = 6;
  std::vector<float> observations;
  fill(observations, batch * 4, -1, 1, random);
  const std::vector<std::uint64_t> keys = {5, 4, 3, 2, 1, 0};
  RunOptions options;
  options.n_steps = 130;
  const auto wanted = simulator.run(observations.data(), keys.data(), batch, options);
  std::atomic<int> different{0};
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&, caller] {
        RunOptions own = options;
        own.n_threads = 1 + caller % 3;
        if (caller % 2 == 1) own.record = {0, 2};
        for (int i = 0; i < 10; ++i) {
          const auto found = simulator.run(observations.data(), keys.data(), batch, own);
          if (!std::ranges::equal(found.outputs, wanted.outputs) ||
              !std::ranges::equal(found.counts, wanted.counts) ||
              !std::ranges::equal(found.synaptic_operations, wanted.synaptic_operations)) {
            ++different;
          }
        }
      });
    }
  }
  CHECK_EQUAL(different.load(), 0);
}

// Runs that would take hours, wherever their time goes: all end soon after they are told to.
void check_interrupts(const std::vector<int>& sizes, Encoding encoding, std::int64_t n_steps,
                      std::size_t batch) {
  Random random(2);
  auto plain = random_dense<float>(sizes, random);
  plain.dynamics.encoding = encoding;
  const Simulator<float> simulator(plain.build());
  const std::vector<float> observations(batch * static_cast<std::size_t>(sizes[0]), 0.5f);
  const std::vector<std::uint64_t> keys(batch);
  for (const int n_threads : {1, 3}) {
    const auto caller = std::this_thread::get_id();
    int asked = 0;
    bool elsewhere = false;
    RunOptions options;
    options.n_steps = n_steps;
    options.n_threads = n_threads;
    options.interrupted = [&] {
      elsewhere = elsewhere || std::this_thread::get_id() != caller;
      return ++asked == 3;
    };
    const auto start = std::chrono::steady_clock::now();
    CHECK_THROWS(simulator.run(observations.data(), keys.data(), batch, options), Interrupted);
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(took < std::chrono::minutes(2));  // not hours; sanitizers are slow
    CHECK_EQUAL(asked, 3);
    CHECK(!elsewhere);
  }
}

// The caller has finished its own decision and waits for another worker, which goes on for long:
// it still asks. With first-spike decoding ones are decided at once and zeros never.
void check_interrupt_while_waiting(bool long_one_first) {
  Random random(3);
  auto plain = random_dense<float>({1, 4000, 2}, random);
  plain.dynamics.decoding = Decoding::first_spike;
  for (auto& layer : plain.layers) {
    std::fill(layer.weight.begin(), layer.weight.end(), 1.0f);
    std::fill(layer.threshold.begin(), layer.threshold.end(), 1.0f);
    std::fill(layer.bias.begin(), layer.bias.end(), 0.0f);
    std::fill(layer.initial_potential.begin(), layer.initial_potential.end(), 0.0f);
  }
  const Simulator<float> simulator(plain.build());
  const float observations[] = {long_one_first ? 0.0f : 1.0f, long_one_first ? 1.0f : 0.0f};
  const std::uint64_t keys[] = {0, 1};
  RunOptions options;
  options.n_steps = 1 << 24;
  options.n_threads = 2;
  int asked = 0;
  options.interrupted = [&] { return ++asked == 3; };
  CHECK_THROWS(simulator.run(observations, keys, 2, options), Interrupted);
  CHECK_EQUAL(asked, 3);
}

}  // namespace
}  // namespace dsqn::test

int main() {
  using namespace dsqn::test;
  using dsqn::Encoding;
  check_runs_at_once();
  check_interrupts({4, 16, 2}, Encoding::constant, 1 << 24, 4);
  check_interrupts({4, 700, 700, 2}, Encoding::constant, 1 << 24, 3);
  check_interrupts({20000, 2}, Encoding::poisson, 1 << 24, 3);
  check_interrupts({1000, 300}, Encoding::constant, 1, 50000);
  check_interrupt_while_waiting(false);
  check_interrupt_while_waiting(true);
  return failures;
}
