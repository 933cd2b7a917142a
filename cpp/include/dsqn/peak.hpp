// The roofline of the kernels: how fast rows of weights can be added at best.
#pragma once

namespace dsqn {

// Additions per second of float rows that lie in the L1 cache, the best of what `seconds` show.
double row_add_rate(double seconds);

}  // namespace dsqn
