#include "decision.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "decoding.hpp"
#include "output_counts.hpp"

namespace dsqn {

namespace {

constexpr std::uint64_t low_bits(int n) {
  return n >= kBlock ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

void run_kernel(const KernelTable& k, const PopulationBlock<float>& a) { k.population_f32(a); }
void run_kernel(const KernelTable& k, const PopulationBlock<double>& a) { k.population_f64(a); }
void run_kernel(const KernelTable& k, const PopulationBlock<std::int32_t>& a) {
  a.tiles.weights == nullptr ? k.population_fixed(a) : k.population_tiles(a);
}

// Additions that take as long as the random numbers of one input for one block.
constexpr int kEncodingWork = 4096;

// Sum over the spikes of their sizes times `fan_out`.
std::int64_t operations(const KernelTable& kernels, const SpikeBlock& spikes, std::uint64_t mask,
                        const std::vector<std::int64_t>& fan_out) {
  if (spikes.values.empty()) {
    return kernels.weigh(spikes.words.data(), mask, static_cast<int>(fan_out.size()),
                         fan_out.data());
  }
  std::int64_t total = 0;
  for (std::size_t j = 0; j < fan_out.size(); ++j) {
    for (std::uint64_t bits = spikes.words[j] & mask; bits != 0; bits &= bits - 1) {
      const auto t = static_cast<std::size_t>(__builtin_ctzll(bits));
      total += std::int64_t{std::abs(spikes.values[j * kBlock + t])} * fan_out[j];
    }
  }
  return total;
}

}  // namespace

template <class T>
Decision<T>::Decision(const Network<T>& network, const KernelTable& kernels,
                      const RunOptions& options, Workspace<T>& workspace, Result<T>& result,
                      std::size_t row, int lanes, Interrupt& interrupt, int worker)
    : network_(network),
      kernels_(kernels),
      options_(options),
      work_(workspace),
      result_(result),
      row_(row),
      lanes_(lanes),
      interrupt_(interrupt),
      worker_(worker),
      constant_(network.dynamics().encoding == Encoding::constant),
      graded_(network.graded()),
      output_from_counts_(network.output_from_counts()) {
  const auto& decoding = network.dynamics().decoding;
  const auto last = static_cast<int>(network.populations().size()) - 1;
  for (int l = 0; l <= last; ++l) {
    const bool recorded =
        std::find(options.record.begin(), options.record.end(), l) != options.record.end();
    const bool watched =
        l == last && (network.dynamics().early_exit || decoding == Decoding::first_spike);
    auto& buffer = work_.populations[static_cast<std::size_t>(l)].potentials;
    const auto padded = network.populations()[static_cast<std::size_t>(l)].padded();
    buffer.resize(recorded || watched ? static_cast<std::size_t>(padded) * kBlock : 0);
    if (l == last && recorded) output_from_counts_ = false;
  }
}

template <class T>
void Decision<T>::run(const typename Types<T>::Input* x, std::uint64_t key, const T* current) {
  current_ = current;
  const auto& populations = network_.populations();
  start(x, key);
  std::int64_t used = 0;
  while (used < result_.steps_run && !decided_) {
    const int n = static_cast<int>(std::min<std::int64_t>(kBlock, result_.steps_run - used));
    if (!constant_) interrupt_.check(worker_, encode_block(used, n));
    for (std::size_t l = 0; l + (output_from_counts_ ? 1 : 0) < populations.size(); ++l) {
      simulate_population(l, n);
      interrupt_.check(worker_, 0);
    }
    const int valid = decide(n);
    count_block(valid);
    record_block(used, valid);
    for (std::size_t l = 0; l + 1 < populations.size(); ++l) save_carry(l);
    used += valid;
  }
  const auto last = populations.size() - 1;
  if (decided_) {
    const auto step = static_cast<std::size_t>((used - 1) % kBlock);
    finish(0,
           work_.populations[last].potentials.data() +
               step * static_cast<std::size_t>(populations[last].padded()),
           used);
    return;
  }
  for (int lane = 0; lane < lanes_; ++lane) {
    if (output_from_counts_) integrate_output(lane, used);
    finish(lane, work_.populations[last].v.data() + lane * populations[last].padded(), used);
  }
}

template <class T>
void Decision<T>::start(const typename Types<T>::Input* x, std::uint64_t key) {
  work_.reset(network_, lanes_);
  if (constant_) return;
  work_.encoder.start(network_.dynamics().encoding, x, options_.seed, key);
  interrupt_.check(worker_, network_.n_in());
}

template <class T>
std::int64_t Decision<T>::encode_block(std::int64_t first, int n) {
  work_.encoder.block(first, n, work_.encoded.words.data(), work_.encoded.values.data());
  return std::int64_t{kEncodingWork} * network_.n_in();
}

template <class T>
const SpikeBlock& Decision<T>::delayed(std::size_t l, int n) {
  auto& state = work_.populations[l];
  const int delay = network_.delay();
  if (delay == 0) return state.emitted;
  const auto d = static_cast<std::size_t>(delay);
  for (std::size_t i = 0; i < neurons(l); ++i) {
    const std::uint64_t word = (state.emitted.words[i] << delay) | state.carry[i];
    state.delayed.words[i] = word & low_bits(n);
    if (!graded_) continue;
    std::int16_t* to = state.delayed.values.data() + i * kBlock;
    std::copy_n(state.carry_values.data() + i * d, d, to);
    std::copy_n(state.emitted.values.data() + i * kBlock, kBlock - d, to + d);
  }
  return state.delayed;
}

template <class T>
Arrivals Decision<T>::arriving(std::size_t l, int n) {
  const SpikeBlock* spikes = l == 0 ? &work_.encoded : &delayed(l - 1, n);
  const auto& population = network_.populations()[l];
  for (std::size_t k = 0; k < population.pools().size(); ++k) {
    auto& pooled = work_.populations[l].pooled[k];
    population.pools()[k].block(spikes->words.data(), spikes->values_or_null(), pooled.words.data(),
                                pooled.values.data());
    spikes = &pooled;
  }
  return {population.input_pixels() * lanes_, spikes->words.data(), spikes->values_or_null()};
}

template <class T>
void Decision<T>::simulate_population(std::size_t l, int n) {
  const auto& population = network_.populations()[l];
  auto& state = work_.populations[l];
  PopulationBlock<T> block{};
  block.n_steps = n;
  block.wiring = population.wiring(lanes_);
  if (l == 0 && constant_) {
    block.constant = current_;
  } else {
    block.arrivals = arriving(l, n);
  }
  block.weights = population.weights.data();
  block.chunk_rows = population.chunk_rows;
  if (population.tiles() != nullptr) {
    block.tiles = population.tiles()->tiles(work_.spike_bytes.data());
  }
  if (population.steps() != nullptr) block.steps = population.steps()->words();
  block.unit = population.unit;
  block.scratch = work_.scratch();
  describe_dynamics(l, block);
  block.v = state.v.data();
  block.synapse = state.synapse.data();
  block.sum = state.sum.data();
  block.fired = state.fired.data();
  block.out_words = state.emitted.words.data();
  block.out_values = graded_ ? state.emitted.values.data() : nullptr;
  block.potentials = state.potentials.empty() ? nullptr : state.potentials.data();
  block.stop = interrupt_.for_kernel(worker_);
  run_kernel(kernels_, block);
}

template <class T>
void Decision<T>::describe_dynamics(std::size_t l, PopulationBlock<T>& block) const {
  const auto& dynamics = network_.dynamics();
  const auto& population = network_.populations()[l];
  const bool last = l + 1 == network_.populations().size();
  block.bias = population.bias.data();
  block.theta = population.theta.data();
  block.alpha = static_cast<T>(dynamics.alpha);
  block.beta = static_cast<T>(dynamics.beta);
  block.reset = last && !network_.output_spikes() ? Reset::none : dynamics.reset;
  block.is_output = last;
  block.spikes = dynamics.spikes;
  block.burst_limit = dynamics.burst_limit;
  block.strict = block.late_reset = dynamics.timing == Timing::spytorch;
  block.bias_first = dynamics.timing == Timing::nest && dynamics.reset == Reset::subtraction;
}

template <class T>
void Decision<T>::save_carry(std::size_t l) {
  const int delay = network_.delay();
  if (delay == 0) return;
  auto& state = work_.populations[l];
  const auto d = static_cast<std::size_t>(delay);
  for (std::size_t i = 0; i < neurons(l); ++i) {
    state.carry[i] = state.emitted.words[i] >> (kBlock - delay);
    if (graded_) {
      std::copy_n(state.emitted.values.data() + (i + 1) * kBlock - d, d,
                  state.carry_values.data() + i * d);
    }
  }
}

template <class T>
int Decision<T>::decide(int n) {
  const auto& dynamics = network_.dynamics();
  if (dynamics.early_exit && network_.n_out() >= 2) return exit_early(n);
  return dynamics.decoding == Decoding::first_spike ? find_first_spike(n) : n;
}

template <class T>
int Decision<T>::exit_early(int n) {
  const T limit = static_cast<T>(network_.dynamics().exit_margin);
  const T* v = work_.populations.back().potentials.data();
  for (int t = 0; t < n; ++t, v += network_.populations().back().padded()) {
    if (margin(outputs(v), network_.n_out()) > limit) {
      decided_ = true;
      return t + 1;
    }
  }
  return n;
}

template <class T>
int Decision<T>::find_first_spike(int n) {
  const auto& dynamics = network_.dynamics();
  const auto& output = network_.populations().back();
  const auto channels = static_cast<std::size_t>(output.output().channels);
  const bool strict = dynamics.timing == Timing::spytorch;
  const T* v = work_.populations.back().potentials.data();
  auto& emitted = work_.populations.back().emitted;
  for (int t = 0; t < n; ++t, v += output.padded()) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(output.n_out()); ++i) {
      const std::size_t channel = i % channels;
      const std::size_t j =
          i / channels * static_cast<std::size_t>(output.output().padded) + channel;
      const T theta = output.theta[channel];
      if (!(strict ? v[j] > theta : v[j] >= theta)) continue;
      decided_ = true;
      emitted.words[j] = std::uint64_t{1} << t;
      if (!graded_) continue;
      const T ratio = std::min(static_cast<T>(dynamics.burst_limit), v[j] / theta);
      emitted.values[j * kBlock + static_cast<std::size_t>(t)] =
          static_cast<std::int16_t>(dynamics.spikes == Spikes::burst ? std::floor(ratio) : T(1));
    }
    if (decided_) return t + 1;
  }
  return n;
}

