#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "platform/base/file.h"
#include "platform/base/random.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectFailure;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::Program;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// 24 users who walk round a ring of 20 items.
std::string Sequences() {
  Random random(4);
  std::string text;
  for (int user = 0; user < 24; ++user) {
    uint64_t item = random.Below(20);
    text += StrCat("user", user);
    for (int i = 0; i < 7; ++i) {
      text += StrCat(" item", item % 20);
      item += 1 + random.Below(2);
    }
    text += "\n";
  }
  return text;
}

// One dataset, its index, tokenizer and a trained checkpoint, made once by the program itself.
class PipelineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ASSERT_TRUE(MakeDirectories(Path("data/Toy")).ok());
    ASSERT_TRUE(WriteFileAtomic(Path("data/Toy/user_sequence.txt"), Sequences()).ok());
    ASSERT_TRUE(WriteFileAtomic(Path("data/Toy/item_metadata.jsonl"),
                                "{\"item\": \"item3\", \"title\": \"The third\"}\n")
                    .ok());
    ExpectSuccess(RunProgram(Arguments{"index", "build", "--indexing", "sequential"} + Data()));
    ExpectSuccess(RunProgram(Arguments{"index", "build"} + Collaborative() + Data()));
    ExpectSuccess(RunProgram(Arguments{"tokenizer", "train", "--out", Path("tokenizer"),
                                       "--vocabulary-size", "300", "--split-digits"} +
                             Data()));
    ExpectSuccess(RunProgram(Train("run")));
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static Arguments Data() { return {"--data-dir", Path("data"), "--datasets", "Toy"}; }
  static Arguments Collaborative() {
    return {"--indexing", "collaborative",           "--collaborative-token-size",
            "8",          "--collaborative-cluster", "4"};
  }
  static Arguments Train(const std::string& run, const std::string& backbone = "preset:t5-tiny") {
    return Arguments{"train",
                     "--run-dir",
                     Path(run),
                     "--backbone",
                     backbone,
                     "--tokenizer",
                     Path("tokenizer"),
                     "--epochs",
                     "1",
                     "--batch-size",
                     "16",
                     "--sample-prompt",
                     "--sample-num",
                     "1",
                     "--seed",
                     "1",
                     "--threads",
                     "1"} +
           Data();
  }
  static std::string Checkpoint() { return Path("run/checkpoints/best"); }
  static Arguments Evaluate(const std::string& checkpoint) {
    return Arguments{"evaluate", "--checkpoint", checkpoint, "--threads", "1"} + Data();
  }
  static Arguments Recommend() {
    return Arguments{"recommend", "--checkpoint", Checkpoint(), "--threads", "1"} + Data();
  }

  // A copy of the trained checkpoint to damage.
  static std::string CopyOfCheckpoint(const std::string& name) {
    std::filesystem::remove_all(Path(name));
    std::filesystem::copy(Checkpoint(), Path(name), std::filesystem::copy_options::recursive);
    return Path(name);
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> PipelineTest::folder_;

TEST_F(PipelineTest, EvaluateGivesTheDocumentedJson) {
  const ProgramResult result =
      RunProgram(Evaluate(Checkpoint()) +
                 Arguments{"--indexing", "sequential", "--index-db", Path("data/index.rocksdb"),
                           "--format", "json", "--beams", "10", "--topk-out", Path("topk.jsonl"),
                           "--baseline", "popularity"});
  ExpectSuccess(result);
  const Json json = Json::parse(result.out);
  ASSERT_EQ(json["results"].size(), 2u);
  const Json& row = json["results"][0];
  EXPECT_EQ(row["dataset"], "Toy");
  EXPECT_EQ(row["task"], "sequential");
  EXPECT_EQ(row["split"], "test");
  EXPECT_EQ(row["prompt"], "seen:0");
  EXPECT_EQ(row["filtered"], false);
  EXPECT_EQ(row["users"], 24);
  EXPECT_EQ(row["metrics"].size(), 4u);
  EXPECT_EQ(json["results"][1]["method"], "popularity");
  EXPECT_GT(json["users_per_second"].get<double>(), 0);

  std::istringstream lines(ReadFile(Path("topk.jsonl")).value_or(""));
  int users = 0;
  for (std::string line; std::getline(lines, line); ++users) {
    const Json top = Json::parse(line);
    EXPECT_EQ(top["user"], StrCat("user", users));
    EXPECT_EQ(top["items"].size(), 10u);
    EXPECT_EQ(top["scores"].size(), 10u);
    EXPECT_TRUE(top["target"].is_string());
  }
  EXPECT_EQ(users, 24);
}

TEST_F(PipelineTest, EvaluatePrintsATable) {
  const ProgramResult result = RunProgram(Evaluate(Checkpoint()) + Arguments{"--users", "3"});
  ExpectSuccess(result);
  EXPECT_THAT(result.out, AllOf(HasSubstr("hit@10"), HasSubstr("users/s")));
}

// Scores of a model of two layers change by a few hundredths at most.
TEST_F(PipelineTest, Int8IsNamedAndStaysClose) {
  const Arguments int8 = {"--precision", "int8", "--format", "json"};
  const ProgramResult result = RunProgram(Evaluate(Checkpoint()) + int8);
  if (result.exit_code != 0) {
    ExpectFailure(result, 1, HasSubstr("int8 needs a CPU with 8-bit dot products"));
    return;
  }
  EXPECT_EQ(Json::parse(result.out)["precision"], "int8");
  const Arguments user = {"--user", "user3", "--k", "20", "--include-seen"};
  const ProgramResult close = RunProgram(Recommend() + user + int8),
                      exact = RunProgram(Recommend() + user + Arguments{"--format", "json"});
  ExpectSuccess(close);
  EXPECT_EQ(Json::parse(close.out)["precision"], "int8");
  EXPECT_EQ(Json::parse(exact.out)["precision"], "float32");
  const auto scores = [](const ProgramResult& list) {
    std::map<std::string, double> by_item;
    const Json json = Json::parse(list.out);
    for (const Json& item : json["items"]) by_item[item["item"]] = item["score"];
    return by_item;
  };
  const auto expected = scores(exact), got = scores(close);
  ASSERT_FALSE(expected.empty());
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& [item, score] : expected) EXPECT_NEAR(got.at(item), score, 0.1) << item;
  EXPECT_NE(got, expected);
  ExpectFailure(RunProgram(Train("int8") + Arguments{"--precision", "int8"}), 2,
                HasSubstr("--precision"));
}

