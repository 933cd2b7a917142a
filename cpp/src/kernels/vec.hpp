// Vectors of one instruction set, by the compiler's vector extensions. Included by kernel
// sources only. Everything is in an anonymous namespace: an object file per instruction set.
#pragma once

#include <cstdint>
#if defined(DSQN_VECTOR_BYTES) && DSQN_VECTOR_BYTES >= 32
#include <immintrin.h>
#endif

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
  typedef float outputs __attribute__((vector_size(16), may_alias));
  typedef float type __attribute__((vector_size(kVectorBytesF32), may_alias));
  typedef std::int32_t mask __attribute__((vector_size(kVectorBytesF32), may_alias));
  typedef std::uint32_t word;
  typedef std::uint32_t bits __attribute__((vector_size(kVectorBytesF32), may_alias));
};
template <>
struct VecOf<std::int32_t> {
  typedef std::int32_t outputs __attribute__((vector_size(16), may_alias));
  typedef std::int32_t type __attribute__((vector_size(kVectorBytesF32), may_alias));
  typedef std::int32_t mask __attribute__((vector_size(kVectorBytesF32), may_alias));
  typedef std::uint32_t word;
  typedef std::uint32_t bits __attribute__((vector_size(kVectorBytesF32), may_alias));
};
template <>
struct VecOf<double> {
  typedef double outputs __attribute__((vector_size(16), may_alias));
  typedef double type __attribute__((vector_size(kVectorBytesF64), may_alias));
  typedef std::int64_t mask __attribute__((vector_size(kVectorBytesF64), may_alias));
  typedef std::uint64_t word;
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
// Sums as V has them, from as many values of 16 bits in the case of fixed point.
template <class V, class T>
inline V load_as(V, const T* p) {
  if constexpr (sizeof(T) == sizeof(V{}[0])) {
    return load(p);
  } else {
    typedef T Short __attribute__((vector_size(sizeof(V) / sizeof(V{}[0]) * sizeof(T)),
                                   aligned(sizeof(T)), may_alias));
    return __builtin_convertvector(*reinterpret_cast<const Short*>(p), V);
  }
}
template <class T>
inline void store(T* p, Vec<T> v) {
  *reinterpret_cast<Vec<T>*>(p) = v;
}
template <class T, class V>
inline void store_anywhere(T* p, V v) {  // not aligned
  typedef V Unaligned __attribute__((aligned(sizeof(T)), may_alias));
  *reinterpret_cast<Unaligned*>(p) = v;
}
template <class T>
inline Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

#if DSQN_VECTOR_BYTES == 64
// Mask registers by hand: compilers would compare once for each use.
inline __mmask16 at_least(Vec<float> a, Vec<float> b) {
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GE_OQ);
}
inline __mmask8 at_least(Vec<double> a, Vec<double> b) {
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GE_OQ);
}
inline __mmask16 at_least(Vec<std::int32_t> a, Vec<std::int32_t> b) {
  return _mm512_cmpge_epi32_mask((__m512i)a, (__m512i)b);
}
// a - b where the mask is set, else a.
inline Vec<float> subtract(__mmask16 m, Vec<float> a, Vec<float> b) {
  return (Vec<float>)_mm512_mask_sub_ps((__m512)a, m, (__m512)a, (__m512)b);
}
inline Vec<double> subtract(__mmask8 m, Vec<double> a, Vec<double> b) {
  return (Vec<double>)_mm512_mask_sub_pd((__m512d)a, m, (__m512d)a, (__m512d)b);
}
inline Vec<std::int32_t> subtract(__mmask16 m, Vec<std::int32_t> a, Vec<std::int32_t> b) {
  return (Vec<std::int32_t>)_mm512_mask_sub_epi32((__m512i)a, m, (__m512i)a, (__m512i)b);
}
// b where the mask is set, else a.
template <class V>
inline V blend(__mmask16 m, V a, V b) {
  return (V)_mm512_mask_blend_epi32(m, (__m512i)a, (__m512i)b);
}
inline Vec<double> blend(__mmask8 m, Vec<double> a, Vec<double> b) {
  return (Vec<double>)_mm512_mask_blend_epi64(m, (__m512i)a, (__m512i)b);
}
// counts + 1 where the mask is set.
inline Mask<float> add_one(__mmask16 m, Mask<float> counts) {
  return (Mask<float>)_mm512_mask_sub_epi32((__m512i)counts, m, (__m512i)counts,
                                            _mm512_set1_epi32(-1));
}
inline Mask<double> add_one(__mmask8 m, Mask<double> counts) {
  return (Mask<double>)_mm512_mask_sub_epi64((__m512i)counts, m, (__m512i)counts,
                                             _mm512_set1_epi64(-1));
}
// Bit k is lane k.
inline unsigned number(__mmask16 m) { return m; }
inline unsigned number(__mmask8 m) { return m; }
template <class B>
inline B set(__mmask16 m, B bits, B bit) {
  return (B)_mm512_mask_or_epi32((__m512i)bits, m, (__m512i)bits, (__m512i)bit);
}
inline Bits<double> set(__mmask8 m, Bits<double> bits, Bits<double> bit) {
  return (Bits<double>)_mm512_mask_or_epi64((__m512i)bits, m, (__m512i)bits, (__m512i)bit);
}
#else
template <class V>
inline auto at_least(V a, V b) {
  return a >= b;
}
template <class M, class V>
inline V blend(M m, V a, V b) {
  return m ? b : a;
}
// The difference is taken before the mask is known: there are no masked subtractions.
template <class M, class V>
inline V subtract(M m, V a, V b) {
  return m ? a - b : a;
}
template <class M>
inline M add_one(M m, M counts) {
  return counts - m;
}
template <class M>
inline unsigned number(M m) {
#if DSQN_VECTOR_BYTES == 32
  if constexpr (sizeof(m[0]) == 4) {
    return static_cast<unsigned>(_mm256_movemask_ps((__m256)m));
  } else {
    return static_cast<unsigned>(_mm256_movemask_pd((__m256d)m));
  }
#else
  unsigned bits = 0;
  for (unsigned k = 0; k < sizeof(M) / sizeof(m[0]); ++k) bits |= (m[k] != 0 ? 1u : 0u) << k;
  return bits;
#endif
}
template <class M, class B>
inline B set(M m, B bits, B bit) {
  return bits | (reinterpret_cast<B>(m) & bit);
}
#endif

