#include "constant.hpp"

#include <type_traits>

#include "dsqn/error.hpp"

namespace dsqn {

namespace {

void run_kernel(const KernelTable& k, const ConstantCurrent<float>& a) { k.constant_f32(a); }
void run_kernel(const KernelTable& k, const ConstantCurrent<double>& a) { k.constant_f64(a); }

template <class T, class W>
void compute(const Population<T>& first, const KernelTable& kernels, const T* x, int lanes,
             Stop stop, T* current, W& workspace) {
  run_kernel(kernels,
             ConstantCurrent<T>{first.wiring(lanes), x, first.weights.data(), first.bias.data(),
                                first.has_negative_zero(), current, workspace.active.data(),
                                workspace.n_active.data(),
                                workspace.values.empty() ? nullptr : workspace.values.data(),
                                first.input_pixels() * lanes, stop});
  if (stop.asked(stop.context, 0)) throw Interrupted();
}

}  // namespace

template <class T>
void constant_current(const Network<T>& network, const KernelTable& kernels,
                      const typename Types<T>::Input* x, int lanes, Stop stop,
                      Workspace<T>& workspace) {
  if constexpr (std::is_integral_v<T>) {
    const auto& first = *network.float_first();
    float* exact = workspace.exact_current.data();
    compute(first, kernels, x, lanes, stop, exact, workspace);
    const RoundedCurrent rounded{exact,
                                 network.scale().data(),
                                 network.largest().data(),
                                 lanes * first.output().pixels(),
                                 first.output().padded,
                                 workspace.current.data()};
    if (!kernels.round(rounded)) throw RangeError();
  } else {
    compute(network.populations().front(), kernels, x, lanes, stop, workspace.current.data(),
            workspace);
  }
}

template void constant_current<float>(const Network<float>&, const KernelTable&, const float*, int,
                                      Stop, Workspace<float>&);
template void constant_current<double>(const Network<double>&, const KernelTable&, const double*,
                                       int, Stop, Workspace<double>&);
template void constant_current<std::int32_t>(const Network<std::int32_t>&, const KernelTable&,
                                             const float*, int, Stop, Workspace<std::int32_t>&);

}  // namespace dsqn
