#include "datasets/samples.h"

#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;

class Samples : public ::testing::Test {
 protected:
  Samples()
      : dataset_(*SequenceDataset::Parse("Toy", "u a b c d e\nv c a b\n", "toy")),
        identifiers_({"1001", "<CI0><CI1>", "1003", "1004", "1005"}),
        user_numbers_({"1", "2"}) {}

  SampleWriter Writer(const HistoryOptions& options = {}) const {
    return SampleWriter(dataset_, identifiers_, user_numbers_, options);
  }
  static std::vector<std::pair<int32_t, int32_t>> Pairs(const std::vector<Position>& positions) {
    std::vector<std::pair<int32_t, int32_t>> pairs;
    for (const Position& position : positions) pairs.emplace_back(position.user, position.target);
    return pairs;
  }

  const SequenceDataset dataset_;
  const std::vector<std::string> identifiers_, user_numbers_;
  const PromptTemplate prompt_{.task = "sequential",
                               .seen = true,
                               .input = "{dataset} user_{user_id} : {history} .",
                               .output = "{dataset} {target}"};
};

TEST_F(Samples, SplitsLeaveOneOut) {
  using P = std::pair<int32_t, int32_t>;
  EXPECT_THAT(Pairs(SplitPositions(dataset_, Split::kTrain, true)), ElementsAre(P(0, 1), P(0, 2)));
  EXPECT_THAT(Pairs(SplitPositions(dataset_, Split::kTrain, false)),
              ElementsAre(P(0, 0), P(0, 1), P(0, 2), P(1, 0)));
  EXPECT_THAT(Pairs(SplitPositions(dataset_, Split::kValidation, true)),
              ElementsAre(P(0, 3), P(1, 1)));
  EXPECT_THAT(Pairs(SplitPositions(dataset_, Split::kTest, true)), ElementsAre(P(0, 4), P(1, 2)));
}

TEST_F(Samples, WriteHistoryAndTarget) {
  const Sample sample = Writer().Write(prompt_, {.user = 0, .target = 3});
  EXPECT_EQ(sample.input, "Toy user_1 : item_1001 , item_<CI0><CI1> , item_1003 .");
  EXPECT_EQ(sample.output, "Toy item_1004");
}

TEST_F(Samples, ShowTheLatestItemsOnly) {
  EXPECT_EQ(Writer({.max_history = 2}).Write(prompt_, {0, 4}).input,
            "Toy user_1 : item_1003 , item_1004 .");
  EXPECT_EQ(Writer({.max_history = 0, .history_separator = ";"}).Write(prompt_, {0, 4}).input,
            "Toy user_1 : item_1001;item_<CI0><CI1>;item_1003;item_1004 .");
  EXPECT_EQ(Writer({.max_history = -1}).Write(prompt_, {0, 1}).input, "Toy user_1 : item_1001 .");
}

TEST_F(Samples, RunsBeginWhereTheLastHistoryBegins) {
  const SampleWriter writer = Writer({.max_history = 3});
  const auto inputs = [&](const Position& first, int64_t count) {
    std::vector<std::string> texts;
    for (const Sample& sample : writer.WriteRun(prompt_, first, count)) {
      texts.push_back(sample.input + " " + sample.output);
    }
    return texts;
  };
  EXPECT_THAT(inputs({0, 3}, 2),
              ElementsAre("Toy user_1 : item_<CI0><CI1> , item_1003 . Toy item_1004",
                          "Toy user_1 : item_<CI0><CI1> , item_1003 , item_1004 . Toy item_1005"));
  EXPECT_THAT(inputs({0, 1}, 2),
              ElementsAre("Toy user_1 : item_1001 . Toy item_<CI0><CI1>",
                          "Toy user_1 : item_1001 , item_<CI0><CI1> . Toy item_1003"));
  EXPECT_EQ(writer.WriteRun(prompt_, {0, 4}, 1).front().input, writer.Write(prompt_, {0, 4}).input);
}

TEST_F(Samples, KeepTheBlanksAroundAnEmptyHistory) {
  EXPECT_EQ(Writer({.skip_empty_history = false}).Write(prompt_, {1, 0}).input, "Toy user_2 :  .");
}

TEST_F(Samples, WithoutPrefixHaveBareIdsButCandidatesKeepIt) {
  const SampleWriter writer = Writer({.history_prefix = 0});
  const Sample sample = writer.Write(prompt_, {0, 1});
  EXPECT_EQ(sample.input, "Toy user_1 : 1001 .");
  EXPECT_EQ(sample.output, "Toy <CI0><CI1>");
  EXPECT_EQ(writer.Candidate(1), "Toy item_<CI0><CI1>");
}

TEST_F(Samples, AreWrittenForAnyHistory) {
  const std::vector<int32_t> history = {4, 4, 0};
  EXPECT_EQ(Writer({.max_history = 2}).WriteInput(prompt_, "9", history),
            "Toy user_9 : item_1005 , item_1001 .");
  EXPECT_EQ(Writer().WriteInput(prompt_, "9", {}), "Toy user_9 :  .");
}

}  // namespace
}  // namespace openp5::datasets
