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

// The names in the program's own list, so that a new command cannot be forgotten here.
std::vector<std::string> CommandNames(const std::string& help) {
  std::vector<std::string> names;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  ") || line.size() < 22) continue;
    std::string name = line.substr(2, 20);
    name.erase(name.find_last_not_of(' ') + 1);
    names.push_back(name);
  }
  return names;
}

// What each command prints something with, in a script of SmallPipelineTest; $N is another number
// each time.
const std::map<std::string, std::string>& Invocations() {
  static const std::map<std::string, std::string> all = {
      {"dataset list", ""},
      {"dataset prepare",
       "jsonl --raw raw.jsonl --user-col u --item-col i --time-col '' --k-core-user 1 "
       "--k-core-item 1 --out data/P"},
      {"dataset inspect", "$D"},
      {"dataset generate", "--out data/G --users 5 --items 20 --groups 2 --mean-length 6"},
      {"dataset samples", "$D"},
      {"index build", "$D --index-db db"},
      {"index inspect", "$D --indexing sequential"},
      {"index export", "$D --items items.txt --users users.txt"},
      {"index import", "$D --index-db db2 --items items.txt --users users.txt"},
      {"tokenizer encode", "--tokenizer tokenizer < texts"},
      {"tokenizer decode", "--tokenizer tokenizer < ids"},
      {"tokenizer inspect", "--tokenizer tokenizer"},
      {"tokenizer train", "$D --vocabulary-size 300 --out tokenizer2"},
      {"train", "--model sasrec $D --epochs 1 --threads 1 --run-dir run-$N"},
      {"sweep", "--model sasrec $D --epochs 1 --threads 1 --sweep-file sweep.ini --out sweep-$N"},
      {"evaluate", "$D --baseline popularity --topk-out top.jsonl"},
      {"compare", "popularity.jsonl transitions.jsonl"},
      {"recommend", "$D --checkpoint sasrec --history $ITEM"},
      {"run", "--data data/Toy --kind sasrec --epochs 1 --out all-$N"},
      {"checkpoint inspect", "model"},
      {"checkpoint verify", "model"},
      {"checkpoint import", "$D --checkpoint huggingface --out imported"},
      {"checkpoint export", "--checkpoint model --to openp5 --out exported"},
      {"plugin list", ""},
      {"plugin check", "texts"},
      {"help", ""},
      {"version", ""},
  };
  return all;
}

class StandardStreamsTest : public testing::SmallPipelineTest {
 protected:
  static void SetUpTestSuite() {
    SmallPipelineTest::SetUpTestSuite();
    const ProgramResult made =
        Run("for i in a b c; do echo \"{\\\"u\\\": \\\"x\\\", \\\"i\\\": \\\"$i\\\"}\"; done > "
            "raw.jsonl\n"
            "echo '\"a text\"' > texts; echo '[3, 4]' > ids; echo 'lr = 1e-3' > sweep.ini\n"
            "$OPENP5 index export $D --items items.txt --users users.txt\n"
            "for b in popularity transitions; do"
            " $OPENP5 evaluate $D --baseline $b --result-out $b.jsonl; done\n");
    ASSERT_EQ(made.exit_code, 0) << made.err;
    commands_ = CommandNames(Run("$OPENP5 help").out);
    ASSERT_GT(commands_.size(), 20u);
  }
  // Runs the command with its standard output redirected.
  static ProgramResult RunWith(const std::string& command, const std::string& arguments,
                               const std::string& redirection) {
    return Run(StrCat("N=", ++number_,
                      "; ITEM=$(cut -d ' ' -f 2 data/Toy/user_sequence.txt | head -n 1)\n",
                      "$OPENP5 ", command, " ", arguments, " ", redirection));
  }
  static std::string ArgumentsOf(const std::string& command) {
    const auto found = Invocations().find(command);
    EXPECT_NE(found, Invocations().end())
        << "a new command? it needs a line in Invocations: " << command;
    return found == Invocations().end() ? "" : found->second;
  }
  static void ExpectLostOutput(const ProgramResult& result, const std::string& what) {
    EXPECT_EQ(result.exit_code, 1) << what << result.err;
    EXPECT_THAT(result.LastError(), HasSubstr("cannot write: standard output: ")) << what;
  }

  inline static std::vector<std::string> commands_;
  inline static int number_ = 0;
};

TEST_F(StandardStreamsTest, EveryCommandSaysThatItsOutputIsLost) {
  for (const std::string& command : commands_) {
    const std::string arguments = ArgumentsOf(command);
    const ProgramResult sound = RunWith(command, arguments, "");
    EXPECT_EQ(sound.exit_code, command == "plugin check" ? 1 : 0) << command << sound.err;
    EXPECT_NE(sound.out, "") << command;
    ExpectLostOutput(RunWith(command, arguments, "> /dev/full"), command);
    ExpectLostOutput(RunWith(command, arguments, ">&-"), command);
  }
}

TEST_F(StandardStreamsTest, EveryCommandsHelpAndOptionsSaySo) {
  for (const std::string& command : commands_) {
    if (command == "version" || command == "help") continue;
    for (const char* option : {"--help", "--dump-config"}) {
      EXPECT_EQ(RunWith(command, option, "").exit_code, 0) << command << option;
      ExpectLostOutput(RunWith(command, option, "> /dev/full"), command);
    }
    ExpectLostOutput(RunWith("help " + command, "", ">&-"), command);
  }
}

TEST_F(StandardStreamsTest, AReaderThatHasEnoughIsNoError) {
  for (const char* command : {"help", "dataset list", "dataset samples"}) {
    const ProgramResult result =
        RunWith(command, ArgumentsOf(command) + " --format tsv 2>/dev/null | head -n 1", "");
    EXPECT_EQ(result.err, "") << command;
  }
}

TEST_F(StandardStreamsTest, NoFileGetsTheNumberOfAClosedStream) {
  for (const char* closed : {"2>&-", "0<&-", "0<&- 2>&-", "0<&- >&- 2>&-"}) {
    RunWith("evaluate", "$D --checkpoint sasrec --topk-out top.jsonl", closed);
    const std::string text = ReadFile(Path("top.jsonl")).value_or("");
    std::istringstream lines(text);
    int users = 0;
    for (std::string line; std::getline(lines, line); ++users) {
      EXPECT_TRUE(nlohmann::json::accept(line)) << closed << line;
    }
    EXPECT_EQ(users, 12) << closed;
    ASSERT_EQ(Run("rm top.jsonl").exit_code, 0);
    EXPECT_EQ(RunWith("train", "--model sasrec $D --epochs 1 --threads 1 --run-dir run-$N", closed)
                  .exit_code,
              std::string(closed).find(">&- 2") != std::string::npos ? 1 : 0);
    EXPECT_EQ(ReadFile(Path(StrCat("run-", number_, "/.lock"))).value_or("missing"), "");
  }
}

}  // namespace
}  // namespace openp5
