#include "platform/config/search_space.h"

#include <set>

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

using Trial = SearchSpace::Trial;

std::vector<Trial> TrialsOf(const std::string& text, int64_t count, uint64_t seed = 1) {
  const auto space = SearchSpace::Parse(text, "sweep.ini");
  EXPECT_TRUE(space.ok()) << space.status();
  if (!space.ok()) return {};
  const auto trials = space->Trials(count, seed);
  EXPECT_TRUE(trials.ok()) << trials.status();
  return trials.value_or(std::vector<Trial>());
}

TEST(SearchSpaceTest, AGridHasEveryCombination) {
  EXPECT_THAT(TrialsOf("# tried\nlr = 1e-3, 5e-4  # two\n\nbatch-size=16,32\r\n", 0),
              ElementsAre(ElementsAre(Pair("lr", "1e-3"), Pair("batch-size", "16")),
                          ElementsAre(Pair("lr", "1e-3"), Pair("batch-size", "32")),
                          ElementsAre(Pair("lr", "5e-4"), Pair("batch-size", "16")),
                          ElementsAre(Pair("lr", "5e-4"), Pair("batch-size", "32"))));
}

TEST(SearchSpaceTest, QuotesHoldCommasBlanksAndMarks) {
  EXPECT_THAT(TrialsOf("tasks = sequential, \"sequential,straightforward\"\n", 0),
              ElementsAre(ElementsAre(Pair("tasks", "sequential")),
                          ElementsAre(Pair("tasks", "sequential,straightforward"))));
  EXPECT_THAT(TrialsOf("history-separator = \" # (\"", 0),
              ElementsAre(ElementsAre(Pair("history-separator", " # ("))));
}

TEST(SearchSpaceTest, DrawsLieInTheirRange) {
  std::set<std::string> epochs, tasks;
  for (const Trial& trial : TrialsOf("lr = log(1e-4, 1e-2)\ndropout = uniform(0, 0.5)\n"
                                     "epochs = integer(2, 4)\ntasks = a, b\n",
                                     300)) {
    const double lr = std::stod(trial[0].second), dropout = std::stod(trial[1].second);
    EXPECT_TRUE(lr >= 1e-4 && lr <= 1e-2) << lr;
    EXPECT_TRUE(dropout >= 0 && dropout <= 0.5) << dropout;
    epochs.insert(trial[2].second);
    tasks.insert(trial[3].second);
  }
  EXPECT_THAT(epochs, ElementsAre("2", "3", "4"));
  EXPECT_THAT(tasks, ElementsAre("a", "b"));
}

TEST(SearchSpaceTest, DrawnLogarithmsAreEven) {
  int below = 0;
  for (const Trial& trial : TrialsOf("lr = log(1e-4, 1e-2)", 1000)) {
    below += std::stod(trial[0].second) < 1e-3;
  }
  EXPECT_GT(below, 430);
  EXPECT_LT(below, 570);
}

TEST(SearchSpaceTest, TheSeedAloneDecides) {
  for (const std::string text : {"lr = log(1e-4, 1e-2)\nepochs = integer(1, 99)\n",
                                 "lr = 1, 2, 3, 4\nepochs = 5, 6, 7, 8\n"}) {
    const std::vector<Trial> ten = TrialsOf(text, 10);
    EXPECT_EQ(TrialsOf(text, 10), ten);
    EXPECT_NE(TrialsOf(text, 10, /*seed=*/2), ten);
    std::vector<Trial> more = TrialsOf(text, 16);
    EXPECT_EQ(std::set<Trial>(more.begin(), more.end()).size(), 16u);
    more.resize(10);
    EXPECT_EQ(more, ten);
  }
  // The same on every machine.
  EXPECT_THAT(TrialsOf("lr = log(1e-4, 1e-2)", 1), ElementsAre(ElementsAre(Pair("lr", "0.003675"))));
  EXPECT_EQ(TrialsOf("lr = 1, 2", 5).size(), 2u);
}

TEST(SearchSpaceTest, VisitsEveryValueWithItsPlace) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto space,
                              SearchSpace::Parse("lr = 1, 2\n\ndropout = uniform(0, .5)", "s"));
  std::vector<std::string> visited;
  OPENP5_ASSERT_OK(
      space.ForEachValue([&](const auto& option, const auto& value, const auto& where) {
        visited.push_back(StrCat(where, " ", option, " ", value));
        return absl::OkStatus();
      }));
  EXPECT_THAT(visited, ElementsAre("s:1 lr 1", "s:1 lr 2", "s:3 dropout 0", "s:3 dropout .5"));
}

TEST(SearchSpaceTest, NamesTheLineThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"lr", "expected 'option = value, value', got 'lr'"},
      {"= 1", "expected 'option = value, value'"},
      {"lr =", "lr: expected values, or one of uniform(LOW, HIGH)"},
      {"lr = 1,,2", "lr: expected values"},
      {"lr = 1, 1", "lr: expected different values"},
      {"lr = \"1", "lr: expected a closing quote"},
      {"lr = normal(0, 1)",
       "one of uniform(LOW, HIGH), log(LOW, HIGH) and integer(LOW, HIGH), "
       "got 'normal(0, 1)'"},
      {"lr = uniform(0, 1", "lr: expected values"},
      {"lr = 1, uniform(0, 1)", "lr: expected values"},
      {"lr = uniform(1, 0)", "two numbers, the smaller first"},
      {"lr = uniform(0, inf)", "two numbers"},
      {"lr = uniform(0)", "two numbers"},
      {"lr = log(0, 1)", "numbers above 0"},
      {"lr = integer(0, 1.5)", "whole numbers"},
      {"epochs = 3", "'epochs' is given twice"}};
  for (const auto& [line, expected] : cases) {
    const auto space = SearchSpace::Parse(StrCat("epochs = 1\n", line, "\n"), "sweep.ini");
    EXPECT_THAT(space, StatusIs(absl::StatusCode::kInvalidArgument,
                                AllOf(StartsWith("sweep.ini:2: "), HasSubstr(expected))));
    EXPECT_TRUE(IsUsageError(space.status())) << line;
  }
  EXPECT_THAT(SearchSpace::Parse("# nothing\n", "sweep.ini"),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("sweep.ini: expected")));
}

TEST(SearchSpaceTest, ARangeWantsANumberOfTrials) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto range, SearchSpace::Parse("lr = log(1, 2)", "sweep.ini"));
  EXPECT_THAT(range.Trials(0, 1),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("sweep.ini:1: lr"), HasSubstr("--trials"))));
  std::string many;
  for (const char* option : {"a", "b", "c", "d", "e", "f"}) {
    many += StrCat(option, " = 1, 2, 3, 4, 5, 6, 7, 8\n");
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto grid, SearchSpace::Parse(many, "sweep.ini"));
  EXPECT_THAT(grid.Trials(0, 1), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("at most 100000 combinations")));
}

}  // namespace
}  // namespace openp5
