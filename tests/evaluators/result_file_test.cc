#include "evaluators/result_file.h"

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ResultFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const auto dataset, datasets::SequenceDataset::Parse("toy", "u1 a b c\nu2 c b a\n", "toy"));
    RankingResult result{.method = "model", .label = "mine"};
    result.protocol = {.dataset = "toy", .split = "test", .users = 2};
    result.rankings = {{.user = 0, .target = 2}, {.user = 1, .target = 0}};
    result.metrics = {{.name = "ndcg@2", .value = 0.8, .users = {0.6, 1}},
                      {.name = "coverage@2", .value = 0.5},
                      {.name = "hit@2", .value = 0.5, .users = {0, 1}}};
    lines_ = ResultLines(result, dataset);
  }
  absl::StatusOr<std::vector<StoredResult>> Read(const std::string& text) {
    EXPECT_TRUE(WriteFileAtomic(folder_.File("result.jsonl"), text).ok());
    return ReadResults(folder_.File("result.jsonl"));
  }
  std::string Changed(const std::string& from, const std::string& to) const {
    std::string text = lines_;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  TemporaryFolder folder_;
  std::string lines_;
};

TEST_F(ResultFileTest, ComesBack) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto results, Read(lines_ + lines_));
  ASSERT_EQ(results.size(), 2u);
  const StoredResult& result = results[1];
  EXPECT_EQ(result.label, "mine");
  EXPECT_EQ(result.method, "model");
  EXPECT_EQ(result.protocol.dataset, "toy");
  EXPECT_THAT(result.users, ElementsAre("u1", "u2"));
  EXPECT_THAT(result.targets, ElementsAre("c", "a"));
  ASSERT_EQ(result.metrics.size(), 3u);  // those with a value a user first
  EXPECT_EQ(result.metrics[0].name, "ndcg@2");
  EXPECT_THAT(result.metrics[0].users, ElementsAre(0.6, 1));
  EXPECT_EQ(result.metrics[1].name, "hit@2");
  EXPECT_EQ(result.metrics[2].name, "coverage@2");
  EXPECT_EQ(result.metrics[2].value, 0.5);
}

TEST_F(ResultFileTest, RefusesWhatIsNotAsDescribed) {
  const auto expect = [this](const std::string& text, const char* message) {
    EXPECT_THAT(Read(text), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(message))) << message;
  };
  expect("", "expected at least one result, got none");
  expect("{}\n", "result.jsonl:1: format: expected a text, got none");
  expect(Changed("openp5-result", "other"), "result.jsonl:1: format: expected openp5-result");
  expect(Changed("\"version\":1", "\"version\":2"), "a newer openp5 wrote the file");
  expect(Changed("\"split\"", "\"spilt\""), "result.jsonl:1: protocol: split: expected a value");
  expect(Changed("[0.6,0.0]", "[0.6]"), "result.jsonl:2: values: expected 2 numbers, got [0.6]");
  expect(Changed("[0.6,0.0]", "[0.6,null]"), "result.jsonl:2: values: expected 2 numbers");
  expect(Changed("[0.6,0.0]", "[0.5,0.0]"), "ndcg@2: expected the mean of the users' values");
  expect(Changed("{\"user\":\"u2\"", "{\"usr\":\"u2\""), "result.jsonl:3: user: expected a text");
  expect(lines_.substr(0, lines_.rfind("{\"user\"")), "expected 1 more users at the end");
  expect(lines_.substr(0, lines_.size() - 4), "result.jsonl:3");
  EXPECT_THAT(ReadResults(folder_.File("none")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

}  // namespace
}  // namespace openp5::evaluators
