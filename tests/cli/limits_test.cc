#include <sys/resource.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectFailure;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::HasSubstr;

// Programs started while it lives have no more address space than this.
class AddressSpace {
 public:
  explicit AddressSpace(size_t bytes) {
    getrlimit(RLIMIT_AS, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    EXPECT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  }
  ~AddressSpace() { setrlimit(RLIMIT_AS, &before_); }
  AddressSpace(const AddressSpace&) = delete;

 private:
  rlimit before_;
};

class LimitsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ExpectSuccess(RunProgram({"dataset", "generate", "--out", Path("data/Toy"), "--users", "60",
                              "--items", "60", "--groups", "5"}));
    ExpectSuccess(RunProgram(Arguments{"index", "build"} + Data()));
    ExpectSuccess(RunProgram(Arguments{"tokenizer", "train", "--out", Path("tokenizer")} + Data()));
    ExpectSuccess(RunProgram(Train("run")));
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static Arguments Data() { return {"--data-dir", Path("data"), "--datasets", "Toy"}; }
  static Arguments Train(const std::string& run) {
    return Arguments{"train",
                     "--backbone",
                     "preset:t5-tiny",
                     "--tokenizer",
                     Path("tokenizer"),
                     "--run-dir",
                     Path(run),
                     "--max-steps",
                     "2",
                     "--batch-size",
                     "64",
                     "--threads",
                     "2"} +
           Data();
  }

  // From less than the program's own libraries take to more than the command needs: it does its
  // work or fails with a line, and no signal ends it.
  static void ExpectNoSignal(const std::function<Arguments(int)>& command, int step = 0) {
    int succeeded = 0, failed = 0;
    for (int megabytes = 400;
         megabytes < 4000 && succeeded<2; megabytes += step> 0 ? step : 30 + megabytes / 16) {
      SCOPED_TRACE(StrCat(megabytes, " MB"));
      ProgramResult result;
      {
        const AddressSpace limit(static_cast<size_t>(megabytes) << 20);
        result = RunProgram(command(megabytes));
      }
      constexpr int kLoader = 127;  // the system's loader, before any code of ours
      if (result.exit_code == kLoader) continue;
      if (result.exit_code == 0) {
        ++succeeded;
        continue;
      }
      ++failed;
      EXPECT_EQ(result.exit_code, 1) << result.err;
      EXPECT_THAT(result.err, ::testing::AnyOf(HasSubstr("error: "), HasSubstr("libgomp: ")));
    }
    EXPECT_EQ(succeeded, 2);
    EXPECT_GT(failed, 0);
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> LimitsTest::folder_;

TEST_F(LimitsTest, GeneratingWithLittleMemoryEndsWithALine) {
  ExpectNoSignal([](int megabytes) {
    return Arguments{"dataset", "generate", "--users",
                     "100000",  "--out",    Path(StrCat("data/G", megabytes))};
  });
}

TEST_F(LimitsTest, TrainingWithLittleMemoryEndsWithALine) {
  ExpectNoSignal([](int megabytes) { return Train(StrCat("run", megabytes)); });
}

TEST_F(LimitsTest, EvaluatingWithLittleMemoryEndsWithALine) {
  ExpectNoSignal([](int) {
    return Arguments{"evaluate", "--checkpoint", Path("run/checkpoints/best"), "--threads", "2"} +
           Data();
  });
}

// RocksDB's threads come late: with six of these limits they had no memory left for an arena of
// jemalloc's.
TEST_F(LimitsTest, IndexingWithLittleMemoryEndsWithALine) {
  const auto command = [](int megabytes) {
    return Arguments{"index", "build", "--index-db", Path(StrCat("db", megabytes))} + Data();
  };
  ExpectNoSignal(command, /*step=*/3);
}

// JSON, config files and records cannot hold such a name: it is refused before anything is done.
TEST_F(LimitsTest, ANameThatIsNotUtf8IsAUsageError) {
  std::filesystem::copy(Path("data/Toy"), Path("data/D\xff"));
  const Arguments data = {"--data-dir", Path("data"), "--datasets", "D\xff", "--format", "json"};
  const auto line = HasSubstr("--datasets: expected UTF-8, got 'D\\xff'");
  ExpectFailure(RunProgram(Arguments{"evaluate", "--baseline", "popularity"} + data), 2, line);
  ExpectFailure(RunProgram(Arguments{"index", "build", "--index-db", Path("latin1")} + data), 2,
                line);
  EXPECT_FALSE(FileExists(Path("latin1")));
  Arguments train = Train("latin1run");
  train.insert(train.end(), {"--datasets", "D\xff"});
  EXPECT_EQ(RunProgram(train).exit_code, 2);
  ExpectFailure(
      RunProgram({"dataset", "inspect", "--data-dir", Path("data/D\xff"), "--datasets", "Toy"}), 2,
      HasSubstr("--data-dir: expected UTF-8"));
}

// A template of megabytes took gigabytes for every batch of prompts.
TEST_F(LimitsTest, APromptOfOneHugeLineIsRefused) {
  OPENP5_ASSERT_OK(WriteFileAtomic(
      Path("huge.txt"), "sequential; seen; " + std::string(4 << 20, 'x') + " {history}; {target}"));
  ExpectFailure(RunProgram(Arguments{"evaluate", "--checkpoint", Path("run/checkpoints/best"),
                                     "--prompt-file", Path("huge.txt")} +
                           Data()),
                1, HasSubstr("huge.txt:1: expected a prompt of at most 65536 bytes, got 4194"));
}

}  // namespace
}  // namespace openp5
