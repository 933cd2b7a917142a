// A fixed workload whose instructions are counted: workload NAME RUNS.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "dsqn/simulator.hpp"
#include "random_network.hpp"

namespace dsqn::test {
namespace {

struct Workload {
  std::shared_ptr<const Network<float>> network;
  std::size_t batch;
  std::int64_t n_steps;
};

Workload make(const std::string& name, Random& random) {
  if (name == "small") return {random_dense<float>({4, 16, 16, 2}, random).build(), 1, 100};
  if (name == "wide") return {random_dense<float>({300, 200, 200, 4}, random).build(), 8, 100};
  PlainNetwork<float> image;
  image.in = {20, 20, 4, 4};
  auto layer = random_layer<float>(4 * 4 * 4, 32, random);
  layer.convolution = true;
  layer.window = {4, 4, 2, 2, 0, 0};
  image.layers.push_back(layer);
  layer = random_layer<float>(3 * 3 * 32, 64, random);
  layer.convolution = true;
  layer.window = {3, 3, 2, 2, 0, 0};
  image.layers.push_back(layer);
  image.layers.push_back(random_layer<float>(image.build()->n_out(), 4, random));
  return {image.build(), 1, 100};
}

}  // namespace
}  // namespace dsqn::test

int main(int argc, char** argv) {
  using namespace dsqn;
  if (argc != 3) return 1;
  test::Random random(7);
  const auto workload = test::make(argv[1], random);
  const Simulator<float> simulator(workload.network);
  const auto n_in = static_cast<std::size_t>(workload.network->n_in());
  std::vector<float> observations;
  test::fill(observations, workload.batch * n_in, 0, 1, random);
  RunOptions options;
  options.n_steps = workload.n_steps;
  std::int64_t spikes = 0;
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    const auto result = simulator.run(observations.data(), nullptr, workload.batch, options);
    spikes += result.total_spikes[0];
  }
  std::printf("%lld spikes\n", static_cast<long long>(spikes));
}
