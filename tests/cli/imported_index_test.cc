#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

// A model that was trained elsewhere with OpenP5's collaborative or random files needs these files:
// an index that is built here has as many tokens, but gives them to other items.
namespace openp5 {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::operator+;
using ::openp5::testing::RunProgram;
using ::openp5::testing::Shared;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const auto kWarned = AllOf(HasSubstr("was built here"), HasSubstr("openp5 index import --items"));

size_t LinesWith(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

class ImportedIndexTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.File(name); }
  void Run(const Arguments& arguments) { ExpectSuccess(RunProgram(arguments)); }

  TemporaryFolder folder_;
};

TEST_F(ImportedIndexTest, AModelFromElsewhereIsWarnedOfAnIndexThatWasBuilt) {
  Run({"dataset", "generate", "--out", Path("data/Toy"), "--users", "30", "--items", "60",
       "--groups", "5"});
  const Arguments data = {"--data-dir", Path("data"), "--datasets", "Toy"};
  Run(Arguments{"index", "build"} + data);  // whose identifiers the tokenizer is trained on
  Run(Arguments{"tokenizer", "train", "--out", Path("tokenizer")} + data);
  for (const Arguments& index :
       {Arguments{"--indexing", "collaborative", "--collaborative-token-size", "10",
                  "--collaborative-cluster", "3"},
        Arguments{"--indexing", "random", "--seed", "7"},
        Arguments{"--indexing", "sequential", "--sequential-order", "original"}}) {
    SCOPED_TRACE(index[1]);
    const std::string name = index[1];
    Run(Arguments{"index", "build"} + data + index);
    Run(Arguments{"train", "--backbone", "preset:t5-tiny", "--tokenizer", Path("tokenizer"),
                  "--run-dir", Path(name), "--epochs", "1", "--max-steps", "1"} +
        data + index);
    const std::string own = Path(name + "/checkpoints/best"), exported = Path(name + "_exported");
    Run({"checkpoint", "export", "--checkpoint", own, "--to", "huggingface", "--out", exported});
    const auto evaluate = [&](const std::string& checkpoint) {
      const ProgramResult result =
          RunProgram(Arguments{"evaluate", "--checkpoint", checkpoint, "--format", "json"} + data +
                     (checkpoint == own ? Arguments{} : index));
      EXPECT_EQ(result.exit_code, 0) << result.err;
      return result;
    };
    EXPECT_THAT(evaluate(own).err, Not(HasSubstr("was built here")));
    const ProgramResult built = evaluate(exported);
    if (name == "sequential") {
      EXPECT_THAT(built.err, Not(HasSubstr("was built here")));
      continue;
    }
    EXPECT_THAT(built.err, kWarned);
    EXPECT_EQ(LinesWith(built.err, "was built here"), 1u);
    // The command that the warning names, with the files that the model was trained with.
    EXPECT_THAT(built.err, HasSubstr(name == "random" ? "--indexing random --seed 7"
                                                      : "--collaborative-token-size 10"));
    Run(Arguments{"index", "export", "--items", Path("items"), "--users", Path("users")} + data +
        index);
    Run(Arguments{"index", "import", "--items", Path("items"), "--users", Path("users")} + data +
        index);
    const ProgramResult imported = evaluate(exported);
    EXPECT_THAT(imported.err, Not(HasSubstr("was built here")));
    EXPECT_EQ(Json::parse(imported.out)["results"][0]["metrics"],
              Json::parse(built.out)["results"][0]["metrics"]);
  }
}

// OpenP5's own training on ML100K with its own files.
TEST_F(ImportedIndexTest, AReleasedCheckpointHasItsNumbersWithItsFilesOnly) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const std::string golden = Shared("golden/07_end_to_end/collaborative");
  OPENP5_ASSERT_OK(MakeDirectories(Path("data/ML100K")));
  fs::copy_file(Shared("data/ML100K/user_sequence.txt"), Path("data/ML100K/user_sequence.txt"));
  const Json recorded = Json::parse(*ReadFile(Shared("golden/07_end_to_end/prompts.json")));
  std::string prompts;
  for (const Json& line : recorded["task; kind; input; output (file order)"]) {
    for (size_t i = 0; i < 4; ++i) prompts += line[i].get<std::string>() + (i == 3 ? "\n" : "; ");
  }
  OPENP5_ASSERT_OK(WriteFileAtomic(Path("prompts.txt"), prompts));
  const Arguments data = {"--data-dir", Path("data"), "--datasets", "ML100K"};
  const Arguments index = {"--indexing", "collaborative",           "--collaborative-token-size",
                           "500",        "--collaborative-cluster", "20"};
  const auto evaluate = [&] {
    return RunProgram(Arguments{"evaluate", "--checkpoint", golden, "--tokenizer",
                                Shared("tokenizers/t5/spiece.model"), "--prompt-file",
                                Path("prompts.txt"), "--format", "json"} +
                      data + index);
  };
  const auto hit10 = [](const ProgramResult& result) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out)["results"][0]["metrics"]["hit@10"].get<double>();
  };
  Run(Arguments{"index", "build"} + data + index);
  const ProgramResult built = evaluate();
  EXPECT_NEAR(hit10(built), .0148, 5e-5);
  EXPECT_THAT(built.err, kWarned);
  Run(Arguments{"index", "import", "--items",
                Shared("data/ML100K/item_collaborative_indexing_500_20_sequential.txt"), "--users",
                Shared("data/ML100K/user_indexing.txt")} +
      data + index);
  const ProgramResult imported = evaluate();
  EXPECT_NEAR(hit10(imported), .0371, 5e-5);
  EXPECT_THAT(imported.err, Not(HasSubstr("was built here")));
}

}  // namespace
}  // namespace openp5