TEST_F(PipelineTest, RecommendLeavesSeenItemsOut) {
  const ProgramResult result =
      RunProgram(Recommend() + Arguments{"--user", "user0", "--k", "5", "--format", "json"});
  ExpectSuccess(result);
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["items"].size(), 5u);
  EXPECT_EQ(json["history"].size(), 7u);
  for (const Json& item : json["items"]) {
    EXPECT_EQ(std::count(json["history"].begin(), json["history"].end(), item["item"]), 0);
    if (item["item"] == "item3") {
      EXPECT_EQ(item["title"], "The third");
    }
  }
  const ProgramResult all =
      RunProgram(Recommend() + Arguments{"--history", "item1,item2", "--k", "20", "--include-seen",
                                         "--format", "json"});
  ExpectSuccess(all);
  EXPECT_EQ(Json::parse(all.out)["items"].size(), 20u);
}

// Items of a list in their order.
std::vector<std::string> ItemsOf(const ProgramResult& result) {
  ExpectSuccess(result);
  std::vector<std::string> items;
  const Json json = Json::parse(result.out);
  for (const Json& item : json["items"]) items.push_back(item["item"]);
  return items;
}

TEST_F(PipelineTest, AShorterListIsTheBeginningOfALongerOne) {
  for (const Arguments& way :
       {Arguments{}, Arguments{"--beams", "13"}, Arguments{"--exact"}, Arguments{"--include-seen"},
        Arguments{"--include-seen", "--exact"}}) {
    const auto list = [&](int k) {
      return ItemsOf(RunProgram(
          Recommend() + Arguments{"--user", "user3", "--format", "json", "--k", std::to_string(k)} +
          way));
    };
    const std::vector<std::string> longest = list(13);
    ASSERT_EQ(longest.size(), 13u);
    for (const int k : {1, 3, 5, 10}) {
      EXPECT_EQ(list(k), std::vector<std::string>(longest.begin(), longest.begin() + k)) << k;
    }
  }
}

