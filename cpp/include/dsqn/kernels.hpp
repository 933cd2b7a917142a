// What a kernel is given. Kernel sources are compiled once per instruction set, so this header
// holds plain structs only: an inline library function compiled with AVX-512 could otherwise be
// the one that the linker keeps for everybody.
#pragma once

#include <cstdint>

namespace dsqn {

// Time is simulated in blocks: one bit per step, one word per neuron and block.
inline constexpr int kBlock = 64;
// Channels are padded to whole units of 64 bytes; weights lie in panels of up to 4 units.
inline constexpr int kUnitBytes = 64;
inline constexpr int kPanelUnits = 4;
// Decisions of a small dense network that are simulated together: each is a pixel of its own.
inline constexpr int kGroup = 4;
// Decisions of a large dense network whose constant currents are computed together: they share
// what they read of the weights.
inline constexpr int kCurrentGroup = 64;

// Potentials are float or double, or 32-bit integers of a fixed-point network, whose weights have
// 16 bits and whose observations are float.
template <class T>
struct Types {
  using Weight = T;
  using Input = T;
};
template <>
struct Types<std::int32_t> {
  using Weight = std::int16_t;
  using Input = float;
};

enum class Reset : std::uint8_t { none, subtraction, zero };
enum class Spikes : std::uint8_t { binary, burst, signed_ };

// How rows of weights are added: spike by spike, or at all steps with 0 where there is no spike.
enum class Adding : std::uint8_t { by_density, spikes, all_steps };

// A run of inputs that one output pixel sees: those of input pixel `from` meet as many rows of
// weights from `row` on. A dense population is one pixel with one tap, its inputs one pixel.
struct Tap {
  std::int32_t from;
  std::int32_t row;
};

// Which inputs each pixel of a population sees, in the order of additions.
struct Wiring {
  int n_pixels;
  int span;        // inputs per input pixel that have weights
  int stride;      // inputs per input pixel, padding included
  int n_rows;      // rows of weights
  int n_units;     // padded channels per pixel / (kUnitBytes / sizeof(T))
  int n_channels;  // without padding
  const Tap* taps;
  const std::int32_t* offset;  // taps of pixel p are offset[p] ... offset[p + 1]
};

// Spikes that arrive at a population in one block.
struct Arrivals {
  int n_pixels;                // input pixels
  const std::uint64_t* words;  // bit t of words[i] is input i at step t
  const std::int16_t* values;  // [input][kBlock] spike values, or null where all are 1
};

// A population of spikes without values, step by step: its inputs come in words of 64, whose rows
// of weights follow each other. Pixels that see the same inputs share words.
inline constexpr int kWordInputs = 64;
struct WordPiece {
  std::int32_t first;  // input
  std::int32_t n;
};
struct WordUse {
  std::int32_t word;
  std::int32_t row;  // of the word's first input
};
struct StepWords {
  const WordPiece* pieces;
  const std::int32_t* piece_offset;  // pieces of word w are piece_offset[w] ... [w + 1]
  int n_words;                       // of a decision; 0: not planned
  const WordUse* uses;               // in the order of additions
  const std::int32_t* use_offset;    // uses of pixel p are use_offset[p] ... [p + 1]
  int n_pixels;                      // of a decision
};

// The spikes of a word in a block.
struct SteppedWord {
  std::uint64_t spikes[kBlock];  // by step: bit i is input i
  std::uint64_t active;          // inputs that spike at all
  std::uint8_t order[kBlock];    // steps by ascending number of spikes
  std::int32_t n_silent;         // steps without a spike: the first of `order`
};

// Scratch memory of a worker.
template <class T>
struct Scratch {
  T* sums;                 // [kGroup][kBlock][panel width]
  std::int16_t* narrow;    // [kBlock][panel width] in 16 bits, for fixed point
  std::int32_t* active;    // [input pixel][stride]: offsets of the inputs that spike
  std::int32_t* n_active;  // [input pixel]
  SteppedWord* stepped;    // [decision][word]
};

// A population of fixed point as a product of matrices. Spikes are bytes 0 and 1, which lie as
// [row of the image][step][column][channel], with the window's padding around: every output pixel
// reads a run of bytes for each row of its kernel. Made for instructions that multiply tiles of 16
// rows of 64 bytes: a tile of spikes has a step per row, a tile of weights 64 inputs for 16
// neurons.
inline constexpr int kTileInputs = 64;
inline constexpr int kTileSide = 16;

struct Tiles {
  const std::uint8_t* weights;  // [neurons / 16][n_offsets]{high bytes, low bytes}[16][16][4]
  bool two_bytes;               // weights are 256 * high (signed) + low (unsigned); else high
  const std::int32_t* offsets;  // of each tile of spikes from the first byte of a pixel's window
  int n_offsets;
  const std::int32_t* pixels;   // first byte of each output pixel's window
  int height, width, channels;  // of the image of spikes; a dense population takes it as a pixel
  int rows;                     // of the image, with padding
  bool padded;                  // there is padding, which has to be cleared
  std::int64_t first_byte;      // of the image, behind the padding
  std::int64_t step_bytes, row_bytes, lane_bytes;  // to the next step, row, decision of a group
  std::uint8_t* spikes;                            // scratch
};

// Asks between pieces of work whether to go on; kernels return at once, with unfinished results,
// where not. A plain function, since kernels do not throw.
struct Stop {
  bool (*asked)(void* context, std::int64_t additions);
  void* context;
};

// One population over one block of time. Arrays per channel are padded to whole units, arrays
// per neuron are [pixel][padded channel]; all are aligned.
template <class T>
struct PopulationBlock {
  int n_steps;  // 1 ... kBlock
  Wiring wiring;

