#include <pybind11/numpy.h>

#include <array>

#include "register.hpp"
#include "result_arrays.hpp"

namespace py = pybind11;

namespace dsqn::python {

namespace {

enum Field {
  kActions,
  kOutputs,
  kSpikeCounts,
  kTotalSpikes,
  kInputSpikes,
  kSynapticOperations,
  kStepsUsed,
  kSpikes,
  kPotentials,
};
constexpr std::array kNames = {"actions",      "outputs",      "spike_counts",
                               "total_spikes", "input_spikes", "synaptic_operations",
                               "steps_used",   "spikes",       "potentials"};
constexpr const char* kCapsule = "dsqn_fast result";

// A copy of `values` as an array of `shape`. Results are small; a copy keeps ownership simple.
template <class V>
py::object to_array(std::span<const V> values, std::vector<std::size_t> shape) {
  return py::array_t<V>(std::move(shape), values.data());
}

template <class T>
class Arrays final : public ResultArrays {
 public:
  explicit Arrays(Result<T>&& result) : r_(std::move(result)) {}

  py::object get(int field) const override {
    switch (field) {
      case kActions: return per_decision(r_.actions);
      case kOutputs:
        return to_array<T>(r_.outputs, {r_.batch, static_cast<std::size_t>(r_.n_actions)});
      case kSpikeCounts: return spike_counts();
      case kTotalSpikes: return per_decision(r_.total_spikes);
      case kInputSpikes: return per_decision(r_.input_spikes);
      case kSynapticOperations: return per_decision(r_.synaptic_operations);
      case kStepsUsed: return per_decision(r_.steps_used);
      case kSpikes: return recorded([](const auto& r) { return std::span(r.spikes); });
      default: return recorded([](const auto& r) { return std::span(r.potentials); });
    }
  }

 private:
  py::object per_decision(std::span<std::int64_t> values) const {
    return to_array<std::int64_t>(values, {r_.batch});
  }

  py::object spike_counts() const {
    const std::size_t n = r_.network->populations().size();
    py::tuple all(n);
    for (std::size_t l = 0; l < n; ++l) {
      all[l] = to_array<std::int32_t>(r_.spike_counts(l), {r_.batch, r_.width(l)});
    }
    return all;
  }

  template <class F>
  py::object recorded(F values) const {
    py::dict all;
    for (const auto& recording : r_.recordings) {
      const auto span = values(recording);
      using V = std::remove_const_t<typename decltype(span)::element_type>;
      const auto width = r_.width(static_cast<std::size_t>(recording.population));
      all[py::int_(recording.population)] =
          to_array<V>(span, {r_.batch, static_cast<std::size_t>(r_.steps_run), width});
    }
    return all;
  }

  Result<T> r_;
};

void destroy(PyObject* capsule) {
  delete static_cast<ResultArrays*>(PyCapsule_GetPointer(capsule, kCapsule));
}

}  // namespace

template <class T>
PyObject* wrap_result(Result<T>&& result) {
  auto arrays = std::make_unique<Arrays<T>>(std::move(result));
  PyObject* capsule = PyCapsule_New(static_cast<ResultArrays*>(arrays.get()), kCapsule, &destroy);
  if (capsule == nullptr) throw py::error_already_set();
  arrays.release();
  return capsule;
}

template PyObject* wrap_result(Result<float>&&);
template PyObject* wrap_result(Result<double>&&);
template PyObject* wrap_result(Result<std::int32_t>&&);

void register_result(py::module_& module) {
  for (int field = 0; field < static_cast<int>(kNames.size()); ++field) {
    module.def(
        kNames[static_cast<std::size_t>(field)],
        [field](const py::capsule& result) {
          const auto* arrays =
              static_cast<const ResultArrays*>(PyCapsule_GetPointer(result.ptr(), kCapsule));
          if (arrays == nullptr) throw py::error_already_set();
          return arrays->get(field);
        },
        py::arg("result"));
  }
}

}  // namespace dsqn::python