// 20 items, of which the user has seen 7 at most: with a beam for every item the search is exact.
TEST_F(PipelineTest, ExactRankingIsThatOfASearchWithABeamForEveryItem) {
  const Arguments user = {"--user", "user5", "--format", "json", "--k", "20"};
  EXPECT_EQ(ItemsOf(RunProgram(Recommend() + user + Arguments{"--exact"})),
            ItemsOf(RunProgram(Recommend() + user + Arguments{"--beams", "20"})));
  const auto evaluate = [](const Arguments& way) {
    const ProgramResult result =
        RunProgram(Evaluate(Checkpoint()) + Arguments{"--format", "json", "--filtered"} + way);
    ExpectSuccess(result);
    return Json::parse(result.out)["results"][0]["metrics"];
  };
  EXPECT_EQ(evaluate({"--exact"}), evaluate({"--beams", "20"}));
  ExpectFailure(RunProgram(Evaluate(Checkpoint()) + Arguments{"--exact", "--openp5-compat"}), 2,
                HasSubstr("--exact and --openp5-compat"));
}

TEST_F(PipelineTest, ASearchThatIsTooNarrowForTheMetricsIsWarnedOf) {
  const Arguments narrow = {"--users", "2", "--metrics", "hit@3,ndcg@10", "--beams", "5"};
  EXPECT_THAT(RunProgram(Evaluate(Checkpoint()) + narrow).err,
              HasSubstr("warning: --beams: 5 is less than the largest k of --metrics, 10"));
  EXPECT_THAT(RunProgram(Evaluate(Checkpoint()) + narrow + Arguments{"--beams", "10"}).err,
              ::testing::Not(HasSubstr("--beams")));
}

TEST_F(PipelineTest, RecommendNamesUnknownUsersAndItems) {
  ExpectFailure(RunProgram(Recommend() + Arguments{"--user", "nobody"}), 1,
                HasSubstr("--user: Toy has no user 'nobody'"));
  ExpectFailure(RunProgram(Recommend() + Arguments{"--history", "item1,item99"}), 1,
                HasSubstr("--history: Toy has no item 'item99'"));
  ExpectFailure(RunProgram(Recommend()), 2, HasSubstr("missing --user or --history"));
}

TEST_F(PipelineTest, ARunSaysWhatItWasMadeWith) {
  const Json record = Json::parse(ReadFile(Path("run/run.json")).value_or("null"));
  EXPECT_THAT(
      record["command"].get<std::string>(),
      AllOf(HasSubstr(" train --run-dir "), HasSubstr("--sample-prompt"), HasSubstr("Toy")));
  EXPECT_EQ(record["outcome"], "finished");
  EXPECT_EQ(record["result"]["checkpoint"], Checkpoint());
  EXPECT_GT(record["seconds"].get<double>(), 0);
  EXPECT_GT(record["peak_memory_bytes"].get<int64_t>(), 1 << 20);
  ASSERT_EQ(record["starts"].size(), 1u);
  const Json& start = record["starts"][0];
  for (const char* name : {"time", "directory", "version", "commit", "torch", "allocator", "host",
                           "cpu", "device", "compute_type"}) {
    EXPECT_NE(start[name].get<std::string>(), "") << name;
  }
  EXPECT_EQ(start["threads"], 1);
  EXPECT_GT(start["memory_bytes"].get<int64_t>(), 1 << 20);
  const ProgramResult version = RunProgram({"version"});
  EXPECT_EQ(version.out, StrCat("openp5 ", start["version"].get<std::string>(), " (commit ",
                                start["commit"].get<std::string>(), ")\n"));
}

TEST_F(PipelineTest, ARunIsNotOverwritten) {
  ExpectFailure(RunProgram(Train("run")), 2,
                AllOf(HasSubstr("is not empty"), HasSubstr("--resume")));
}

