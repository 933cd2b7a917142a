#include "dsqn/cpu.hpp"

#include <cstdlib>

#include "dsqn/error.hpp"

extern "C" {
const dsqn::KernelTable* dsqn_kernels_scalar();
#ifdef DSQN_HAS_X86
const dsqn::KernelTable* dsqn_kernels_avx2();
const dsqn::KernelTable* dsqn_kernels_avx512();
#endif
#ifdef DSQN_HAS_NEON
const dsqn::KernelTable* dsqn_kernels_neon();
#endif
}

namespace dsqn {

namespace {

// Slowest first.
std::vector<const KernelTable*> runnable() {
  std::vector<const KernelTable*> tables = {dsqn_kernels_scalar()};
#ifdef DSQN_HAS_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
      __builtin_cpu_supports("bmi")) {
    tables.push_back(dsqn_kernels_avx2());
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      tables.push_back(dsqn_kernels_avx512());
    }
  }
#endif
#ifdef DSQN_HAS_NEON
  tables.push_back(dsqn_kernels_neon());
#endif
  return tables;
}

const KernelTable& choose() {
  const auto tables = runnable();
  const char* forced = std::getenv("DSQN_FORCE_ISA");
  if (forced == nullptr || *forced == '\0') return *tables.back();
  std::string names;
  for (const auto* table : tables) {
    if (std::string(forced) == table->isa) return *table;
    names += (names.empty() ? "" : ", ") + std::string(table->isa);
  }
  throw CpuError("DSQN_FORCE_ISA is '" + std::string(forced) + "', but this machine runs " + names +
                 ": choose one of these or unset it");
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const auto* table : runnable()) names.emplace_back(table->isa);
  return names;
}

const KernelTable& kernels() {
  static const KernelTable& chosen = choose();
  return chosen;
}

}  // namespace dsqn
