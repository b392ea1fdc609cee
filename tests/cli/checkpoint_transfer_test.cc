#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::Shared;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::AllOf;
using ::testing::HasSubstr;
std::vector<Json> JsonLines(const std::string& path) {
  std::istringstream lines(ReadFile(path).value_or(""));
  std::vector<Json> parsed;
  for (std::string line; std::getline(lines, line);) parsed.push_back(Json::parse(line));
  return parsed;
}

// OpenP5's recorded ML100K checkpoints, with its own item indexes in a store.
class CheckpointTransferTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    OPENP5_SKIP_WITHOUT_SHARED();
    ASSERT_TRUE(MakeDirectories(folder_.File("data/ML100K")).ok());
    WritePrompts();
    const std::string data = Shared("data/ML100K/");
    ASSERT_TRUE(WriteFileAtomic(folder_.File("data/ML100K/user_sequence.txt"),
                                ReadFile(data + "user_sequence.txt").value_or(""))
                    .ok());
    ImportIndex({"--indexing", "sequential"}, "item_sequential_indexing_original.txt");
    ImportIndex(Collaborative("500", "20"), "item_collaborative_indexing_500_20_sequential.txt");
  }

  void WritePrompts() {
    const Json prompts =
        Json::parse(ReadFile(Shared("golden/07_end_to_end/prompts.json")).value_or("{}"));
    std::string text;
    for (const Json& line : prompts["task; kind; input; output (file order)"]) {
      for (size_t i = 0; i < 4; ++i) text += line[i].get<std::string>() + (i == 3 ? "\n" : "; ");
    }
    ASSERT_TRUE(WriteFileAtomic(folder_.File("prompts.txt"), text).ok());
  }

  void ImportIndex(const Arguments& parameters, const std::string& items) {
    const ProgramResult result =
        RunProgram(Arguments{"index", "import"} + Data() + parameters +
                   Arguments{"--items", Shared("data/ML100K/" + items), "--users",
                             Shared("data/ML100K/user_indexing.txt")});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  Arguments Data() const { return {"--data-dir", folder_.File("data"), "--datasets", "ML100K"}; }
  static Arguments Collaborative(const std::string& size, const std::string& clusters) {
    return {"--indexing", "collaborative",           "--collaborative-token-size",
            size,         "--collaborative-cluster", clusters};
  }
  Arguments Index() const {
    return is_sequential_ ? Arguments{"--indexing", "sequential"} : Collaborative("500", "20");
  }
  // The recorded checkpoint as OpenP5 or Hugging Face left it.
  Arguments Recorded() const {
    const std::string golden = Shared(StrCat("golden/07_end_to_end/", GetParam()));
    Arguments source = {"--tokenizer", Shared("tokenizers/t5"), "--checkpoint"};
    return source + (is_sequential_
                         ? Arguments{golden + "/openp5_state_dict_fp16.pt", "--backbone", golden}
                         : Arguments{golden});
  }
  ProgramResult Evaluate(const Arguments& checkpoint, const std::string& topk) const {
    return RunProgram(Arguments{"evaluate"} + checkpoint + Data() +
                      Arguments{"--prompt-file", folder_.File("prompts.txt"), "--prompt", "seen:0",
                                "--beams", "10", "--eval-batch-size", "20", "--openp5-compat",
                                "--precision", "float32", "--threads", "1", "--format", "json",
                                "--topk-out", folder_.File(topk)});
  }

  void ExpectRecordedLists(const std::string& topk) {
    const auto own = JsonLines(folder_.File(topk));
    const auto recorded =
        JsonLines(Shared(StrCat("golden/07_end_to_end/", GetParam(), "/test_seen0.jsonl")));
    ASSERT_EQ(own.size(), recorded.size());
    for (size_t user = 0; user < own.size(); ++user) {
      for (size_t rank = 0; rank < 10; ++rank) {
        EXPECT_NEAR(own[user]["scores"][rank].get<double>(),
                    recorded[user]["scores"][rank].get<double>(), 2e-4)
            << "user " << user << " rank " << rank;
      }
    }
  }
  void ExpectRecordedMetrics(const std::string& json) {
    const Json recorded = Json::parse(
        ReadFile(Shared(StrCat("golden/07_end_to_end/", GetParam(), "/metrics.json"))).value());
    const Json& expected = recorded["runs"]["test_seen0"];
    const Json own = Json::parse(json)["results"][0]["metrics"];
    for (const auto& [name, value] : expected["metrics"].items()) {
      EXPECT_NEAR(own[name].get<double>(), value.get<double>(), 2.0 / expected["users"].get<int>())
          << name;
    }
  }

  TemporaryFolder folder_;
  const bool is_sequential_ = std::string(GetParam()) == "sequential";
};

