#include <filesystem>
#include <nlohmann/json.hpp>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::Shared;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Case(const std::string& name) { return Shared("cases/checkpoints/" + name); }

// A model whose folder lists item tokens, as transformers saved it.
class ForeignTokensTest : public ::testing::Test {
 protected:
  void SetUp() override {
    OPENP5_SKIP_WITHOUT_SHARED();
    ExpectSuccess(RunProgram(Arguments{"index", "build"} + Data()));
  }
  Arguments Data() const {
    return {"--data-dir",
            Case("data"),
            "--datasets",
            "Toy",
            "--index-db",
            folder_.File("db"),
            "--indexing",
            "collaborative",
            "--collaborative-token-size",
            "8",
            "--collaborative-cluster",
            "4"};
  }
  // A copy that may be written to.
  std::string Copy(const std::string& name) const {
    const std::string to = folder_.File(name);
    std::filesystem::create_directory(to);
    for (const auto& file : std::filesystem::directory_iterator(Case(name))) {
      const std::string content = ReadFile(file.path().string()).value();
      EXPECT_TRUE(WriteFileAtomic(to + "/" + file.path().filename().string(), content).ok());
    }
    return to;
  }
  ProgramResult Evaluate(const std::string& checkpoint, const std::string& lists) const {
    return RunProgram(Arguments{"evaluate", "--checkpoint", checkpoint} + Data() +
                      Arguments{"--prompt", "seen:0", "--beams", "20", "--precision", "float32",
                                "--threads", "1", "--topk-out", folder_.File(lists)});
  }

  const TemporaryFolder folder_;
};

TEST_F(ForeignTokensTest, ATokenThatTheFolderMissesIsNamed) {
  const std::string folder = Copy("t5-added-tokens-reversed");
  Json config = Json::parse(ReadFile(folder + "/tokenizer_config.json").value());
  Json& decoder = config["added_tokens_decoder"];
  std::string missing;
  for (const auto& [id, token] : decoder.items()) {
    if (token["content"] == "<CI2>") missing = id;
  }
  ASSERT_FALSE(missing.empty());
  decoder.erase(missing);
  OPENP5_ASSERT_OK(WriteFileAtomic(folder + "/tokenizer_config.json", config.dump()));
  const ProgramResult result = Evaluate(folder, "missing.jsonl");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.LastError(), AllOf(HasSubstr("but not '<CI2>'"), HasSubstr("index import")));
}

// The same lists and scores after a way through openp5 and back.
TEST_F(ForeignTokensTest, TheListSurvivesImportAndExport) {
  for (const char* name : {"t5-added-tokens-reversed", "qwen2-add_tokens"}) {
    const std::string ours = folder_.File(StrCat(name, "-ours"));
    const std::string exported = folder_.File(StrCat(name, "-exported"));
    ExpectSuccess(RunProgram(
        Arguments{"checkpoint", "import", "--checkpoint", Case(name), "--out", ours} + Data()));
    ExpectSuccess(RunProgram({"checkpoint", "export", "--checkpoint", ours, "--out", exported}));
    ExpectSuccess(Evaluate(Case(name), "source.jsonl"));
    ExpectSuccess(Evaluate(exported, "exported.jsonl"));
    EXPECT_EQ(ReadFile(folder_.File("source.jsonl")).value(),
              ReadFile(folder_.File("exported.jsonl")).value())
        << name;
    const Json file = Json::parse(ReadFile(exported + "/tokenizer.json").value());
    const Json config = Json::parse(ReadFile(exported + "/tokenizer_config.json").value());
    EXPECT_EQ(file["added_tokens"].size(), config["added_tokens_decoder"].size());
    EXPECT_FALSE(FileExists(exported + "/added_tokens.txt"));
  }
}

}  // namespace
}  // namespace openp5
