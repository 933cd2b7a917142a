#include <pybind11/numpy.h>

#include <algorithm>

#include "dsqn/encoding.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace dsqn::python {

namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// Input spikes (B, n_steps, n) of the encoding, as the simulator uses them.
py::array_t<std::int8_t> encode(bool poisson, const Array<double>& observations,
                                std::int64_t n_steps, std::uint64_t seed,
                                const Array<std::uint64_t>& decisions) {
  const auto batch = observations.shape(0), width = observations.shape(1);
  py::array_t<std::int8_t> spikes({batch, static_cast<py::ssize_t>(n_steps), width});
  auto to = spikes.mutable_unchecked<3>();
  Encoder encoder(static_cast<int>(width));
  std::vector<std::uint64_t> words(static_cast<std::size_t>(width));
  std::vector<std::int16_t> values(static_cast<std::size_t>(width) * kBlock);
  for (py::ssize_t row = 0; row < batch; ++row) {
    encoder.start(poisson ? Encoding::poisson : Encoding::equidistant,
                  observations.data() + row * width, seed, decisions.at(row));
    for (std::int64_t first = 0; first < n_steps; first += kBlock) {
      const int n = static_cast<int>(std::min<std::int64_t>(kBlock, n_steps - first));
      encoder.block(first, n, words.data(), values.data());
      for (int t = 0; t < n; ++t) {
        for (py::ssize_t i = 0; i < width; ++i) {
          const bool fired = words[static_cast<std::size_t>(i)] >> t & 1;
          to(row, first + t, i) =
              fired ? static_cast<std::int8_t>(values[static_cast<std::size_t>(i) * kBlock])
                    : std::int8_t{0};
        }
      }
    }
  }
  return spikes;
}

}  // namespace

void register_encoding(py::module_& module) {
  module.def("encode", &encode, py::arg("poisson"), py::arg("observations"), py::arg("n_steps"),
             py::arg("seed"), py::arg("decisions"));
}

}  // namespace dsqn::python