// Stopped by a signal inside an epoch and gone on with: the same bytes as without the stop.
TEST_F(PipelineTest, ResumesExactlyAfterASignal) {
  const Arguments more = {"--epochs", "3", "--logging-step", "1"};
  ExpectSuccess(RunProgram(Train("whole") + more));
  {
    Program program(Train("stopped") + more);
    const std::string log = Path("stopped/metrics.jsonl");
    while (program.IsRunning() &&
           ReadFile(log).value_or("").find("\"step\":3,") == std::string::npos) {
      std::this_thread::yield();
    }
    program.Signal(SIGTERM);
    const ProgramResult result = program.Wait();
    ASSERT_EQ(result.exit_code, 143) << result.err;
    EXPECT_THAT(result.LastError(), HasSubstr("--resume"));
    EXPECT_TRUE(FileExists(Path("stopped/checkpoints/last/manifest.json")));
  }
  ExpectFailure(RunProgram(Train("stopped") + more + Arguments{"--lr", "0.5", "--resume"}), 1,
                HasSubstr("started with lr=0.001, got lr=0.5"));
  ExpectSuccess(RunProgram(Train("stopped") + more + Arguments{"--resume"}));
  for (const char* name : {"best", "last"}) {
    const std::string file = StrCat("/checkpoints/", name, "/model.safetensors");
    const auto whole = ReadFile(Path("whole" + file)), stopped = ReadFile(Path("stopped" + file));
    ASSERT_TRUE(whole.ok() && stopped.ok());
    EXPECT_TRUE(*whole == *stopped) << name;
  }
}

TEST_F(PipelineTest, ATokenizerOfACausalModelKnowsTheMarkOfResponses) {
  for (const bool causal : {false, true}) {
    const std::string folder = Path(causal ? "causal_tokenizer" : "plain_tokenizer");
    Arguments arguments = {"tokenizer",     "train",        "--out", folder,
                           "--whole-words", "--model-type", "bpe"};
    if (causal) arguments.push_back("--causal");
    ExpectSuccess(RunProgram(arguments + Data()));
    const std::string model = ReadFile(folder + "/spiece.model").value_or("");
    EXPECT_THAT(model, HasSubstr("item_1001"));
    EXPECT_EQ(model.find("Response:") != std::string::npos, causal);
  }
}

TEST_F(PipelineTest, TrainsWithAddedTokensAndTasks) {
  const ProgramResult result = RunProgram(
      Train("collaborative") + Collaborative() +
      Arguments{"--tasks", "sequential,straightforward", "--format", "json", "--valid-select",
                "hit@5", "--test-epoch", "1", "--test-after-train", "--logging-step", "1"});
  ExpectSuccess(result);
  const Json json = Json::parse(result.out);
  ASSERT_EQ(json["test"].size(), 2u);
  EXPECT_EQ(json["test"][1]["task"], "straightforward");
  std::map<std::string, Json> last;  // line of metrics.jsonl, by event
  std::istringstream lines(ReadFile(Path("collaborative/metrics.jsonl")).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const Json parsed = Json::parse(line);
    last[parsed["event"]] = parsed;
  }
  for (const char* group : {"Toy/sequential", "Toy/straightforward"}) {
    EXPECT_GT(last["step"]["losses"][group].get<double>(), 0);
    EXPECT_EQ(last["step"]["losses"][group], last["epoch"]["train_losses"][group]);
    EXPECT_GT(last["epoch"]["validation_losses"][group].get<double>(), 0);
  }
  for (const char* name : {"samples_per_second", "tokens_per_second", "padding_share",
                           "gradient_norm", "resident_memory_bytes"}) {
    EXPECT_GT(last["step"][name].get<double>(), 0) << name;
  }
  EXPECT_EQ(last["step"]["seconds_left"], 0);
  EXPECT_EQ(last["test"]["checkpoint"], "best");
  EXPECT_EQ(last["test"]["results"], json["test"]);
  EXPECT_THAT(result.err, HasSubstr("Toy/straightforward: train loss"));
  const ProgramResult evaluated =
      RunProgram(Evaluate(json["checkpoint"]) + Arguments{"--filtered", "--format", "json"});
  ExpectSuccess(evaluated);
  EXPECT_EQ(Json::parse(evaluated.out)["results"][0]["filtered"], true);
}

