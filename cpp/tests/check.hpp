// Checks of a test program: each that fails says where; main() returns how many did.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

namespace dsqn::test {

inline int failures = 0;

inline void fail(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  if (++failures >= 20) std::exit(1);  // the first ones tell enough
}

template <class A, class B>
void check_equal(const A& a, const B& b, const char* text, const char* file, int line) {
  if (a == b) return;
  std::ostringstream message;
  message << text << ": " << a << " and " << b;
  fail(file, line, message.str());
}

}  // namespace dsqn::test

#define CHECK(condition) \
  if (!(condition)) dsqn::test::fail(__FILE__, __LINE__, #condition)
#define CHECK_EQUAL(a, b) dsqn::test::check_equal(a, b, #a " == " #b, __FILE__, __LINE__)
#define CHECK_THROWS(expression, type)                                          \
  try {                                                                         \
    expression;                                                                 \
    dsqn::test::fail(__FILE__, __LINE__, #expression " does not throw " #type); \
  } catch (const type&) {                                                       \
  }
