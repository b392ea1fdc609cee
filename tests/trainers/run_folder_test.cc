#include "trainers/run_folder.h"

#include <filesystem>

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::HasSubstr;

TEST(RunFolderTest, IsNeverOverwritten) {
  const TemporaryFolder temporary;
  const std::string path = temporary.File("run");
  {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto open, RunFolder::Open(path, "lr=1\n", false));
    OPENP5_ASSERT_OK(open.Log(StepMetrics{.step = 1}));
    EXPECT_THAT(RunFolder::Open(path, "lr=1\n", /*resume=*/true),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another process")));
  }
  const auto again = RunFolder::Open(path, "lr=1\n", /*resume=*/false);
  EXPECT_THAT(again, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not empty")));
  EXPECT_TRUE(IsUsageError(again.status()));
  OPENP5_EXPECT_OK(RunFolder::Open(path, "lr=1\n", /*resume=*/true));
}

TEST(RunFolderTest, GoesOnWithTheSameOptionsOnly) {
  const TemporaryFolder temporary;
  const std::string path = temporary.File("run");
  {
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const auto folder, RunFolder::Open(path, "# train\nlr=1\nthreads=2\n", /*resume=*/true));
    OPENP5_ASSERT_OK(folder.Log(StepMetrics{.step = 1}));
  }
  OPENP5_EXPECT_OK(RunFolder::Open(path, {"lr=1\nthreads=8\nresume=true\n", {"threads", "resume"}},
                                   /*resume=*/true));
  EXPECT_THAT(
      RunFolder::Open(path, "lr=2\nthreads=2\n", /*resume=*/true),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("started with lr=1, got lr=2")));
}

TEST(RunFolderTest, OptionsMayStandInAnotherOrder) {
  const TemporaryFolder temporary;
  const std::string file = temporary.File("config.ini");
  OPENP5_ASSERT_OK(WriteFileAtomic(file, "lr=1\nclip=2\n"));
  OPENP5_EXPECT_OK(CheckSameConfig(file, "clip=2\nlr=1\n"));
  EXPECT_THAT(CheckSameConfig(file, "clip=3\nlr=2\nseed=1\n"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("started with clip=2, got clip=3")));
  EXPECT_THAT(CheckSameConfig(file, "clip=2\nlr=1\nseed=1\n"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("started with nothing, got seed=1")));
  EXPECT_THAT(
      CheckSameConfig(file, "clip=2\n"),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("started with lr=1, got nothing")));
}

TEST(RunFolderTest, GoesOnWithMoreEpochsButNotWithFewer) {
  const TemporaryFolder temporary;
  const std::string path = temporary.File("run");
  {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto folder,
                                RunFolder::Open(path, "epochs=3\nmax-steps=9\n", /*resume=*/false));
    OPENP5_ASSERT_OK(folder.Log(StepMetrics{.step = 1}));
  }
  EXPECT_THAT(RunFolder::Open(path, "epochs=2\nmax-steps=9\n", /*resume=*/true),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("larger --epochs, got 2")));
  OPENP5_EXPECT_OK(RunFolder::Open(path, "epochs=5\nmax-steps=0\n", /*resume=*/true));
  // The run is now one of five epochs, without a limit of steps.
  EXPECT_EQ(ReadFile(RunFolder::ConfigPath(path)).value_or(""), "epochs=5\nmax-steps=0\n");
  EXPECT_THAT(RunFolder::Open(path, "epochs=5\nmax-steps=9\n", /*resume=*/true),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("larger --max-steps")));
  // A sweep's trials share their epochs.
  EXPECT_THAT(CheckSameConfig(RunFolder::ConfigPath(path), "epochs=9\nmax-steps=0\n"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("started with epochs=5, got epochs=9")));
}

TEST(RunFolderTest, ARefusedStartBlocksNothing) {
  const TemporaryFolder temporary;
  const std::string path = temporary.File("run");
  for (const bool resume : {false, true}) {
    SCOPED_TRACE(resume);
    OPENP5_ASSERT_OK(MakeDirectories(path + "/checkpoints"));
    for (const char* name : {".lock", "config.ini", "run.json", "events.out.tfevents.1.x"}) {
      OPENP5_ASSERT_OK(WriteFileAtomic(path + "/" + name, "old"));
    }
    OPENP5_EXPECT_OK(RunFolder::Check(path, "lr=2\n", resume));
    OPENP5_ASSERT_OK(RunFolder::Open(path, "lr=2\n", resume));
    EXPECT_EQ(ReadFile(path + "/config.ini").value_or(""), "lr=2\n");
    EXPECT_FALSE(FileExists(path + "/run.json"));
  }
  // A folder of the user's own is none of ours.
  OPENP5_ASSERT_OK(MakeDirectories(temporary.File("own")));
  OPENP5_ASSERT_OK(WriteFileAtomic(temporary.File("own/config.ini"), "mine"));
  EXPECT_THAT(RunFolder::Open(temporary.File("own"), "", /*resume=*/false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not empty")));
  EXPECT_EQ(ReadFile(temporary.File("own/config.ini")).value_or(""), "mine");
}

TEST(RunFolderTest, ARunWithoutAStateForgetsWhatItLogged) {
  const TemporaryFolder temporary;
  const std::string path = temporary.File("run");
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto folder, RunFolder::Open(path, "", /*resume=*/false));
  OPENP5_ASSERT_OK(folder.BeginEvents(0));
  OPENP5_ASSERT_OK(folder.Log(StepMetrics{.step = 1, .loss = 2.5}));
  OPENP5_ASSERT_OK(folder.ClearLog());
  EXPECT_EQ(folder.LogBytes(), 0);
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    EXPECT_FALSE(TensorBoardEvents::IsEventsFile(entry.path().filename().string()));
  }
}

