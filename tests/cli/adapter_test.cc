#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "platform/base/file.h"
#include "platform/base/random.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectFailure;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::AllOf;
using ::testing::HasSubstr;

// 24 users who walk round a ring of 20 items.
std::string Sequences() {
  Random random(4);
  std::string text;
  for (int user = 0; user < 24; ++user) {
    uint64_t item = random.Below(20);
    text += StrCat("user", user);
    for (int i = 0; i < 7; ++i, item += 1 + random.Below(2)) text += StrCat(" item", item % 20);
    text += "\n";
  }
  return text;
}

// Writes a Llama of many narrow layers, all weights 0.01: a step has hundreds of small tensors,
// together many times as large as each.
void WriteDeepLlama(const std::string& folder) {
  constexpr int kColumns = 64, kInner = 176, kLayers = 24, kRows = 512;
  const Json config = {{"model_type", "llama"},        {"vocab_size", kRows},
                       {"hidden_size", kColumns},      {"intermediate_size", kInner},
                       {"num_hidden_layers", kLayers}, {"num_attention_heads", 4},
                       {"tie_word_embeddings", true}};
  Json header = Json::object();
  size_t numbers = 0;
  const auto add = [&](const std::string& name, const std::vector<size_t>& shape) {
    const size_t begin = numbers;
    numbers += shape.size() == 1 ? shape[0] : shape[0] * shape[1];
    header[name + ".weight"] = {
        {"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin * 4, numbers * 4}}};
  };
  add("model.embed_tokens", {kRows, kColumns});
  add("model.norm", {kColumns});
  for (int i = 0; i < kLayers; ++i) {
    const std::string layer = StrCat("model.layers.", i, ".");
    for (const char* norm : {"input_layernorm", "post_attention_layernorm"}) {
      add(layer + norm, {kColumns});
    }
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"}) {
      add(layer + "self_attn." + name, {kColumns, kColumns});
    }
    for (const char* name : {"gate_proj", "up_proj"}) {
      add(layer + "mlp." + name, {kInner, kColumns});
    }
    add(layer + "mlp.down_proj", {kColumns, kInner});
  }
  const std::string text = header.dump();
  const uint64_t size = text.size();
  const std::vector<float> values(numbers, 0.01F);
  std::string file(reinterpret_cast<const char*>(&size), sizeof(size));
  file += text;
  file.append(reinterpret_cast<const char*>(values.data()), numbers * sizeof(float));
  ASSERT_TRUE(MakeDirectories(folder).ok());
  ASSERT_TRUE(WriteFileAtomic(folder + "/config.json", config.dump()).ok());
  ASSERT_TRUE(WriteFileAtomic(folder + "/model.safetensors", file).ok());
}

// A small Llama in a Hugging Face folder, made by the program itself, and an adapter trained on it.
class AdapterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ASSERT_TRUE(MakeDirectories(Path("data/Toy")).ok());
    ASSERT_TRUE(WriteFileAtomic(Path("data/Toy/user_sequence.txt"), Sequences()).ok());
    ExpectSuccess(RunProgram(Arguments{"index", "build", "--indexing", "sequential"} + Data()));
    ExpectSuccess(RunProgram(Arguments{"index", "build"} + Index() + Data()));
    ExpectSuccess(RunProgram(Arguments{"tokenizer", "train", "--out", Path("tokenizer"),
                                       "--vocabulary-size", "300", "--split-digits"} +
                             Data()));
    ExpectSuccess(RunProgram(Train("full", "preset:llama-tiny")));
    ExpectSuccess(RunProgram(Export(Path("full/checkpoints/best"), "huggingface", "base")));
    ExpectSuccess(RunProgram(Train("lora", Path("base")) + Lora()));
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static std::string Best(const std::string& run) { return Path(run + "/checkpoints/best"); }
  static Arguments Data() { return {"--data-dir", Path("data"), "--datasets", "Toy"}; }
  // Its identifiers are tokens of their own, so that rows are added.
  static Arguments Index() {
    return {"--indexing", "collaborative",           "--collaborative-token-size",
            "8",          "--collaborative-cluster", "4"};
  }
  static Arguments Lora() { return {"--lora", "--lora-r", "4"}; }
  static Arguments Train(const std::string& run, const std::string& backbone) {
    return Arguments{"train",       "--run-dir",          Path(run),      "--backbone", backbone,
                     "--tokenizer", Path("tokenizer"),    "--epochs",     "1",          "--seed",
                     "1",           "--sample-prompt",    "--sample-num", "1",          "--threads",
                     "1",           "--test-after-train", "--beams",      "10",         "--format",
                     "json"} +
           Data() + Index();
  }
  static Arguments Export(const std::string& checkpoint, const std::string& to,
                          const std::string& out) {
    return {"checkpoint", "export", "--checkpoint", checkpoint, "--to", to, "--out", Path(out)};
  }
  // Lines of every user's list.
  static std::string Lists(const Arguments& checkpoint) {
    ExpectSuccess(RunProgram(
        Arguments{"evaluate", "--threads", "1", "--beams", "10", "--topk-out", Path("topk.jsonl")} +
        checkpoint + Data()));
    return ReadFile(Path("topk.jsonl")).value_or("");
  }
  static std::string Lists(const std::string& checkpoint) {
    return Lists(Arguments{"--checkpoint", checkpoint});
  }
  // The test split as the training itself measured it, with its own weights, and as `evaluate` does
  // with the checkpoint.
  static void ExpectSameTest(const ProgramResult& trained) {
    ExpectSuccess(trained);
    const Json json = Json::parse(trained.out);
    const ProgramResult evaluated =
        RunProgram(Arguments{"evaluate", "--checkpoint", json["checkpoint"].get<std::string>(),
                             "--threads", "1", "--beams", "10", "--format", "json"} +
                   Data());
    ExpectSuccess(evaluated);
    EXPECT_EQ(Json::parse(evaluated.out)["results"], json["test"]);
  }
  static uintmax_t Bytes(const std::string& name) { return fs::file_size(Path(name)); }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> AdapterTest::folder_;

TEST_F(AdapterTest, CheckpointsAndStateHoldWhatIsTrained) {
  // The rank-4 pairs of q_proj, v_proj and the embeddings, and the added rows, in float32.
  const uintmax_t backbone = Bytes("base/model.safetensors");
  for (const char* name : {"best", "last"}) {
    const std::string folder = StrCat("lora/checkpoints/", name);
    EXPECT_LT(Bytes(folder + "/adapter.safetensors"), backbone / 10);
    EXPECT_FALSE(FileExists(Path(folder + "/model.safetensors")));
  }
  // Weights and two moments.
  EXPECT_LT(Bytes("lora/checkpoints/training_state.safetensors"), backbone / 4);
  const Json manifest = Json::parse(ReadFile(Best("lora") + "/manifest.json").value_or(""));
  EXPECT_EQ(manifest["backbone"]["path"], Path("base"));
  EXPECT_TRUE(manifest["backbone"]["files"].contains("model.safetensors"));
}

// Rows that were added or drawn anew, and random weights, come back.
TEST_F(AdapterTest, AnOpenedCheckpointIsTheTrainedModel) {
  ExpectSameTest(RunProgram(Train("again", Path("base")) + Lora()));
  ExpectSameTest(
      RunProgram(Train("drawn", Path("base")) + Lora() + Arguments{"--random-initialize"}));
  ExpectSameTest(RunProgram(Train("preset", "preset:llama-tiny") + Lora()));
  ExpectSameTest(RunProgram(
      Train("random", "preset:llama-tiny") + Lora() +
      Arguments{"--random-initialize", "--lora-target-modules", "q_proj,embed_tokens,lm_head"}));
}

TEST_F(AdapterTest, ExportsAreTheWholeModel) {
  const std::string own = Lists(Best("lora"));
  ExpectSuccess(RunProgram(Export(Best("lora"), "checkpoint", "whole")));
  const Json manifest = Json::parse(ReadFile(Path("whole/manifest.json")).value_or(""));
  EXPECT_EQ(manifest["version"], 2);
  EXPECT_FALSE(manifest.contains("backbone"));
  ExpectSuccess(RunProgram({"checkpoint", "verify", Path("whole")}));
  // The form that trainings with --lora wrote before they named a backbone.
  EXPECT_EQ(Lists(Path("whole")), own);
  ExpectSuccess(RunProgram(Export(Path("whole"), "huggingface", "from-whole")));
  ExpectSuccess(RunProgram(Export(Best("lora"), "huggingface", "merged")));
  EXPECT_TRUE(ReadFile(Path("merged/model.safetensors")).value_or("") ==
              ReadFile(Path("from-whole/model.safetensors")).value_or("none"));
  ExpectSuccess(RunProgram(Export(Path("whole"), "peft", "peft-whole")));
  ExpectSuccess(RunProgram(Export(Best("lora"), "peft", "peft")));
  EXPECT_TRUE(ReadFile(Path("peft/adapter_model.safetensors")).value_or("") ==
              ReadFile(Path("peft-whole/adapter_model.safetensors")).value_or("none"));
}

TEST_F(AdapterTest, InspectAndVerifyNameTheBackbone) {
  const ProgramResult inspected =
      RunProgram({"checkpoint", "inspect", Best("lora"), "--format", "json"});
  ExpectSuccess(inspected);
  const Json json = Json::parse(inspected.out);
  EXPECT_EQ(json["backbone"]["absolute_path"], Path("base"));
  for (const Json& tensor : json["tensors"]) {
    const std::string name = tensor["name"];
    EXPECT_TRUE(name.find(".lora_") != std::string::npos || name.ends_with(".added.weight") ||
                name.find(".replaced.") != std::string::npos)
        << name;
  }
  ExpectSuccess(RunProgram({"checkpoint", "verify", Best("lora")}));
}

TEST_F(AdapterTest, AnAbsentOrOtherBackboneIsNamed) {
  const std::string own = Lists(Best("lora"));
  fs::rename(Path("base"), Path("moved"));
  const Arguments evaluate = Arguments{"evaluate", "--checkpoint", Best("lora")} + Data();
  const Arguments recommend =
      Arguments{"recommend", "--checkpoint", Best("lora"), "--user", "user3"} + Data();
  const auto missing = AllOf(HasSubstr(Path("base")), HasSubstr("--backbone DIR"));
  const Arguments verify = {"checkpoint", "verify", Best("lora")};
  const Arguments exporting = Export(Best("lora"), "huggingface", "nothing");
  for (const Arguments& command : {evaluate, recommend, verify, exporting}) {
    ExpectFailure(RunProgram(command), 1, missing);
  }
  EXPECT_FALSE(FileExists(Path("nothing")));
  const Arguments moved = {"--backbone", Path("moved")};
  EXPECT_EQ(Lists(Arguments{"--checkpoint", Best("lora")} + moved), own);
  for (const Arguments& command : {recommend, verify, exporting}) {
    ExpectSuccess(RunProgram(command + moved));
  }
  // A folder of that name with other weights: one bit of the last tensor.
  fs::copy(Path("moved"), Path("base"), fs::copy_options::recursive);
  std::string weights = ReadFile(Path("base/model.safetensors")).value_or("");
  weights[weights.size() - 2] ^= 1;
  ASSERT_TRUE(WriteFileAtomic(Path("base/model.safetensors"), weights).ok());
  const auto other = AllOf(HasSubstr(Path("base/model.safetensors")), HasSubstr("SHA-256"),
                           HasSubstr("--backbone DIR"));
  for (const Arguments& command : {evaluate, recommend, verify, exporting}) {
    ExpectFailure(RunProgram(command), 1, other);
  }
  // Neither does a run go on with them.
  ExpectFailure(
      RunProgram(Train("lora", Path("base")) + Lora() + Arguments{"--epochs", "1", "--resume"}), 1,
      HasSubstr("trained on a backbone of digest"));
  fs::remove_all(Path("base"));
  fs::rename(Path("moved"), Path("base"));
}

TEST_F(AdapterTest, RandomWeightsComeFromTheirSeedAgain) {
  ExpectSuccess(RunProgram(Train("seeded", "preset:llama-tiny") + Lora()));
  ExpectSuccess(RunProgram({"checkpoint", "verify", Best("seeded")}));
  ExpectFailure(RunProgram({"checkpoint", "verify", Best("seeded"), "--backbone", Path("base")}), 2,
                AllOf(HasSubstr("--backbone"), HasSubstr("preset:llama-tiny")));
  Json manifest = Json::parse(ReadFile(Best("seeded") + "/manifest.json").value_or(""));
  EXPECT_EQ(manifest["backbone"]["seed"], 1);
  manifest["backbone"]["seed"] = 2;
  manifest.erase("manifest_sha256");  // as in a manifest of an older version
  ASSERT_TRUE(WriteFileAtomic(Best("seeded") + "/manifest.json", manifest.dump()).ok());
  ExpectFailure(RunProgram({"checkpoint", "verify", Best("seeded")}), 1,
                HasSubstr("with seed 2 gives other weights"));
}

// What a step has freed serves the next one, whose tensors have other sizes: with jemalloc's own
// limit on that the 25th step would have a third more memory than the fifth.
TEST_F(AdapterTest, MemoryDoesNotGrowWithTheSteps) {
  WriteDeepLlama(Path("deep"));
  ExpectSuccess(RunProgram(Train("deep-run", Path("deep")) + Lora() +
                           Arguments{"--batch-size", "16", "--max-steps", "25", "--epochs", "4",
                                     "--logging-step", "1", "--sample-num", "10"}));
  const Json record = Json::parse(ReadFile(Path("deep-run/run.json")).value_or(""));
  if (record.dump().find("jemalloc") == std::string::npos) {
    GTEST_SKIP() << "the program is linked with another allocator than jemalloc";
  }
  std::vector<double> resident;
  std::istringstream lines(ReadFile(Path("deep-run/metrics.jsonl")).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line);
    if (json["event"] == "step") resident.push_back(json["resident_memory_bytes"].get<double>());
  }
  ASSERT_EQ(resident.size(), 25u);
  // By the tenth step every thread has had a shard of every size.
  EXPECT_LT(resident[24], resident[9] * 1.1);
}

}  // namespace
}  // namespace openp5
