#include "dsqn/result.hpp"

namespace dsqn {

template <class T>
Result<T>::Result(std::shared_ptr<const Network<T>> of, std::size_t n_decisions, std::int64_t steps)
    : network(std::move(of)),
      batch(n_decisions),
      n_out(network->n_out()),
      n_actions(network->dynamics().two_output_neurons ? n_out / 2 : n_out),
      n_steps(steps),
      steps_run(network->steps_run(steps)) {
  const std::size_t n_outputs = batch * static_cast<std::size_t>(n_actions);
  const std::size_t n_counts = batch * network->first_neuron(network->populations().size());
  const std::size_t bytes =
      5 * batch * sizeof(std::int64_t) + n_outputs * sizeof(T) + n_counts * sizeof(std::int32_t);
  memory_ = std::make_unique<std::byte[]>(bytes);
  std::byte* at = memory_.get();  // 64 bits first, so that all are aligned
  for (auto* array : {&actions, &total_spikes, &input_spikes, &synaptic_operations, &steps_used}) {
    *array = {reinterpret_cast<std::int64_t*>(at), batch};
    at += batch * sizeof(std::int64_t);
  }
  outputs = {reinterpret_cast<T*>(at), n_outputs};
  at += n_outputs * sizeof(T);
  counts = {reinterpret_cast<std::int32_t*>(at), n_counts};
}

template struct Result<float>;
template struct Result<double>;
template struct Result<std::int32_t>;

}  // namespace dsqn