TEST(RunFolderTest, TouchesNoFolderThatIsNoRun) {
  const TemporaryFolder temporary;
  OPENP5_ASSERT_OK(WriteFileAtomic(temporary.File("thesis.tex"), "x"));
  EXPECT_THAT(RunFolder::Open(temporary.path(), "", /*resume=*/true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("holds no run")));
  EXPECT_THAT(RunFolder::Open(temporary.File("thesis.tex"), "", /*resume=*/true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not a folder")));
}

TEST(RunFolderTest, LogsALineAtATime) {
  const TemporaryFolder temporary;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto folder,
                              RunFolder::Open(temporary.File("run"), "", /*resume=*/false));
  OPENP5_ASSERT_OK(folder.Log(StepMetrics{.step = 1}));
  OPENP5_ASSERT_OK(folder.Log(EpochMetrics{}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto text, ReadFile(temporary.File("run/metrics.jsonl")));
  EXPECT_EQ(text, MetricsLine(StepMetrics{.step = 1}) + MetricsLine(EpochMetrics{}));
  EXPECT_FALSE(folder.HasState());
}

TEST(RunFolderTest, TakesBackWhatFollowedTheStateAndRemovesWhatWasLeftUnfinished) {
  const TemporaryFolder temporary;
  const std::string path = temporary.File("run");
  OPENP5_ASSERT_OK(MakeDirectories(path + "/checkpoints/last.openp5-0123456789abcdef.tmp"));
  OPENP5_ASSERT_OK(WriteFileAtomic(path + "/config.ini", ""));
  OPENP5_ASSERT_OK(MakeDirectories(path + "/checkpoints/epoch-1"));
  OPENP5_ASSERT_OK(MakeDirectories(path + "/checkpoints/epoch-2"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto folder, RunFolder::Open(path, "", /*resume=*/true));
  EXPECT_FALSE(FileExists(path + "/checkpoints/last.openp5-0123456789abcdef.tmp"));
  OPENP5_ASSERT_OK(folder.Log(StepMetrics{.step = 1}));
  const int64_t bytes = folder.LogBytes();
  OPENP5_ASSERT_OK(folder.Log(StepMetrics{.step = 2}));
  OPENP5_ASSERT_OK(folder.CutLog(bytes));
  EXPECT_EQ(ReadFile(path + "/metrics.jsonl").value_or(""), MetricsLine(StepMetrics{.step = 1}));
  OPENP5_ASSERT_OK(folder.RemoveCheckpoints("epoch-", {"epoch-2"}));
  EXPECT_FALSE(FileExists(path + "/checkpoints/epoch-1"));
  EXPECT_TRUE(FileExists(path + "/checkpoints/epoch-2"));
}

TEST(RunFolderTest, ReportsWhatWasLogged) {
  const TemporaryFolder temporary;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto folder,
                              RunFolder::Open(temporary.File("run"), "lr=1\n", /*resume=*/false));
  OPENP5_ASSERT_OK(folder.Log(StepMetrics{.step = 1, .loss = 2.5}));
  OPENP5_ASSERT_OK(
      AppendToFile(temporary.File("run/metrics.jsonl"), std::string(3'000'000, '[') + "\n"));
  OPENP5_ASSERT_OK(AppendToFile(temporary.File("run/metrics.jsonl"), "{\"event\": \"st"));
  OPENP5_ASSERT_OK(folder.WriteReport());
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto page, ReadFile(temporary.File("run/report.html")));
  EXPECT_THAT(page, HasSubstr("<title>step 1: 2.5</title>"));
  EXPECT_THAT(page, HasSubstr("lr=1"));
}

TEST(RunFolderTest, EveryStartHasAnEventsFileOfItsOwn) {
  const TemporaryFolder temporary;
  for (const bool resume : {false, true}) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto folder,
                                RunFolder::Open(temporary.File("run"), "", resume));
    OPENP5_ASSERT_OK(folder.BeginEvents(0));
    OPENP5_ASSERT_OK(folder.Log(StepMetrics{.step = 1, .loss = 2.5}));
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(temporary.File("run"))) {
    if (!entry.path().filename().string().starts_with("events.out.tfevents.")) continue;
    ++files;
    EXPECT_THAT(ReadFile(entry.path().string()).value_or(""), HasSubstr("train_loss"));
  }
  EXPECT_EQ(files, 2);
}

}  // namespace
}  // namespace openp5::trainers
