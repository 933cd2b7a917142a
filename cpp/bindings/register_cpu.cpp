#include <pybind11/stl.h>

#include "dsqn/cpu.hpp"
#include "dsqn/crossover.hpp"
#include "dsqn/error.hpp"
#include "dsqn/peak.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace dsqn::python {

void register_cpu(py::module_& module) {
  py::register_exception<CpuError>(module, "CpuError", PyExc_RuntimeError);
  py::register_exception<RangeError>(module, "RangeError", PyExc_ValueError);
  module.def("available_isas", &available_isas, "Instruction sets that run here, slowest first.");
  module.def(
      "active_isa", [] { return std::string(kernels().isa); },
      "The instruction set in use: the fastest, or the one DSQN_FORCE_ISA names.");
  module.def("row_add_rate", &row_add_rate, py::arg("seconds"),
             py::call_guard<py::gil_scoped_release>(),
             "Additions per second of float32 rows in the L1 cache, the best of some seconds.");
  module.def("block_seconds", &block_seconds, py::arg("inputs"), py::arg("outputs"),
             py::arg("density"), py::arg("all_steps"), py::arg("seconds"),
             py::call_guard<py::gil_scoped_release>(),
             "Shortest seconds of a float32 block of 64 steps, spikes one by one or all steps.");
}

}  // namespace dsqn::python
