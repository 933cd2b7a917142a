#include "register.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled simulator; use dsqn_fast.Engine, which checks its arguments.";
  dsqn::python::register_cpu(module);
  dsqn::python::register_result(module);
  dsqn::python::register_simulator(module);
  dsqn::python::register_encoding(module);
}
