#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <optional>

#include "dsqn/error.hpp"
#include "dsqn/simulator.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace dsqn::python {

namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;

template <class E>
E named(const std::map<std::string, E>& names, const std::string& name) {
  return names.at(name);  // Python has checked the word
}

Dynamics make_dynamics(const py::dict& options) {
  Dynamics d;
  d.alpha = options["alpha"].cast<double>();
  d.beta = options["beta"].cast<double>();
  d.burst_limit = options["burst_limit"].cast<int>();
  d.two_output_neurons = options["two_output_neurons"].cast<bool>();
  d.reset = named<Reset>({{"subtraction", Reset::subtraction}, {"zero", Reset::zero}},
                         options["reset"].cast<std::string>());
  d.spikes = named<Spikes>(
      {{"binary", Spikes::binary}, {"burst", Spikes::burst}, {"signed", Spikes::signed_}},
      options["spikes"].cast<std::string>());
  d.timing = named<Timing>(
      {{"instant", Timing::instant}, {"nest", Timing::nest}, {"spytorch", Timing::spytorch}},
      options["timing"].cast<std::string>());
  d.encoding = named<Encoding>({{"constant", Encoding::constant},
                                {"poisson", Encoding::poisson},
                                {"equidistant", Encoding::equidistant}},
                               options["encoding"].cast<std::string>());
  d.decoding = named<Decoding>({{"potential", Decoding::potential},
                                {"count", Decoding::count},
                                {"count+potential", Decoding::count_and_potential},
                                {"first-spike", Decoding::first_spike}},
                               options["decoding"].cast<std::string>());
  const auto margin = options["exit_margin"].cast<std::optional<double>>();
  d.early_exit = margin.has_value();
  d.exit_margin = margin.value_or(0.0);
  return d;
}

Window make_window(const std::vector<int>& w) {
  return {w.at(0), w.at(1), w.at(2), w.at(3), w.at(4), w.at(5)};
}

// One population: {"pools": [window], "window": window or None, "weight": (rows, n_out),
// "arrays": (bias, threshold, initial_potential), "chunk_rows", "unit"} with
// window = (height, width, strides, paddings). The arrays stay alive in `layer`.
template <class T>
LayerSpec<T> make_layer(const py::dict& layer) {
  LayerSpec<T> spec;
  for (const auto& pool : layer["pools"].cast<std::vector<std::vector<int>>>()) {
    spec.pools.push_back(make_window(pool));
  }
  const auto window = layer["window"].cast<std::optional<std::vector<int>>>();
  spec.convolution = window.has_value();
  if (window) spec.window = make_window(*window);
  const auto weight = layer["weight"].cast<Array<typename Types<T>::Weight>>();
  spec.n_rows = static_cast<int>(weight.shape(0));
  spec.n_out = static_cast<int>(weight.shape(1));
  spec.weight = weight.data();
  const auto arrays = layer["arrays"].cast<std::vector<Array<T>>>();
  spec.bias = arrays.at(0).data();
  spec.threshold = arrays.at(1).data();
  spec.initial_potential = arrays.at(2).data();
  spec.chunk_rows = layer["chunk_rows"].cast<int>();
  spec.unit = layer["unit"].cast<T>();
  return spec;
}

// fixed: None, or (float layer, scales, largest currents) of a constant current in fixed point.
template <class T>
std::unique_ptr<Simulator<T>> make_simulator(const std::vector<int>& input_shape,
                                             const std::vector<py::dict>& layers,
                                             const py::dict& options, const py::object& fixed) {
  std::vector<LayerSpec<T>> specs;
  for (const auto& layer : layers) specs.push_back(make_layer<T>(layer));
  const bool image = input_shape.size() == 3;
  const int channels = input_shape.back();
  const Layout in{image ? input_shape[0] : 1, image ? input_shape[1] : 1, channels, channels};
  auto network = std::make_shared<Network<T>>(specs, in, make_dynamics(options));
  if (!fixed.is_none()) {
    const auto parts = fixed.cast<py::tuple>();
    const auto scale = parts[1].cast<Array<float>>();
    const auto largest = parts[2].cast<Array<std::int32_t>>();
    network->set_fixed_point(
        {make_layer<float>(parts[0].cast<py::dict>()), scale.data(), largest.data()});
  }
  return std::make_unique<Simulator<T>>(std::move(network));
}

// Asks the interpreter whether Ctrl-C was pressed; takes the lock that the run gave up.
bool signal_pending() {
  const py::gil_scoped_acquire lock;
  return PyErr_CheckSignals() != 0;
}

template <class T>
bool all_finite(const T* x, py::ssize_t n) {
  // x - x is 0 for finite values and NaN for the others; a sum of them needs no branch.
  T sum = 0;
  for (py::ssize_t i = 0; i < n; ++i) sum += x[i] - x[i];
  return sum == 0;
}

// The result, or None where the array is not (B, n_in) of T, contiguous and finite: then Python
// converts it or says what is wrong with it.
template <class T>
py::object run(const Simulator<T>& simulator, const py::array& observations, std::int64_t n_steps,
               std::uint64_t seed, const py::object& decisions, std::vector<int> record,
               int n_threads) {
  const py::ssize_t width = simulator.network().n_in();
  using X = typename Types<T>::Input;
  if (!py::isinstance<Array<X>>(observations) || observations.ndim() != 2 ||
      observations.shape(1) != width) {
    return py::none();
  }
  const auto* x = static_cast<const X*>(observations.data());
  const auto batch = static_cast<std::size_t>(observations.shape(0));
  if (!all_finite(x, observations.size())) return py::none();
  std::vector<std::uint64_t> keys(batch);
  if (py::isinstance<py::int_>(decisions)) {
    const auto first = decisions.cast<std::uint64_t>();
    for (std::size_t row = 0; row < batch; ++row) keys[row] = first + row;
  } else {
    const auto given = decisions.cast<Array<std::uint64_t>>();
    std::copy_n(given.data(), batch, keys.begin());
  }
  RunOptions options{n_steps, seed, std::move(record), n_threads, signal_pending};
  Result<T> result;
  try {
    const py::gil_scoped_release unlock;
    result = simulator.run(x, keys.data(), batch, options);
  } catch (const Interrupted&) {
    throw py::error_already_set();  // set by the signal's handler
  }
  return py::cast(std::move(result));
}

template <class T>
void register_typed(py::module_& module, const char* name) {
  py::class_<Simulator<T>>(module, name)
      .def(py::init(&make_simulator<T>), py::arg("input_shape"), py::arg("layers"),
           py::arg("options"), py::arg("fixed"))
      .def("run", &run<T>, py::arg("observations"), py::arg("n_steps"), py::arg("seed"),
           py::arg("decisions"), py::arg("record"), py::arg("n_threads"));
}

}  // namespace

void register_simulator(py::module_& module) {
  register_typed<float>(module, "SimulatorF32");
  register_typed<double>(module, "SimulatorF64");
  register_typed<std::int32_t>(module, "SimulatorFixed");
}

}  // namespace dsqn::python
