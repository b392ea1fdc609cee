#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "platform/base/file.h"
#include "tests/cli/small_pipeline.h"

namespace openp5 {
namespace {

using ::openp5::testing::ProgramResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

// The content of every file in a folder, links by their target.
std::map<std::string, std::string> Content(const std::string& folder) {
  std::map<std::string, std::string> content;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().string();
    content[path] = entry.is_symlink()        ? "link to " + fs::read_symlink(path).string()
                    : entry.is_regular_file() ? ReadFile(path).value_or("unreadable")
                                              : "no file";
  }
  return content;
}

// Commands with a folder as output, which stands for OUT.
const std::vector<std::string>& FolderCommands() {
  static const std::vector<std::string> commands = {
      "dataset generate --users 5 --items 20 --groups 2 --mean-length 6 --out OUT",
      "dataset prepare jsonl --raw raw.jsonl --user-col u --item-col i --time-col '' "
      "--k-core-user 1 --k-core-item 1 --out OUT",
      "tokenizer train --text texts --vocabulary-size 20 --out OUT",
      "checkpoint import $D --checkpoint huggingface --out OUT",
      "checkpoint export --checkpoint model --to huggingface --out OUT",
      "checkpoint export --checkpoint model --to openp5 --out OUT",
  };
  return commands;
}

class OutputTest : public testing::SmallPipelineTest {
 protected:
  static void SetUpTestSuite() {
    SmallPipelineTest::SetUpTestSuite();
    const ProgramResult made =
        Run("for i in a b c; do echo \"{\\\"u\\\": \\\"x\\\", \\\"i\\\": \\\"$i\\\"}\"; done > "
            "raw.jsonl\n"
            "for i in 1 2 3 4; do echo \"some words about item $i\"; done > texts\n");
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }
  void SetUp() override {
    SmallPipelineTest::SetUp();
    fs::create_directory(Path("work"));
  }
  void TearDown() override { fs::remove_all(Path("work")); }

  static ProgramResult RunTo(const std::string& command, const std::string& out) {
    std::string script = "$OPENP5 " + command;
    script.replace(script.find("OUT"), 3, "'" + out + "'");
    return Run(script);
  }
  // Refused with one line, and nothing in the whole folder is another than before.
  static void ExpectRefused(const std::string& command, const std::string& out) {
    const auto before = Content(Path("."));
    const ProgramResult result = RunTo(command, out);
    EXPECT_EQ(result.exit_code, 2) << command << " to " << out << ": " << result.err;
    EXPECT_THAT(result.LastError(), HasSubstr("error: --out: ")) << command;
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(Content(Path(".")) == before) << command << " to " << out;
  }
};

TEST_F(OutputTest, AFolderIsReplacedByOneOfItsKindOnly) {
  const auto& commands = FolderCommands();
  for (size_t i = 0; i < commands.size(); ++i) {
    const std::string out = StrCat("work/out", i);
    ASSERT_EQ(RunTo(commands[i], out + "/").exit_code, 0) << commands[i];
    const auto first = Content(Path(out));
    EXPECT_FALSE(first.empty());
    const ProgramResult again = RunTo(commands[i], out);
    EXPECT_EQ(again.exit_code, 0) << commands[i] << again.err;
    EXPECT_EQ(Content(Path(out)).size(), first.size());
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(Path("work")), {}),
            static_cast<std::ptrdiff_t>(commands.size()));
  for (size_t i = 0; i < commands.size(); ++i) {
    for (size_t other = 0; other < commands.size(); ++other) {
      const bool both_datasets = i < 2 && other < 2;
      if (i != other && !both_datasets) ExpectRefused(commands[i], StrCat("work/out", other));
    }
    ASSERT_TRUE(AppendToFile(Path(StrCat("work/out", i, "/thesis.txt")), "mine").ok());
    ExpectRefused(commands[i], StrCat("work/out", i));
  }
}

