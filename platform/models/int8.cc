#include "platform/models/int8.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace openp5::models {
namespace {

// Sums of a tile stay in the cache until they are scaled.
constexpr int64_t kTileRows = 256, kTileColumns = 2048;
constexpr float kLargest = 127;

// Written so that compilers use vector instructions: a maximum of floats is not reordered by them.
float LargestMagnitude(const float* x, int64_t count) {
  constexpr int64_t kLanes = 16;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const float magnitude = std::abs(x[i + lane]);
      lanes[lane] = lanes[lane] < magnitude ? magnitude : lanes[lane];
    }
  }
  for (; i < count; ++i) lanes[0] = std::max(lanes[0], std::abs(x[i]));
  return *std::max_element(lanes, lanes + kLanes);
}

// The nearest integers to x / scale; halves go away from zero.
void QuantizeRow(const float* x, int64_t count, float scale, int8_t* out) {
  const float factor = scale > 0 ? 1 / scale : 0;
  for (int64_t i = 0; i < count; ++i) {
    const float scaled = x[i] * factor;
    out[i] = static_cast<int8_t>(static_cast<int32_t>(scaled + std::copysign(0.5f, scaled)));
  }
}

// `out` [n, columns of `sums`], a part of a wider matrix: sums times the scales of row and column.
void Scale(const at::Tensor& sums, const float* row_scales, const float* column_scales,
           at::Tensor out) {
  const int64_t columns = sums.size(1), stride = out.stride(0);
  const int32_t* from = sums.data_ptr<int32_t>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, sums.size(0), /*grain_size=*/std::max<int64_t>(1, 32768 / columns),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t row = begin; row < end; ++row) {
                       for (int64_t column = 0; column < columns; ++column) {
                         to[row * stride + column] =
                             static_cast<float>(from[row * columns + column]) *
                             (row_scales[row] * column_scales[column]);
                       }
                     }
                   });
}

}  // namespace

Int8Rows QuantizeRows(const at::Tensor& x) {
  const at::Tensor rows = x.contiguous();
  const int64_t count = rows.size(0), columns = rows.size(1);
  Int8Rows result{at::empty({count, columns}, at::kChar), at::empty({count})};
  const float* from = rows.data_ptr<float>();
  int8_t* to = result.values.data_ptr<int8_t>();
  float* scales = result.scales.data_ptr<float>();
  at::parallel_for(0, count, /*grain_size=*/std::max<int64_t>(1, 32768 / columns),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t row = begin; row < end; ++row) {
                       const float* x_row = from + row * columns;
                       scales[row] = LargestMagnitude(x_row, columns) / kLargest;
                       QuantizeRow(x_row, columns, scales[row], to + row * columns);
                     }
                   });
  return result;
}

at::Tensor Int8Linear(const at::Tensor& x, const Int8Rows& weights) {
  const Int8Rows rows = QuantizeRows(x);
  const int64_t n = x.size(0), out = weights.values.size(0);
  at::Tensor result = at::empty({n, out});
  for (int64_t row = 0; row < n; row += kTileRows) {
    const int64_t height = std::min(kTileRows, n - row);
    for (int64_t column = 0; column < out; column += kTileColumns) {
      const int64_t width = std::min(kTileColumns, out - column);
      const at::Tensor sums = at::_int_mm(rows.values.narrow(0, row, height),
                                          weights.values.narrow(0, column, width).t());
      Scale(sums, rows.scales.data_ptr<float>() + row, weights.scales.data_ptr<float>() + column,
            result.narrow(0, row, height).narrow(1, column, width));
    }
  }
  return result;
}

}  // namespace openp5::models
