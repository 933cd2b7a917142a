// Small dense networks, whose populations advance together: see kernels/lockstep.inc.
#pragma once

#include <cstddef>
#include <vector>

#include "dsqn/aligned.hpp"
#include "dsqn/kernels.hpp"

namespace dsqn {

template <class T>
class Network;

// What the kernel needs of a network. Pointers into the network: it must not be moved.
template <class T>
struct LockstepPlan {
  std::vector<LockstepLayer<T>> layers;  // empty: the network is not of this kind
  int width = 0;                         // padded neurons of all populations
  std::int64_t additions_per_step = 0;   // at most
  AlignedVector<T> silent;               // thresholds of an output that never spikes
  std::vector<AlignedVector<T>> tables;  // of the populations but the first, where looked up
  AlignedVector<T> start;                // potentials before the first step, by population
  std::size_t scratch = 0;               // bytes for each decision that is pruned; 0 where none is
};

template <class T>
LockstepPlan<T> plan_lockstep(const Network<T>& network);

}  // namespace dsqn
