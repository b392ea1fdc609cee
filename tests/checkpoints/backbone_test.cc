#include "checkpoints/backbone.h"

#include "checkpoints/checkpoint.h"
#include "checkpoints/hugging_face.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "tests/checkpoints/torch_bytes.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Code = absl::StatusCode;
using nlohmann::json;

// A model folder of two shards, and a checkpoint of an adapter on it.
class BackboneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    OPENP5_ASSERT_OK(MakeDirectories(model_));
    const std::string index =
        R"({"weight_map": {"a": "one.safetensors",
                           "b": "two.safetensors",
                           "c": "two.safetensors"}})";
    for (const auto& [name, text] :
         {std::pair<std::string, std::string>("model.safetensors.index.json", index),
          {"one.safetensors", "first"},
          {"two.safetensors", "second"},
          {"config.json", "{}"}}) {
      OPENP5_ASSERT_OK(WriteFileAtomic(model_ + "/" + name, text));
    }
    OPENP5_ASSERT_OK_AND_ASSIGN(backbone_, NameBackbone(model_));
  }

  TemporaryFolder folder_;
  const std::string model_ = folder_.File("model");
  Backbone backbone_;
};

TEST_F(BackboneTest, IsNamedByTheDigestsOfItsWeightFiles) {
  ASSERT_EQ(backbone_.files.size(), 3u);
  EXPECT_EQ(backbone_.files["one.safetensors"],
            (ListedFile{.size = 5, .sha256 = Sha256Of("first")}));
  EXPECT_EQ(backbone_.files["two.safetensors"].sha256, Sha256Of("second"));
  EXPECT_EQ(backbone_.absolute_path, model_);
}

TEST_F(BackboneTest, ComesBackFromJson) {
  for (const Backbone& backbone :
       {backbone_,
        Backbone{.path = "preset:llama-tiny", .seed = 7, .sha256 = "ab", .type = "BF16"}}) {
    const json read = json::parse(backbone.ToJson().dump());
    OPENP5_ASSERT_OK_AND_ASSIGN(const Backbone again, Backbone::FromJson(read, "manifest.json"));
    EXPECT_EQ(again.ToJson(), backbone.ToJson());
    EXPECT_EQ(again.Digest(), backbone.Digest());
  }
}

TEST_F(BackboneTest, OnlyItsWeightsMakeItsDigest) {
  Backbone moved = backbone_;
  moved.path = "elsewhere";
  moved.absolute_path = "/elsewhere";
  EXPECT_EQ(moved.Digest(), backbone_.Digest());
  moved.files["one.safetensors"].sha256 = Sha256Of("other");
  EXPECT_NE(moved.Digest(), backbone_.Digest());
}

TEST_F(BackboneTest, DamagedFieldsAreNamed) {
  const auto refused = [&](const char* field, const json& value) {
    json damaged = json::parse(backbone_.ToJson().dump());
    damaged[field] = value;
    EXPECT_THAT(Backbone::FromJson(damaged, "m"),
                StatusIs(Code::kDataLoss, AllOf(StartsWith("m: "), HasSubstr(field))));
  };
  refused("path", 1);
  refused("type", "I8");
  refused("absolute_path", nullptr);
  refused("files", json::array());
  refused("files", json::object());
  refused("files", {{"../one.safetensors", {{"size", 5}, {"sha256", "ab"}}}});
  refused("files", {{"one.safetensors", {{"size", -5}, {"sha256", "ab"}}}});
  EXPECT_THAT(Backbone::FromJson({{"path", "p"}, {"type", "F32"}, {"sha256", "ab"}}, "m"),
              StatusIs(Code::kDataLoss, HasSubstr("m: seed")));
}

TEST_F(BackboneTest, IsFoundWhereItWasOrWhereItIsSaidToBe) {
  EXPECT_EQ(*FindBackbone(backbone_, "best", ""), model_);
  const std::string moved = folder_.File("moved");
  std::filesystem::rename(model_, moved);
  EXPECT_THAT(FindBackbone(backbone_, "best", ""),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(StartsWith("best: "), HasSubstr(model_), HasSubstr("--backbone"))));
  EXPECT_EQ(*FindBackbone(backbone_, "best", moved), moved);
  // The path it was given by may lead to it where the absolute one does not.
  backbone_.path = moved;
  EXPECT_EQ(*FindBackbone(backbone_, "best", ""), moved);
}

TEST_F(BackboneTest, OtherWeightsAreRefused) {
  OPENP5_ASSERT_OK(WriteFileAtomic(model_ + "/two.safetensors", "Second"));
  EXPECT_THAT(FindBackbone(backbone_, "best", ""),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("model/two.safetensors"), HasSubstr(Sha256Of("Second")),
                             HasSubstr("--backbone"))));
  std::filesystem::remove(model_ + "/two.safetensors");
  EXPECT_THAT(FindBackbone(backbone_, "best", model_),
              StatusIs(Code::kFailedPrecondition, HasSubstr("two.safetensors: no such file")));
}

// Version 2, which a program that knows version 1 alone refuses.
TEST_F(BackboneTest, ACheckpointHoldsTheAdapterAlone) {
  const std::string path = folder_.File("best");
  const NamedTensors adapter = {{"q.lora_A.weight", at::arange(6, at::kFloat).view({2, 3})}};
  const Manifest manifest{.model_family = "llama",
                          .model_config = json::object(),
                          .tokenizer_family = "llama",
                          .backbone = backbone_};
  OPENP5_ASSERT_OK(WriteCheckpoint(path, manifest, adapter, nullptr));
  OPENP5_ASSERT_OK_AND_ASSIGN(json written, ReadJsonObject(path + "/manifest.json"));
  EXPECT_EQ(written["version"], 2);
  EXPECT_FALSE(FileExists(path + "/model.safetensors"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const Manifest read, ReadManifest(path));
  ASSERT_TRUE(read.backbone.has_value());
  EXPECT_EQ(read.backbone->ToJson(), backbone_.ToJson());
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors weights, ReadWeights(path));
  ASSERT_EQ(weights.size(), 1u);
  EXPECT_TRUE(SameBits(weights[0].second, adapter[0].second));
  OPENP5_EXPECT_OK(VerifyCheckpoint(path));
  written["files"]["model.safetensors"] = written["files"]["adapter.safetensors"];
  written["files"].erase("adapter.safetensors");
  std::filesystem::remove(path + "/manifest.json");
  OPENP5_ASSERT_OK(AppendToFile(path + "/manifest.json", written.dump()));
  EXPECT_THAT(ReadManifest(path),
              StatusIs(Code::kDataLoss, HasSubstr("expected adapter.safetensors, got none")));
}

}  // namespace
}  // namespace openp5::checkpoints
