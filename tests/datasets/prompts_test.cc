#include "datasets/prompts.h"

#include <set>

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

constexpr const char* kText =
    "sequential; seen; {dataset} user_{user_id} : {history}, go ; {dataset} {target}\n"
    "direct ;unseen;For {user_id};{target}\n"
    "\n"
    "sequential; unseen; U {history}; {target}\r\n"
    "sequential; seen; S1 {history}; {target}";

void ExpectFailure(const std::string& line, const std::string& message) {
  EXPECT_THAT(PromptSet::Parse("a; seen; b; c\n" + line + "\n", "p.txt"),
              StatusIs(absl::StatusCode::kInvalidArgument, message));
}

TEST(FillPrompt, FillsEveryFieldOnce) {
  const PromptFields fields{.dataset = "Toy", .user = "7", .history = "{target}", .target = "i"};
  EXPECT_EQ(
      FillPrompt("{dataset} user_{user_id}:{history},{history} -> {dataset} {target}", fields),
      "Toy user_7:{target},{target} -> Toy i");
  EXPECT_EQ(FillPrompt("", fields), "");
  EXPECT_EQ(FillPrompt("{datasetX {target", fields), "{datasetX {target");
}

TEST(PromptSet, SplitsLinesAndTrimsParts) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const PromptSet prompts, PromptSet::Parse(kText, "p.txt"));
  ASSERT_EQ(prompts.templates().size(), 4u);
  EXPECT_EQ(prompts.templates()[0].input, "{dataset} user_{user_id} : {history}, go");
  EXPECT_EQ(prompts.templates()[0].output, "{dataset} {target}");
  EXPECT_EQ(prompts.templates()[1].task, "direct");
  EXPECT_FALSE(prompts.templates()[1].seen);
}

TEST(PromptSet, NumbersPromptsByTaskAndKind) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const PromptSet prompts, PromptSet::Parse(kText, "p.txt"));
  EXPECT_EQ(prompts.Seen("sequential").size(), 2u);
  EXPECT_EQ(prompts.Seen("sequential")[1]->input, "S1 {history}");
  EXPECT_TRUE(prompts.Seen("direct").empty());
  EXPECT_EQ((*prompts.Find("sequential", "seen:1"))->input, "S1 {history}");
  EXPECT_EQ((*prompts.Find("sequential", "unseen:0"))->input, "U {history}");
  EXPECT_EQ((*prompts.Find("direct", "unseen:0"))->input, "For {user_id}");
}

TEST(PromptSet, FindNamesWhatThereIs) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const PromptSet prompts, PromptSet::Parse(kText, "p.txt"));
  EXPECT_THAT(prompts.Find("sequential", "seen:2"),
              StatusIs(absl::StatusCode::kNotFound,
                       "prompt: p.txt: expected a prompt seen:2 of task 'sequential', got 2 seen "
                       "prompts of it"));
  for (const std::string name : {"seen", "seen:", "seen:x", "seen:-1", "all:0", ""}) {
    EXPECT_THAT(prompts.Find("sequential", name),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         "prompt: expected 'seen:N' or 'unseen:N', got '" + name + "'"));
  }
}

TEST(PromptSet, RefusesMalformedLines) {
  ExpectFailure("sequential; seen; x",
                "prompt file: p.txt:2: expected 4 parts `task; seen|unseen; input; output`, got 3 "
                "in 'sequential; seen; x'");
  ExpectFailure("sequential; seen; x; y; z",
                "prompt file: p.txt:2: expected 4 parts `task; seen|unseen; input; output`, got 5 "
                "in 'sequential; seen; x; y; z'");
  ExpectFailure("sequential; seen; ; y",
                "prompt file: p.txt:2: expected 4 parts with text, got 'sequential; seen; ; y'");
  ExpectFailure("sequential; new; x; y",
                "prompt file: p.txt:2: expected 'seen' or 'unseen', got 'new'");
  for (const std::string field : {"{user}", "{}", "{history", "}", "{{history}"}) {
    const std::string message =
        "prompt file: p.txt:2: expected {dataset}, {user_id}, {history} or {target}, got '" +
        field + "'";
    ExpectFailure("sequential; seen; x " + field + "; y", message);
    ExpectFailure("sequential; seen; x; y" + field, message);
  }
}

TEST(PromptSet, RefusesAFileWithoutPrompts) {
  const std::string message =
      "prompt file: p.txt: expected lines `task; seen|unseen; input; output`, got none";
  for (const std::string text : {"", "\n  \n"}) {
    EXPECT_THAT(PromptSet::Parse(text, "p.txt"),
                StatusIs(absl::StatusCode::kInvalidArgument, message));
  }
}

