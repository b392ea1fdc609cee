#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/fault_shim.h"
#include "tests/testing/testing.h"

// What a run folder holds after its process was killed, refused a write or told to stop, at every
// moment of its saves.
namespace openp5 {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::Fault;
using ::openp5::testing::FaultVariables;
using ::openp5::testing::Program;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::operator+;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::testing::HasSubstr;

// A state's tensors, the position among them. Its length of the log is left out, since the lines of
// the log hold times, and so is the digest, which covers that length.
std::string ComparableState(const std::string& bytes) {
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  const Json header = Json::parse(bytes.substr(sizeof size, size));
  std::string comparable;
  for (const auto& [name, entry] : header.items()) {
    const auto begin = entry["data_offsets"][0].get<size_t>();
    const auto end = entry["data_offsets"][1].get<size_t>();
    std::string data = bytes.substr(sizeof size + size + begin, end - begin);
    if (name == "training.sha256") continue;
    if (name == "training.position") {
      Json position = Json::parse(data);
      position.erase("log_bytes");
      data = position.dump();
    }
    comparable += name + entry["shape"].dump() + data;
  }
  return comparable;
}

std::string ComparableLog(const std::string& text) {
  std::istringstream lines(text);
  std::string comparable;
  for (std::string line; std::getline(lines, line);) {
    Json json = Json::parse(line);
    for (const char* name : {"seconds", "seconds_left", "samples_per_second", "tokens_per_second",
                             "users_per_second", "resident_memory_bytes"}) {
      json.erase(name);
    }
    for (Json& result : json["results"]) result.erase("seconds");
    comparable += json.dump() + "\n";
  }
  return comparable;
}

std::string ComparableConfig(const std::string& text) {
  std::istringstream lines(text);
  std::string comparable;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("run-dir=")) comparable += line + "\n";
  }
  return comparable;
}

// The files of a run folder by name, as far as a clock and the folder's name have no say in them.
// run.json and TensorBoard's events record the starts; report.html shows the log.
std::map<std::string, std::string> Comparable(const std::string& run) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (entry.is_directory()) continue;
    const std::string name = fs::relative(entry.path(), run).string();
    if (name.starts_with("events.out.tfevents.")) continue;
    const std::string text = ReadFile(entry.path().string()).value_or("unreadable");
    if (name == "metrics.jsonl") {
      files[name] = ComparableLog(text);
    } else if (name == "config.ini") {
      files[name] = ComparableConfig(text);
    } else if (name == "checkpoints/training_state.safetensors") {
      files[name] = ComparableState(text);
    } else {
      files[name] = name == "run.json" || name == "report.html" ? "" : text;
    }
  }
  return files;
}

class RunSavesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    Run({"dataset", "generate", "--out", Path("data/Toy"), "--users", "30", "--items", "60",
         "--groups", "5"});
    Run({"index", "build", "--data-dir", Path("data"), "--datasets", "Toy"});
    Run({"tokenizer", "train", "--data-dir", Path("data"), "--datasets", "Toy", "--out",
         Path("tokenizer")});
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) {
    return fs::canonical(folder_->path()).string() + "/" + name;
  }
  static ProgramResult Run(const Arguments& arguments) {
    ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }
  static Arguments Train(const std::string& run, const Arguments& more) {
    return Arguments{"train",     "--data-dir",     Path("data"), "--datasets", "Toy",
                     "--run-dir", Path(run),        "--threads",  "1",          "--seed",
                     "5",         "--logging-step", "1"} +
           more;
  }
  // A small model without a tokenizer: few calls a save. Three epochs of two steps.
  static Arguments Small(const std::string& run, const Arguments& more = {}) {
    return Train(run, {"--model", "sasrec", "--sasrec-hidden-size", "8", "--sasrec-layers", "1",
                       "--batch-size", "16", "--epochs", "3", "--save-steps", "3"}) +
           more;
  }
  static Arguments Generative(const std::string& run, const Arguments& more = {}) {
    return Train(run, {"--backbone", "preset:t5-tiny", "--tokenizer", Path("tokenizer"),
                       "--batch-size", "64", "--epochs", "2", "--max-steps", "3"}) +
           more;
  }
  // Runs with `fault` on the run folder, and returns the log of its calls.
  static std::vector<std::string> Disturb(const Arguments& arguments, const std::string& run,
                                          Fault fault, ProgramResult* result) {
    fault.folder = Path(run);
    fault.log = Path("calls");
    fs::remove(fault.log);
    *result = RunProgram(arguments, "", FaultVariables(fault));
    std::istringstream text(ReadFile(fault.log).value_or(""));
    std::vector<std::string> calls;
    for (std::string line; std::getline(text, line);) calls.push_back(line);
    return calls;
  }
  static void ExpectSameFolder(const std::string& run, const std::string& whole) {
    const auto got = Comparable(Path(run)), expected = Comparable(Path(whole));
    std::vector<std::string> got_names, expected_names;
    for (const auto& [name, content] : got) got_names.push_back(name);
    for (const auto& [name, content] : expected) expected_names.push_back(name);
    EXPECT_EQ(got_names, expected_names);
    for (const auto& [name, content] : expected) {
      const auto found = got.find(name);
      EXPECT_TRUE(found != got.end() && found->second == content) << name;
    }
  }
  // Disturbs the run at every call that `is_tried` (number, line) is true for, resumes it, and
  // compares it with one that was left alone. The number of tries.
  template <class Predicate>
  static int TryCalls(const std::string& name, const Arguments& options, Fault fault,
                      const Predicate& is_tried,
                      Arguments (*train)(const std::string&, const Arguments&)) {
    ProgramResult result;
    const std::string whole = name + "_whole", cut = name + "_cut";
    const std::vector<std::string> calls =
        Disturb(train(whole, options), whole, {.kinds = fault.kinds}, &result);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    int tries = 0;
    for (size_t i = 0; i < calls.size(); ++i) {
      if (!is_tried(i, calls[i])) continue;
      fs::remove_all(Path(cut));
      fault.n = static_cast<int64_t>(i) + 1;
      Disturb(train(cut, options), cut, fault, &result);
      // The descriptor that locks a file is closed when the file is in its place, synced: an error
      // there loses nothing.
      if (fault.action == "fail" && result.exit_code == 0) {
        ExpectSameFolder(cut, whole);
      } else {
        EXPECT_NE(result.exit_code, 0) << calls[i];
      }
      const ProgramResult resumed = RunProgram(train(cut, options + Arguments{"--resume"}));
      EXPECT_EQ(resumed.exit_code, 0) << calls[i] << ": " << resumed.err;
      ExpectSameFolder(cut, whole);
      ++tries;
      if (HasFailure()) {
        ADD_FAILURE() << "after call " << calls[i];
        break;
      }
    }
    RecordProperty("calls", static_cast<int>(calls.size()));
    RecordProperty("tries", tries);
    return tries;
  }
  // Every call if OPENP5_TEST_EVERY_CALL is set (a second each), else every `stride`-th.
  static auto EveryOrStride(size_t stride, size_t offset) {
    const bool all = std::getenv("OPENP5_TEST_EVERY_CALL") != nullptr;
    return [=](size_t i, const std::string&) { return all || i % stride == offset; };
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> RunSavesTest::folder_;

TEST_F(RunSavesTest, KilledAfterAnyCallGoesOnAsIfNothingHadBeen) {
  EXPECT_GT(
      TryCalls("killed", {"--keep-best", "2", "--test-epoch", "1"},
               {.kinds = "write,sync,rename", .action = "kill-after"}, EveryOrStride(23, 3), Small),
      10);
}

TEST_F(RunSavesTest, KilledWithinAWriteOrBeforeARenamingGoesOn) {
  EXPECT_GT(TryCalls("within", {"--keep-best", "2"},
                     {.kinds = "write,rename,unlink,create,truncate", .action = "kill-within"},
                     EveryOrStride(19, 5), Small),
            10);
}

TEST_F(RunSavesTest, AFullDiskLosesNoEarlierState) {
  EXPECT_GT(TryCalls("full", {"--keep-best", "2"},
                     {.kinds = "write,sync,rename,close,create", .action = "fail", .sticky = true},
                     EveryOrStride(41, 7), Small),
            5);
}

// A language model has a tokenizer and an item index in its checkpoints.
TEST_F(RunSavesTest, AKilledLanguageModelGoesOn) {
  const bool all = std::getenv("OPENP5_TEST_EVERY_CALL") != nullptr;
  const auto is_tried = [=](size_t i, const std::string&) { return all || i % 3 == 2; };
  const Fault fault{.kinds = "rename", .action = "kill-after"};
  EXPECT_GT(TryCalls("model", {}, fault, is_tried, Generative), 3);
}

// The window that was open: the state is written, `last` is not.
TEST_F(RunSavesTest, AFinishedRunIsRepairedBeforeItSaysSo) {
  ProgramResult result;
  Disturb(Small("repair_whole"), "repair_whole", {}, &result);
  const auto calls = Disturb(Small("repair"), "repair", {.kinds = "rename"}, &result);
  ASSERT_EQ(result.exit_code, 0);
  const auto state = std::find_if(calls.rbegin(), calls.rend(), [](const std::string& call) {
    return call.ends_with("training_state.safetensors");
  });
  ASSERT_NE(state, calls.rend());
  const auto number = static_cast<int64_t>(calls.rend() - state);
  fs::remove_all(Path("repair"));
  Disturb(Small("repair"), "repair", {.kinds = "rename", .action = "kill-after", .n = number},
          &result);
  ASSERT_EQ(result.exit_code, 137);
  const auto last = Path("repair/checkpoints/last/manifest.json");
  const Json before = Json::parse(ReadFile(last).value_or("{}"));
  const Json whole = Json::parse(*ReadFile(Path("repair_whole/checkpoints/last/manifest.json")));
  EXPECT_NE(before["metrics"], whole["metrics"]);
  ExpectSuccess(RunProgram(Small("repair", {"--resume"})));
  ExpectSameFolder("repair", "repair_whole");
  // Resumed once more, it changes nothing; and what is missing is made again where it can be.
  fs::remove_all(Path("repair/checkpoints/last"));
  ExpectSuccess(RunProgram(Small("repair", {"--resume"})));
  ExpectSameFolder("repair", "repair_whole");
}

TEST_F(RunSavesTest, AFinishedRunWithoutItsBestCheckpointIsNotFinished) {
  Run(Small("bestless", {"--valid-select", "hit@5", "--lr", "0"}));  // no epoch beats the first
  const Json best = Json::parse(*ReadFile(Path("bestless/checkpoints/best/manifest.json")));
  ASSERT_EQ(best["metrics"]["epoch"], 1);
  fs::remove_all(Path("bestless/checkpoints/best"));
  const ProgramResult result =
      RunProgram(Small("bestless", {"--valid-select", "hit@5", "--lr", "0", "--resume"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.LastError(),
              HasSubstr("checkpoints/best: expected the checkpoint of epoch 1"));
}

TEST_F(RunSavesTest, KilledBeforeItsFirstSaveARunRepeatsNoLines) {
  const Arguments options = {"--save-steps", "0"};
  Run(Small("early_whole", options));
  ProgramResult result;
  // The third line of the log is the third write to it.
  Fault fault{.kinds = "write", .action = "kill-after"};
  const auto calls = Disturb(Small("early", options), "early", {.kinds = "write"}, &result);
  int lines = 0;
  for (size_t i = 0; i < calls.size() && fault.n == 0; ++i) {
    if (calls[i].ends_with("metrics.jsonl") && ++lines == 2) fault.n = static_cast<int64_t>(i) + 1;
  }
  fs::remove_all(Path("early"));
  Disturb(Small("early", options), "early", fault, &result);
  ASSERT_EQ(result.exit_code, 137);
  ASSERT_FALSE(FileExists(Path("early/checkpoints/training_state.safetensors")));
  Run(Small("early", options + Arguments{"--resume"}));
  ExpectSameFolder("early", "early_whole");
  int event_files = 0;
  for (const auto& entry : fs::directory_iterator(Path("early"))) {
    event_files += entry.path().filename().string().starts_with("events.out.tfevents.") ? 1 : 0;
  }
  EXPECT_EQ(event_files, 1);
}

// Waits until the run has logged `text`.
bool WaitForLog(Program* program, const std::string& log, const std::string& text) {
  while (program->IsRunning()) {
    if (ReadFile(log).value_or("").find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST_F(RunSavesTest, EverySignalThatAsksToStopSavesAndStops) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) {
    SCOPED_TRACE(strsignal(signal));
    const std::string run = StrCat("signal", signal);
    Program program(Small(run, {"--epochs", "100000", "--save-steps", "0"}));
    ASSERT_TRUE(WaitForLog(&program, Path(run + "/metrics.jsonl"), "\"step\":3,"));
    program.Signal(signal);
    program.Signal(signal);  // a terminal's signal comes twice: from it, and from the parent
    const ProgramResult result = program.Wait();
    EXPECT_EQ(result.exit_code, 128 + signal) << result.err;
    EXPECT_THAT(result.LastError(), HasSubstr("--resume"));
    EXPECT_TRUE(FileExists(Path(run + "/checkpoints/training_state.safetensors")));
    const Json record = Json::parse(*ReadFile(Path(run + "/run.json")));
    EXPECT_EQ(record["outcome"], "stopped");
  }
}

TEST_F(RunSavesTest, NohupStaysInForce) {
  ::signal(SIGHUP, SIG_IGN);  // is inherited
  Program program(Small("nohup", {"--epochs", "100000", "--save-steps", "0"}));
  ::signal(SIGHUP, SIG_DFL);
  ASSERT_TRUE(WaitForLog(&program, Path("nohup/metrics.jsonl"), "\"step\":3,"));
  program.Signal(SIGHUP);
  ASSERT_TRUE(WaitForLog(&program, Path("nohup/metrics.jsonl"), "\"step\":30,"));
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait().exit_code, 128 + SIGTERM);
}

TEST_F(RunSavesTest, AClosedPipeOfStandardOutputLosesNothing) {
  Run(Small("pipe_whole"));
  const std::string pipe = Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  Program program(Small("pipe_run"), pipe);
  ASSERT_TRUE(WaitForLog(&program, Path("pipe_run/config.ini"), "epochs"));
  close(reader);
  const ProgramResult result = program.Wait();
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.LastError(), HasSubstr("Broken pipe"));
  ExpectSameFolder("pipe_run", "pipe_whole");
  EXPECT_EQ(Json::parse(*ReadFile(Path("pipe_run/run.json")))["outcome"], "finished");
}

TEST_F(RunSavesTest, ALimitOfFileSizesIsAnError) {
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small = {.rlim_cur = 6000, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);  // is inherited
  Program program(Small("limited"));
  setrlimit(RLIMIT_FSIZE, &before);
  const ProgramResult result = program.Wait();
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.LastError(), HasSubstr("File too large"));
  EXPECT_EQ(Json::parse(*ReadFile(Path("limited/run.json")))["outcome"], "failed");
  Run(Small("limited_whole"));
  Run(Small("limited", {"--resume"}));
  ExpectSameFolder("limited", "limited_whole");
}

TEST_F(RunSavesTest, ResumingNeedsNoOptionsAgain) {
  Run(Small("again_whole"));
  ProgramResult result;
  const auto calls = Disturb(Small("again"), "again", {.kinds = "rename"}, &result);
  fs::remove_all(Path("again"));
  Disturb(Small("again"), "again",
          {.kinds = "rename", .action = "kill-after", .n = static_cast<int64_t>(calls.size()) / 2},
          &result);
  ASSERT_EQ(result.exit_code, 137);
  const ProgramResult other =
      RunProgram({"train", "--run-dir", Path("again"), "--resume", "--lr", "0.5"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.LastError(), HasSubstr("started with lr=0.001, got lr=0.5"));
  Run({"train", "--run-dir", Path("again"), "--resume", "--threads", "1"});
  ExpectSameFolder("again", "again_whole");
}

TEST_F(RunSavesTest, AFinishedRunTakesMoreEpochs) {
  const Arguments constant = {"--schedule", "constant", "--warmup-prop", "0"};
  Run(Small("more_whole", constant));
  Run(Small("more", constant + Arguments{"--epochs", "2"}));
  const ProgramResult grown =
      Run({"train", "--run-dir", Path("more"), "--resume", "--epochs", "3", "--threads", "1"});
  EXPECT_THAT(grown.err, ::testing::Not(HasSubstr("goes by the number of steps")));
  ExpectSameFolder("more", "more_whole");
  Run(Small("linear", {"--epochs", "2"}));
  EXPECT_THAT(Run({"train", "--run-dir", Path("linear"), "--resume", "--epochs", "3"}).err,
              HasSubstr("--schedule linear goes by the number of steps, which was 4 and is now 6"));
}

TEST_F(RunSavesTest, WithoutValidationNothingIsComputed) {
  const ProgramResult result = Run(Small("none", {"--valid-select", "none", "--format", "json"}));
  const Json summary = Json::parse(result.out);
  EXPECT_TRUE(summary["validation_loss"].is_null());
  EXPECT_TRUE(summary["best_validation"].is_null());
  EXPECT_EQ(summary["best_epoch"], 3);
  const std::string log = ReadFile(Path("none/metrics.jsonl")).value_or("");
  EXPECT_EQ(log.find("validation"), std::string::npos) << log;
  EXPECT_EQ(result.err.find("validation loss"), std::string::npos) << result.err;
  // The state knows no loss, and is read nevertheless.
  ExpectSuccess(RunProgram({"train", "--run-dir", Path("none"), "--resume"}));
}

TEST_F(RunSavesTest, WrongNamesAreRefusedBeforeAnythingIsMade) {
  const std::vector<std::pair<Arguments, std::string>> wrong = {
      {{"--prompt", "seen:99", "--test-after-train"}, "--prompt"},
      {{"--prompt", "nix"}, "--prompt"},
      {{"--valid-prompt", "unseen:7"}, "--valid-prompt"},
      {{"--metrics", "accuracy@5"}, "metric"},
      {{"--metrics", "hit@0"}, "hit@0"},
      {{"--valid-select", "accuracy"}, "--valid-select"},
      {{"--alpha", "1,2"}, "--alpha"},
      {{"--sample-num", "0"}, "--sample-num"},
      {{"--prompt-file", Path("absent.txt")}, "absent.txt"},
      {{"--filtered", "--filtered-batch"}, "--filtered"},
      {{"--tokenizer", Path("absent.model")}, "absent.model"},
      {{"--backbone", Path("absent")}, "absent"},
      {{"--index-db", Path("absent.rocksdb")}, "absent.rocksdb"},
      {{"--indexing", "random"}, "random"}};
  for (const auto& [options, text] : wrong) {
    SCOPED_TRACE(options.front() + " " + options.back());
    Arguments arguments = Train("refused", {"--epochs", "1"});
    if (options.front() != "--backbone") {
      arguments = arguments + Arguments{"--backbone", "preset:t5-tiny"};
    }
    if (options.front() != "--tokenizer") {
      arguments = arguments + Arguments{"--tokenizer", Path("tokenizer")};
    }
    const ProgramResult result = RunProgram(arguments + options);
    EXPECT_NE(result.exit_code, 0);
    EXPECT_THAT(result.LastError(), HasSubstr(text));
    EXPECT_FALSE(FileExists(Path("refused")));
  }
}

TEST_F(RunSavesTest, ASweepRefusesWrongNamesBeforeItsFirstTrial) {
  OPENP5_ASSERT_OK(WriteFileAtomic(Path("prompts.ini"), "valid-prompt = seen:0, seen:99\n"));
  const ProgramResult result =
      RunProgram({"sweep", "--sweep-file", Path("prompts.ini"), "--out", Path("sweep"),
                  "--data-dir", Path("data"), "--datasets", "Toy", "--backbone", "preset:t5-tiny",
                  "--tokenizer", Path("tokenizer")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.LastError(), HasSubstr("trial 1: --valid-prompt"));
  EXPECT_FALSE(FileExists(Path("sweep")));
}

TEST_F(RunSavesTest, ADamagedStateIsRefused) {
  Run(Small("bits", {"--epochs", "1"}));
  const std::string path = Path("bits/checkpoints/training_state.safetensors");
  const std::string whole = *ReadFile(path);
  const size_t step = std::getenv("OPENP5_TEST_EVERY_CALL") != nullptr ? 16 : 512;
  int flips = 0;
  for (size_t at = 0; at < whole.size(); at += step, ++flips) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at / step % 8)));
    OPENP5_ASSERT_OK(WriteFileAtomic(path, damaged));
    const ProgramResult result = RunProgram({"train", "--run-dir", Path("bits"), "--resume"});
    EXPECT_EQ(result.exit_code, 1) << "byte " << at;
    EXPECT_THAT(result.LastError(), HasSubstr("training_state.safetensors"));
  }
  RecordProperty("flips", flips);
  OPENP5_ASSERT_OK(WriteFileAtomic(path, whole));
  ExpectSuccess(RunProgram({"train", "--run-dir", Path("bits"), "--resume"}));
}

}  // namespace
}  // namespace openp5
