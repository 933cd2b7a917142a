#include "decision.hpp"

#include <algorithm>
#include <cmath>

#include "decoding.hpp"

namespace dsqn {

namespace {

constexpr std::uint64_t low_bits(int n) {
  return n >= kBlock ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

void run_kernel(const KernelTable& k, const PopulationBlock<float>& a) { k.population_f32(a); }
void run_kernel(const KernelTable& k, const PopulationBlock<double>& a) { k.population_f64(a); }
void run_kernel(const KernelTable& k, const ConstantCurrent<float>& a) { k.constant_f32(a); }
void run_kernel(const KernelTable& k, const ConstantCurrent<double>& a) { k.constant_f64(a); }

// Additions that take as long as the random numbers of one input for one block.
constexpr int kEncodingWork = 4096;

int list_active(const std::uint64_t* words, int n, std::int32_t* active) {
  int count = 0;
  for (int i = 0; i < n; ++i) {
    active[count] = i;
    count += words[i] != 0;
  }
  return count;
}

}  // namespace

template <class T>
Decision<T>::Decision(const Network<T>& network, const KernelTable& kernels,
                      const RunOptions& options, Workspace<T>& workspace, Result<T>& result,
                      std::size_t row)
    : network_(network),
      kernels_(kernels),
      options_(options),
      work_(workspace),
      result_(result),
      row_(row),
      constant_(network.dynamics().encoding == Encoding::constant),
      graded_(network.dynamics().spikes != Spikes::binary) {
  const auto& decoding = network.dynamics().decoding;
  const auto last = static_cast<int>(network.populations().size()) - 1;
  for (int l = 0; l <= last; ++l) {
    const bool recorded =
        std::find(options.record.begin(), options.record.end(), l) != options.record.end();
    const bool watched =
        l == last && (network.dynamics().early_exit || decoding == Decoding::first_spike);
    auto& buffer = work_.potentials[static_cast<std::size_t>(l)];
    const auto padded = network.populations()[static_cast<std::size_t>(l)].padded();
    buffer.resize(recorded || watched ? static_cast<std::size_t>(padded) * kBlock : 0);
  }
}

template <class T>
void Decision<T>::run(const T* x, std::uint64_t key, Interrupt& interrupt, int worker) {
  const auto& populations = network_.populations();
  interrupt.check(worker, start(x, key));
  std::int64_t used = 0;
  while (used < result_.steps_run && !decided_) {
    const int n = static_cast<int>(std::min<std::int64_t>(kBlock, result_.steps_run - used));
    if (!constant_) interrupt.check(worker, encode_block(used, n));
    for (std::size_t l = 0; l < populations.size(); ++l) {
      interrupt.check(worker, simulate_population(l, n));
    }
    const int valid = decide(n);
    count_block(valid);
    record_block(used, valid);
    for (std::size_t l = 0; l + 1 < populations.size(); ++l) save_carry(l);
    used += valid;
  }
  const auto last = populations.size() - 1;
  const T* v = work_.populations[last].v.data();
  if (decided_) {
    const auto step = static_cast<std::size_t>((used - 1) % kBlock);
    v = work_.potentials[last].data() + step * static_cast<std::size_t>(populations[last].padded());
  }
  finish(v, used);
}

template <class T>
std::int64_t Decision<T>::start(const T* x, std::uint64_t key) {
  work_.reset(network_);
  const auto& first = network_.populations().front();
  if (constant_) {
    run_kernel(kernels_, ConstantCurrent<T>{first.n_units, first.n_in, x, first.weights.data(),
                                            first.bias.data(), work_.current.data()});
    return std::int64_t{first.n_in} * first.padded();
  }
  work_.encoder.start(network_.dynamics().encoding, x, options_.seed, key);
  return first.n_in;
}

template <class T>
std::int64_t Decision<T>::encode_block(std::int64_t first, int n) {
  work_.encoder.block(first, n, work_.encoded_words.data(), work_.encoded_values.data());
  return std::int64_t{kEncodingWork} * network_.n_in();
}

template <class T>
typename Decision<T>::Input Decision<T>::arriving(std::size_t l, int n) {
  const int n_in = network_.populations()[l].n_in;
  std::int32_t* active = work_.active.data();
  if (l == 0) {
    return {work_.encoded_words.data(), work_.encoded_values.data(),
            list_active(work_.encoded_words.data(), n_in, active)};
  }
  const auto& before = work_.populations[l - 1];
  const int delay = network_.delay();
  if (delay == 0) {
    return {before.words.data(), graded_ ? before.values.data() : nullptr,
            list_active(before.words.data(), n_in, active)};
  }
  std::uint64_t* words = work_.delayed_words.data();
  const auto count = static_cast<std::size_t>(n_in);
  for (std::size_t i = 0; i < count; ++i) {
    words[i] = ((before.words[i] << delay) | before.carry[i]) & low_bits(n);
  }
  if (graded_) {
    for (std::size_t i = 0; i < count; ++i) {
      std::int8_t* to = work_.delayed_values.data() + i * kBlock;
      const auto d = static_cast<std::size_t>(delay);
      std::copy_n(before.carry_values.data() + i * d, d, to);
      std::copy_n(before.values.data() + i * kBlock, kBlock - d, to + d);
    }
  }
  return {words, graded_ ? work_.delayed_values.data() : nullptr, list_active(words, n_in, active)};
}

template <class T>
std::int64_t Decision<T>::simulate_population(std::size_t l, int n) {
  const auto& dynamics = network_.dynamics();
  const auto& population = network_.populations()[l];
  auto& state = work_.populations[l];
  const bool last = l + 1 == network_.populations().size();
  PopulationBlock<T> block{};
  block.n_steps = n;
  block.n_units = population.n_units;
  block.n_in = population.n_in;
  if (l == 0 && constant_) {
    block.constant = work_.current.data();
  } else {
    const Input input = arriving(l, n);
    block.words = input.words;
    block.values = input.values;
    block.active = work_.active.data();
    block.n_active = input.n_active;
  }
  block.weights = population.weights.data();
  block.scratch = work_.scratch.data();
  block.bias = population.bias.data();
  block.theta = population.theta.data();
  block.alpha = static_cast<T>(dynamics.alpha);
  block.beta = static_cast<T>(dynamics.beta);
  block.reset = last && !network_.output_spikes() ? Reset::none : dynamics.reset;
  block.spikes = dynamics.spikes;
  block.burst_limit = dynamics.burst_limit;
  block.strict = block.late_reset = dynamics.timing == Timing::spytorch;
  block.bias_first = dynamics.timing == Timing::nest && dynamics.reset == Reset::subtraction;
  block.v = state.v.data();
  block.synapse = state.synapse.data();
  block.sum = state.sum.data();
  block.fired = state.fired.data();
  block.out_words = state.words.data();
  block.out_values = graded_ ? state.values.data() : nullptr;
  block.potentials = work_.potentials[l].empty() ? nullptr : work_.potentials[l].data();
  run_kernel(kernels_, block);
  const std::int64_t read = block.constant == nullptr ? block.n_in : 0;
  return read + std::int64_t{n} * population.padded() * (1 + block.n_active);
}

template <class T>
void Decision<T>::save_carry(std::size_t l) {
  const int delay = network_.delay();
  if (delay == 0) return;
  auto& state = work_.populations[l];
  const auto d = static_cast<std::size_t>(delay);
  for (std::size_t i = 0; i < state.words.size(); ++i) {
    state.carry[i] = state.words[i] >> (kBlock - delay);
    if (graded_) {
      std::copy_n(state.values.data() + (i + 1) * kBlock - d, d, state.carry_values.data() + i * d);
    }
  }
}

template <class T>
int Decision<T>::decide(int n) {
  const auto& dynamics = network_.dynamics();
  const auto& output = network_.populations().back();
  const T* v = work_.potentials.back().data();
  if (dynamics.early_exit && output.n_out >= 2) {
    const T limit = static_cast<T>(dynamics.exit_margin);
    for (int t = 0; t < n; ++t, v += output.padded()) {
      if (margin(v, output.n_out) > limit) {
        decided_ = true;
        return t + 1;
      }
    }
  } else if (dynamics.decoding == Decoding::first_spike) {
    const bool strict = dynamics.timing == Timing::spytorch;
    auto& state = work_.populations.back();
    for (int t = 0; t < n; ++t, v += output.padded()) {
      for (std::size_t j = 0; j < static_cast<std::size_t>(output.n_out); ++j) {
        if (!(strict ? v[j] > output.theta[j] : v[j] >= output.theta[j])) continue;
        decided_ = true;
        state.words[j] = std::uint64_t{1} << t;
        if (graded_) {
          const T limit = static_cast<T>(dynamics.burst_limit);
          const T ratio = std::min(limit, v[j] / output.theta[j]);
          const bool burst = dynamics.spikes == Spikes::burst;
          state.values[j * kBlock + static_cast<std::size_t>(t)] =
              static_cast<std::int8_t>(burst ? std::floor(ratio) : T(1));
        }
      }
      if (decided_) return t + 1;
    }
  }
  return n;
}

template <class T>
void Decision<T>::count_block(int n) {
  const std::uint64_t mask = low_bits(n);
  if (!constant_) {
    std::int64_t spikes = 0;
    for (int i = 0; i < network_.n_in(); ++i) {
      spikes += __builtin_popcountll(work_.encoded_words[static_cast<std::size_t>(i)] & mask);
    }
    result_.input_spikes[row_] += spikes;
    result_.synaptic_operations[row_] += spikes * network_.populations().front().n_out;
  }
  for (std::size_t l = 0; l < network_.populations().size(); ++l) count_population(l, mask);
}

template <class T>
void Decision<T>::count_population(std::size_t l, std::uint64_t mask) {
  const auto& populations = network_.populations();
  const auto& state = work_.populations[l];
  const auto n = static_cast<std::size_t>(populations[l].n_out);
  std::int32_t* counts = result_.spike_counts[l].data() + row_ * n;
  std::int64_t size = 0;
  if (!graded_) {
    size = kernels_.count(state.words.data(), mask, populations[l].n_out, counts);
  } else {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::uint64_t bits = state.words[j] & mask; bits != 0; bits &= bits - 1) {
        const int s = state.values[j * kBlock + static_cast<std::size_t>(__builtin_ctzll(bits))];
        counts[j] += s;
        size += std::abs(s);
      }
    }
  }
  result_.total_spikes[row_] += size;
  if (l + 1 < populations.size()) {
    result_.synaptic_operations[row_] += size * populations[l + 1].n_out;
  }
}

