#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

// One flipped bit in a file whose digest is known is never used without a word.
namespace openp5 {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::operator+;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DamageTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ExpectSuccess(RunProgram({"dataset", "generate", "--out", Path("data/Toy"), "--users", "20",
                              "--items", "60", "--groups", "5"}));
    ExpectSuccess(RunProgram(Arguments{"index", "build"} + Data()));
    ExpectSuccess(RunProgram(Arguments{"tokenizer", "train", "--out", Path("tokenizer")} + Data()));
    for (const char* seed : {"1", "2"}) {
      ExpectSuccess(RunProgram(Arguments{"train", "--backbone", "preset:t5-tiny", "--tokenizer",
                                         Path("tokenizer"), "--run-dir", Path(seed), "--epochs",
                                         "1", "--max-steps", "1"} +
                               Data()));
    }
    fs::copy(Path("1/checkpoints/best"), Checkpoint(), fs::copy_options::recursive);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string Path(const std::string& name) { return folder_->File(name); }
  static std::string Checkpoint() { return Path("checkpoint"); }
  static Arguments Data() { return {"--data-dir", Path("data"), "--datasets", "Toy"}; }
  static ProgramResult Evaluate() {
    return RunProgram(Arguments{"evaluate", "--checkpoint", Checkpoint(), "--users", "1", "--beams",
                                "2", "--metrics", "hit@1", "--threads", "1"} +
                      Data());
  }
  // Flips a bit in each of the file's `blocks` parts of equal size, and has `run` fail with a line
  // that names the file.
  template <class Run>
  static void FlipEverywhere(const std::string& path, size_t blocks, const Run& run) {
    const std::string whole = *ReadFile(path);
    const size_t step = std::max<size_t>(1, whole.size() / blocks);
    // Without the name of its own digest a manifest is one of an older version and says the same.
    const std::string name = "manifest_sha256";
    const size_t spared = std::min(whole.find(name), whole.size());
    for (size_t at = step / 2; at < whole.size(); at += step) {
      if (at >= spared && at < spared + name.size()) at = spared - 3;
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at / step % 8)));
      OPENP5_ASSERT_OK(WriteFileAtomic(path, damaged));
      const ProgramResult result = run();
      EXPECT_EQ(result.exit_code, 1) << path << ": byte " << at;
      EXPECT_THAT(result.LastError(), HasSubstr(BaseName(path))) << "byte " << at;
      ++flips_;
    }
    OPENP5_ASSERT_OK(WriteFileAtomic(path, whole));
  }
  static size_t Blocks() {
    const char* blocks = std::getenv("OPENP5_TEST_FLIPS");  // of each file
    return blocks == nullptr ? 4 : static_cast<size_t>(std::atoi(blocks));
  }

  static std::unique_ptr<TemporaryFolder> folder_;
  static int flips_;
};

std::unique_ptr<TemporaryFolder> DamageTest::folder_;
int DamageTest::flips_ = 0;

TEST_F(DamageTest, EveryFileOfACheckpointIsCompared) {
  flips_ = 0;
  ExpectSuccess(Evaluate());
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(Checkpoint())) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  ASSERT_GE(files.size(), 4u);  // manifest, weights, index, tokenizer
  for (const std::string& file : files) FlipEverywhere(file, Blocks(), Evaluate);
  ExpectSuccess(Evaluate());
  RecordProperty("flips", flips_);
}

TEST_F(DamageTest, RecommendAndExportCompareThemToo) {
  flips_ = 0;
  const std::string user = ReadFile(Path("data/Toy/user_sequence.txt"))->substr(0, 16);
  const auto recommend = [&] {
    return RunProgram(Arguments{"recommend", "--checkpoint", Checkpoint(), "--user",
                                user.substr(0, user.find(' '))} +
                      Data());
  };
  const auto export_it = [] {
    return RunProgram({"checkpoint", "export", "--checkpoint", Checkpoint(), "--to", "huggingface",
                       "--out", Path("exported")});
  };
  ExpectSuccess(recommend());
  FlipEverywhere(Checkpoint() + "/tokenizer/spiece.model", 2, recommend);
  FlipEverywhere(Checkpoint() + "/items.index", 2, recommend);
  FlipEverywhere(Checkpoint() + "/tokenizer/spiece.model", 2, export_it);
  FlipEverywhere(Checkpoint() + "/items.index", 2, export_it);
  EXPECT_FALSE(FileExists(Path("exported")));
  ExpectSuccess(export_it());
}

// A whole index with a right trailer, but of another run.
TEST_F(DamageTest, TheIndexOfAnotherRunIsRefused) {
  const std::string file = Checkpoint() + "/items.index";
  const std::string whole = *ReadFile(file);
  std::string swapped = whole.substr(0, whole.size() - 64);
  const size_t first = swapped.find("1001"), second = swapped.find("1002");
  ASSERT_TRUE(first != std::string::npos && second != std::string::npos);
  std::swap(swapped[first + 3], swapped[second + 3]);
  OPENP5_ASSERT_OK(WriteFileAtomic(file, swapped + Sha256Of(swapped)));
  const ProgramResult result = Evaluate();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.LastError(), AllOf(HasSubstr("items.index"), HasSubstr("SHA-256")));
  OPENP5_ASSERT_OK(WriteFileAtomic(file, whole));
}

TEST_F(DamageTest, SequencesAreComparedWithTheirDescription) {
  flips_ = 0;
  const std::string file = Path("data/Toy/user_sequence.txt");
  const std::string whole = *ReadFile(file);
  const std::vector<Arguments> commands = {
      {"dataset", "inspect"},
      {"dataset", "samples"},
      {"index", "build"},
      {"evaluate", "--baseline", "popularity"},
      {"evaluate", "--checkpoint", Checkpoint()},
      {"recommend", "--checkpoint", Checkpoint(), "--user", "user1"},
      {"tokenizer", "train", "--out", Path("another")},
      {"train", "--backbone", "preset:t5-tiny", "--tokenizer", Path("tokenizer"), "--run-dir",
       Path("another_run")}};
  OPENP5_ASSERT_OK(WriteFileAtomic(file, whole.substr(0, whole.find('\n', whole.size() / 2) + 1)));
  for (const Arguments& command : commands) {
    const ProgramResult result = RunProgram(command + Data());
    EXPECT_EQ(result.exit_code, 1) << command[0] << " " << command[1];
    EXPECT_THAT(result.LastError(), HasSubstr("user_sequence.txt: expected the SHA-256"));
  }
  OPENP5_ASSERT_OK(WriteFileAtomic(file, whole));
  FlipEverywhere(file, 4 * Blocks(), [] {
    return RunProgram(Arguments{"evaluate", "--baseline", "popularity"} + Data());
  });
  RecordProperty("flips", flips_);
}

}  // namespace
}  // namespace openp5