TEST(PromptSet, OpensAFile) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.File("p.txt");
  EXPECT_THAT(PromptSet::Open(path), StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
  OPENP5_ASSERT_OK(WriteFileAtomic(path, kText));
  OPENP5_ASSERT_OK_AND_ASSIGN(const PromptSet prompts, PromptSet::Open(path));
  EXPECT_EQ(prompts.templates().size(), 4u);
}

TEST(PromptSet, ItsTextIsAFileOfTheSameTemplates) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const PromptSet prompts, PromptSet::Parse(kText, "p.txt"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const PromptSet again, PromptSet::Parse(prompts.Text(), "again"));
  EXPECT_EQ(again.Text(), prompts.Text());
  ASSERT_EQ(again.templates().size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(again.templates()[i].input, prompts.templates()[i].input);
    EXPECT_EQ(again.templates()[i].output, prompts.templates()[i].output);
    EXPECT_EQ(again.templates()[i].Digest(), prompts.templates()[i].Digest());
  }
}

TEST(PromptTemplate, ItsDigestIsThatOfItsLine) {
  const PromptTemplate prompt{.task = "sequential", .input = "x {history}", .output = "{target}"};
  EXPECT_EQ(prompt.Line(), "sequential; seen; x {history}; {target}");
  EXPECT_EQ(prompt.Digest(), Sha256Of("sequential; seen; x {history}; {target}").substr(0, 8));
  EXPECT_NE(prompt.Digest(),
            (PromptTemplate{.task = "sequential", .input = "x", .output = "{target}"}.Digest()));
}

TEST(DefaultPrompts, HaveTenSeenAndOneUnseenPromptForEachTask) {
  const PromptSet prompts = DefaultPrompts();
  EXPECT_EQ(prompts.templates().size(), 22u);
  for (const std::string task : {"sequential", "straightforward"}) {
    EXPECT_EQ(prompts.Seen(task).size(), 10u);
    OPENP5_EXPECT_OK(prompts.Find(task, "unseen:0"));
  }
  std::set<std::string> inputs;
  for (const PromptTemplate& prompt : prompts.templates()) {
    EXPECT_TRUE(inputs.insert(prompt.input).second) << prompt.input;
    EXPECT_THAT(prompt.input, HasSubstr("{dataset} user_{user_id}"));
    EXPECT_EQ(prompt.input.find("{history}") != std::string::npos, prompt.task == "sequential");
    EXPECT_EQ(prompt.output, "{dataset} {target}");
  }
}

TEST(DefaultPrompts, AreThoseOfTheFile) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const PromptSet file,
      PromptSet::Open(std::string(OPENP5_SOURCE_DIR) + "/datasets/prompts/default.txt"));
  const PromptSet built_in = DefaultPrompts();
  ASSERT_EQ(file.templates().size(), built_in.templates().size());
  for (size_t i = 0; i < file.templates().size(); ++i) {
    EXPECT_EQ(file.templates()[i].input, built_in.templates()[i].input);
  }
}

TEST(PromptSet, AnswersSayHowItemsAreWritten) {
  const auto form = [](const std::string& text) -> absl::StatusOr<CandidateForm> {
    OPENP5_ASSIGN_OR_RETURN(const PromptSet prompts, PromptSet::Parse(text, "p.txt"));
    return prompts.candidate_form();
  };
  EXPECT_EQ(form("s; seen; {history}; {dataset} {target}\n").value(),
            CandidateForm::kDatasetAndItem);
  EXPECT_EQ(
      form("s; seen; {dataset} {history}; {target}\ns; unseen; {history}; {target}\n").value(),
      CandidateForm::kItem);
  EXPECT_THAT(form("s; seen; {history}; {dataset} {target}\ns; unseen; {history}; {target}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "p.txt: expected {dataset} in the answers of all prompts or of none, got "
                       "'{dataset} {target}' and '{target}'"));
}

TEST(PromptSet, OneLineIsOfLimitedSize) {
  const auto parse = [](const std::string& input) {
    return PromptSet::Parse("sequential; seen; " + input + "; {target}\n", "p.txt").status();
  };
  const std::string around = "sequential; seen; ; {target}";
  OPENP5_EXPECT_OK(parse(std::string(65536 - around.size(), 'x')));
  EXPECT_THAT(parse(std::string(65537 - around.size(), 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("p.txt:1: expected a prompt of at most 65536 bytes, got 65537")));
  std::string fields;
  for (int i = 0; i < 64; ++i) fields += "{history}";
  OPENP5_EXPECT_OK(parse(fields));
  EXPECT_THAT(parse(fields + "{history}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("p.txt:1: expected at most 64 fields in a text, got more")));
}

}  // namespace
}  // namespace openp5::datasets
