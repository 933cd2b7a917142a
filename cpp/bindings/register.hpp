// One function per category of bindings; module.cpp calls them all.
#pragma once

#include <pybind11/pybind11.h>

namespace dsqn::python {

void register_cpu(pybind11::module_& module);
void register_result(pybind11::module_& module);
void register_simulator(pybind11::module_& module);
void register_encoding(pybind11::module_& module);

}  // namespace dsqn::python
