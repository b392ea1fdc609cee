#include <signal.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
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
using ::testing::Matcher;

// A made-up dataset, its index and a tokenizer, made once.
class SweepTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ExpectSuccess(RunProgram({"dataset", "generate", "--out", Path("data/Toy"), "--users", "24",
                              "--items", "20", "--groups", "2", "--mean-length", "6"}));
    ExpectSuccess(RunProgram(Arguments{"index", "build"} + Data()));
    ExpectSuccess(RunProgram(Arguments{"tokenizer", "train", "--out", Path("tokenizer"),
                                       "--vocabulary-size", "300", "--split-digits"} +
                             Data()));
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static Arguments Data() { return {"--data-dir", Path("data"), "--datasets", "Toy"}; }
  static void Write(const std::string& name, const std::string& text) {
    OPENP5_ASSERT_OK(WriteFileAtomic(Path(name), text));
  }
  // The sweep of file `space` into folder `out`.
  static Arguments Sweep(const std::string& space, const std::string& out) {
    return Arguments{"sweep",
                     "--sweep-file",
                     Path(space),
                     "--out",
                     Path(out),
                     "--backbone",
                     "preset:t5-tiny",
                     "--tokenizer",
                     Path("tokenizer"),
                     "--epochs",
                     "1",
                     "--batch-size",
                     "16",
                     "--seed",
                     "1",
                     "--sample-prompt",
                     "--sample-num",
                     "1",
                     "--logging-step",
                     "1",
                     "--format",
                     "json"} +
           Data();
  }
  static Json Record(const std::string& run) {
    return Json::parse(ReadFile(Path(run + "/run.json")).value_or("null"));
  }
  static size_t Starts(const std::string& run) { return Record(run)["starts"].size(); }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> SweepTest::folder_;

TEST_F(SweepTest, ComparesEveryCombination) {
  Write("grid.ini", "lr = 1e-3, 1e-2\nweight-decay = 0, 0.1\n");
  const Arguments sweep = Sweep("grid.ini", "grid") +
                          Arguments{"--jobs", "2", "--metric", "hit@5", "--test-after-train"};
  const ProgramResult result = RunProgram(sweep);
  ExpectSuccess(result);
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["valid_select"], "hit@5");
  ASSERT_EQ(json["trials"].size(), 4u);
  EXPECT_EQ(json, Json::parse(ReadFile(Path("grid/sweep.json")).value_or("")));
  double best = 1;
  for (const Json& trial : json["trials"]) {
    EXPECT_EQ(trial["state"], "finished");
    EXPECT_LE(trial["validation"].get<double>(), best);
    best = trial["validation"];
    EXPECT_TRUE(trial["test"].contains("hit@5"));
    // The trial's own folder says the same.
    const std::string run = StrCat("grid/trial-00", trial["trial"].get<int>());
    EXPECT_EQ(trial["run_dir"], Path(run));
    EXPECT_EQ(Record(run)["result"]["best_validation"], trial["validation"]);
    const std::string config = ReadFile(Path(run + "/config.ini")).value_or("");
    EXPECT_THAT(config, AllOf(HasSubstr("valid-select=hit@5\n"), HasSubstr("epochs=1\n")));
    EXPECT_EQ(config.find("lr=0.001\n") != std::string::npos, trial["options"]["lr"] == "1e-3");
    EXPECT_EQ(config.find("weight-decay=0.1\n") != std::string::npos,
              trial["options"]["weight-decay"] == "0.1");
  }
  // Once more: nothing is left to do, and the table comes again.
  Arguments again = sweep;
  std::replace(again.begin(), again.end(), std::string("json"), std::string("text"));
  const ProgramResult table = RunProgram(again);
  ExpectSuccess(table);
  EXPECT_THAT(table.out, AllOf(HasSubstr("trial  lr    weight-decay  validation hit@5  test hit@5"),
                               HasSubstr("finished")));
  EXPECT_EQ(Starts("grid/trial-000"), 1u);
}

