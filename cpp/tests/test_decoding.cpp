// From potentials and counts to an action: ties, NaN and infinity, too.
#include "decoding.hpp"

#include <cmath>
#include <limits>

#include "check.hpp"
#include "random_network.hpp"

namespace dsqn::test {
namespace {

template <class T>
void check_argmax() {
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  const auto of = [](const std::vector<T>& v) {
    return argmax(v.data(), static_cast<int>(v.size()));
  };
  CHECK_EQUAL(of({3}), 0);
  CHECK_EQUAL(of({1, 3, 3, 2}), 1);
  CHECK_EQUAL(of({-inf, -inf}), 0);
  CHECK_EQUAL(of({1, inf, nan, inf}), 2);
  CHECK_EQUAL(of({nan, inf, nan}), 0);
  CHECK_EQUAL(of({T(-0.0), T(0.0)}), 0);
}

template <class T>
void check_margin() {
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  const T max = std::numeric_limits<T>::max();
  const auto of = [](const std::vector<T>& v) {
    return margin(v.data(), static_cast<int>(v.size()));
  };
  CHECK_EQUAL(of({1, 4}), T(3));
  CHECK_EQUAL(of({4, 1}), T(3));
  CHECK_EQUAL(of({4, 4, 1}), T(0));
  CHECK_EQUAL(of({1, 2, 5, 4}), T(1));
  CHECK_EQUAL(of({1, 5, 2, -9}), T(3));
  CHECK_EQUAL(of({inf, -inf, 1}), inf);
  CHECK_EQUAL(of({-inf, inf}), inf);
  CHECK_EQUAL(of({max, max, -inf}), T(0));
  CHECK(std::isnan(of({inf, inf, 0})));
  CHECK(std::isnan(of({nan, 1})));
  CHECK(std::isnan(of({3, 1, 2, nan})));
}

template <class T>
void check_first_spike() {
  const auto of = [](const std::vector<T>& v, const std::vector<std::int32_t>& counts) {
    return decode_first_spike(v.data(), counts.data(), static_cast<int>(v.size()));
  };
  CHECK_EQUAL(of({9, 1, 2}, {0, 1, 1}), 2);
  CHECK_EQUAL(of({9, 2, 2}, {0, 5, 1}), 1);
  CHECK_EQUAL(of({1, 3, 3}, {0, 0, 0}), 1);
}

template <class T>
int decoded(const Dynamics& dynamics, const std::vector<T>& v,
            const std::vector<std::int32_t>& counts, std::vector<T>& outputs) {
  Random random(1);
  auto plain = random_dense<T>({1, static_cast<int>(v.size())}, random);
  for (std::size_t j = 0; j < v.size(); ++j) plain.layers[0].threshold[j] = T(1 + 1 * (j % 2));
  plain.dynamics = dynamics;
  outputs.assign(v.size(), T(-1));
  return decode(*plain.build(), v.data(), counts.data(), 4, outputs.data());
}

template <class T>
void check_decode() {
  std::vector<T> outputs;
  Dynamics dynamics;
  CHECK_EQUAL(decoded<T>(dynamics, {1, 3}, {7, 0}, outputs), 1);
  CHECK((outputs == std::vector<T>{1, 3}));
  dynamics.decoding = Decoding::count;
  CHECK_EQUAL(decoded<T>(dynamics, {1, 3, 9}, {7, 7, -2}, outputs), 0);
  CHECK((outputs == std::vector<T>{7, 7, -2}));
  dynamics.two_output_neurons = true;
  CHECK_EQUAL(decoded<T>(dynamics, {0, 0, 0, 0}, {1, 0, 3, 1}, outputs), 1);
  CHECK((outputs == std::vector<T>{-2, -1, -1, -1}));  // the second half is left alone
  dynamics.two_output_neurons = false;
  dynamics.decoding = Decoding::count_and_potential;
  CHECK_EQUAL(decoded<T>(dynamics, {1, -1}, {2, 1}, outputs), 0);
  CHECK((outputs == std::vector<T>{T(0.75), T(0.25)}));  // (N * theta + v) / 4
  dynamics.decoding = Decoding::first_spike;
  CHECK_EQUAL(decoded<T>(dynamics, {5, 1, 2}, {0, 1, 1}, outputs), 2);
  CHECK((outputs == std::vector<T>{5, 1, 2}));
}

template <class T>
void check_type() {
  check_argmax<T>();
  check_margin<T>();
  check_first_spike<T>();
  check_decode<T>();
}

}  // namespace
}  // namespace dsqn::test

int main() {
  dsqn::test::check_type<float>();
  dsqn::test::check_type<double>();
  return dsqn::test::failures;
}
