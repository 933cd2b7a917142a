// Vectors of one instruction set, by the compiler's vector extensions. Included by kernel
// sources only. Everything is in an anonymous namespace: an object file per instruction set.
#pragma once

#include <cstdint>

#ifndef DSQN_VECTOR_BYTES
#error "DSQN_VECTOR_BYTES is set by the build for each instruction set; 0 means scalar"
#endif

namespace {

template <class T>
struct VecOf;

#if DSQN_VECTOR_BYTES == 0
// One lane: the same source, the compiler sees plain scalars in a vector of one.
inline constexpr int kVectorBytesF32 = 4;
inline constexpr int kVectorBytesF64 = 8;
#else
inline constexpr int kVectorBytesF32 = DSQN_VECTOR_BYTES;
inline constexpr int kVectorBytesF64 = DSQN_VECTOR_BYTES;
#endif

template <>
struct VecOf<float> {
  typedef float type __attribute__((vector_size(kVectorBytesF32), may_alias));
  typedef std::int32_t mask __attribute__((vector_size(kVectorBytesF32), may_alias));
  typedef std::uint32_t bits __attribute__((vector_size(kVectorBytesF32), may_alias));
};
template <>
struct VecOf<std::int32_t> {
  typedef std::int32_t type __attribute__((vector_size(kVectorBytesF32), may_alias));
  typedef std::int32_t mask __attribute__((vector_size(kVectorBytesF32), may_alias));
  typedef std::uint32_t bits __attribute__((vector_size(kVectorBytesF32), may_alias));
};
template <>
struct VecOf<double> {
  typedef double type __attribute__((vector_size(kVectorBytesF64), may_alias));
  typedef std::int64_t mask __attribute__((vector_size(kVectorBytesF64), may_alias));
  typedef std::uint64_t bits __attribute__((vector_size(kVectorBytesF64), may_alias));
};

template <class T>
using Vec = typename VecOf<T>::type;
template <class T>
using Mask = typename VecOf<T>::mask;
template <class T>
using Bits = typename VecOf<T>::bits;  // unsigned: its highest bit may be set and shifted out

template <class T>
inline constexpr int kLanes = static_cast<int>(sizeof(Vec<T>) / sizeof(T));
template <class T>
inline constexpr int kUnitLanes = dsqn::kUnitBytes / static_cast<int>(sizeof(T));
template <class T>
inline constexpr int kUnitVectors = kUnitLanes<T> / kLanes<T>;

template <class T>
inline Vec<T> load(const T* p) {
  return *reinterpret_cast<const Vec<T>*>(p);
}
template <class T>
inline void store(T* p, Vec<T> v) {
  *reinterpret_cast<Vec<T>*>(p) = v;
}
template <class T>
inline Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

}  // namespace