TEST_P(CheckpointTransferTest, AnImportedCheckpointGivesTheRecordedNumbers) {
  const std::string ours = folder_.File("ours");
  const ProgramResult imported = RunProgram(Arguments{"checkpoint", "import"} + Recorded() +
                                            Data() + Index() + Arguments{"--out", ours});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  ASSERT_EQ(RunProgram({"checkpoint", "verify", ours}).exit_code, 0);
  const ProgramResult own = Evaluate({"--checkpoint", ours}, "own.jsonl");
  ASSERT_EQ(own.exit_code, 0) << own.err;
  EXPECT_THAT(own.err, HasSubstr("of memory"));
  ExpectRecordedMetrics(own.out);
  ExpectRecordedLists("own.jsonl");
  const ProgramResult direct = Evaluate(Recorded() + Index(), "direct.jsonl");
  ASSERT_EQ(direct.exit_code, 0) << direct.err;
  EXPECT_EQ(JsonLines(folder_.File("own.jsonl")), JsonLines(folder_.File("direct.jsonl")));
}

TEST_P(CheckpointTransferTest, TheItemIndexComesBackAsOpenP5sFiles) {
  const std::string ours = folder_.File("ours"), files = folder_.File("files");
  ASSERT_EQ(RunProgram(Arguments{"checkpoint", "import"} + Recorded() + Data() + Index() +
                       Arguments{"--out", ours})
                .exit_code,
            0);
  const ProgramResult exported =
      RunProgram({"checkpoint", "export", "--to", "openp5", "--checkpoint", ours, "--out", files});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  for (const std::string name :
       {is_sequential_ ? "item_sequential_indexing_original.txt"
                       : "item_collaborative_indexing_500_20_sequential.txt",
        "user_indexing.txt"}) {
    const auto own = ReadFile(files + "/ML100K/" + name);
    const auto original = ReadFile(Shared("data/ML100K/" + name));
    ASSERT_TRUE(own.ok() && original.ok()) << name;
    EXPECT_TRUE(*own == *original) << name;
  }
}

TEST_P(CheckpointTransferTest, AnotherIndexIsRefusedUnlessAskedFor) {
  const std::string ours = folder_.File("ours");
  ASSERT_EQ(RunProgram(Arguments{"checkpoint", "import"} + Recorded() + Data() + Index() +
                       Arguments{"--out", ours})
                .exit_code,
            0);
  ASSERT_EQ(RunProgram(Arguments{"index", "build", "--indexing", "random"} + Data()).exit_code, 0);
  const Arguments other = {"--checkpoint", ours, "--indexing", "random", "--users", "3"};
  const ProgramResult refused = Evaluate(other, "refused.jsonl");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.LastError(),
              AllOf(HasSubstr("trained with item index"), HasSubstr("got random/seed=1"),
                    HasSubstr("--allow-index-mismatch")));
  const ProgramResult allowed =
      Evaluate(other + Arguments{"--allow-index-mismatch"}, "other.jsonl");
  ASSERT_EQ(allowed.exit_code, 0) << allowed.err;
  EXPECT_THAT(Json::parse(allowed.out)["index_mismatches"][0].get<std::string>(),
              AllOf(HasSubstr("ML100K: trained with"), HasSubstr("got random/seed=1")));
}

INSTANTIATE_TEST_SUITE_P(Recorded, CheckpointTransferTest,
                         ::testing::Values("sequential", "collaborative"),
                         [](const auto& info) { return std::string(info.param); });

// An embedding tells how many tokens were added, so which parameters the lost index had.
class LostIndexTest : public CheckpointTransferTest {};

TEST_P(LostIndexTest, TheParametersThatFitAreNamed) {
  ASSERT_EQ(RunProgram(Arguments{"index", "build"} + Data() + Collaborative("200", "10")).exit_code,
            0);
  for (const char* command : {"import", "evaluate"}) {
    const bool is_import = std::string(command) == "import";
    const ProgramResult result =
        RunProgram((is_import ? Arguments{"checkpoint", "import", "--out", folder_.File("bad")}
                              : Arguments{"evaluate"}) +
                   Recorded() + Data() + Collaborative("200", "10"));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(
        result.LastError(),
        AllOf(HasSubstr("embedding has"), HasSubstr("rows"), HasSubstr("200 added"),
              HasSubstr(is_sequential_ ? "--indexing sequential"
                                       : "--collaborative-token-size 500 --collaborative-cluster "
                                         "20"),
              HasSubstr("would fit")));
    EXPECT_FALSE(FileExists(folder_.File("bad")));
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, LostIndexTest, ::testing::Values("sequential", "collaborative"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace openp5