template <class T>
void Decision<T>::record_block(std::int64_t first, int n) {
  for (auto& recording : result_.recordings) {
    const auto l = static_cast<std::size_t>(recording.population);
    const auto width = static_cast<std::size_t>(network_.populations()[l].n_out);
    const auto padded = static_cast<std::size_t>(network_.populations()[l].padded());
    const auto& state = work_.populations[l];
    const auto start =
        row_ * static_cast<std::size_t>(result_.steps_run) + static_cast<std::size_t>(first);
    for (std::size_t t = 0; t < static_cast<std::size_t>(n); ++t) {
      const T* v = work_.potentials[l].data() + t * padded;
      std::copy_n(v, width, recording.potentials.data() + (start + t) * width);
      std::int8_t* to = recording.spikes.data() + (start + t) * width;
      for (std::size_t j = 0; j < width; ++j) {
        if ((state.words[j] >> t & 1) == 0) continue;
        to[j] = graded_ ? state.values[j * kBlock + t] : std::int8_t{1};
      }
    }
  }
}

template <class T>
void Decision<T>::finish(const T* output_potentials, std::int64_t steps_used) {
  const auto n_out = static_cast<std::size_t>(network_.n_out());
  const auto n_actions = static_cast<std::size_t>(result_.n_actions);
  result_.steps_used[row_] = steps_used;
  result_.actions[row_] =
      decode(network_, output_potentials, result_.spike_counts.back().data() + row_ * n_out,
             result_.n_steps, result_.outputs.data() + row_ * n_actions);
}

template class Decision<float>;
template class Decision<double>;

}  // namespace dsqn
