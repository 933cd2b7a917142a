// Runs decisions of a network; const and safe to call from several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "dsqn/network.hpp"
#include "dsqn/result.hpp"
#include "dsqn/workspace.hpp"

namespace dsqn {

struct RunOptions {
  std::int64_t n_steps = 1;
  std::uint64_t seed = 0;
  std::uint64_t first_decision = 0;
  std::vector<int> record;  // ascending populations
  int n_threads = 1;
  // Called by the calling thread about every 20 ms; true stops the run with Interrupted.
  std::function<bool()> interrupted;
};

template <class T>
class Simulator {
 public:
  explicit Simulator(std::shared_ptr<const Network<T>> network);

  // observations: [batch][n_in], finite; decisions: [batch], keys of the encoding's noise, or null
  // where they count from options.first_decision on.
  Result<T> run(const typename Types<T>::Input* observations, const std::uint64_t* decisions,
                std::size_t batch, const RunOptions& options) const;

  // Additions of a run if every neuron spiked at every step, of small networks; else a lot.
  std::int64_t most_additions(std::size_t batch, const RunOptions& options) const;

  const Network<T>& network() const { return *network_; }

 private:
  std::unique_ptr<Workspace<T>> take_workspace() const;
  void give_back(std::unique_ptr<Workspace<T>> workspace) const;

  std::shared_ptr<const Network<T>> network_;
  const KernelTable* kernels_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Workspace<T>>> idle_;
};

extern template class Simulator<float>;
extern template class Simulator<double>;
extern template class Simulator<std::int32_t>;

}  // namespace dsqn
