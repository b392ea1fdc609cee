#include "checkpoints/peft.h"

#include <ATen/ATen.h>

#include "checkpoints/hugging_face.h"
#include "platform/tensor/safetensors.h"
#include "tests/testing/testing.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::Shared;

class GoldenPeftTest : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

// PEFT's own merge of its own files, .bin and .safetensors.
TEST_P(GoldenPeftTest, MergedWeightsEqualPefts) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const auto& [heads, form] = GetParam();
  const std::string golden = Shared("golden/08_llama/");
  OPENP5_ASSERT_OK_AND_ASSIGN(HuggingFaceFolder model,
                              ReadHuggingFaceFolder(StrCat(golden, "llama_", heads)));
  OPENP5_ASSERT_OK_AND_ASSIGN(const PeftAdapter adapter,
                              ReadPeftAdapter(StrCat(golden, "lora_", heads, "/", form)));
  OPENP5_ASSERT_OK(MergeAdapter(adapter, "adapter", &model.weights));
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const NamedTensors outputs,
      ReadSafetensors(StrCat(golden, "lora_", heads, "/outputs.safetensors")));
  int compared = 0;
  for (const auto& [name, expected] : outputs) {
    if (!name.starts_with("merged.")) continue;
    const at::Tensor* merged = FindTensor(model.weights, name.substr(7));
    ASSERT_NE(merged, nullptr) << name;
    EXPECT_LE((*merged - expected).abs().max().item<double>(), 1e-6) << name;
    ++compared;
  }
  EXPECT_GE(compared, 3);
}

// Written again, PEFT's files have the same tensors.
TEST_P(GoldenPeftTest, RoundTrip) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const auto& [heads, form] = GetParam();
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const PeftAdapter adapter,
      ReadPeftAdapter(Shared(StrCat("golden/08_llama/lora_", heads, "/", form))));
  openp5::testing::TemporaryFolder folder;
  OPENP5_ASSERT_OK(WritePeftAdapter(folder.File("a"), adapter));
  OPENP5_ASSERT_OK_AND_ASSIGN(const PeftAdapter again, ReadPeftAdapter(folder.File("a")));
  EXPECT_EQ(again.config, adapter.config);
  ASSERT_EQ(again.tensors.size(), adapter.tensors.size());
  for (const auto& [name, tensor] : adapter.tensors) {
    EXPECT_TRUE(at::equal(*FindTensor(again.tensors, name), tensor)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Adapters, GoldenPeftTest,
    ::testing::Values(std::pair("kv2", "adapter_bin"), std::pair("kv2", "adapter_safetensors"),
                      std::pair("kv4", "adapter_bin"), std::pair("kv4", "adapter_safetensors")),
    [](const auto& info) { return std::string(info.param.first) + "_" + info.param.second; });

}  // namespace
}  // namespace openp5::checkpoints
