#include "dsqn/simulator.hpp"

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>

#include "constant.hpp"
#include "decision.hpp"
#include "dsqn/cpu.hpp"
#include "dsqn/parallel.hpp"
#include "interrupt.hpp"
#include "small_decision.hpp"

namespace dsqn {

namespace {

template <class T>
void make_recordings(Result<T>& result, const std::vector<int>& record) {
  for (const int l : record) {
    const auto size = result.batch * static_cast<std::size_t>(result.steps_run) *
                      result.width(static_cast<std::size_t>(l));
    result.recordings.push_back({l, std::vector<std::int8_t>(size), std::vector<T>(size)});
  }
}

// Threads for a batch. Few decisions of a small network are faster as one group than one by one in
// several threads, unless they are long.
template <class T>
std::size_t workers_for(const Network<T>& network, std::size_t batch, const RunOptions& options) {
  constexpr std::int64_t long_decision = 1 << 23;  // additions
  const auto wanted = std::min(batch, static_cast<std::size_t>(std::max(options.n_threads, 1)));
  const auto& plan = network.lockstep();
  if (plan.layers.empty() || !options.record.empty() || batch >= kGroup * wanted ||
      plan.additions_per_step > long_decision / options.n_steps) {
    return wanted;
  }
  return std::max<std::size_t>(batch / kGroup, std::min<std::size_t>(batch, 1));
}

// Decisions whose currents are computed together: many, but as many for each thread, and whole
// groups.
std::size_t current_group(std::size_t batch, std::size_t n_workers, std::size_t most) {
  const std::size_t each = (batch + n_workers - 1) / n_workers;
  const std::size_t parts = (each + most - 1) / most;
  return ((each + parts - 1) / parts + kGroup - 1) / kGroup * kGroup;
}

}  // namespace

template <class T>
Simulator<T>::Simulator(std::shared_ptr<const Network<T>> network)
    : network_(std::move(network)), kernels_(&kernels()) {}

template <class T>
Result<T> Simulator<T>::run(const typename Types<T>::Input* observations,
                            const std::uint64_t* decisions, std::size_t batch,
                            const RunOptions& options) const {
  Result<T> result(network_, batch, options.n_steps);
  make_recordings(result, options.record);
  const std::size_t n_workers = workers_for(*network_, batch, options);
  if (n_workers == 0) return result;
  Interrupt interrupt(options.interrupted);
  const auto n_in = static_cast<std::size_t>(network_->n_in());
  // Groups only where each thread has several.
  const bool grouped = network_->groupable() && options.record.empty();
  const std::size_t lanes = grouped && batch >= kGroup * n_workers ? kGroup : 1;
  const bool small = grouped && !network_->lockstep().layers.empty();
  const std::size_t group =
      lanes == 1 || small
          ? lanes
          : current_group(batch, n_workers, static_cast<std::size_t>(network_->current_group()));
  const bool constant = network_->dynamics().encoding == Encoding::constant;
  const auto decide = [&](Workspace<T>& workspace, int worker, std::size_t item) {
    const std::size_t first = item * group, end = std::min(first + group, batch);
    const Stop stop = interrupt.for_kernel(worker);
    const auto* x = observations + first * n_in;
    if (small) {
      decide_small(*network_, *kernels_, x, workspace, result, first, static_cast<int>(end - first),
                   stop);
      return;
    }
    if (constant) {
      constant_current(*network_, *kernels_, x, static_cast<int>(end - first), stop, workspace);
    }
    const T* current = workspace.current.data();
    const auto step = static_cast<std::size_t>(network_->populations().front().padded());
    for (std::size_t row = first; row < end; row += lanes) {
      Decision<T>(*network_, *kernels_, options, workspace, result, row,
                  static_cast<int>(std::min(lanes, end - row)), interrupt, worker)
          .run(observations + row * n_in,
               decisions == nullptr ? options.first_decision + row : decisions[row],
               constant ? current + (row - first) * step : nullptr);
    }
  };
  const std::size_t n_items = (batch + group - 1) / group;
  if (n_workers == 1) {
    auto workspace = take_workspace();
    for (std::size_t item = 0; item < n_items; ++item) decide(*workspace, 0, item);
    give_back(std::move(workspace));
    return result;
  }
  std::vector<std::unique_ptr<Workspace<T>>> workspaces(n_workers);
  for (auto& workspace : workspaces) workspace = take_workspace();
  parallel_for(
      static_cast<int>(n_workers), n_items,
      [&](int worker, std::size_t item) {
        decide(*workspaces[static_cast<std::size_t>(worker)], worker, item);
      },
      [&] { interrupt.ask(); });
  for (auto& workspace : workspaces) give_back(std::move(workspace));
  return result;
}

template <class T>
std::int64_t Simulator<T>::most_additions(std::size_t batch, const RunOptions& options) const {
  constexpr std::int64_t many = std::numeric_limits<std::int64_t>::max();
  const auto& plan = network_->lockstep();
  if (plan.layers.empty() || options.n_threads > 1 || !options.record.empty()) return many;
  const std::int64_t each = plan.additions_per_step * options.n_steps;
  return batch > 0 && each > many / static_cast<std::int64_t>(batch)
             ? many
             : each * static_cast<std::int64_t>(batch);
}

template <class T>
std::unique_ptr<Workspace<T>> Simulator<T>::take_workspace() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto workspace = std::move(idle_.back());
      idle_.pop_back();
      return workspace;
    }
  }
  return std::make_unique<Workspace<T>>(*network_);
}

template <class T>
void Simulator<T>::give_back(std::unique_ptr<Workspace<T>> workspace) const {
  // More than the machine can run at once are not worth their memory.
  static const std::size_t most = std::max(std::thread::hardware_concurrency(), 1u);
  const std::lock_guard lock(mutex_);
  if (idle_.size() < most) idle_.push_back(std::move(workspace));
}

template class Simulator<float>;
template class Simulator<double>;
template class Simulator<std::int32_t>;

}  // namespace dsqn