template <class T>
void Decision<T>::count_block(int n) {
  const std::uint64_t mask = low_bits(n);
  if (!constant_) {
    for (const std::uint64_t word : work_.encoded.words) {
      result_.input_spikes[row_] += __builtin_popcountll(word & mask);
    }
    result_.synaptic_operations[row_] +=
        operations(kernels_, work_.encoded, mask, network_.populations().front().fan_out());
  }
  for (std::size_t l = 0; l < network_.populations().size(); ++l) count_population(l, mask);
}

template <class T>
void Decision<T>::count_population(std::size_t l, std::uint64_t mask) {
  const auto& populations = network_.populations();
  const bool last = l + 1 == populations.size();
  for (int lane = 0; lane < lanes_; ++lane) {
    const auto row = row_ + static_cast<std::size_t>(lane);
    const std::int64_t size = count_lane(l, lane, mask);
    result_.total_spikes[row] += size;
    if (last || size == 0) continue;
    const auto& next = populations[l + 1];
    const bool dense = next.pools().empty() && next.is_dense();
    result_.synaptic_operations[row] +=
        dense ? size * next.n_out()
              : operations(kernels_, work_.populations[l].emitted, mask, next.fan_out());
  }
}

template <class T>
std::int64_t Decision<T>::count_lane(std::size_t l, int lane, std::uint64_t mask) {
  const auto& spikes = work_.populations[l].emitted;
  const Layout& layout = network_.populations()[l].output();
  const auto row = row_ + static_cast<std::size_t>(lane);
  std::int32_t* counts =
      result_.spike_counts(l).data() + row * static_cast<std::size_t>(layout.values());
  std::int64_t size = 0;
  for (int pixel = 0; pixel < layout.pixels(); ++pixel, counts += layout.channels) {
    const auto first = static_cast<std::size_t>(lane * layout.size() + pixel * layout.padded);
    if (!graded_) {
      size += kernels_.count(spikes.words.data() + first, mask, layout.channels, counts);
      continue;
    }
    for (std::size_t j = 0; j < static_cast<std::size_t>(layout.channels); ++j) {
      for (std::uint64_t bits = spikes.words[first + j] & mask; bits != 0; bits &= bits - 1) {
        const auto t = static_cast<std::size_t>(__builtin_ctzll(bits));
        const int s = spikes.values[(first + j) * kBlock + t];
        counts[j] += s;
        size += std::abs(s);
      }
    }
  }
  return size;
}

