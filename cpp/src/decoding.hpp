// From the output population to an action; the rules are those of decodings.py.
#pragma once

#include <cstdint>

#include "dsqn/network.hpp"

namespace dsqn {

// Index of the largest value; the first of equal ones, and the first NaN where there is one.
template <class T>
int argmax(const T* values, int n) {
  int best = 0;
  for (int j = 1; j < n; ++j) {
    if (values[best] != values[best]) return best;
    if (values[j] > values[best] || values[j] != values[j]) best = j;
  }
  return best;
}

// Largest minus second largest value; NaN where any is NaN.
template <class T>
T margin(const T* values, int n) {
  T best = values[0], second = values[1];
  if (second > best) {
    best = values[1];
    second = values[0];
  }
  for (int j = 0; j < n; ++j) {
    if (values[j] != values[j]) return values[j];
    if (j < 2) continue;
    if (values[j] > best) {
      second = best;
      best = values[j];
    } else if (values[j] > second) {
      second = values[j];
    }
  }
  return best - second;
}

// Outputs [n_actions] of one decision and its action.
template <class T>
int decode(const Network<T>& network, const T* potentials, const std::int32_t* counts,
           std::int64_t n_steps, T* outputs);

// The action at the first output spike: the highest potential of those that fired (counts > 0),
// or of all where none did.
template <class T>
int decode_first_spike(const T* potentials, const std::int32_t* counts, int n);

}  // namespace dsqn
