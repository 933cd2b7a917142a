#include "dsqn/cpu.hpp"

#include <cstdlib>
#ifdef DSQN_HAS_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "dsqn/error.hpp"

extern "C" {
const dsqn::KernelTable* dsqn_kernels_scalar();
#ifdef DSQN_HAS_X86
const dsqn::KernelTable* dsqn_kernels_avx2();
const dsqn::KernelTable* dsqn_kernels_avx512();
#endif
#ifdef DSQN_HAS_AMX
const dsqn::KernelTable* dsqn_kernels_amx();
#endif
#ifdef DSQN_HAS_NEON
const dsqn::KernelTable* dsqn_kernels_neon();
#endif
}

namespace dsqn {

namespace {

#ifdef DSQN_HAS_AMX
// Linux saves tiles only for processes that have asked; threads and children inherit the answer.
bool may_use_tiles() {
  constexpr unsigned tiles_of_bytes = 1U << 24 | 1U << 25;  // amx_tile, amx_int8
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if ((edx & tiles_of_bytes) != tiles_of_bytes) return false;
  constexpr long request = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request, tile_data) == 0;
}

// AVX-512, and what AMX does better.
const KernelTable& amx_table() {
  static const KernelTable table = [] {
    const KernelTable& amx = *dsqn_kernels_amx();
    KernelTable both = *dsqn_kernels_avx512();
    both.isa = amx.isa;
    both.population_tiles = amx.population_tiles;
    both.count = amx.count;
    both.weigh = amx.weigh;
    return both;
  }();
  return table;
}
#endif

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
#ifdef DSQN_HAS_AMX
      static const bool tiles = may_use_tiles();
      if (tiles && __builtin_cpu_supports("avx512vpopcntdq")) tables.push_back(&amx_table());
#endif
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
