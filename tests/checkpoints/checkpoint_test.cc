#include "checkpoints/checkpoint.h"

#include "checkpoints/hugging_face.h"
#include "platform/base/digest.h"
#include "platform/base/json.h"
#include "platform/tensor/safetensors.h"
#include "tests/checkpoints/torch_bytes.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using Code = absl::StatusCode;
using nlohmann::json;

Manifest SomeManifest() {
  return {.model_family = "t5",
          .model_config = {{"d_model", 4}},
          .tokenizer_family = "t5",
          .indexes = {{{"dataset", "ML100K"}, {"index_digest", "ab"}}},
          .training = {{"epochs", 2}},
          .metrics = {{"validation_loss", 1.5}},
          .reading = {{"max-history", 20}, {"history-separator", " , "}}};
}

NamedTensors SomeWeights() { return {{"shared.weight", at::arange(6, at::kFloat).view({2, 3})}}; }

absl::Status WriteExtras(const std::string& folder) {
  OPENP5_RETURN_IF_ERROR(MakeDirectories(folder + "/tokenizer"));
  return WriteFileAtomic(folder + "/tokenizer/spiece.model", "pieces");
}

// A checkpoint folder in a temporary one, and ways to damage it.
class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    OPENP5_ASSERT_OK(WriteCheckpoint(path_, SomeManifest(), SomeWeights(), WriteExtras));
  }

  void ChangeManifest(const std::function<void(json*)>& change) {
    OPENP5_ASSERT_OK_AND_ASSIGN(json manifest, ReadJsonObject(path_ + "/manifest.json"));
    change(&manifest);
    WriteManifest(manifest.dump());
  }
  // Unlike WriteFileAtomic without a sync, which takes longer than the rest of a test.
  void WriteManifest(const std::string& text) {
    std::filesystem::remove(path_ + "/manifest.json");
    OPENP5_ASSERT_OK(AppendToFile(path_ + "/manifest.json", text));
  }
  void ExpectManifestRefused(const std::function<void(json*)>& change, const std::string& message) {
    const std::string before = *ReadFile(path_ + "/manifest.json");
    ChangeManifest(change);
    EXPECT_THAT(ReadManifest(path_), StatusIs(Code::kDataLoss, HasSubstr(message)));
    WriteManifest(before);
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.File("best");
};

TEST_F(CheckpointTest, ComesBack) {
  EXPECT_TRUE(IsCheckpoint(path_));
  OPENP5_ASSERT_OK_AND_ASSIGN(const Manifest manifest, ReadManifest(path_));
  const Manifest expected = SomeManifest();
  EXPECT_EQ(manifest.model_family, expected.model_family);
  EXPECT_EQ(manifest.model_config, expected.model_config);
  EXPECT_EQ(manifest.tokenizer_family, expected.tokenizer_family);
  EXPECT_EQ(manifest.indexes, expected.indexes);
  EXPECT_EQ(manifest.training, expected.training);
  EXPECT_EQ(manifest.metrics, expected.metrics);
  EXPECT_EQ(manifest.reading, expected.reading);
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors weights, ReadWeights(path_));
  EXPECT_TRUE(SameBits(weights[0].second, SomeWeights()[0].second));
  OPENP5_EXPECT_OK(VerifyCheckpoint(path_));
  EXPECT_EQ(ListCheckpointFiles(path_)->at("tokenizer/spiece.model"), 6);
}

TEST_F(CheckpointTest, SameContentSameBytes) {
  const std::string other = folder_.File("other");
  OPENP5_ASSERT_OK(WriteCheckpoint(other, SomeManifest(), SomeWeights(), WriteExtras));
  EXPECT_EQ(*ReadFile(path_ + "/manifest.json"), *ReadFile(other + "/manifest.json"));
}

TEST_F(CheckpointTest, WithoutManifestIsNotFound) {
  std::filesystem::remove(path_ + "/manifest.json");
  EXPECT_FALSE(IsCheckpoint(path_));
  EXPECT_THAT(ReadManifest(path_), StatusIs(Code::kNotFound, HasSubstr("manifest.json")));
  EXPECT_THAT(ReadWeights("/no/such"), StatusIs(Code::kNotFound, HasSubstr("/no/such")));
}

