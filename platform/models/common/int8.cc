#include "platform/models/common/int8.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>

namespace openp5::models {
namespace {

// Sums of a tile stay in the cache until they are scaled.
constexpr int64_t kTileRows = 256, kTileColumns = 2048;

// Inputs of a layer, between -128 and 127: row i stands for values[i] * scales[i] + offsets[i].
struct Int8Inputs {
  at::Tensor values, scales, offsets;
};

struct Range {
  float low, high;
};

// Written so that compilers use vector instructions: a maximum of floats is not reordered by them.
Range RangeOf(const float* x, int64_t count) {
  constexpr int64_t kLanes = 16;
  float low[kLanes], high[kLanes];
  std::fill_n(low, kLanes, x[0]);
  std::fill_n(high, kLanes, x[0]);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const float value = x[i + lane];
      low[lane] = value < low[lane] ? value : low[lane];
      high[lane] = value > high[lane] ? value : high[lane];
    }
  }
  for (; i < count; ++i) {
    low[0] = std::min(low[0], x[i]);
    high[0] = std::max(high[0], x[i]);
  }
  return {*std::min_element(low, low + kLanes), *std::max_element(high, high + kLanes)};
}

// The nearest integers to (x - low) / scale, less `shift`; 0 <= x - low.
void QuantizeRow(const float* x, int64_t count, float low, float scale, int32_t shift,
                 int8_t* out) {
  const float factor = scale > 0 ? 1 / scale : 0;
  for (int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<int8_t>(static_cast<int32_t>((x[i] - low) * factor + 0.5f) - shift);
  }
}

template <class Body>  // (row)
void ForRows(int64_t rows, int64_t columns, const Body& body) {
  at::parallel_for(0, rows, /*grain_size=*/std::max<int64_t>(1, 32768 / columns),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t row = begin; row < end; ++row) body(row);
                   });
}

Int8Inputs QuantizeInputs(const at::Tensor& x) {
  const at::Tensor rows = x.contiguous();
  const int64_t count = rows.size(0), columns = rows.size(1);
  Int8Inputs result{at::empty({count, columns}, at::kChar), at::empty({count}), at::empty({count})};
  const float* from = rows.data_ptr<float>();
  int8_t* to = result.values.data_ptr<int8_t>();
  float *scales = result.scales.data_ptr<float>(), *offsets = result.offsets.data_ptr<float>();
  ForRows(count, columns, [&](int64_t row) {
    const float* x_row = from + row * columns;
    const Range range = RangeOf(x_row, columns);
    const float scale = (range.high - range.low) / 255;
    scales[row] = scale;
    offsets[row] = range.low + 128 * scale;
    QuantizeRow(x_row, columns, range.low, scale, 128, to + row * columns);
  });
  return result;
}

// `out`, the part from `row` and `column` on: `sums` of products made what they stand for.
void Scale(const at::Tensor& sums, const Int8Inputs& inputs, const Int8Rows& weights, int64_t row,
           int64_t column, at::Tensor* out) {
  const int64_t columns = sums.size(1), stride = out->size(1);
  const int32_t* from = sums.data_ptr<int32_t>();
  const float* input_scales = inputs.scales.data_ptr<float>() + row;
  const float* input_offsets = inputs.offsets.data_ptr<float>() + row;
  const float* weight_scales = weights.scales.data_ptr<float>() + column;
  const float* weight_sums = weights.sums.data_ptr<float>() + column;
  float* to = out->data_ptr<float>() + row * stride + column;
  ForRows(sums.size(0), columns, [&](int64_t i) {
    for (int64_t j = 0; j < columns; ++j) {
      to[i * stride + j] =
          static_cast<float>(from[i * columns + j]) * (input_scales[i] * weight_scales[j]) +
          input_offsets[i] * weight_sums[j];
    }
  });
}

}  // namespace

Int8Rows QuantizeRows(const at::Tensor& x) {
  const at::Tensor rows = x.contiguous();
  const int64_t count = rows.size(0), columns = rows.size(1);
  Int8Rows result{at::empty({count, columns}, at::kChar), at::empty({count}), {}};
  const float* from = rows.data_ptr<float>();
  int8_t* to = result.values.data_ptr<int8_t>();
  float* scales = result.scales.data_ptr<float>();
  ForRows(count, columns, [&](int64_t row) {
    const float* x_row = from + row * columns;
    const Range range = RangeOf(x_row, columns);
    const float largest = std::max(-range.low, range.high);
    scales[row] = largest / 127;
    QuantizeRow(x_row, columns, -largest, scales[row], largest > 0 ? 127 : 0, to + row * columns);
  });
  result.sums = result.values.sum(1, /*keepdim=*/false, at::kLong).to(at::kFloat) * result.scales;
  return result;
}

at::Tensor Int8Linear(const at::Tensor& x, const Int8Rows& weights) {
  const Int8Inputs inputs = QuantizeInputs(x);
  const int64_t n = x.size(0), out = weights.values.size(0);
  at::Tensor result = at::empty({n, out});
  for (int64_t row = 0; row < n; row += kTileRows) {
    const int64_t height = std::min(kTileRows, n - row);
    for (int64_t column = 0; column < out; column += kTileColumns) {
      const int64_t width = std::min(kTileColumns, out - column);
      const at::Tensor sums = at::_int_mm(inputs.values.narrow(0, row, height),
                                          weights.values.narrow(0, column, width).t());
      Scale(sums, inputs, weights, row, column, &result);
    }
  }
  return result;
}

}  // namespace openp5::models