  // Synaptic input: either the constant current per step and neuron (bias included) or spikes.
  const T* constant;
  const typename Types<T>::Weight* weights;  // panels of [n_rows][panel width]
  Adding adding;                             // where it makes a difference to time
  int chunk_rows;  // fixed point: rows whose weights cannot overflow 16 bits in sum
  Tiles tiles;     // for population_tiles, instead of `weights`
  StepWords steps;
  Arrivals arrivals;
  Scratch<T> scratch;

  // Dynamics; bias and theta per channel
  const T* bias;
  const T* theta;  // infinity in padding lanes
  T alpha, beta;
  Reset reset;  // none: the population never spikes
  Spikes spikes;
  int burst_limit;
  bool strict;      // fires for v > theta instead of v >= theta
  bool late_reset;  // resets one step late by `unit` (timing spytorch)
  T unit;           // what stands for 1
  bool bias_first;  // v = (bias + input) + beta * v (timing nest, reset by subtraction)
  bool is_output;   // its potentials are looked at in the end
  T* v;
  T* synapse;  // used where alpha > 0
  T* sum;      // spikes so far, used by signed spikes
  T* fired;    // spikes of the step before, used by late resets

  // Results
  std::uint64_t* out_words;
  std::int16_t* out_values;  // [neuron][kBlock], null for binary spikes
  T* potentials;             // [n_steps][padded neurons], null where not recorded

  Stop stop;
};

// Small dense networks run as a whole.
inline constexpr int kLockstepLayers = 6;
inline constexpr int kLockstepNeurons = 512;  // padded, of all populations
// Smaller ones look sums of weights up; see kernels/lookup.inc.
inline constexpr int kLookupLayers = 3;
inline constexpr int kLookupInputs = 16;
inline constexpr int kOutputBytes = 16;

template <class T>
struct LockstepLayer {
  const typename Types<T>::Weight* weights;  // panels of [n_in][panel width]
  const T* bias;
  const T* theta;  // above every potential where the population never spikes
  int n_in;        // padded
  int n_out;
  int width;  // n_out, padded
  int first;  // padded neurons of the populations before
  // Sums of weights by the spikes of the population before, bit i is input i; null where they are
  // not looked up. A row has kUnitBytes, that of the output kOutputBytes.
  const T* table;
};

// All steps of 1 ... kGroup decisions. Arrays per neuron are [population][decision][neuron].
template <class T>
struct Lockstep {
  const LockstepLayer<T>* layers;
  int n_layers;
  int n_decisions;
  int width;  // padded neurons of all populations of a decision
  std::int64_t additions_per_step;
  std::int64_t n_steps;
  T beta;
  bool zero;         // reset to zero instead of by subtraction
  const T* current;  // constant, [decision][neuron of the first population]
  const T* nothing;  // a vector of -0, which changes no sum
  T* v;
  std::uint64_t* words;  // scratch: spikes, one for each neuron
  T* sums;               // scratch: kBlock for each neuron
  std::int32_t* counts;
  bool output_spikes;
  bool prunes;             // without the neurons that cannot fire; see kernels/remaining.inc
  unsigned char* scratch;  // for the others
  Stop stop;
};

// Constant current: c = bias; c += x[i] * W[row, :] in the order of the wiring.
template <class T>
struct ConstantCurrent {
  Wiring wiring;
  const T* x;
  const T* weights;
  const T* bias;
  bool skips;  // a bias is -0, to which not even 0 may be added
  T* current;
  std::int32_t* active;    // scratch: [input pixel][stride]
  std::int32_t* n_active;  // scratch: [input pixel]
  T* values;  // scratch: the inputs that are listed in `active`; null where nobody needs them
  int n_input_pixels;
  Stop stop;
};

// Constant current in fixed point: rint(exact * scale), [pixel][padded channel].
struct RoundedCurrent {
  const float* exact;
  const float* scale;    // powers of two, per channel
  const float* largest;  // per channel
  int n_pixels, n_channels;
  std::int32_t* current;
};

struct KernelTable {
  const char* isa;
  void (*population_f32)(const PopulationBlock<float>&);
  void (*population_f64)(const PopulationBlock<double>&);
  void (*population_fixed)(const PopulationBlock<std::int32_t>&);
  // The same by products of matrices, of spikes without values; null where that is not faster.
  void (*population_tiles)(const PopulationBlock<std::int32_t>&);
  void (*lockstep_f32)(const Lockstep<float>&);
  void (*lockstep_f64)(const Lockstep<double>&);
  void (*lockstep_fixed)(const Lockstep<std::int32_t>&);
  void (*constant_f32)(const ConstantCurrent<float>&);
  void (*constant_f64)(const ConstantCurrent<double>&);
  // False where a current is larger than it may be.
  bool (*round)(const RoundedCurrent&);
  // counts[j] += number of bits of words[j] & mask; returns their sum over all j < n.
  std::int64_t (*count)(const std::uint64_t* words, std::uint64_t mask, int n,
                        std::int32_t* counts);
  // Sum over j < n of the number of bits of words[j] & mask times weights[j].
  std::int64_t (*weigh)(const std::uint64_t* words, std::uint64_t mask, int n,
                        const std::int64_t* weights);
  // For the roofline: a row of one panel added to sums[kBlock][panel width].
  void (*add_row_to_all)(float* sums, const float* row, int times);
};

}  // namespace dsqn
