// The encoder, block by block, against the equations of Poisson and equidistant encoding.
#include "check.hpp"
#include "dsqn/encoding.hpp"
#include "naive_simulator.hpp"

namespace dsqn::test {
namespace {

template <class T>
void check_encoding(Encoding encoding, const std::vector<T>& x, int steps, std::uint64_t seed,
                    std::uint64_t decision, Encoder& encoder) {
  const auto wanted = naive_encoding(encoding, x, steps, seed, decision);
  std::vector<std::uint64_t> words(x.size(), ~std::uint64_t{0});
  std::vector<std::int16_t> values(x.size() * kBlock, 99);
  encoder.start(encoding, x.data(), seed, decision);
  for (int first = 0; first < steps; first += kBlock) {
    const int n = std::min(kBlock, steps - first);
    encoder.block(first, n, words.data(), values.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (int t = 0; t < kBlock; ++t) {
        const bool fired = (words[i] >> t & 1) != 0;
        if (t >= n) {
          CHECK(!fired);  // nothing after the last step
          continue;
        }
        const int value = fired ? values[i * kBlock + static_cast<std::size_t>(t)] : 0;
        CHECK_EQUAL(value, wanted[static_cast<std::size_t>(first + t)][i]);
      }
    }
  }
}

template <class T>
void check_type() {
  Random random(1);
  std::vector<T> x = {0,   T(-0.0),  1,      -1,          T(0.5),   T(-0.25), 7,
                      -40, T(1e-30), T(0.4), T(1) / T(3), T(-0.99), T(2e-3),  T(1) / T(65)};
  for (int i = 0; i < 30; ++i) x.push_back(static_cast<T>(uniform(random, -1.2, 1.2)));
  Encoder encoder(static_cast<int>(x.size()));
  const std::uint64_t numbers[] = {0, 1, 0xFFFFFFFF, 0x100000000, ~std::uint64_t{0}};
  for (const auto encoding : {Encoding::poisson, Encoding::equidistant}) {
    for (const int steps : {1, 63, 64, 65, 130}) {
      for (const auto number : numbers) {
        check_encoding(encoding, x, steps, number, ~number, encoder);
      }
    }
  }
}

}  // namespace
}  // namespace dsqn::test

int main() {
  dsqn::test::check_type<float>();
  dsqn::test::check_type<double>();
  return dsqn::test::failures;
}
