#include <signal.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "platform/base/file.h"
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
using ::testing::HasSubstr;

// A made-up dataset and a SASRec that the program trained on it, once for all tests.
class SasrecTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ExpectSuccess(RunProgram({"dataset", "generate", "--out", Path("data/Made"), "--users", "300",
                              "--items", "80", "--seed", "2"}));
    ExpectSuccess(RunProgram(Train("run")));
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static Arguments Data() { return {"--data-dir", Path("data"), "--datasets", "Made"}; }
  static Arguments Train(const std::string& run) {
    return Arguments{"train",   "--model",
                     "sasrec",  "--run-dir",
                     Path(run), "--sasrec-hidden-size",
                     "32",      "--sasrec-heads",
                     "2",       "--sasrec-max-length",
                     "20",      "--epochs",
                     "20",      "--batch-size",
                     "32",      "--lr",
                     "3e-3",    "--dropout",
                     "0.2",     "--valid-select",
                     "hit@10",  "--threads",
                     "1"} +
           Data();
  }
  static std::string Checkpoint() { return Path("run/checkpoints/best"); }
  static Arguments Evaluate() {
    return Arguments{"evaluate", "--checkpoint", Checkpoint(), "--threads", "1"} + Data();
  }
  static Arguments Recommend() {
    return Arguments{"recommend", "--checkpoint", Checkpoint(), "--threads", "1"} + Data();
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> SasrecTest::folder_;

TEST_F(SasrecTest, BeatsPopularityUnderTheSameProtocol) {
  for (const bool filtered : {false, true}) {
    const ProgramResult result =
        RunProgram(Evaluate() +
                   Arguments{"--baseline", "popularity,item-knn", "--format", "json", "--topk-out",
                             Path("topk.jsonl")} +
                   (filtered ? Arguments{"--filtered"} : Arguments{}));
    ExpectSuccess(result);
    const Json json = Json::parse(result.out);
    ASSERT_EQ(json["results"].size(), 3u);
    EXPECT_EQ(json["results"][0]["method"], "model");
    EXPECT_EQ(json["results"][1]["method"], "popularity");
    EXPECT_EQ(json["results"][2]["method"], "item-knn");
    EXPECT_EQ(json["results"][0]["users"], 300);
    EXPECT_EQ(json["results"][0]["filtered"], filtered);
    const auto hits = [&](size_t row) {
      return json["results"][row]["metrics"]["hit@10"].get<double>();
    };
    EXPECT_GT(hits(0), hits(1) + 0.05) << "filtered " << filtered;
    std::istringstream lines(ReadFile(Path("topk.jsonl")).value_or(""));
    int users = 0;
    for (std::string line; std::getline(lines, line); ++users) {
      EXPECT_EQ(Json::parse(line)["items"].size(), 10u);
    }
    EXPECT_EQ(users, 300);
  }
}

TEST_F(SasrecTest, EvaluatesSplitsUsersAndMetrics) {
  const ProgramResult result = RunProgram(
      Evaluate() + Arguments{"--split", "validation", "--users", "7", "--metrics", "hit@3"});
  ExpectSuccess(result);
  EXPECT_THAT(result.out, AllOf(HasSubstr("validation"), HasSubstr("hit@3"), HasSubstr("users/s")));
}

TEST_F(SasrecTest, RecommendsToUsersAndAfterHistories) {
  const auto items = [](const Arguments& more) {
    const ProgramResult result =
        RunProgram(Recommend() + Arguments{"--k", "5", "--format", "json"} + more);
    ExpectSuccess(result);
    return Json::parse(result.out);
  };
  const auto first_line = ReadFile(Path("data/Made/user_sequence.txt")).value_or("");
  std::istringstream line(first_line.substr(0, first_line.find('\n')));
  std::string user, item, history;
  line >> user;
  while (line >> item) history += (history.empty() ? "" : ",") + item;
  const Json of_user = items({"--user", user}), of_history = items({"--history", history});
  ASSERT_EQ(of_user["items"].size(), 5u);
  EXPECT_EQ(of_user["items"], of_history["items"]);
  for (const Json& recommended : of_user["items"]) {
    EXPECT_EQ(std::count(of_user["history"].begin(), of_user["history"].end(), recommended["item"]),
              0);
  }
  ExpectFailure(RunProgram(Recommend() + Arguments{"--user", "nobody"}), 1,
                HasSubstr("--user: Made has no user 'nobody'"));
}

TEST_F(SasrecTest, TheCheckpointIsInspectedVerifiedAndNotExported) {
  const ProgramResult inspected = RunProgram({"checkpoint", "inspect", Checkpoint()});
  ExpectSuccess(inspected);
  EXPECT_THAT(inspected.out, AllOf(HasSubstr("model_family: sasrec"), HasSubstr("items.txt")));
  ExpectSuccess(RunProgram({"checkpoint", "verify", Checkpoint()}));
  ExpectFailure(RunProgram({"checkpoint", "export", "--checkpoint", Checkpoint(), "--to",
                            "huggingface", "--out", Path("export")}),
                1, AllOf(HasSubstr("--to huggingface"), HasSubstr("SASRec")));
  EXPECT_FALSE(FileExists(Path("export")));
}

TEST_F(SasrecTest, TrainsWithASampledLoss) {
  const ProgramResult result =
      RunProgram(Train("sampled") + Arguments{"--sasrec-loss", "sampled", "--sasrec-negatives",
                                              "20", "--epochs", "2", "--format", "json"});
  ExpectSuccess(result);
  EXPECT_EQ(Json::parse(result.out)["epochs"], 2);
}

// Stopped by a signal inside an epoch and gone on with: the same bytes as without the stop.
TEST_F(SasrecTest, ResumesExactlyAfterASignal) {
  const Arguments more = {"--sasrec-loss", "sampled", "--sasrec-negatives", "20",
                          "--epochs",      "12",      "--logging-step",     "1"};
  ExpectSuccess(RunProgram(Train("whole") + more));
  {
    Program program(Train("stopped") + more);
    const std::string log = Path("stopped/metrics.jsonl");
    while (program.IsRunning() &&
           ReadFile(log).value_or("").find("\"step\":14,") == std::string::npos) {
      std::this_thread::yield();
    }
    program.Signal(SIGTERM);
    ASSERT_EQ(program.Wait().exit_code, 143);
  }
  ExpectSuccess(RunProgram(Train("stopped") + more + Arguments{"--resume"}));
  for (const char* name : {"best", "last"}) {
    const std::string file = StrCat("/checkpoints/", name, "/model.safetensors");
    const auto whole = ReadFile(Path("whole" + file)), stopped = ReadFile(Path("stopped" + file));
    ASSERT_TRUE(whole.ok() && stopped.ok());
    EXPECT_TRUE(*whole == *stopped) << name;
  }
}

TEST_F(SasrecTest, BaselinesNeedNoCheckpoint) {
  const Arguments evaluate = Arguments{"evaluate"} + Data();
  const ProgramResult result =
      RunProgram(evaluate + Arguments{"--baseline", "item-knn", "--item-knn-neighbours", "20",
                                      "--topk-out", Path("topk.jsonl"), "--format", "json"});
  ExpectSuccess(result);
  const Json json = Json::parse(result.out);
  ASSERT_EQ(json["results"].size(), 1u);
  EXPECT_EQ(json["results"][0]["method"], "item-knn");
  const std::string lists = ReadFile(Path("topk.jsonl")).value_or("");
  EXPECT_EQ(std::count(lists.begin(), lists.end(), '\n'), 300);
  ExpectFailure(RunProgram(evaluate), 2,
                AllOf(HasSubstr("missing --checkpoint"), HasSubstr("--baseline")));
  ExpectFailure(RunProgram(evaluate + Arguments{"--baseline", "popularity,item-knn", "--topk-out",
                                                Path("topk.jsonl")}),
                2, HasSubstr("--topk-out: expected --checkpoint or one --baseline"));
  ExpectFailure(RunProgram(evaluate + Arguments{"--baseline", "none,popularity"}), 2,
                HasSubstr("got both"));
  ExpectFailure(RunProgram(evaluate + Arguments{"--baseline", "bpr"}), 2,
                AllOf(HasSubstr("--baseline"), HasSubstr("item-knn")));
}

TEST_F(SasrecTest, WrongOptionsAreNamed) {
  ExpectFailure(RunProgram(Train("x") + Arguments{"--model", "gru4rec"}), 2,
                AllOf(HasSubstr("--model"), HasSubstr("sasrec")));
  ExpectFailure(RunProgram(Train("x") + Arguments{"--sasrec-heads", "5"}), 2,
                HasSubstr("--sasrec-heads: expected a divisor"));
  ExpectFailure(RunProgram(Train("x") + Arguments{"--backbone", "preset:t5-tiny"}), 2,
                HasSubstr("--backbone: has no effect with --model sasrec"));
  ExpectFailure(RunProgram(Train("x") + Arguments{"--pack-targets", "10"}), 2,
                HasSubstr("--pack-targets: has no effect with --model sasrec"));
  ExpectFailure(RunProgram(Train("x") + Arguments{"--max-history", "10"}), 2,
                HasSubstr("hint: --sasrec-max-length"));
  ExpectFailure(RunProgram(Train("x") + Arguments{"--label-smoothing", "0.1"}), 2,
                HasSubstr("--label-smoothing: has no effect with --model sasrec"));
  ExpectFailure(RunProgram(Train("x") + Arguments{"--model", "generative"}), 2,
                HasSubstr("has no effect with --model generative"));
  ExpectFailure(RunProgram(Train("x") + Arguments{"--datasets", "Made,Other"}), 2,
                HasSubstr("--datasets: expected one"));
  EXPECT_FALSE(FileExists(Path("x")));
}

TEST_F(SasrecTest, OtherDataAndDamageAreNamed) {
  ASSERT_TRUE(MakeDirectories(Path("other/Made")).ok());
  ASSERT_TRUE(WriteFileAtomic(Path("other/Made/user_sequence.txt"), "u a b c\n").ok());
  ExpectFailure(RunProgram({"evaluate", "--checkpoint", Checkpoint(), "--data-dir", Path("other"),
                            "--datasets", "Made"}),
                1, HasSubstr("does not know item"));
  std::string items = ReadFile(Checkpoint() + "/items.txt").value_or("");
  items[0] ^= 1;
  ASSERT_TRUE(WriteFileAtomic(Path("run/checkpoints/last/items.txt"), items).ok());
  ExpectFailure(RunProgram({"evaluate", "--checkpoint", Path("run/checkpoints/last"), "--data-dir",
                            Path("data"), "--datasets", "Made"}),
                1, HasSubstr("items.txt: not the items"));
}

}  // namespace
}  // namespace openp5