TEST_F(CheckpointTest, MissingFileIsNamed) {
  std::filesystem::remove(path_ + "/tokenizer/spiece.model");
  EXPECT_THAT(ReadManifest(path_), StatusIs(Code::kDataLoss, HasSubstr("tokenizer/spiece.model")));
}

TEST_F(CheckpointTest, OtherSizeIsNamed) {
  OPENP5_ASSERT_OK(AppendToFile(path_ + "/model.safetensors", "x"));
  EXPECT_THAT(ReadManifest(path_), StatusIs(Code::kDataLoss, HasSubstr("model.safetensors")));
}

TEST_F(CheckpointTest, FlippedByteIsNamed) {
  std::string weights = *ReadFile(path_ + "/model.safetensors");
  weights.back() = static_cast<char>(weights.back() ^ 1);
  OPENP5_ASSERT_OK(WriteFileAtomic(path_ + "/model.safetensors", weights));
  OPENP5_EXPECT_OK(ReadManifest(path_));
  const auto failure = StatusIs(
      Code::kDataLoss, AllOf(HasSubstr("model.safetensors"), HasSubstr("expected SHA-256")));
  EXPECT_THAT(ReadWeights(path_), failure);
  EXPECT_THAT(VerifyCheckpoint(path_), failure);
}

TEST_F(CheckpointTest, FlippedByteInAnotherFileIsFoundWhenTheCheckpointIsOpened) {
  OPENP5_ASSERT_OK(WriteFileAtomic(path_ + "/tokenizer/spiece.model", "pieceS"));
  const auto failure = StatusIs(
      Code::kDataLoss, AllOf(HasSubstr("tokenizer/spiece.model"), HasSubstr("expected SHA-256")));
  EXPECT_THAT(ReadManifest(path_), failure);
  EXPECT_THAT(VerifyCheckpoint(path_), failure);
}

// Every bit of the manifest but those of its digest's name, without which it is an old manifest.
TEST_F(CheckpointTest, NoFlippedBitOfTheManifestGoesUnnoticed) {
  const std::string text = *ReadFile(path_ + "/manifest.json");
  const std::string own = "manifest_sha256";
  const size_t name = text.find(own);
  ASSERT_NE(name, std::string::npos);
  for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
    if (bit / 8 >= name && bit / 8 < name + own.size()) continue;
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    WriteManifest(damaged);
    const auto manifest = ReadManifest(path_);
    // One blank may have become another, which says nothing else.
    const bool same = json::parse(damaged, nullptr, false) == json::parse(text);
    if (!same) EXPECT_THAT(manifest, StatusIs(Code::kDataLoss, HasSubstr(path_))) << damaged;
  }
}

// The first manifests of version 2 said how a model reads, but their digest left it out.
TEST_F(CheckpointTest, ADigestWithoutTheReadingIsAnOlderOne) {
  ChangeManifest([](json* m) {
    json covered = *m;
    covered.erase("manifest_sha256");
    covered.erase("reading");
    (*m)["manifest_sha256"] = Sha256Of(covered.dump());
  });
  OPENP5_ASSERT_OK_AND_ASSIGN(const Manifest manifest, ReadManifest(path_));
  EXPECT_EQ(manifest.reading, SomeManifest().reading);
}

TEST_F(CheckpointTest, NewerVersionIsRefusedAndUnknownFieldsAreNot) {
  ChangeManifest([](json* m) { (*m)["from_the_future"] = {1, 2}; });
  OPENP5_EXPECT_OK(ReadManifest(path_));
  ExpectManifestRefused([](json* m) { (*m)["version"] = 3; },
                        "version: expected at most 2, got 3; written by a newer openp5");
}

TEST_F(CheckpointTest, MalformedManifestsAreRefused) {
  ExpectManifestRefused([](json* m) { (*m)["format"] = "other"; }, "format: expected");
  ExpectManifestRefused([](json* m) { (*m)["version"] = "1"; }, "version: expected a number");
  ExpectManifestRefused([](json* m) { m->erase("metrics"); }, "metrics: expected object, got none");
  ExpectManifestRefused([](json* m) { (*m)["indexes"] = 1; },
                        "indexes: expected array, got number");
  ExpectManifestRefused([](json* m) { (*m)["files"].erase("model.safetensors"); },
                        "files: expected model.safetensors, got none");
  ExpectManifestRefused([](json* m) { (*m)["files"]["model.safetensors"]["size"] = -1; },
                        "expected an object with size and sha256");
  for (const char* outside : {"../x", "/etc/passwd", "a/../../x"}) {
    ExpectManifestRefused(
        [&](json* m) { (*m)["files"][outside] = (*m)["files"]["model.safetensors"]; },
        "expected a path inside of the folder");
  }
}

