// One decision of one worker: blocks of time through all populations, then decoding.
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
           Workspace<T>& workspace, Result<T>& result, std::size_t row);

  void run(const T* x, std::uint64_t key, Interrupt& interrupt, int worker);

 private:
  struct Input {
    const std::uint64_t* words;
    const std::int8_t* values;  // null where every spike is 1
    int n_active;
  };

  // These return about how many additions they took.
  std::int64_t start(const T* x, std::uint64_t key);
  std::int64_t encode_block(std::int64_t first, int n);
  Input arriving(std::size_t l, int n);
  std::int64_t simulate_population(std::size_t l, int n);
  void save_carry(std::size_t l);
  bool watches(std::size_t l) const;
  // Steps of the block up to and with the one that ends the decision; n if none does.
  int decide(int n);
  void count_block(int n);
  void count_population(std::size_t l, std::uint64_t mask);
  void record_block(std::int64_t first, int n);
  void finish(const T* output_potentials, std::int64_t steps_used);

  const Network<T>& network_;
  const KernelTable& kernels_;
  const RunOptions& options_;
  Workspace<T>& work_;
  Result<T>& result_;
  std::size_t row_;
  bool constant_;
  bool graded_;
  bool decided_ = false;
};

extern template class Decision<float>;
extern template class Decision<double>;

}  // namespace dsqn
