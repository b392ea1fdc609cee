#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectFailure;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::RunProgram;
using ::openp5::testing::Shared;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Case(const std::string& name) { return Shared("cases/checkpoints/" + name); }

// Models others wrote, a small data set, and its sequential index.
class ForeignWeightsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    OPENP5_SKIP_WITHOUT_SHARED();
    ExpectSuccess(RunProgram(Arguments{"index", "build"} + Data()));
  }

  Arguments Data() const {
    return {"--data-dir", Case("data"),       "--datasets", "Toy",
            "--index-db", folder_.File("db"), "--indexing", "sequential"};
  }

  // The score of every item of every user, by both.
  std::map<std::string, double> Scores(const Arguments& checkpoint) {
    const std::string lists = folder_.File("top.jsonl");
    ExpectSuccess(RunProgram(Arguments{"evaluate", "--checkpoint"} + checkpoint + Data() +
                             Arguments{"--prompt", "seen:0", "--beams", "20", "--precision",
                                       "float32", "--threads", "1", "--topk-out", lists}));
    std::map<std::string, double> scores;
    std::istringstream lines(ReadFile(lists).value_or(""));
    for (std::string line; std::getline(lines, line);) {
      const Json user = Json::parse(line);
      for (size_t i = 0; i < user["items"].size(); ++i) {
        scores[user["user"].dump() + user["items"][i].dump()] = user["scores"][i].get<double>();
      }
    }
    return scores;
  }

  static void ExpectSameScores(const std::map<std::string, double>& a,
                               const std::map<std::string, double>& b) {
    ASSERT_GT(a.size(), 20u);
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [item, score] : a) EXPECT_NEAR(score, b.at(item), 1e-4) << item;
  }

  // The folder of a T5 with one number of its last norm replaced.
  std::string WithNumber(float number) const {
    const std::string to = folder_.File("broken");
    std::filesystem::remove_all(to);
    EXPECT_TRUE(MakeDirectories(to).ok());
    std::filesystem::copy(Case("t5-save_model"), to);
    const std::string file = to + "/model.safetensors";
    std::string bytes = ReadFile(file).value_or("");
    uint64_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof(size));
    const Json header = Json::parse(bytes.substr(sizeof(size), size));
    const auto begin = header["decoder.final_layer_norm.weight"]["data_offsets"][0].get<uint64_t>();
    std::memcpy(bytes.data() + sizeof(size) + size + begin, &number, sizeof(number));
    std::filesystem::remove(file);  // a copy of one that may not be written to
    EXPECT_TRUE(WriteFileAtomic(file, bytes).ok());
    return to;
  }

  TemporaryFolder folder_;
};

// The table of tokens is the head, too: an adapter of one of them leaves the other as it was.
TEST_F(ForeignWeightsTest, ExportsOfAnAdapterOnATiedTableAreTheModel) {
  for (const char* targets : {"q_proj,v_proj,embed_tokens", "q_proj,lm_head"}) {
    SCOPED_TRACE(targets);
    const std::string run = folder_.File("run"), best = run + "/checkpoints/best",
                      merged = folder_.File("merged"), adapter = folder_.File("adapter"),
                      imported = folder_.File("imported");
    for (const std::string& old : {run, merged, adapter, imported}) {
      std::filesystem::remove_all(old);
    }
    ExpectSuccess(RunProgram(Arguments{"train",
                                       "--run-dir",
                                       run,
                                       "--backbone",
                                       Case("qwen2-tied"),
                                       "--lora",
                                       "--lora-r",
                                       "4",
                                       "--lora-target-modules",
                                       targets,
                                       "--epochs",
                                       "2",
                                       "--batch-size",
                                       "16",
                                       "--lr",
                                       "5e-2",
                                       "--threads",
                                       "1",
                                       "--seed",
                                       "1"} +
                             Data()));
    const auto trained = Scores({best});
    ExpectSuccess(RunProgram(
        {"checkpoint", "export", "--checkpoint", best, "--to", "huggingface", "--out", merged}));
    EXPECT_EQ(Json::parse(ReadFile(merged + "/config.json").value_or("{}"))["tie_word_embeddings"],
              false);
    ExpectSameScores(trained, Scores({merged}));
    ExpectSuccess(RunProgram(
        {"checkpoint", "export", "--checkpoint", best, "--to", "peft", "--out", adapter}));
    const Arguments with_backbone = {adapter, "--backbone", Case("qwen2-tied")};
    ExpectSameScores(trained, Scores(with_backbone));
    ExpectSuccess(RunProgram(Arguments{"checkpoint", "import", "--checkpoint"} + with_backbone +
                             Data() + Arguments{"--out", imported}));
    ExpectSameScores(trained, Scores({imported}));
  }
}

