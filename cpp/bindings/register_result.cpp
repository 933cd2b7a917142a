#include <pybind11/numpy.h>

#include "dsqn/result.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace dsqn::python {

namespace {

// A copy of `values` as an array of `shape`. Results are small; a copy keeps ownership simple.
template <class V>
py::array_t<V> to_array(const std::vector<V>& values, std::vector<std::size_t> shape) {
  return py::array_t<V>(std::move(shape), values.data());
}

template <class T>
void register_typed(py::module_& module, const char* name) {
  using R = Result<T>;
  py::class_<R> cls(module, name);
  cls.def_property_readonly("actions", [](const R& r) { return to_array(r.actions, {r.batch}); });
  cls.def_property_readonly("outputs", [](const R& r) {
    return to_array(r.outputs, {r.batch, static_cast<std::size_t>(r.n_actions)});
  });
  cls.def_property_readonly("spike_counts", [](const R& r) {
    py::tuple all(r.spike_counts.size());
    for (std::size_t l = 0; l < r.spike_counts.size(); ++l) {
      const auto& counts = r.spike_counts[l];
      const auto width = r.widths[l];
      all[l] = to_array(counts, {r.batch, width});
    }
    return all;
  });
  cls.def_property_readonly("total_spikes",
                            [](const R& r) { return to_array(r.total_spikes, {r.batch}); });
  cls.def_property_readonly("input_spikes",
                            [](const R& r) { return to_array(r.input_spikes, {r.batch}); });
  cls.def_property_readonly("synaptic_operations",
                            [](const R& r) { return to_array(r.synaptic_operations, {r.batch}); });
  cls.def_property_readonly("steps_used",
                            [](const R& r) { return to_array(r.steps_used, {r.batch}); });
  cls.def_property_readonly("spikes", [](const R& r) {
    py::dict all;
    for (const auto& recording : r.recordings) {
      const auto l = static_cast<std::size_t>(recording.population);
      all[py::int_(recording.population)] =
          to_array(recording.spikes, {r.batch, static_cast<std::size_t>(r.steps_run), r.widths[l]});
    }
    return all;
  });
  cls.def_property_readonly("potentials", [](const R& r) {
    py::dict all;
    for (const auto& recording : r.recordings) {
      const auto l = static_cast<std::size_t>(recording.population);
      all[py::int_(recording.population)] = to_array(
          recording.potentials, {r.batch, static_cast<std::size_t>(r.steps_run), r.widths[l]});
    }
    return all;
  });
}

}  // namespace

void register_result(py::module_& module) {
  register_typed<float>(module, "ResultF32");
  register_typed<double>(module, "ResultF64");
  register_typed<std::int32_t>(module, "ResultFixed");
}

}  // namespace dsqn::python
