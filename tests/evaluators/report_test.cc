#include "evaluators/report.h"

#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

RankingResult Result() {
  RankingResult result{.dataset = "toy", .task = "sequential", .split = "test", .prompt = "seen:0"};
  result.rankings.push_back({.user = 0, .target = 2, .items = {2, -1}, .scores = {-0.5f, -2.0f}});
  result.rankings.push_back({.user = 1, .target = 1, .items = {0}, .scores = {-1.0f}});
  result.metrics = {{"hit@1", 0.5}};
  result.seconds = 4;
  return result;
}

TEST(ReportTest, WritesTheDocumentedJson) {
  const auto json = ResultsToJson({Result()});
  EXPECT_EQ(json["users_per_second"], 0.5);
  const auto& first = json["results"][0];
  EXPECT_EQ(first["dataset"], "toy");
  EXPECT_EQ(first["task"], "sequential");
  EXPECT_EQ(first["split"], "test");
  EXPECT_EQ(first["prompt"], "seen:0");
  EXPECT_EQ(first["filtered"], false);
  EXPECT_EQ(first["users"], 2);
  EXPECT_EQ(first["metrics"]["hit@1"], 0.5);
}

TEST(ReportTest, BaselinesDoNotCountAsSpeed) {
  RankingResult baseline = Result();
  baseline.method = "popularity";
  EXPECT_EQ(ResultsToJson({Result(), baseline})["users_per_second"], 0.5);
}

TEST(ReportTest, WritesOneLineAUserWithRawIds) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto dataset, datasets::SequenceDataset::Parse("toy", "u1 a b c\nu2 c b a\n", "toy"));
  EXPECT_EQ(TopkLines(Result(), dataset),
            R"({"dataset":"toy","task":"sequential","user":"u1","target":"c",)"
            R"("items":["c",null],"scores":[-0.5,-2.0]})"
            "\n"
            R"({"dataset":"toy","task":"sequential","user":"u2","target":"b",)"
            R"("items":["a"],"scores":[-1.0]})"
            "\n");
}

TEST(ReportTest, AlignsTheTable) {
  EXPECT_EQ(ResultsTable({Result()}),
            "dataset  task        split  prompt  method  filter  users  hit@1\n"
            "toy      sequential  test   seen:0  model   none    2      0.5000\n");
}

TEST(ReportTest, NamesThePromptWithWhatTellsItsTextFromOthers) {
  RankingResult result = Result();
  EXPECT_FALSE(ResultsToJson({result})["results"][0].contains("prompt_digest"));
  result.prompt_digest = "0123abcd";
  EXPECT_EQ(ResultsToJson({result})["results"][0]["prompt"], "seen:0");
  EXPECT_EQ(ResultsToJson({result})["results"][0]["prompt_digest"], "0123abcd");
  EXPECT_THAT(ResultsTable({result}), ::testing::HasSubstr("seen:0@0123abcd"));
}

}  // namespace
}  // namespace openp5::evaluators
