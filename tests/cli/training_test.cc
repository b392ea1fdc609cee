#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
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
using ::openp5::testing::Program;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::HasSubstr;

// Training that is disturbed, or shared by processes, of a small model on made-up data.
class TrainingTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    Run({"dataset", "generate", "--out", Path("data/Toy"), "--users", "40", "--items", "60",
         "--groups", "5"});
    Run({"index", "build", "--data-dir", Path("data"), "--datasets", "Toy"});
    Run({"tokenizer", "train", "--data-dir", Path("data"), "--datasets", "Toy", "--tasks",
         "sequential,straightforward", "--out", Path("tokenizer")});
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static ProgramResult Run(const Arguments& arguments) {
    ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }
  static Arguments Train(const std::string& run, const Arguments& more) {
    Arguments all = {"train",
                     "--data-dir",
                     Path("data"),
                     "--datasets",
                     "Toy",
                     "--tasks",
                     "sequential,straightforward",
                     "--backbone",
                     "preset:t5-tiny",
                     "--tokenizer",
                     Path("tokenizer"),
                     "--run-dir",
                     Path(run),
                     "--threads",
                     "1",
                     "--seed",
                     "5",
                     "--sample-prompt"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  // The files of a checkpoint that must not depend on what happened on the way.
  static std::string Weights(const std::string& run, const std::string& name) {
    return ReadFile(Path(run + "/checkpoints/" + name + "/model.safetensors")).value_or("missing");
  }
  // metrics.jsonl without what the clock says.
  static std::string Measured(const std::string& run) {
    std::istringstream lines(ReadFile(Path(run + "/metrics.jsonl")).value_or(""));
    std::string measured;
    for (std::string line; std::getline(lines, line);) {
      Json json = Json::parse(line);
      for (const char* name : {"seconds", "seconds_left", "samples_per_second", "tokens_per_second",
                               "users_per_second", "resident_memory_bytes"}) {
        json.erase(name);
      }
      measured += json.dump() + "\n";
    }
    return measured;
  }
  static bool WaitForLog(Program* program, const std::string& run, const std::string& text) {
    while (program->IsRunning()) {
      if (ReadFile(Path(run + "/metrics.jsonl")).value_or("").find(text) != std::string::npos) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> TrainingTest::folder_;

// OpenP5 redraws the embeddings of number tokens; a pretrained model would forget its numbers.
TEST_F(TrainingTest, OnlyOpenP5sWayRedrawsNumbersUnasked) {
  const auto dumped = [](const Arguments& more) {
    return Run(Train("dumped", more + Arguments{"--dump-config"})).out;
  };
  EXPECT_THAT(dumped({}), HasSubstr("\nrandom-initialize=false\n"));
  EXPECT_THAT(dumped({"--random-initialize"}), HasSubstr("\nrandom-initialize=true\n"));
  EXPECT_THAT(dumped({"--openp5-compat"}), HasSubstr("\nrandom-initialize=true\n"));
  EXPECT_THAT(dumped({"--openp5-compat", "--random-initialize=false"}),
              HasSubstr("\nrandom-initialize=false\n"));
  EXPECT_THAT(RunProgram({"train", "--help"}).out, HasSubstr("turns it on (off)\n"));
}

// Killed again and again, at any moment, a run ends with the files of one that was left alone.
// OPENP5_TEST_KILLS: how often (each costs about a second).
TEST_F(TrainingTest, KilledAtAnyMomentLosesNothing) {
  const char* wanted = std::getenv("OPENP5_TEST_KILLS");
  const int kills = wanted == nullptr ? 8 : std::atoi(wanted);
  const Arguments more = {"--epochs",
                          "2",
                          "--batch-size",
                          "32",
                          "--max-steps",
                          "12",
                          "--save-steps",
                          "1",
                          "--logging-step",
                          "1",
                          "--test-epoch",
                          "1",
                          "--keep-best",
                          "2",
                          "--gradient-accumulation-steps",
                          "2",
                          "--valid-select",
                          "hit@5"};
  Run(Train("whole", more));
  Arguments resuming = Train("killed", more);
  resuming.push_back("--resume");
  Random random(std::random_device{}());
  int done = 0, finished = 0;
  while (done < kills || finished == 0) {
    Program program(resuming);
    if (done < kills) {
      const auto wait = std::chrono::milliseconds(random.Below(1500));
      const auto start = std::chrono::steady_clock::now();
      while (program.IsRunning() && std::chrono::steady_clock::now() - start < wait) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      if (program.IsRunning()) {
        program.Signal(SIGKILL);
        program.Wait();
        ++done;
        continue;
      }
    }
    const ProgramResult result = program.Wait();
    ASSERT_EQ(result.exit_code, 0) << result.err;
    ++finished;
    for (const char* name : {"best", "last"}) {
      ASSERT_TRUE(Weights("killed", name) == Weights("whole", name)) << name << " after " << done;
    }
    ASSERT_EQ(Measured("killed"), Measured("whole"));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("killed"))) {
      EXPECT_FALSE(IsTemporaryName(entry.path().string())) << entry.path();
    }
    if (done < kills) std::filesystem::remove_all(Path("killed"));
  }
  RecordProperty("finished_runs", finished);
}

TEST_F(TrainingTest, ProcessesShareTheWorkAndOneGoesOnAlone) {
  const Arguments more = {"--epochs",  "3", "--batch-size",   "8",
                          "--dropout", "0", "--logging-step", "1"};
  Arguments two = Train("two", more);
  two.insert(two.end(), {"--nproc", "2"});
  Program program(two);
  ASSERT_TRUE(WaitForLog(&program, "two", "\"step\":3,"));
  program.Signal(SIGTERM);
  const ProgramResult stopped = program.Wait();
  ASSERT_EQ(stopped.exit_code, 143) << stopped.err;
  EXPECT_THAT(stopped.LastError(), HasSubstr("--resume"));
  Arguments alone = Train("two", more);
  alone.insert(alone.end(), {"--nproc", "1", "--resume"});
  const ProgramResult resumed = Run(alone);
  EXPECT_THAT(resumed.err, HasSubstr("the run had 2 processes, now 1"));
  // Lists and metrics of shared evaluations are those of one process, byte by byte.
  std::string lists[2];
  for (const int processes : {1, 2}) {
    const std::string file = Path(StrCat("lists", processes));
    Run({"evaluate", "--checkpoint", Path("two/checkpoints/best"), "--data-dir", Path("data"),
         "--datasets", "Toy", "--eval-batch-size", "7", "--threads", "1", "--topk-out", file,
         "--nproc", StrCat(processes)});
    lists[processes - 1] = ReadFile(file).value_or("missing");
  }
  EXPECT_EQ(lists[0], lists[1]);
  EXPECT_THAT(lists[0], HasSubstr("\"items\""));
}

// The process of `program`'s children that has RANK=`rank`.
int ChildOfRank(const Program& program, int rank) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string folder = entry.path().string();
    const std::string variables = ReadFile(folder + "/environ").value_or("");
    const std::string parent = StrCat("\nPPid:\t", program.pid(), "\n");
    if (variables.find(std::string("\0RANK=", 6) + std::to_string(rank)) != std::string::npos &&
        ReadFile(folder + "/status").value_or("").find(parent) != std::string::npos) {
      return std::atoi(entry.path().filename().c_str());
    }
  }
  return -1;
}

TEST_F(TrainingTest, NamesARankThatIsKilledOrHangs) {
  for (const int signal : {SIGKILL, SIGSTOP}) {
    const std::string run = StrCat("lost", signal);
    Program program(Train(run, {"--epochs", "500", "--batch-size", "8", "--logging-step", "1",
                                "--nproc", "2", "--distributed-timeout", "4"}));
    ASSERT_TRUE(WaitForLog(&program, run, "\"step\":3,"));
    const int child = ChildOfRank(program, 1);
    ASSERT_GT(child, 0);
    kill(child, signal);
    const ProgramResult result = program.Wait();
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("rank 0 of 2: lost rank 1 ("));
  }
}

TEST_F(TrainingTest, OneProcessReportsWhatIsWrongForAll) {
  Arguments arguments = Train("wrong", {"--nproc", "2"});
  arguments[4] = "Nope";
  const ProgramResult result = RunProgram(arguments);
  EXPECT_EQ(result.exit_code, 1);
  size_t reports = 0;
  for (size_t at = 0; (at = result.err.find("Nope/user_sequence.txt", at)) != std::string::npos;
       ++at) {
    ++reports;
  }
  EXPECT_EQ(reports, 1u) << result.err;
}

}  // namespace
}  // namespace openp5
