#include "checkpoints/torch_file.h"

#include <ATen/ATen.h>

#include "platform/tensor/safetensors.h"
#include "tests/testing/testing.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::Shared;

constexpr const char* kTied[] = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight",
                                 "lm_head.weight"};

NamedTensors ReadState(const std::string& name) {
  auto tensors = ReadTorchStateDict(Shared("golden/" + name));
  OPENP5_EXPECT_OK(tensors);
  return tensors.ok() ? *tensors : NamedTensors();
}

NamedTensors ReadSafe(const std::string& name) {
  auto tensors = ReadSafetensors(Shared("golden/" + name));
  OPENP5_EXPECT_OK(tensors);
  return tensors.ok() ? *tensors : NamedTensors();
}

// Every tensor of `expected`, converted to `type`, is in `state`; the state's others are copies of
// a tied one and share its memory.
void ExpectSameWeights(const NamedTensors& state, const NamedTensors& expected,
                       c10::ScalarType type = c10::ScalarType::Float) {
  ASSERT_FALSE(expected.empty());
  for (const auto& [name, tensor] : expected) {
    const at::Tensor* found = FindTensor(state, name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_EQ(found->scalar_type(), type) << name;
    EXPECT_TRUE(at::equal(*found, tensor.to(type))) << name;
  }
  for (const auto& [name, tensor] : state) {
    if (FindTensor(expected, name) != nullptr) continue;
    EXPECT_THAT(kTied, ::testing::Contains(::testing::StrEq(name)));
    EXPECT_EQ(tensor.const_data_ptr(), FindTensor(state, "shared.weight")->const_data_ptr());
  }
}

TEST(TorchFileGoldenTest, StateDictsEqualTheSafetensorsBesideThem) {
  OPENP5_SKIP_WITHOUT_SHARED();
  for (const char* model : {"a_relu_tied", "b_gated_gelu_untied", "c_resized", "d_odd_shapes"}) {
    SCOPED_TRACE(model);
    const std::string folder = StrCat("03_tiny_t5/", model, "/");
    ExpectSameWeights(ReadState(folder + "openp5_state_dict.pt"),
                      ReadSafe(folder + "model.safetensors"));
  }
}

TEST(TorchFileGoldenTest, HuggingFaceBins) {
  OPENP5_SKIP_WITHOUT_SHARED();
  for (const char* model : {"a_relu_tied", "b_gated_gelu_untied"}) {
    SCOPED_TRACE(model);
    const std::string folder = StrCat("03_tiny_t5/", model, "/");
    ExpectSameWeights(ReadState(folder + "pytorch_model.bin"),
                      ReadSafe(folder + "model.safetensors"));
  }
}

TEST(TorchFileGoldenTest, LegacyFormat) {
  OPENP5_SKIP_WITHOUT_SHARED();
  ExpectSameWeights(ReadState("03_tiny_t5/a_relu_tied/openp5_state_dict_legacy.pt"),
                    ReadSafe("03_tiny_t5/a_relu_tied/model.safetensors"));
}

TEST(TorchFileGoldenTest, SixteenBitTypes) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const NamedTensors weights = ReadSafe("03_tiny_t5/a_relu_tied/model.safetensors");
  ExpectSameWeights(ReadState("03_tiny_t5/a_relu_tied/openp5_state_dict_bf16.pt"), weights,
                    c10::ScalarType::BFloat16);
  ExpectSameWeights(ReadState("03_tiny_t5/a_relu_tied/openp5_state_dict_fp16.pt"), weights,
                    c10::ScalarType::Half);
}

TEST(TorchFileGoldenTest, EndToEndModel) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const NamedTensors state = ReadState("07_end_to_end/sequential/openp5_state_dict_fp16.pt");
  const at::Tensor* shared = FindTensor(state, "shared.weight");
  ASSERT_NE(shared, nullptr);
  EXPECT_EQ(shared->sizes(), (std::vector<int64_t>{32100, 64}));
  EXPECT_EQ(shared->scalar_type(), c10::ScalarType::Half);
}

TEST(TorchFileGoldenTest, Adapters) {
  OPENP5_SKIP_WITHOUT_SHARED();
  for (const char* folder : {"08_llama/lora_kv2/", "08_llama/lora_kv4/"}) {
    SCOPED_TRACE(folder);
    ExpectSameWeights(ReadState(StrCat(folder, "adapter_bin/adapter_model.bin")),
                      ReadSafe(StrCat(folder, "adapter_safetensors/adapter_model.safetensors")));
  }
}

}  // namespace
}  // namespace openp5::checkpoints