template <class T>
void Decision<T>::record_block(std::int64_t first, int n) {
  for (auto& recording : result_.recordings) {
    const auto l = static_cast<std::size_t>(recording.population);
    const Layout& layout = network_.populations()[l].output();
    const auto start =
        row_ * static_cast<std::size_t>(result_.steps_run) + static_cast<std::size_t>(first);
    for (std::size_t t = 0; t < static_cast<std::size_t>(n); ++t) {
      const auto to = (start + t) * static_cast<std::size_t>(layout.values());
      record_step(l, t, recording.potentials.data() + to, recording.spikes.data() + to);
    }
  }
}

template <class T>
void Decision<T>::record_step(std::size_t l, std::size_t t, T* potentials, std::int8_t* spikes) {
  const Layout& layout = network_.populations()[l].output();
  const auto& state = work_.populations[l];
  const T* v = state.potentials.data() + t * static_cast<std::size_t>(layout.size());
  const auto channels = static_cast<std::size_t>(layout.channels);
  for (std::size_t pixel = 0; pixel < static_cast<std::size_t>(layout.pixels()); ++pixel) {
    const auto at = pixel * static_cast<std::size_t>(layout.padded);
    potentials = std::copy_n(v + at, channels, potentials);
    for (std::size_t j = at; j < at + channels; ++j, ++spikes) {
      if ((state.emitted.words[j] >> t & 1) == 0) continue;
      *spikes =
          graded_ ? static_cast<std::int8_t>(state.emitted.values[j * kBlock + t]) : std::int8_t{1};
    }
  }
}