// A Llama trained in full becomes a folder of Hugging Face's, is the backbone of an adapter, and
// that goes out, merged and alone, and comes in again with the same numbers.
TEST_F(PipelineTest, ACausalModelAndItsAdapterGoOutAndComeBack) {
  const auto out = [](const std::string& name) { return Arguments{"--out", Path(name)}; };
  const auto lists = [](const Arguments& checkpoint) {
    ExpectSuccess(RunProgram(
        Arguments{"evaluate", "--threads", "1", "--beams", "5", "--topk-out", Path("topk.jsonl")} +
        checkpoint + Data()));
    std::istringstream lines(ReadFile(Path("topk.jsonl")).value_or(""));
    std::vector<Json> parsed;
    for (std::string line; std::getline(lines, line);) parsed.push_back(Json::parse(line));
    return parsed;
  };
  ExpectSuccess(RunProgram(Train("llama", "preset:llama-tiny")));
  const Arguments exporting = {"checkpoint", "export", "--checkpoint"};
  ExpectSuccess(RunProgram(exporting + Arguments{Path("llama/checkpoints/best")} + out("base")));
  ExpectSuccess(RunProgram(Train("lora", Path("base")) + Collaborative() +
                           Arguments{"--lora", "--lora-r", "4"}));
  const std::string trained = Path("lora/checkpoints/best");
  const std::vector<Json> own = lists({"--checkpoint", trained});
  ASSERT_EQ(own.size(), 24u);
  ASSERT_EQ(own[0]["items"].size(), 5u);

  ExpectSuccess(RunProgram(exporting + Arguments{trained} + out("merged")));
  const ProgramResult alone =
      RunProgram(exporting + Arguments{trained, "--to", "peft"} + out("adapter"));
  ExpectSuccess(alone);
  EXPECT_THAT(alone.out, HasSubstr("resize_token_embeddings"));
  const Arguments tokenizer = {"--tokenizer", Path("tokenizer")};
  for (const Arguments& checkpoint :
       {Arguments{"--checkpoint", Path("merged")},
        Arguments{"--checkpoint", Path("adapter"), "--backbone", Path("base")}}) {
    const std::vector<Json> again = lists(checkpoint + tokenizer + Collaborative());
    ASSERT_EQ(again.size(), own.size());
    for (size_t user = 0; user < own.size(); ++user) {
      for (size_t rank = 0; rank < 5; ++rank) {
        EXPECT_NEAR(again[user]["scores"][rank].get<double>(),
                    own[user]["scores"][rank].get<double>(), 1e-4)
            << "user " << user << " rank " << rank;
      }
    }
  }
  ExpectFailure(RunProgram(exporting + Arguments{Checkpoint(), "--to", "peft"} + out("none")), 1,
                HasSubstr("trained with --lora"));
  ExpectFailure(RunProgram(Train("none") + Arguments{"--lora"}), 2,
                HasSubstr("--lora: expected a Llama"));
}

TEST_F(PipelineTest, MissingThingsAreNamed) {
  ExpectFailure(RunProgram(Evaluate(Path("nothing"))), 1, HasSubstr("nothing: no such file"));
  ExpectFailure(RunProgram({"evaluate", "--checkpoint", Checkpoint(), "--data-dir", Path("data"),
                            "--datasets", "Absent"}),
                1, HasSubstr("Absent/user_sequence.txt"));
  ExpectFailure(RunProgram(Evaluate(Path("data"))), 1,
                HasSubstr("neither a checkpoint (manifest.json) nor a Hugging Face folder"));
  ExpectFailure(RunProgram(Evaluate(Path("topk.jsonl")) + Arguments{"--prompt-file", Path("no")}),
                1, HasSubstr(Path("no")));
  ExpectFailure(RunProgram({"evaluate", "--data-dir", "x", "--datasets", "y"}), 2,
                HasSubstr("missing --checkpoint"));
}

TEST_F(PipelineTest, BadOptionsAreNamed) {
  ExpectFailure(RunProgram(Evaluate(Checkpoint()) + Arguments{"--beam", "3"}), 2,
                AllOf(HasSubstr("unknown option 'beam'"), HasSubstr("did you mean --beams?"),
                      HasSubstr("--checkpoint")));
  ExpectFailure(RunProgram(Evaluate(Checkpoint()) + Arguments{"--split", "dev"}), 2,
                AllOf(HasSubstr("--split"), HasSubstr("validation"), HasSubstr("'dev'")));
  ExpectFailure(RunProgram(Evaluate(Checkpoint()) + Arguments{"--metrics", "mmr@5"}), 2,
                HasSubstr("one of coverage, debiased-hit"));
  ExpectFailure(RunProgram(Evaluate(Checkpoint()) + Arguments{"--prompt", "seen:99"}), 1,
                HasSubstr("seen:99"));
  ExpectFailure(RunProgram(Train("x") + Arguments{"--lr", "fast"}), 2,
                HasSubstr("--lr: expected a number, got 'fast'"));
  ExpectFailure(RunProgram(Train("x") + Arguments{"--backbone", "preset:t6"}), 2,
                AllOf(HasSubstr("t5-tiny"), HasSubstr("t6")));
  EXPECT_FALSE(FileExists(Path("x")));
}