TEST_F(SweepTest, StoppedTrialsGoOnAndFinishedOnesAreKept) {
  Write("long.ini", "lr = 1e-3, 1e-2\n");
  const Arguments sweep = Sweep("long.ini", "long") + Arguments{"--epochs", "30", "--jobs", "1"};
  {
    Program program(sweep);
    const std::string log = Path("long/trial-001/metrics.jsonl");
    while (program.IsRunning() &&
           ReadFile(log).value_or("").find("\"step\":3,") == std::string::npos) {
      std::this_thread::yield();
    }
    program.Signal(SIGTERM);
    const ProgramResult result = program.Wait();
    ExpectFailure(result, 143, AllOf(HasSubstr("1 of 2 trials"), HasSubstr("the same command")));
  }
  EXPECT_EQ(Record("long/trial-000")["outcome"], "finished");
  EXPECT_EQ(Record("long/trial-001")["outcome"], "stopped");
  const std::string weights = "/checkpoints/last/model.safetensors";
  const auto before = ReadFile(Path("long/trial-000" + weights));
  ExpectSuccess(RunProgram(sweep));
  EXPECT_EQ(Starts("long/trial-000"), 1u);
  EXPECT_EQ(Starts("long/trial-001"), 2u);
  EXPECT_EQ(Record("long/trial-001")["outcome"], "finished");
  EXPECT_TRUE(before.ok() && *before == *ReadFile(Path("long/trial-000" + weights)));
}

TEST_F(SweepTest, AFailedTrialIsNamedAndStopsNoOther) {
  Write("failing.ini", "backbone = preset:t6, preset:t5-tiny\n");
  const ProgramResult result = RunProgram(Sweep("failing.ini", "failing"));
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.LastError(), AllOf(HasSubstr("1 of 2 trials"), HasSubstr("trial-000.log")));
  const Json trials = Json::parse(result.out)["trials"];
  ASSERT_EQ(trials.size(), 2u);
  EXPECT_EQ(trials[0]["trial"], 1);
  EXPECT_EQ(trials[0]["state"], "finished");
  EXPECT_EQ(trials[1]["state"], "failed");
  EXPECT_THAT(trials[1]["error"].get<std::string>(), HasSubstr("t6"));
}

TEST_F(SweepTest, ASweepIsNotMixedWithAnother) {
  Write("one.ini", "lr = 1e-3\n");
  Write("two.ini", "lr = 1e-2\n");
  ExpectSuccess(RunProgram(Sweep("one.ini", "mixed")));
  ExpectFailure(RunProgram(Sweep("two.ini", "mixed")), 1,
                AllOf(HasSubstr("trial 0 is lr=1e-3, got lr=1e-2"), HasSubstr("another --out")));
  ExpectFailure(RunProgram(Sweep("one.ini", "mixed") + Arguments{"--clip", "2"}), 1,
                AllOf(HasSubstr("base.ini"), HasSubstr("clip=1, got clip=2")));
  ExpectFailure(RunProgram(Sweep("one.ini", "data")), 2, HasSubstr("holds no sweep"));
  // More values behind the others are more trials of the same sweep.
  Write("one.ini", "lr = 1e-3, 1e-2  # one more\n");
  ExpectSuccess(RunProgram(Sweep("one.ini", "mixed")));
  EXPECT_EQ(Starts("mixed/trial-000"), 1u);
}

TEST_F(SweepTest, WrongFilesAreNamedBeforeAnythingStarts) {
  const auto failure = [](const std::string& text, const Arguments& more = {}) {
    Write("wrong.ini", text);
    return RunProgram(Sweep("wrong.ini", "wrong") + more);
  };
  ExpectFailure(failure("epochs = 1\nlr = fast\n"), 2,
                HasSubstr("wrong.ini:2: --lr: expected a number, got 'fast'"));
  ExpectFailure(failure("lrr = 1\n"), 2, AllOf(HasSubstr("wrong.ini:1"), HasSubstr("--lr?")));
  ExpectFailure(failure("dropout = uniform(0, 2)\n"), 2, HasSubstr("wrong.ini:1: --dropout"));
  ExpectFailure(failure("threads = 1, 2\n"), 2, HasSubstr("set by the sweep"));
  ExpectFailure(failure("lr = log(1e-4, 1e-2)\n"), 2, HasSubstr("--trials"));
  ExpectFailure(failure("lr = 1\n", {"--metric", "accuracy"}), 2, HasSubstr("--metric"));
  ExpectFailure(failure("lr = 1\n", {"--metric", "loss", "--valid-select", "hit@5"}), 2,
                HasSubstr("got loss and hit@5"));
  ExpectFailure(RunProgram(Sweep("absent.ini", "wrong")), 1, HasSubstr("absent.ini"));
  EXPECT_FALSE(FileExists(Path("wrong")));
}

}  // namespace
}  // namespace openp5
