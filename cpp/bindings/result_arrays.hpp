// Results as Python holds them: behind one interface, whatever the precision.
#pragma once

#include <pybind11/pybind11.h>

#include "dsqn/result.hpp"

namespace dsqn::python {

// Arrays are copies, made when they are asked for.
class ResultArrays {
 public:
  virtual ~ResultArrays() = default;
  virtual pybind11::object get(int field) const = 0;
};

// A capsule: made much faster than an instance of a bound class.
template <class T>
PyObject* wrap_result(Result<T>&& result);

}  // namespace dsqn::python
