// A checkpoint knows how its model reads: prompts, history, tasks and the item index come from the
// folder alone, whatever form the folder has.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::HasSubstr;
using ::testing::Not;

// One kind of model, identifiers and way of reading, all unlike the defaults.
struct Case {
  const char* name;
  Arguments index;
  Arguments tokenizer;
  Arguments model;
};

std::vector<Case> Cases() {
  const Arguments collaborative = {
      "--indexing", "collaborative",           "--collaborative-token-size",
      "8",          "--collaborative-cluster", "4"};
  return {{"T5Sequential", {"--indexing", "sequential"}, {}, {"--backbone", "preset:t5-tiny"}},
          {"T5Collaborative", collaborative, {}, {"--backbone", "preset:t5-tiny"}},
          {"LlamaRandom",
           {"--indexing", "random", "--seed", "5"},
           {"--causal"},
           {"--backbone", "preset:llama-tiny"}},
          {"LlamaCompat",
           {"--indexing", "sequential"},
           {"--causal"},
           {"--backbone", "preset:llama-tiny", "--openp5-compat"}}};
}

class ReadingTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteFileAtomic(folder_.File("prompts.txt"),
                                "direct; seen; Next for {user_id} of {dataset}; {target}\n"
                                "sequential; seen; After {history} comes; {target}\n"
                                "sequential; unseen; {history} and then; {target}\n")
                    .ok());
    ExpectSuccess(RunProgram({"dataset", "generate", "--out", folder_.File("data/Toy"), "--users",
                              "60", "--items", "30", "--groups", "3", "--mean-length", "8"}));
    const Arguments index = GetParam().index;
    ExpectSuccess(RunProgram(Arguments{"index", "build"} + Data() + index));
    ExpectSuccess(RunProgram(Arguments{"tokenizer", "train"} + Data() + index + Read() +
                             GetParam().tokenizer +
                             Arguments{"--vocabulary-size", "200", "--model-type", "bpe", "--out",
                                       folder_.File("tokenizer")}));
    ExpectSuccess(
        RunProgram(Arguments{"train"} + Data() + index + Read() + GetParam().model +
                   Arguments{"--tokenizer", folder_.File("tokenizer"), "--epochs", "2",
                             "--batch-size", "32", "--lr", "3e-3", "--threads", "1",
                             "--max-input-tokens", "24", "--run-dir", folder_.File("run")}));
    // What the model says when everything is given by hand.
    const ProgramResult by_hand =
        Evaluate(Best(), index + Read() + Compat() + Arguments{"--max-input-tokens", "24"});
    ExpectSuccess(by_hand);
    lists_ = Lists();
    results_ = Json::parse(by_hand.out)["results"];
    ASSERT_EQ(results_.size(), 2u);  // both tasks
  }

  Arguments Data() const { return {"--data-dir", folder_.File("data"), "--datasets", "Toy"}; }
  Arguments Read() const {
    return {"--tasks",
            "direct,sequential",
            "--prompt-file",
            folder_.File("prompts.txt"),
            "--max-history",
            "4",
            "--history-separator",
            " ",
            "--history-prefix",
            "0"};
  }
  Arguments Compat() const {
    return std::string(GetParam().name) == "LlamaCompat" ? Arguments{"--openp5-compat"}
                                                         : Arguments();
  }
  std::string Best() const { return folder_.File("run/checkpoints/best"); }
  ProgramResult Evaluate(const std::string& checkpoint, const Arguments& more = {}) const {
    return RunProgram(
        Arguments{"evaluate", "--checkpoint", checkpoint} + Data() + more +
        Arguments{"--threads", "1", "--format", "json", "--topk-out", folder_.File("lists.jsonl")});
  }
  std::string Lists() const { return ReadFile(folder_.File("lists.jsonl")).value_or("none"); }
  void ExpectTheSameLists(const std::string& checkpoint, const Arguments& more = {}) const {
    const ProgramResult result = Evaluate(checkpoint, more);
    ExpectSuccess(result);
    EXPECT_EQ(Lists(), lists_) << checkpoint;
    EXPECT_EQ(Json::parse(result.out)["results"], results_) << checkpoint;
    EXPECT_THAT(result.err, Not(HasSubstr("warning")));
    EXPECT_THAT(result.err, Not(HasSubstr("asked otherwise")));
  }

  TemporaryFolder folder_;
  std::string lists_;
  Json results_;
};

