#ifndef OPENP5_DATASETS_NUMPY_ARGSORT_H_
#define OPENP5_DATASETS_NUMPY_ARGSORT_H_

#include <cstdint>
#include <span>
#include <vector>

namespace openp5::datasets {

// The row numbers 0 … n-1 in ascending order of `keys`, equal keys in the very order in which
// NumPy's `argsort(kind="quicksort")` left them before its vectorised versions (1.25 with AVX-512,
// 2.0 with AVX2): an introsort (Musser 1997) with median of three, insertion sort for short
// segments and heapsort for those that were split too often. OpenP5's datasets were sorted by it,
// and most of their timestamps are shared, so this order decides the test items.
std::vector<int64_t> NumpyArgsort(std::span<const int64_t> keys);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_NUMPY_ARGSORT_H_