TEST_F(ForeignWeightsTest, NumbersThatAreNoneAreRefusedByTheirTensor) {
  for (const float number :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::string broken = WithNumber(number);
    const auto line = AllOf(HasSubstr("decoder.final_layer_norm.weight: expected finite numbers"),
                            HasSubstr("got 1 of 16"));
    const Arguments model = {"--checkpoint", broken};
    ExpectFailure(RunProgram(Arguments{"evaluate"} + model + Data()), 1, line);
    ExpectFailure(RunProgram(Arguments{"recommend", "--user", "user0"} + model + Data()), 1, line);
    ExpectFailure(RunProgram(Arguments{"checkpoint", "import", "--out", folder_.File("own")} +
                             model + Data()),
                  1, line);
    ExpectFailure(
        RunProgram(Arguments{"train", "--run-dir", folder_.File("run"), "--backbone", broken} +
                   Data()),
        1, line);
    EXPECT_FALSE(FileExists(folder_.File("own")));
  }
}

TEST_F(ForeignWeightsTest, AbsurdConfigsAreRefusedByTheirField) {
  const std::string folder = WithNumber(1);
  const Json right = Json::parse(ReadFile(folder + "/config.json").value_or("{}"));
  const std::pair<const char*, Json> absurd[] = {{"layer_norm_epsilon", -1.0},
                                                 {"layer_norm_epsilon", 1e308},
                                                 {"d_model", 0},
                                                 {"dropout_rate", 2}};
  for (const auto& [field, value] : absurd) {
    Json config = right;
    config[field] = value;
    std::filesystem::remove(folder + "/config.json");
    ASSERT_TRUE(WriteFileAtomic(folder + "/config.json", config.dump()).ok());
    ExpectFailure(RunProgram(Arguments{"evaluate", "--checkpoint", folder} + Data()), 1,
                  HasSubstr(StrCat("config.json: ", field)));
  }
}

// Transformers 4 knows no scale apart from the tie: an export has it in the head.
TEST_F(ForeignWeightsTest, AT5ThatIsTiedAndNotScaledComesBackFromEveryForm) {
  const Arguments tokenizer = {"--tokenizer", Case("t5-save_model")};
  const std::string source = Case("t5-gated-v5-trained"), own = folder_.File("own"),
                    exported = folder_.File("exported");
  const auto scores = Scores(Arguments{source} + tokenizer);
  ExpectSuccess(RunProgram(Arguments{"checkpoint", "import", "--checkpoint", source, "--out", own} +
                           tokenizer + Data()));
  ExpectSameScores(scores, Scores({own}));
  ExpectSuccess(RunProgram(
      {"checkpoint", "export", "--checkpoint", own, "--to", "huggingface", "--out", exported}));
  const Json config = Json::parse(ReadFile(exported + "/config.json").value_or("{}"));
  EXPECT_EQ(config["tie_word_embeddings"], false);
  EXPECT_EQ(config["scale_decoder_outputs"], false);
  ExpectSameScores(scores, Scores({exported}));
}

// Version 5 of transformers goes by the model's type there, not by the class that the folder names.
TEST_F(ForeignWeightsTest, AnExportSaysWhereTransformersTakesAnotherTokenizer) {
  const std::string own = folder_.File("own");
  for (const auto& [tokenizer, is_told] :
       {std::pair(Case("qwen2-tied"), false), std::pair(Case("t5-save_model"), true)}) {
    SCOPED_TRACE(tokenizer);
    ExpectSuccess(RunProgram(Arguments{"checkpoint", "import", "--checkpoint", Case("qwen2-tied"),
                                       "--tokenizer", tokenizer, "--out", own} +
                             Data()));
    const auto exported = RunProgram({"checkpoint", "export", "--checkpoint", own, "--to",
                                      "huggingface", "--out", folder_.File("exported")});
    ExpectSuccess(exported);
    EXPECT_EQ(exported.out.find("AutoTokenizer of transformers 5 takes") != std::string::npos,
              is_told)
        << exported.out;
  }
}

}  // namespace
}  // namespace openp5
