#include "checkpoints/foreign_model.h"

#include "checkpoints/hugging_face.h"
#include "checkpoints/peft.h"
#include "tests/checkpoints/torch_bytes.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

// A backbone with an embedding of 3 rows, an adapter for it, and a state dict.
class ForeignModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    OPENP5_ASSERT_OK(WriteHuggingFaceFolder(
        backbone_, {{{"model_type", "llama"}}, {{"model.embed_tokens.weight", at::ones({3, 2})}}},
        nullptr));
    const std::string pickle = PickleDict({{"shared.weight", PickleTensor({})}});
    OPENP5_ASSERT_OK(
        WriteFileAtomic(state_dict_, MakeTorchZip(pickle, {{"0", BytesOf<float>({1, 2, 3, 4})}})));
  }
  void WriteAdapter(int64_t rows) {
    OPENP5_ASSERT_OK(
        WritePeftAdapter(adapter_, {{{"peft_type", "LORA"}, {"r", 1}, {"lora_alpha", 1}},
                                    {{"model.embed_tokens.lora_embedding_A", at::ones({1, rows})},
                                     {"model.embed_tokens.lora_embedding_B", at::ones({2, 1})}}}));
  }

  TemporaryFolder folder_;
  const std::string backbone_ = folder_.File("backbone"), adapter_ = folder_.File("adapter"),
                    state_dict_ = folder_.File("model.pt");
};

TEST_F(ForeignModelTest, ToldFromTheFiles) {
  WriteAdapter(3);
  EXPECT_EQ(ReadForeignModel({.checkpoint = backbone_})->format, "huggingface");
  OPENP5_ASSERT_OK_AND_ASSIGN(const ForeignModel openp5,
                              ReadForeignModel({.checkpoint = state_dict_, .backbone = backbone_}));
  EXPECT_EQ(openp5.format, "openp5");
  EXPECT_TRUE(openp5.has_exact_rows);
  EXPECT_EQ(openp5.config["model_type"], "llama");
  OPENP5_ASSERT_OK_AND_ASSIGN(const ForeignModel peft,
                              ReadForeignModel({.checkpoint = adapter_, .backbone = backbone_}));
  EXPECT_EQ(peft.format, "peft");
  EXPECT_TRUE(at::equal(peft.weights[0].second, at::full({3, 2}, 2.f)));
}

TEST_F(ForeignModelTest, OpenP5sLlamaGrewItsEmbedding) {
  WriteAdapter(5);
  EXPECT_THAT(ReadForeignModel({.checkpoint = adapter_, .backbone = backbone_}),
              StatusIs(Code::kDataLoss, HasSubstr("3 rows, got one for 5")));
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const ForeignModel model,
      ReadForeignModel({.checkpoint = adapter_, .backbone = backbone_, .format = "openp5-llama"}));
  EXPECT_EQ(model.weights[0].second.size(0), 5);
  EXPECT_TRUE(at::equal(model.weights[0].second.narrow(0, 0, 3), at::full({3, 2}, 2.f)));
  EXPECT_TRUE(at::equal(model.weights[0].second.narrow(0, 3, 2), at::ones({2, 2})));
}

TEST_F(ForeignModelTest, WhatIsMissingIsNamed) {
  WriteAdapter(3);
  EXPECT_THAT(ReadForeignModel({.checkpoint = folder_.File("none")}),
              StatusIs(Code::kNotFound, HasSubstr("none: no such file or folder")));
  EXPECT_THAT(ReadForeignModel({.checkpoint = folder_.path()}),
              StatusIs(Code::kNotFound,
                       AllOf(HasSubstr("manifest.json"), HasSubstr("adapter_config.json"))));
  for (const std::string& path : {adapter_, state_dict_}) {
    const auto model = ReadForeignModel({.checkpoint = path});
    EXPECT_TRUE(IsUsageError(model.status()));
    EXPECT_THAT(std::string(model.status().message()), HasSubstr("missing --backbone"));
  }
  EXPECT_THAT(ReadForeignModel({.checkpoint = backbone_, .format = "onnx"}),
              StatusIs(Code::kInvalidArgument,
                       HasSubstr("auto, openp5, huggingface, peft, openp5-llama; got 'onnx'")));
}

}  // namespace
}  // namespace openp5::checkpoints
