#include "platform/models/common/ragged_attention.h"

#include <torch/types.h>

#include "tests/testing/testing.h"

namespace openp5::models {
namespace {

struct Lengths {
  std::vector<int64_t> queries, keys;
};

void PrintTo(const Lengths& lengths, std::ostream* out) {
  *out << lengths.queries.size() << " sequences";
}

class RaggedAttentionTest : public ::testing::TestWithParam<Lengths> {};

// One sequence and head at a time, by the definition.
at::Tensor PlainAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const at::Tensor& bias, const Lengths& lengths, int64_t heads) {
  std::vector<at::Tensor> rows;
  int64_t query_start = 0, key_start = 0;
  for (size_t i = 0; i < lengths.queries.size(); ++i) {
    std::vector<at::Tensor> of_heads;
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t d = q.size(1) / heads;
      const auto part = [&](const at::Tensor& x, int64_t start, int64_t length) {
        return x.narrow(0, start, length).narrow(1, h * d, d);
      };
      const at::Tensor scores =
          part(q, query_start, lengths.queries[i]).matmul(part(k, key_start, lengths.keys[i]).t()) +
          bias[h].narrow(0, 0, lengths.queries[i]).narrow(1, 0, lengths.keys[i]);
      of_heads.push_back(at::softmax(scores, -1).matmul(part(v, key_start, lengths.keys[i])));
    }
    rows.push_back(at::cat(of_heads, 1));
    query_start += lengths.queries[i];
    key_start += lengths.keys[i];
  }
  return at::cat(rows, 0);
}

TEST_P(RaggedAttentionTest, EqualsPlainAttentionWithItsGradients) {
  const Lengths& lengths = GetParam();
  constexpr int64_t kHeads = 3, kDepth = 4;
  at::manual_seed(1);
  const auto total = [](const std::vector<int64_t>& of) {
    return std::accumulate(of.begin(), of.end(), int64_t{0});
  };
  const auto random = [](at::IntArrayRef shape) { return at::randn(shape).requires_grad_(true); };
  std::vector<at::Tensor> inputs = {random({total(lengths.queries), kHeads * kDepth}),
                                    random({total(lengths.keys), kHeads * kDepth}),
                                    random({total(lengths.keys), kHeads * kDepth}),
                                    random({kHeads, 40, 40})};
  const auto layout = std::make_shared<const AttentionLayout>(lengths.queries, lengths.keys,
                                                              c10::Device(c10::kCPU));
  const at::Tensor got =
      RaggedAttention(inputs[0], inputs[1], inputs[2], inputs[3], layout, {.heads = kHeads});
  const at::Tensor expected =
      PlainAttention(inputs[0], inputs[1], inputs[2], inputs[3], lengths, kHeads);
  EXPECT_TRUE(at::allclose(got, expected, 1e-5, 1e-6));

  const at::Tensor weight = at::randn_like(got);
  const auto gradients = [&](const at::Tensor& output) {
    for (at::Tensor& input : inputs) input.mutable_grad().reset();
    (output * weight).sum().backward();
    std::vector<at::Tensor> of;
    for (const at::Tensor& input : inputs) of.push_back(input.grad().clone());
    return of;
  };
  const auto wanted = gradients(expected), computed = gradients(got);
  for (size_t i = 0; i < inputs.size(); ++i)
    EXPECT_TRUE(at::allclose(computed[i], wanted[i], 1e-4, 1e-5)) << "input " << i;
}

INSTANTIATE_TEST_SUITE_P(Lengths, RaggedAttentionTest,
                         ::testing::Values(Lengths{{5}, {5}}, Lengths{{4, 4, 4}, {4, 4, 4}},
                                           Lengths{{9, 8, 7, 1}, {9, 8, 7, 1}},
                                           Lengths{{1, 30, 2, 40}, {1, 30, 2, 40}},
                                           Lengths{{3, 2, 3}, {7, 40, 1}},
                                           Lengths{{2, 2}, {5, 5}}));

TEST(RaggedAttentionTest, DropoutKeepsTheMean) {
  at::manual_seed(2);
  const at::Tensor q = at::zeros({64, 2}), k = at::zeros({64, 2}), v = at::ones({64, 2});
  const auto layout = std::make_shared<const AttentionLayout>(
      std::vector<int64_t>{64}, std::vector<int64_t>{64}, c10::Device(c10::kCPU));
  const at::Tensor out =
      RaggedAttention(q, k, v, std::nullopt, layout, {.heads = 1, .dropout = 0.3});
  EXPECT_NEAR(out.mean().item<double>(), 1, 0.03);
  EXPECT_GT(out.std().item<double>(), 0.01);
}

TEST(AttentionLayoutTest, NeighboursOfOneLengthNeedNoPadding) {
  const AttentionLayout layout({3, 3, 3}, {3, 3, 3}, c10::Device(c10::kCPU));
  ASSERT_EQ(layout.groups().size(), 1u);
  EXPECT_FALSE(layout.groups()[0].queries.pad_index.defined());
  EXPECT_FALSE(layout.groups()[0].mask.defined());
}

TEST(AttentionLayoutTest, FarLengthsAreKeptApart) {
  const AttentionLayout layout({400, 390, 20}, {400, 390, 20}, c10::Device(c10::kCPU));
  ASSERT_EQ(layout.groups().size(), 2u);
  EXPECT_EQ(layout.groups()[0].count, 2);
  EXPECT_EQ(layout.groups()[1].queries.start, 790);
  EXPECT_EQ(layout.longest_query(), 400);
}

}  // namespace
}  // namespace openp5::models