// Moves the lanes whose bits are set to the front, before unspecified others.
#if DSQN_VECTOR_BYTES == 64
template <class T>
class Front {
 public:
  explicit Front(unsigned bits) : mask_(static_cast<decltype(mask_)>(bits)) {}
  Vec<T> operator()(Vec<T> v) const {
    if constexpr (sizeof(T) == 4) {
      return (Vec<T>)_mm512_maskz_compress_epi32(mask_, (__m512i)v);
    } else {
      return (Vec<T>)_mm512_maskz_compress_epi64(mask_, (__m512i)v);
    }
  }

 private:
  decltype(at_least(Vec<T>{}, Vec<T>{})) mask_;
};
#else
template <class T>
class Front {
 public:
  explicit Front(unsigned bits) : bits_(bits) {}
  Vec<T> operator()(Vec<T> v) const {
    Vec<T> moved{};
    int n = 0;
    for (unsigned bits = bits_; bits != 0; bits &= bits - 1) moved[n++] = v[__builtin_ctz(bits)];
    return moved;
  }

 private:
  unsigned bits_;
};
#endif
#if DSQN_VECTOR_BYTES == 32
// Row b: the numbers of the bits that are set in b.
struct SetBits {
  constexpr SetBits() {
    for (unsigned b = 0; b < 256; ++b) {
      int n = 0;
      for (unsigned k = 0; k < 8; ++k) {
        if ((b >> k & 1) != 0) rows[b][n++] = static_cast<std::uint8_t>(k);
      }
    }
  }
  std::uint8_t rows[256][8] = {};
};
inline constexpr SetBits kSetBits;

// By a permutation of lanes of 32 bits.
class FrontLanes {
 public:
  explicit FrontLanes(unsigned bits)
      : lanes_(_mm256_cvtepu8_epi32(
            _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kSetBits.rows[bits])))) {}
  __m256i operator()(__m256i v) const { return _mm256_permutevar8x32_epi32(v, lanes_); }

 private:
  __m256i lanes_;
};
template <>
class Front<float> : FrontLanes {
 public:
  using FrontLanes::FrontLanes;
  Vec<float> operator()(Vec<float> v) const {
    return (Vec<float>)FrontLanes::operator()((__m256i)v);
  }
};
template <>
class Front<std::int32_t> : FrontLanes {
 public:
  using FrontLanes::FrontLanes;
  Vec<std::int32_t> operator()(Vec<std::int32_t> v) const {
    return (Vec<std::int32_t>)FrontLanes::operator()((__m256i)v);
  }
};
#endif

// Where kept >= theta: v = kept - theta (reset to zero: 0) and `bit` is set in bits; else v = kept.
// `in_time` takes the difference before the comparison is known: v is there sooner, for one more
// instruction.
template <class T, bool zero, bool in_time>
inline void fire(Vec<T> kept, Vec<T> theta, Bits<T> bit, Vec<T>& v, Bits<T>& bits) {
  const auto fires = at_least(kept, theta);
  if (zero) {
    v = blend(fires, kept, Vec<T>{});
  } else if (in_time) {
    v = blend(fires, kept, kept - theta);
  } else {
    v = subtract(fires, kept, theta);
  }
  bits = set(fires, bits, bit);
}

}  // namespace
