#include "platform/models/t5/t5.h"

#include <torch/types.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "platform/tensor/safetensors.h"
#include "tests/golden/packing.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::Excess;
using ::openp5::testing::PackInput;
using ::openp5::testing::PackLabels;
using ::openp5::testing::RealPlaces;
using ::openp5::testing::Shared;

struct Case {
  std::string folder, weights;
  int batch;
  std::string outputs, gradients;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.folder << " batch " << c.batch; }

class GoldenT5Test : public ::testing::TestWithParam<Case> {};

// Mean over the tokens of an example, then over the examples (OpenP5's loss).
at::Tensor OpenP5Loss(const at::Tensor& token_losses, const std::vector<int64_t>& lengths) {
  std::vector<at::Tensor> means;
  for (const at::Tensor& of_example : token_losses.split_with_sizes(lengths))
    means.push_back(of_example.mean());
  return at::stack(means).mean();
}

// The real places of the recorded tensor `name`, to 1e-5 absolute + 1e-5 relative.
void ExpectTensor(const at::Tensor& got, const std::string& name, const NamedTensors& expected,
                  const at::Tensor& mask) {
  const at::Tensor* wanted = FindTensor(expected, name);
  ASSERT_NE(wanted, nullptr) << name;
  EXPECT_LE(Excess(got, RealPlaces(*wanted, mask), 1e-5, 1e-5), 0) << name;
}

void ExpectBlocks(const std::vector<at::Tensor>& blocks, const std::string& stack,
                  const NamedTensors& expected, const at::Tensor& mask) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    ExpectTensor(blocks[i], stack + "_block_" + std::to_string(i) + "_output", expected, mask);
  }
}

TEST_P(GoldenT5Test, HiddenStatesLogitsLossAndGradients) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const Case& c = GetParam();
  const std::string folder = Shared("golden/03_tiny_t5/" + c.folder + "/");
  std::ifstream config_file(folder + "config.json");
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto config, models::T5Config::FromHuggingFace(nlohmann::json::parse(config_file)));
  OPENP5_ASSERT_OK_AND_ASSIGN(NamedTensors weights, ReadSafetensors(folder + c.weights));
  if (c.outputs.find("bf16") != std::string::npos || c.outputs.find("fp16") != std::string::npos) {
    const at::ScalarType type =
        c.outputs.find("bf16") != std::string::npos ? at::kBFloat16 : at::kHalf;
    for (auto& [name, tensor] : weights) tensor = tensor.to(type);
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto model, models::T5Model::FromStateDict(config, weights));
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const NamedTensors inputs,
      ReadSafetensors(folder + "batch" + std::to_string(c.batch) + "_inputs.safetensors"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors expected, ReadSafetensors(folder + c.outputs));
  const at::Tensor input_mask = *FindTensor(inputs, "attention_mask"),
                   label_mask = *FindTensor(inputs, "output_attention");
  const models::PackedBatch input = PackInput(inputs), labels = PackLabels(inputs);

  std::vector<at::Tensor> encoder_blocks, decoder_blocks;
  const at::Tensor encoded = model->Encode(input, &encoder_blocks);
  const at::Tensor decoded = model->Decode(input, encoded, labels, &decoder_blocks);
  if (FindTensor(expected, "encoder_block_0_output") != nullptr) {
    ExpectBlocks(encoder_blocks, "encoder", expected, input_mask);
    ExpectBlocks(decoder_blocks, "decoder", expected, label_mask);
    ExpectTensor(decoded, "decoder_final_output", expected, label_mask);
  }
  ExpectTensor(encoded, "encoder_final_output", expected, input_mask);
  ExpectTensor(model->Logits(decoded), "logits", expected, label_mask);

  const at::Tensor losses = model->TokenLosses({input, labels, at::Tensor()});
  ExpectTensor(losses, "token_loss", expected, label_mask);
  const at::Tensor loss = OpenP5Loss(losses, labels.lengths);
  EXPECT_NEAR(loss.item<double>(), FindTensor(expected, "loss")->item<double>(), 1e-5);

  if (c.gradients.empty()) return;
  loss.backward();
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors gradients, ReadSafetensors(folder + c.gradients));
  double squares = 0;
  for (const auto& [name, parameter] : model->parameters()) {
    const at::Tensor* wanted = FindTensor(gradients, name);
    ASSERT_NE(wanted, nullptr) << name;
    EXPECT_LE(Excess(parameter.grad(), *wanted, 1e-5, 1e-4), 0) << name;
    squares += parameter.grad().square().sum().item<double>();
  }
  EXPECT_NEAR(std::sqrt(squares), FindTensor(expected, "grad_norm")->item<double>(),
              1e-4 * std::sqrt(squares));
}

INSTANTIATE_TEST_SUITE_P(
    Golden, GoldenT5Test,
    ::testing::Values(
        Case{"a_relu_tied", "model.safetensors", 0, "batch0_outputs.safetensors",
             "batch0_gradients.safetensors"},
        Case{"a_relu_tied", "model.safetensors", 1, "batch1_outputs.safetensors",
             "batch1_gradients.safetensors"},
        Case{"a_relu_tied", "model.safetensors", 0,
             "batch0_outputs_bf16_weights_computed_in_f32.safetensors", ""},
        Case{"a_relu_tied", "model.safetensors", 0,
             "batch0_outputs_fp16_weights_computed_in_f32.safetensors", ""},
        Case{"b_gated_gelu_untied", "model.safetensors", 0, "batch0_outputs.safetensors",
             "batch0_gradients.safetensors"},
        Case{"b_gated_gelu_untied", "model.safetensors", 1, "batch1_outputs.safetensors", ""},
        Case{"c_resized", "model.safetensors", 0, "batch0_outputs.safetensors",
             "batch0_gradients.safetensors"},
        Case{"c_resized", "model.safetensors", 1, "batch1_outputs.safetensors", ""},
        Case{"d_odd_shapes", "model.safetensors", 0, "batch0_outputs.safetensors",
             "batch0_gradients.safetensors"},
        Case{"d_odd_shapes", "model.safetensors", 1, "batch1_outputs.safetensors", ""}));

}  // namespace
}  // namespace openp5
