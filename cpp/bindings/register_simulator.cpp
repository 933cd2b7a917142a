#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <optional>
#include <type_traits>

#include "dsqn/error.hpp"
#include "dsqn/simulator.hpp"
#include "register.hpp"
#include "result_arrays.hpp"

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
  // An exponent of all ones carries into the sign when its lowest bit is added: integers, since
  // compilers do not add floats side by side.
  using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr Word exponent = std::bit_cast<Word>(std::numeric_limits<T>::infinity());
  constexpr Word lowest = exponent & (~exponent + 1), sign = exponent + lowest;
  Word carried = 0;
  for (py::ssize_t i = 0; i < n; ++i) carried |= (std::bit_cast<Word>(x[i]) & exponent) + lowest;
  return (carried & sign) == 0;
}

constexpr const char* kCapsule = "dsqn_fast simulator";
template <class T>
using Shared = std::shared_ptr<Simulator<T>>;

// Runs that take less than this many additions keep the interpreter lock: to give it up and take
// it again would cost more than others could gain.
constexpr std::int64_t kShortRun = 1 << 20;

// Whether `object` is an array (B, n_in) of T, contiguous and finite.
template <class T>
bool is_plain(const py::handle& object, py::ssize_t n_in) {
  if (!py::isinstance<Array<T>>(object)) return false;
  const auto array = py::reinterpret_borrow<Array<T>>(object);
  return array.ndim() == 2 && array.shape(1) == n_in && all_finite(array.data(), array.size());
}

struct Arguments {
  RunOptions options;
  std::vector<std::uint64_t> decisions;  // empty: numbered from options.first_decision on
};

Arguments read_arguments(PyObject* const* args) {
  Arguments a;
  a.options.n_steps = py::handle(args[1]).cast<std::int64_t>();
  a.options.seed = py::handle(args[2]).cast<std::uint64_t>();
  if (PyLong_Check(args[3])) {
    a.options.first_decision = py::handle(args[3]).cast<std::uint64_t>();
  } else {
    const auto given = py::handle(args[3]).cast<Array<std::uint64_t>>();
    a.decisions.assign(given.data(), given.data() + given.size());
  }
  if (PyTuple_GET_SIZE(args[4]) > 0) {
    a.options.record = py::handle(args[4]).cast<std::vector<int>>();
  }
  a.options.n_threads = py::handle(args[5]).cast<int>();
  a.options.interrupted = signal_pending;
  return a;
}

template <class T>
PyObject* simulate(const Simulator<T>& simulator, PyObject* const* args) {
  using X = typename Types<T>::Input;
  const auto n_in = static_cast<py::ssize_t>(simulator.network().n_in());
  if (!is_plain<X>(args[0], n_in)) return py::none().release().ptr();
  const auto array = py::reinterpret_borrow<Array<X>>(args[0]);
  const auto batch = static_cast<std::size_t>(array.shape(0));
  const Arguments given = read_arguments(args);
  const auto* keys = given.decisions.empty() ? nullptr : given.decisions.data();
  std::optional<py::gil_scoped_release> unlocked;
  if (simulator.most_additions(batch, given.options) >= kShortRun) unlocked.emplace();
  Result<T> result = simulator.run(array.data(), keys, batch, given.options);
  unlocked.reset();
  return wrap_result(std::move(result));
}

// The result, or None where the array is not (B, n_in) of T, contiguous and finite: then Python
// converts it or says what is wrong with it. Arguments: see _core.pyi.
template <class T>
PyObject* run(PyObject* self, PyObject* const* args, Py_ssize_t n_args) {
  try {
    if (n_args != 6) throw py::type_error("run takes 6 arguments");
    const auto* simulator = static_cast<const Shared<T>*>(PyCapsule_GetPointer(self, kCapsule));
    return simulate(**simulator, args);
  } catch (const Interrupted&) {  // its exception was set by the signal's handler
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const RangeError& error) {
    const auto module = py::module_::import("dsqn_fast._core");
    PyErr_SetString(module.attr("RangeError").ptr(), error.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

// A plain function of Python instead of a bound method: its call costs a tenth of one.
template <class T>
py::object make_run(const std::vector<int>& input_shape, const std::vector<py::dict>& layers,
                    const py::dict& options, const py::object& fixed) {
  static PyMethodDef definition = {
      "run", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&run<T>)), METH_FASTCALL,
      "run(observations, n_steps, seed, decisions, record, n_threads)"};
  auto owner = std::make_unique<Shared<T>>(make_simulator<T>(input_shape, layers, options, fixed));
  const py::capsule self(owner.get(), kCapsule, [](PyObject* capsule) {
    delete static_cast<Shared<T>*>(PyCapsule_GetPointer(capsule, kCapsule));
  });
  owner.release();
  PyObject* function = PyCFunction_NewEx(&definition, self.ptr(), nullptr);
  if (function == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(function);
}

template <class T>
void register_typed(py::module_& module, const char* name) {
  module.def(name, &make_run<T>, py::arg("input_shape"), py::arg("layers"), py::arg("options"),
             py::arg("fixed"));
}

}  // namespace

void register_simulator(py::module_& module) {
  register_typed<float>(module, "simulator_f32");
  register_typed<double>(module, "simulator_f64");
  register_typed<std::int32_t>(module, "simulator_fixed");
}

}  // namespace dsqn::python
