// The standard and system headers that torch/extension.h brings in on Linux with g++ (found with `g++ -M`), and no
// others: a candidate that forgets <cmath> compiles against the real headers, one that forgets <fstream> does not.
// nvcc sees fewer: std_cuda.h.
#pragma once

#ifdef __CUDACC__
#include "kbshim/std_cuda.h"
#else

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <immintrin.h>
#include <inttypes.h>
#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <syscall.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <bitset>
#include <cassert>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <climits>
#include <clocale>
#include <cmath>
#include <compare>
#include <complex>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <cwchar>
#include <cwctype>
#include <deque>
#include <exception>
#include <forward_list>
#include <functional>
#include <initializer_list>
#include <iomanip>
#include <ios>
#include <iosfwd>
#include <iostream>
#include <istream>
#include <iterator>
#include <limits>
#include <list>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numbers>
#include <numeric>
#include <optional>
#include <ostream>
#include <queue>
#include <ranges>
#include <ratio>
#include <semaphore>
#include <set>
#include <span>
#include <sstream>
#include <stack>
#include <stdexcept>
#include <stop_token>
#include <streambuf>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <valarray>
#include <variant>
#include <vector>
#include <version>

// ATen/ParallelOpenMP.h includes it under the same condition.
#ifdef _OPENMP
#include <omp.h>
#endif
#endif

// What there is for the rest of the headers to use; std_cuda.h may leave some out.
#ifndef KBSHIM_SLIM
#define KBSHIM_HAS_ARRAY
#define KBSHIM_HAS_OPTIONAL
#define KBSHIM_HAS_STREAM
#define KBSHIM_HAS_TUPLE
#define KBSHIM_HAS_VECTOR
#ifdef __CUDACC__
#define KBSHIM_HAS_NARROW
#endif
#endif