TEST_F(CheckpointTest, DamagedManifestTextIsRefused) {
  const std::string text = *ReadFile(path_ + "/manifest.json");
  for (size_t size = 0; size + 2 < text.size(); size += 7) {
    WriteManifest(text.substr(0, size));
    EXPECT_THAT(ReadManifest(path_), StatusIs(Code::kDataLoss, HasSubstr("manifest.json")));
  }
}

TEST_F(CheckpointTest, FailedWriteLeavesTheOldOne) {
  const std::string before = *ReadFile(path_ + "/manifest.json");
  EXPECT_THAT(WriteCheckpoint(path_, {}, SomeWeights(),
                              [](const std::string&) { return DataLoss("no space"); }),
              StatusIs(Code::kDataLoss, HasSubstr("no space")));
  EXPECT_FALSE(WriteCheckpoint(path_, {}, {{"a", at::Tensor()}}, WriteExtras).ok());
  Manifest broken = SomeManifest();
  broken.model_family = "\xff";
  EXPECT_THAT(WriteCheckpoint(path_, broken, SomeWeights(), WriteExtras),
              StatusIs(Code::kInvalidArgument, HasSubstr("manifest.json: ")));
  EXPECT_EQ(*ReadFile(path_ + "/manifest.json"), before);
  OPENP5_EXPECT_OK(VerifyCheckpoint(path_));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(CheckpointTest, ReplacesTheOldOneWhole) {
  OPENP5_ASSERT_OK(WriteCheckpoint(path_, SomeManifest(), {{"other", at::ones({1})}}, nullptr));
  EXPECT_THAT(*ListCheckpointFiles(path_), ElementsAre(Pair("model.safetensors", ::testing::_)));
  EXPECT_EQ((*ReadWeights(path_))[0].first, "other");
}

TEST(HuggingFaceFolderTest, ReadsWhatItFinds) {
  TemporaryFolder folder;
  EXPECT_THAT(ReadHuggingFaceFolder(folder.path()),
              StatusIs(Code::kNotFound, HasSubstr("config.json")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("config.json"), R"({"d_model": 4})"));
  EXPECT_THAT(ReadHuggingFaceFolder(folder.path()),
              StatusIs(Code::kNotFound, HasSubstr("model.safetensors")));
  EXPECT_EQ((*ReadHuggingFaceConfig(folder.path()))["d_model"], 4);

  const std::string pickle = PickleDict({{"bin", PickleTensor({})}});
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("pytorch_model.bin"),
                                   MakeTorchZip(pickle, {{"0", BytesOf<float>({1, 2, 3, 4})}})));
  EXPECT_EQ(ReadHuggingFaceFolder(folder.path())->weights[0].first, "bin");

  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("s1"), {{"one", at::ones({1})}}));
  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("s2"), {{"two", at::ones({1})}}));
  const std::string index = folder.File("model.safetensors.index.json");
  OPENP5_ASSERT_OK(WriteFileAtomic(index, R"({"weight_map": {"one": "s1", "two": "s2"}})"));
  EXPECT_EQ(ReadHuggingFaceFolder(folder.path())->weights.size(), 2u);
  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("s2"), {{"one", at::ones({1})}}));
  EXPECT_THAT(ReadHuggingFaceFolder(folder.path()),
              StatusIs(Code::kDataLoss, HasSubstr("tensor 'one': expected it in one file")));
  OPENP5_ASSERT_OK(WriteFileAtomic(index, R"({"weight_map": {"one": "../s1"}})"));
  EXPECT_THAT(ReadHuggingFaceFolder(folder.path()),
              StatusIs(Code::kDataLoss, HasSubstr("expected the name of a file beside it")));

  OPENP5_ASSERT_OK(WriteSafetensors(folder.File("model.safetensors"), SomeWeights()));
  EXPECT_EQ(ReadHuggingFaceFolder(folder.path())->weights[0].first, "shared.weight");
}

}  // namespace
}  // namespace openp5::checkpoints
