#include "platform/models/common/int8.h"

#include <torch/types.h>

#include <cmath>
#include <vector>

#include "platform/models/llama/llama.h"
#include "platform/models/t5/t5.h"
#include "platform/tensor/runtime.h"
#include "tests/testing/testing.h"

namespace openp5::models {
namespace {

class Int8Test : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CpuComputesInt8()) GTEST_SKIP() << "needs a CPU with 8-bit dot products";
    at::manual_seed(1);
  }
};

// The same, one number at a time.
struct PlainRows {
  std::vector<std::vector<int>> values;
  std::vector<double> scales;

  explicit PlainRows(const at::Tensor& x) {
    for (int64_t row = 0; row < x.size(0); ++row) {
      double largest = 0;
      for (int64_t i = 0; i < x.size(1); ++i)
        largest = std::max(largest, std::abs(x[row][i].item<double>()));
      scales.push_back(largest / 127);
      values.emplace_back();
      for (int64_t i = 0; i < x.size(1); ++i) {
        values.back().push_back(
            largest > 0 ? static_cast<int>(std::round(x[row][i].item<double>() / largest * 127))
                        : 0);
      }
    }
  }
};

TEST_F(Int8Test, RowsHoldTheNearestNumbers) {
  at::Tensor x = at::randn({7, 37});
  x[2].zero_();
  x[3].mul_(1e6);
  x[4].mul_(1e-6);
  const Int8Rows rows = QuantizeRows(x);
  const PlainRows plain(x);
  for (int64_t row = 0; row < x.size(0); ++row) {
    const auto at_row = static_cast<size_t>(row);
    EXPECT_NEAR(rows.scales[row].item<double>(), plain.scales[at_row], plain.scales[at_row] * 1e-6);
    for (int64_t i = 0; i < x.size(1); ++i) {
      EXPECT_EQ(rows.values[row][i].item<int>(), plain.values[at_row][static_cast<size_t>(i)]);
    }
  }
}

// Each number of `x` as the nearest of the 256 that its row's range is divided by.
at::Tensor RoundedInputs(const at::Tensor& x) {
  const at::Tensor exact = x.to(at::kDouble);
  const at::Tensor low = exact.amin(1, true), scale = (exact.amax(1, true) - low) / 255;
  return ((exact - low) / scale).round() * scale + low;
}

// More rows and columns than a tile has; the last rows have one sign.
TEST_F(Int8Test, ProductsAreThoseOfTheRoundedNumbers) {
  const at::Tensor x = at::randn({259, 40}).narrow(1, 1, 33), weight = at::randn({2051, 33});
  x.slice(0, 250).relu_().add_(3);
  const at::Tensor y = Int8Linear(x, QuantizeRows(weight));
  const PlainRows matrix(weight);
  const at::Tensor inputs = RoundedInputs(x);
  ASSERT_EQ(y.sizes(), at::IntArrayRef({259, 2051}));
  for (const int64_t row : {0, 1, 255, 256, 258}) {
    for (const int64_t out : {0, 1, 2047, 2048, 2050}) {
      const auto o = static_cast<size_t>(out);
      double expected = 0;
      for (int64_t i = 0; i < 33; ++i) {
        expected += inputs[row][i].item<double>() * matrix.values[o][static_cast<size_t>(i)] *
                    matrix.scales[o];
      }
      EXPECT_NEAR(y[row][out].item<double>(), expected, 1e-4) << row << " " << out;
    }
  }
}

TEST_F(Int8Test, TakesRowsOfOneNumber) {
  const at::Tensor x = at::full({2, 64}, 3.5), weight = at::ones({5, 64});
  EXPECT_TRUE(at::allclose(Int8Linear(x, QuantizeRows(weight)), at::full({2, 5}, 224.0)));
  EXPECT_TRUE(at::equal(Int8Linear(at::zeros({2, 64}), QuantizeRows(weight)), at::zeros({2, 5})));
}

TEST_F(Int8Test, SumsOfTheLargestNumbersDoNotSaturate) {
  const at::Tensor x = at::ones({3, 4096});
  const at::Tensor y = Int8Linear(x, QuantizeRows(at::full({5, 4096}, -2.0)));
  EXPECT_TRUE(at::allclose(y, at::full({3, 5}, -8192.0), 1e-5));
}

// Scores after a prompt and two tokens.
at::Tensor Scores(LanguageModel& model) {
  const at::NoGradGuard no_gradients;
  const PackedBatch prompt{torch::tensor({5, 6, 7, 9}, at::kLong), {}, {4}};
  const auto state = model.Begin(prompt);
  const at::Tensor tokens =
      at::cat({state->start_tokens(), torch::tensor({8, 9}, at::kLong)}).view({1, 1, 3});
  return state->Logits(state->Advance(tokens).view({3, -1}));
}

// Close, so that no matrix is mixed up; not equal, so that the matrices are in int8.
void ExpectCloseOnceQuantized(LanguageModel& model) {
  const at::Tensor exact = Scores(model);
  model.QuantizeWeights();
  EXPECT_TRUE(model.parameters().empty());
  const double difference = ((Scores(model) - exact).norm() / exact.norm()).item<double>();
  EXPECT_LT(difference, 0.05);
  EXPECT_GT(difference, 1e-5);
}

TEST_F(Int8Test, T5sScoresStayClose) {
  for (const bool tied : {true, false}) {
    SCOPED_TRACE(tied);
    T5Config config;
    config.vocab_size = 40;
    config.d_model = 32;
    config.d_kv = 8;
    config.d_ff = 48;
    config.num_heads = 4;
    config.num_layers = config.num_decoder_layers = 2;
    config.tie_word_embeddings = tied;
    config.gated_gelu = !tied;
    ExpectCloseOnceQuantized(*T5Model::Create(config, 3));
  }
}

TEST_F(Int8Test, LlamasScoresStayClose) {
  for (const bool tied : {true, false}) {
    SCOPED_TRACE(tied);
    const auto model = LlamaModel::Create({.vocab_size = 40,
                                           .hidden_size = 32,
                                           .intermediate_size = 48,
                                           .num_hidden_layers = 2,
                                           .num_attention_heads = 4,
                                           .num_key_value_heads = 2,
                                           .head_dim = 8,
                                           .initializer_range = 0.2,
                                           .tie_word_embeddings = tied},
                                          4);
    Random random(5);
    OPENP5_ASSERT_OK(model->AddLora({.rank = 2}, /*first_trained_row=*/38, random));
    ExpectCloseOnceQuantized(*model);
  }
}

}  // namespace
}  // namespace openp5::models