TEST_P(ReadingTest, TheFolderAloneGivesTheSameListsInEveryForm) {
  ExpectTheSameLists(Best());
  // The store and the file of the prompts are gone: nothing of them is needed any more.
  std::filesystem::rename(folder_.File("prompts.txt"), folder_.File("elsewhere.txt"));
  std::filesystem::rename(folder_.File("data/index.rocksdb"), folder_.File("elsewhere.rocksdb"));
  ExpectTheSameLists(Best());
  const std::string exported = folder_.File("exported"), imported = folder_.File("imported");
  ExpectSuccess(RunProgram(
      {"checkpoint", "export", "--checkpoint", Best(), "--to", "huggingface", "--out", exported}));
  // A T5's whole-word embedding is part of the export, so that its lists stay the same here.
  ExpectTheSameLists(exported);
  ExpectSuccess(RunProgram(Arguments{"checkpoint", "import", "--checkpoint", exported} + Data() +
                           Arguments{"--out", imported}));
  ExpectTheSameLists(imported);
}

TEST_P(ReadingTest, RecommendAsksAsTheModelWasTrained) {
  const Arguments question = Arguments{"recommend", "--checkpoint", Best()} + Data() +
                             Arguments{"--user", "u1", "--tasks", "sequential", "--format", "json"};
  const ProgramResult alone = RunProgram(question);
  ExpectSuccess(alone);
  const ProgramResult by_hand =
      RunProgram(question + Arguments{"--prompt-file", folder_.File("prompts.txt"), "--max-history",
                                      "4", "--history-separator", " ", "--history-prefix", "0"});
  ExpectSuccess(by_hand);
  EXPECT_EQ(alone.out, by_hand.out);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ReadingTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

using ReadingDifferencesTest = ReadingTest;

TEST_P(ReadingDifferencesTest, WhatIsAskedOtherwiseIsSaid) {
  const ProgramResult result = Evaluate(Best(), {"--max-history", "2"});
  ExpectSuccess(result);
  EXPECT_THAT(result.err, HasSubstr("asked otherwise than the model was trained: --max-history "
                                    "'2', not '4'"));
  ASSERT_TRUE(WriteFileAtomic(folder_.File("other.txt"),
                              "direct; seen; For {user_id}; {target}\n"
                              "sequential; seen; {history} then; {target}\n")
                  .ok());
  const ProgramResult other = Evaluate(Best(), {"--prompt-file", folder_.File("other.txt")});
  ExpectSuccess(other);
  EXPECT_THAT(other.err, HasSubstr("other prompts"));
  EXPECT_NE(Json::parse(other.out)["results"][1]["prompt_digest"], results_[1]["prompt_digest"]);
}

TEST_P(ReadingDifferencesTest, AFolderOfVersion1OpensWithAWarning) {
  const std::string manifest = Best() + "/manifest.json";
  Json old = Json::parse(ReadFile(manifest).value());
  old["version"] = 1;
  for (const char* name : {"reading", "manifest_sha256"}) old.erase(name);
  old["files"].erase("prompts.txt");
  ASSERT_TRUE(WriteFileAtomic(manifest, old.dump()).ok());
  std::filesystem::remove(Best() + "/prompts.txt");
  const ProgramResult alone = Evaluate(Best(), {"--tasks", "sequential"});
  ExpectSuccess(alone);
  EXPECT_THAT(alone.err, HasSubstr("does not hold the prompts it was trained with"));
  ExpectTheSameLists(Best(), {"--prompt-file", folder_.File("prompts.txt")});
}

INSTANTIATE_TEST_SUITE_P(Kinds, ReadingDifferencesTest, ::testing::Values(Cases()[0]),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace openp5