TEST_F(OutputTest, NothingOfAUsersIsDestroyed) {
  const ProgramResult made =
      Run("mkdir work/precious work/tokenizer && echo thesis > work/precious/thesis.txt\n"
          "cp tokenizer/spiece.model work/tokenizer && ln -s nowhere work/dangling\n"
          "ln -s ../model work/model && cp -r huggingface work/edited && rm "
          "work/edited/.openp5-output");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  for (const std::string& command : FolderCommands()) {
    for (const char* out :
         {"work/precious", "work/precious/", "./work/../work/precious", "work/precious/thesis.txt",
          "work/precious/thesis.txt/below", ".", "..", "/", "./", "data", "data/index.rocksdb",
          "work/dangling", "texts", "/dev/null", "work/edited", "work/tokenizer", ""}) {
      ExpectRefused(command, out);
    }
    if (command.find("import") == std::string::npos) {
      ExpectRefused(command, "model");
      ExpectRefused(command, "work/model");
      ExpectRefused(command, Path("model") + "//");
    }
  }
}

TEST_F(OutputTest, ASourceIsNoOutput) {
  ASSERT_EQ(Run("cp -r model work/own && cp -r data/Toy work/Toy").exit_code, 0);
  ExpectRefused("dataset prepare jsonl --raw work/Toy/user_sequence.txt --out OUT", "work/Toy");
  ExpectRefused("dataset prepare ml-100k --raw work/Toy --out OUT", "work/Toy/");
  ExpectRefused(
      "checkpoint import $D --checkpoint huggingface --tokenizer work/own/tokenizer "
      "--out OUT",
      "work/own");
}

TEST_F(OutputTest, IsRefusedBeforeAnythingIsRead) {
  ASSERT_EQ(Run("mkdir work/precious && echo thesis > work/precious/thesis.txt").exit_code, 0);
  for (const char* command :
       {"dataset prepare ml-100k --raw missing --out OUT",
        "tokenizer train --text missing --out OUT",
        "checkpoint import --data-dir missing --datasets X --checkpoint missing --out OUT",
        "checkpoint export --checkpoint missing --out OUT",
        "dataset samples --data-dir missing --datasets X --out OUT"}) {
    ExpectRefused(command, "work/precious");
  }
  const ProgramResult result =
      Run("$OPENP5 evaluate --data-dir missing --datasets X --checkpoint missing --topk-out work");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.LastError(), HasSubstr("--topk-out: work: expected a file to write"));
}

TEST_F(OutputTest, FilesThatAreReadAreNotReplaced) {
  for (const char* script :
       {"$OPENP5 index export $D --items data/Toy/user_sequence.txt",
        "$OPENP5 index export $D --items data/Toy/../Toy/dataset.json",
        "ln -s ../data/Toy/dataset.json work/link; $OPENP5 index export $D --users work/link",
        "$OPENP5 index export $D --items work/same --users work/../work/same",
        "$OPENP5 dataset samples $D --out data/Toy/user_sequence.txt",
        "$OPENP5 evaluate $D --checkpoint sasrec --topk-out sasrec/model.safetensors",
        "$OPENP5 evaluate $D --checkpoint sasrec --topk-out data/Toy/dataset.json"}) {
    ASSERT_EQ(Run("rm -f work/link").exit_code, 0);
    const auto before = Content(Path("model"));
    const auto data = Content(Path("data"));
    const ProgramResult result = Run(script);
    EXPECT_EQ(result.exit_code, 2) << script << result.err;
    EXPECT_TRUE(Content(Path("model")) == before && Content(Path("data")) == data) << script;
    EXPECT_FALSE(FileExists(Path("work/same")));
  }
}

TEST_F(OutputTest, AForeignFolderGetsNoIndexes) {
  ASSERT_EQ(Run("mkdir work/precious && echo thesis > work/precious/thesis.txt").exit_code, 0);
  for (const char* db : {"work/precious", "texts", "model", "/dev/null"}) {
    const ProgramResult result = Run(StrCat("$OPENP5 index build $D --index-db ", db));
    EXPECT_EQ(result.exit_code, 2) << db << result.err;
    EXPECT_THAT(result.LastError(), HasSubstr("--index-db: ")) << db;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(Path("work/precious")), {}), 1);
}

TEST_F(OutputTest, TwoFirstIndexBuildsAtOnceSayNothingOfDamage) {
  for (int round = 0; round < 3; ++round) {
    const ProgramResult result =
        Run("rm -rf work/db\n"
            "$OPENP5 index build $D --index-db work/db & first=$!\n"
            "$OPENP5 index build $D --index-db work/db --indexing sequential; second=$?\n"
            "wait $first; first=$?\n"
            "echo codes $first $second");
    EXPECT_THAT(result.err, AllOf(Not(HasSubstr("CURRENT")), Not(HasSubstr("damaged")),
                                  Not(HasSubstr("restore"))));
    EXPECT_THAT(result.out, Not(HasSubstr("codes 1 1")));
    EXPECT_EQ(Run("$OPENP5 index build $D --index-db work/db").exit_code, 0);
  }
}

