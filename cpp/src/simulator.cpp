#include "dsqn/simulator.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "decision.hpp"
#include "dsqn/cpu.hpp"
#include "dsqn/parallel.hpp"
#include "interrupt.hpp"

namespace dsqn {

namespace {

template <class T>
Result<T> make_result(const Network<T>& network, std::size_t batch, const RunOptions& options) {
  Result<T> result;
  result.batch = batch;
  result.n_out = network.n_out();
  result.n_actions = network.dynamics().two_output_neurons ? network.n_out() / 2 : network.n_out();
  result.n_steps = options.n_steps;
  result.steps_run = network.steps_run(options.n_steps);
  result.outputs.resize(batch * static_cast<std::size_t>(result.n_actions));
  for (auto* array : {&result.actions, &result.total_spikes, &result.input_spikes,
                      &result.synaptic_operations, &result.steps_used}) {
    array->resize(batch);
  }
  for (const auto& population : network.populations()) {
    result.widths.push_back(static_cast<std::size_t>(population.n_out()));
    result.spike_counts.emplace_back(batch * result.widths.back());
  }
  for (const int l : options.record) {
    const auto width = result.widths[static_cast<std::size_t>(l)];
    const auto size = batch * static_cast<std::size_t>(result.steps_run) * width;
    result.recordings.push_back({l, std::vector<std::int8_t>(size), std::vector<T>(size)});
  }
  return result;
}

}  // namespace

template <class T>
Simulator<T>::Simulator(std::shared_ptr<const Network<T>> network)
    : network_(std::move(network)), kernels_(&kernels()) {}

template <class T>
Result<T> Simulator<T>::run(const typename Types<T>::Input* observations,
                            const std::uint64_t* decisions, std::size_t batch,
                            const RunOptions& options) const {
  Result<T> result = make_result(*network_, batch, options);
  const auto n_workers = std::min(batch, static_cast<std::size_t>(std::max(options.n_threads, 1)));
  std::vector<std::unique_ptr<Workspace<T>>> workspaces(n_workers);
  for (auto& workspace : workspaces) workspace = take_workspace();
  Interrupt interrupt(options.interrupted);
  const auto n_in = static_cast<std::size_t>(network_->n_in());
  // Groups only where each thread has several.
  const bool grouped = network_->groupable() && options.record.empty();
  const std::size_t group = grouped && batch >= kGroup * n_workers ? kGroup : 1;
  const auto work = [&](int worker, std::size_t item) {
    auto& workspace = *workspaces[static_cast<std::size_t>(worker)];
    const std::size_t row = item * group;
    const int lanes = static_cast<int>(std::min(group, batch - row));
    Decision<T> decision(*network_, *kernels_, options, workspace, result, row, lanes, interrupt,
                         worker);
    decision.run(observations + row * n_in, decisions[row]);
  };
  parallel_for(static_cast<int>(n_workers), (batch + group - 1) / group, work,
               [&] { interrupt.ask(); });
  for (auto& workspace : workspaces) give_back(std::move(workspace));
  return result;
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
