// The standard headers of a CUDA unit: those that torch/types.h brings in under nvcc (`nvcc -M`). Under KBSHIM_SLIM
// only those that <cuda_runtime.h> has read already, and those that the driver asks for because the source names
// something of theirs (demand.py): most of the front ends' time goes into the others.
#pragma once

#include <assert.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <type_traits>
#include <utility>

#ifdef KBSHIM_SLIM
#ifdef KBSHIM_WITH_ALGORITHM_BASE
#include <bits/stl_algobase.h>
#endif
#ifdef KBSHIM_WITH_TUPLE
#define KBSHIM_HAS_TUPLE
#include <tuple>
#endif
#ifdef KBSHIM_WITH_ARRAY
#define KBSHIM_HAS_ARRAY
#include <array>
#endif
#ifdef KBSHIM_WITH_OPTIONAL
#define KBSHIM_HAS_OPTIONAL
#include <optional>
#endif
#ifdef KBSHIM_WITH_VECTOR
#define KBSHIM_HAS_VECTOR
#include <vector>
#endif
#ifdef KBSHIM_WITH_STREAM
#define KBSHIM_HAS_STREAM
#include <sstream>
#include <stdexcept>
#include <string>
#endif
#ifdef KBSHIM_WITH_NARROW
#define KBSHIM_HAS_NARROW
#endif
#ifdef KBSHIM_WITH_THRUST
#include <thrust/complex.h>  // all of thrust that torch's headers bring
#endif
#endif

#ifndef KBSHIM_SLIM
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <bitset>
#include <cassert>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <clocale>
#include <compare>
#include <complex>
#include <concepts>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <cwchar>
#include <cwctype>
#include <deque>
#include <exception>
#include <functional>
#include <iomanip>
#include <ios>
#include <iosfwd>
#include <iostream>
#include <istream>
#include <iterator>
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
#include <ratio>
#include <semaphore>
#include <set>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <streambuf>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>
#include <version>
#endif
