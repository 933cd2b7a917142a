// One decision of one worker, or a group of them: blocks of time through all populations, then
// decoding.
#pragma once

#include <cstdint>

#include "dsqn/result.hpp"
#include "dsqn/simulator.hpp"
#include "interrupt.hpp"

namespace dsqn {

template <class T>
class Decision {
 public:
  Decision(const Network<T>& network, const KernelTable& kernels, const RunOptions& options,
           Workspace<T>& workspace, Result<T>& result, std::size_t row, int lanes,
           Interrupt& interrupt, int worker);

  // `current`: constant currents of these decisions, where the encoding is constant.
  void run(const typename Types<T>::Input* x, std::uint64_t key, const T* current);

 private:
  void start(const typename Types<T>::Input* x, std::uint64_t key);
  // Returns about how many additions it took.
  std::int64_t encode_block(std::int64_t first, int n);
  // Spikes that reach population l, delayed and pooled.
  Arrivals arriving(std::size_t l, int n);
  const SpikeBlock& delayed(std::size_t l, int n);
  void describe_dynamics(std::size_t l, PopulationBlock<T>& block) const;
  void simulate_population(std::size_t l, int n);
  void save_carry(std::size_t l);
  // Steps of the block up to and with the one that ends the decision; n if none does.
  int decide(int n);
  int exit_early(int n);
  int find_first_spike(int n);
  void count_block(int n);
  void count_population(std::size_t l, std::uint64_t mask);
  std::int64_t count_lane(std::size_t l, int lane, std::uint64_t mask);
  std::size_t neurons(std::size_t l) const {
    return static_cast<std::size_t>(network_.populations()[l].padded() * lanes_);
  }
  void record_block(std::int64_t first, int n);
  void record_step(std::size_t l, std::size_t t, T* potentials, std::int8_t* spikes);
  void integrate_output(int lane, std::int64_t n_steps);
  // Output potentials without the padding between pixels.
  const T* outputs(const T* potentials);
  void finish(int lane, const T* potentials, std::int64_t steps_used);

  const Network<T>& network_;
  const KernelTable& kernels_;
  const RunOptions& options_;
  Workspace<T>& work_;
  Result<T>& result_;
  std::size_t row_;
  int lanes_;
  Interrupt& interrupt_;
  int worker_;
  const T* current_ = nullptr;
  bool constant_;
  bool graded_;
  bool output_from_counts_;
  bool decided_ = false;
};

extern template class Decision<float>;
extern template class Decision<double>;
extern template class Decision<std::int32_t>;

}  // namespace dsqn