template <class T>
void Decision<T>::integrate_output(int lane, std::int64_t n_steps) {
  if constexpr (std::is_integral_v<T>) {
    const auto last = network_.populations().size() - 1;
    const auto row = row_ + static_cast<std::size_t>(lane);
    const auto& output = network_.populations()[last];
    const std::int32_t* counts =
        result_.spike_counts(last - 1).data() + row * result_.width(last - 1);
    integrate_counts(output, network_.populations()[last - 1].output(), counts, n_steps,
                     work_.populations[last].v.data() + lane * output.padded());
  }
}

template <class T>
const T* Decision<T>::outputs(const T* potentials) {
  const Layout& layout = network_.populations().back().output();
  if (layout.pixels() == 1) return potentials;
  T* to = work_.outputs.data();
  for (int pixel = 0; pixel < layout.pixels(); ++pixel) {
    to = std::copy_n(potentials + pixel * layout.padded, layout.channels, to);
  }
  return work_.outputs.data();
}

template <class T>
void Decision<T>::finish(int lane, const T* potentials, std::int64_t steps_used) {
  const auto row = row_ + static_cast<std::size_t>(lane);
  const auto n_out = static_cast<std::size_t>(network_.n_out());
  const auto n_actions = static_cast<std::size_t>(result_.n_actions);
  const auto last = network_.populations().size() - 1;
  result_.steps_used[row] = steps_used;
  result_.actions[row] =
      decode(network_, outputs(potentials), result_.spike_counts(last).data() + row * n_out,
             result_.n_steps, result_.outputs.data() + row * n_actions);
}

template class Decision<float>;
template class Decision<double>;
template class Decision<std::int32_t>;

}  // namespace dsqn