TEST_F(PipelineTest, BadDataIsNamedWithItsLine) {
  ASSERT_TRUE(MakeDirectories(Path("bad/Toy")).ok());
  const auto failure = [&](const std::string& content) {
    EXPECT_TRUE(WriteFileAtomic(Path("bad/Toy/user_sequence.txt"), content).ok());
    return RunProgram(
        {"evaluate", "--checkpoint", Checkpoint(), "--data-dir", Path("bad"), "--datasets", "Toy"});
  };
  ExpectFailure(failure(""), 1, HasSubstr("bad/Toy/user_sequence.txt"));
  ExpectFailure(failure("u1 a b c\nu2 a b\n"), 1, HasSubstr("user_sequence.txt:2"));
  ExpectFailure(failure(Sequences() + "newcomer item1 item2 novelty\n"), 1,
                AllOf(HasSubstr("novelty"), HasSubstr("index")));
}

TEST_F(PipelineTest, DamagedCheckpointsAreNamed) {
  const std::string truncated = CopyOfCheckpoint("truncated");
  std::filesystem::resize_file(truncated + "/model.safetensors", 1000);
  ExpectFailure(RunProgram(Evaluate(truncated)), 1, HasSubstr("model.safetensors"));
  const std::string flipped = CopyOfCheckpoint("flipped");
  std::string bytes = ReadFile(flipped + "/model.safetensors").value_or("");
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(WriteFileAtomic(flipped + "/model.safetensors", bytes).ok());
  ExpectFailure(RunProgram(Evaluate(flipped)), 1, HasSubstr("model.safetensors"));
  const std::string index = CopyOfCheckpoint("index");
  std::string items = ReadFile(index + "/items.index").value_or("");
  items[items.size() / 2] ^= 1;
  ASSERT_TRUE(WriteFileAtomic(index + "/items.index", items).ok());
  ExpectFailure(RunProgram(Evaluate(index)), 1, HasSubstr("items.index"));
  const std::string manifest = CopyOfCheckpoint("manifest");
  ASSERT_TRUE(WriteFileAtomic(manifest + "/manifest.json", "{\"version\"").ok());
  ExpectFailure(RunProgram(Evaluate(manifest)), 1, HasSubstr("manifest.json"));
}

TEST_F(PipelineTest, AnotherIndexIsRefused) {
  ExpectFailure(RunProgram(Evaluate(Checkpoint()) + Collaborative()), 1,
                AllOf(HasSubstr("trained with item index sequential/original"),
                      HasSubstr("got collaborative/8/4")));
  ExpectFailure(RunProgram(Train("y") + Arguments{"--indexing", "random"}), 1, HasSubstr("random"));
}

TEST_F(PipelineTest, AFullDiskLeavesNothingHalfWritten) {
  const ProgramResult full =
      RunProgram(Evaluate(Checkpoint()) + Arguments{"--users", "1"}, "/dev/full");
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.LastError(), HasSubstr("No space left"));

  const std::string disk = Path("disk");
  ASSERT_TRUE(MakeDirectories(disk).ok());
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0) {
    GTEST_SKIP() << "a small disk needs the right to mount";
  }
  Arguments train = Train("unused");
  std::replace(train.begin(), train.end(), Path("unused"), disk + "/run");
  const ProgramResult result = RunProgram(train);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.LastError(), AllOf(HasSubstr(disk), HasSubstr("No space left")));
  EXPECT_FALSE(FileExists(disk + "/run/checkpoints/best"));
  for (const auto& entry : std::filesystem::directory_iterator(disk + "/run/checkpoints")) {
    ADD_FAILURE() << "left behind: " << entry.path();
  }
  umount(disk.c_str());
}

}  // namespace
}  // namespace openp5