TEST_F(OutputTest, AMountPointLosesNothing) {
  const std::string point = Path("work/point");
  fs::create_directory(point);
  if (mount("none", point.c_str(), "tmpfs", 0, nullptr) != 0) {
    GTEST_SKIP() << "needs the right to mount a file system";
  }
  const std::string generate = "dataset generate --users 5 --items 20 --groups 2 --mean-length 6 --out OUT";
  EXPECT_EQ(RunTo(generate, "work/point").exit_code, 0);
  EXPECT_EQ(Run("$OPENP5 dataset inspect --data-dir work --datasets point").exit_code, 0);
  ExpectRefused(generate, "work/point");
  ExpectRefused("checkpoint export --checkpoint model --out OUT", "work/point/");
  umount2(point.c_str(), MNT_DETACH);
}

TEST_F(OutputTest, DevicesFifosAndLinksStayWhatTheyAre) {
  const ProgramResult fifo =
      Run("mkfifo work/fifo; cat work/fifo > work/read & $OPENP5 index export $D --items "
          "work/fifo; wait\n"
          "$OPENP5 index export $D --items work/plain; cmp work/plain work/read");
  EXPECT_EQ(fifo.exit_code, 0) << fifo.err;
  EXPECT_TRUE(fs::is_fifo(Path("work/fifo")));
  EXPECT_EQ(Run("echo old > work/target; ln -s target work/link\n"
                "$OPENP5 index export $D --items work/link; cmp work/plain work/target")
                .exit_code,
            0);
  EXPECT_TRUE(fs::is_symlink(Path("work/link")));
  EXPECT_EQ(Run("$OPENP5 index export $D --items /dev/null --users /dev/null").exit_code, 0);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  if (mknod(Path("work/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0) {
    EXPECT_EQ(Run("$OPENP5 index export $D --items work/null").exit_code, 0);
    EXPECT_TRUE(fs::is_character_file(Path("work/null")));
  }
  const ProgramResult through =
      Run("$OPENP5 index export $D --items /dev/stdout > work/out; head -n 1 work/plain");
  const std::string out = ReadFile(Path("work/out")).value_or("");
  EXPECT_TRUE(out.starts_with(ReadFile(Path("work/plain")).value_or("missing"))) << out;
  EXPECT_THAT(out, HasSubstr("items      /dev/stdout\n"));
  const ProgramResult full = Run("$OPENP5 index export $D --items /dev/full");
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.LastError(), HasSubstr("/dev/full: No space left on device"));
}

TEST_F(OutputTest, NoTitleReachesTheTerminalAsItIs) {
  const ProgramResult made = Run(
      "mkdir -p work/data && cp -r data/Toy work/data/Toy\n"
      "for item in $(cut -d ' ' -f 2- data/Toy/user_sequence.txt | tr ' ' '\\n' | sort -u); do\n"
      "  printf '{\"item\": \"%s\", \"title\": \"\\\\u001b]0;PWNED\\\\u0007\\\\u001b[2J\\\\n9 "
      "x\\\\u009b31m\"}\\n' $item\n"
      "done > work/data/Toy/item_metadata.jsonl\n");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string user = "$(head -n 1 data/Toy/user_sequence.txt | cut -d ' ' -f 1)";
  for (const std::string& command :
       {std::string("dataset inspect --data-dir work/data --datasets Toy"),
        "recommend --include-seen --checkpoint sasrec --data-dir work/data --datasets Toy --user " +
            user}) {
    const ProgramResult text = Run("$OPENP5 " + command);
    ASSERT_EQ(text.exit_code, 0) << text.err;
    EXPECT_THAT(text.out, HasSubstr("\\x1b]0;PWNED\\x07\\x1b[2J\\n9 x\\xc2\\x9b31m\n"));
    EXPECT_EQ(text.out.find_first_of("\x1b\x07\x9b"), std::string::npos) << command;
    const ProgramResult json = Run("$OPENP5 " + command + " --format json");
    EXPECT_THAT(nlohmann::json::parse(json.out).dump(),
                HasSubstr("PWNED\\u0007\\u001b[2J\\n9 x\u009b31m"));
  }
}

}  // namespace
}  // namespace openp5
