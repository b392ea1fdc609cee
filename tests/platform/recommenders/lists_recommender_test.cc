#include "platform/recommenders/lists_recommender.h"

#include "evaluators/report.h"
#include "platform/base/file.h"
#include "tests/platform/recommenders/evaluated.h"
#include "tests/testing/testing.h"

namespace openp5::recommenders {
namespace {

using ::openp5::testing::Evaluated;
using ::openp5::testing::ParseSequences;
using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Items a, b, c, d, e are 0 to 4; targets of the test split: d, e, a.
constexpr char kSequences[] =
    "u1 a b c d\n"
    "u2 b c d e\n"
    "u3 c d e a\n";

class ListsTest : public ::testing::Test {
 protected:
  absl::StatusOr<ListsFile> Read(const std::string& text, const std::string& format = "auto") {
    EXPECT_TRUE(WriteFileAtomic(folder_.File("lists.txt"), text).ok());
    return ReadLists(folder_.File("lists.txt"), format, dataset_);
  }
  // What reading fails with.
  std::string Failure(const std::string& text, const std::string& format = "auto") {
    const absl::Status status = Read(text, format).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }
  std::unique_ptr<Recommender> Lists(const std::string& text) {
    auto file = Read(text);
    EXPECT_TRUE(file.ok()) << file.status();
    return MakeLists(dataset_, *std::move(file));
  }
  absl::Status Evaluation(const std::string& text, const evaluators::EvaluationOptions& options) {
    return evaluators::Evaluate(*Lists(text), /*dataset=*/0, "sequential",
                                *evaluators::ParseMetrics({"hit@1", "hit@2"}), options)
        .status();
  }

  const datasets::SequenceDataset dataset_ = ParseSequences(kSequences);
  const TemporaryFolder folder_;
};

constexpr char kTrec[] =
    "u1 Q0 a 2 0.5 mine\n"
    "u1 Q0 d 1 0.9 mine\n"
    "u2\tQ0\tb\t1\t3e1\tmine\n";

TEST_F(ListsTest, ReadsATrecRunByRank) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const ListsFile file, Read(kTrec));
  EXPECT_EQ(file.system, "mine");
  EXPECT_THAT(file.lists.at(0).ranking.items, ElementsAre(3, 0));
  EXPECT_THAT(file.lists.at(0).ranking.scores, ElementsAre(0.9f, 0.5f));
  EXPECT_THAT(file.lists.at(1).ranking.items, ElementsAre(1));
  EXPECT_FALSE(file.lists.contains(2));
}

TEST_F(ListsTest, ReadsTablesByRankOrScore) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const ListsFile csv,
                              Read("item,user,rank\r\na,u1,2\r\n\"d\",u1,1\r\n"));
  EXPECT_EQ(csv.system, "lists");
  EXPECT_THAT(csv.lists.at(0).ranking.items, ElementsAre(3, 0));
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const ListsFile tsv,
      Read("user_id:token\titem_id:token\tscore:float\nu1\ta\t-1\nu1\tb\t2\nu1\tc\t2\n"));
  EXPECT_THAT(tsv.lists.at(0).ranking.items, ElementsAre(1, 2, 0));  // equal scores as they come
}

TEST_F(ListsTest, ReadsJsonLines) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const ListsFile file,
      Read(R"({"dataset":"toy","user":"u1","target":"d","items":["d",null],"scores":[-0.5,-1]})"
           "\n"
           R"({"items":["a"],"user":"u2","other":1})"
           "\n"));
  EXPECT_THAT(file.lists.at(0).ranking.items, ElementsAre(3, -1));
  EXPECT_EQ(file.lists.at(0).target, 3);
  EXPECT_EQ(file.lists.at(1).target, -1);
  EXPECT_THAT(file.lists.at(1).ranking.scores, ElementsAre(0));
}

TEST_F(ListsTest, ReadsBackWhatTopkOutWrites) {
  const auto result = Evaluated(*Lists(kTrec), {"hit@2"});
  OPENP5_ASSERT_OK_AND_ASSIGN(const ListsFile file, Read(evaluators::TopkLines(result, dataset_)));
  EXPECT_THAT(file.lists.at(0).ranking.items, ElementsAre(3, 0));
  EXPECT_THAT(file.lists.at(2).ranking.items, IsEmpty());
}

TEST_F(ListsTest, NamesFileAndLineOfWhatIsWrong) {
  EXPECT_THAT(Failure("u1 Q0 a 1 1 x\nu9 Q0 a 1 1 x\n"),
              HasSubstr("lists.txt:2: user: expected one of dataset toy, got 'u9'"));
  EXPECT_THAT(Failure("u1 Q0 x 1 1 x\n"),
              HasSubstr("lists.txt:1: item: expected one of dataset toy, got 'x'"));
  EXPECT_THAT(Failure("u1 Q0 a 1 1 x\nu1 Q0 b\n"),
              HasSubstr("lists.txt:2: expected `user Q0 item rank score tag`"));
  EXPECT_THAT(Failure("u1 Q0 a one 1 x\n"), HasSubstr(":1: rank: expected a number, got 'one'"));
  EXPECT_THAT(Failure("u1 Q0 a 1 nan x\n"), HasSubstr(":1: score: expected a number, got 'nan'"));
  EXPECT_THAT(Failure("u1 Q0 a 1 1 x\nu1 Q0 a 2 1 x\n"),
              HasSubstr("each item once, got 'a' twice"));
  EXPECT_THAT(Failure("u1 Q0 a 1 1 x\nu1 Q0 b 1 1 x\n"), HasSubstr("each rank once, got 1"));
  EXPECT_THAT(Failure("u1 Q0 a 1 1 x\nu1 Q0 b 2 3 x\n"),
              HasSubstr("expected ranks in order of the scores, got 3 at rank 2 and 1 above it"));
  EXPECT_THAT(Failure("user,item\nu1,a\n"), HasSubstr(":1: expected a header with the columns"));
  EXPECT_THAT(Failure("user,item,rank\nu1,a\n"), HasSubstr(":2: expected 3 fields, got 2"));
  EXPECT_THAT(Failure("user,item,rank\nu1,\"a,1\n"), HasSubstr(":2: expected a closing quote"));
  EXPECT_THAT(Failure("what is this\n"), HasSubstr("hint: --lists-format names the format"));
  EXPECT_THAT(Failure("{\"user\":\"u1\"}\n"), HasSubstr(":1: items: expected a list of items"));
  EXPECT_THAT(Failure("{\"items\":[]}\n"), HasSubstr(":1: expected a field 'user', got none"));
  EXPECT_THAT(Failure("{\"user\":\"u1\",\"items\":[\"a\",\"a\"]}\n"), HasSubstr("got 'a' twice"));
  EXPECT_THAT(Failure("{\"user\":\"u1\",\"items\":[\"a\"],\"scores\":[]}\n"),
              HasSubstr("scores: expected a number for each of the 1 items"));
  EXPECT_THAT(Failure("{\"user\":\"u1\",\"items\":[]}\n{\"user\":\"u1\",\"items\":[]}\n"),
              HasSubstr(":2: user: expected each user once, got 'u1' of line 1 again"));
  EXPECT_THAT(Failure("{\"user\":\"u1\",\"items\":[],\"dataset\":\"Beauty\"}\n"),
              HasSubstr(":1: dataset: expected toy, got \"Beauty\""));
  EXPECT_THAT(ReadLists(folder_.File("none"), "auto", dataset_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST_F(ListsTest, AreCountedAsAnyOtherLists) {
  const auto result =
      Evaluated(*Lists("u1 Q0 d 1 9 x\nu3 Q0 b 1 9 x\nu3 Q0 a 2 8 x\n"), {"hit@1", "hit@2"});
  EXPECT_EQ(result.method, "lists");
  EXPECT_THAT(result.metrics[0].users, ElementsAre(1, 0, 0));
  EXPECT_THAT(result.metrics[1].users, ElementsAre(1, 0, 1));  // u2 has no list
}

TEST_F(ListsTest, SaysWhatMakesNumbersMisleading) {
  ::testing::internal::CaptureStderr();
  Evaluated(*Lists("u1 Q0 d 1 9 x\nu3 Q0 a 1 9 x\n"), {"hit@2"});
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("1 of 3 users have no list and count as misses"));
  EXPECT_THAT(log, HasSubstr("the longest list has 1 items, fewer than the 2"));
  EXPECT_THAT(log, HasSubstr("no list has an item of its user's past"));
}

TEST_F(ListsTest, FilteredListsMustNotHoldPastItems) {
  OPENP5_EXPECT_OK(Evaluation("u1 Q0 d 1 9 x\n", {.filtered = true}));
  OPENP5_EXPECT_OK(Evaluation("u1 Q0 a 1 9 x\n", {}));
  for (const evaluators::EvaluationOptions& options :
       {evaluators::EvaluationOptions{.filtered = true},
        evaluators::EvaluationOptions{.filtered_batch = true}}) {
    EXPECT_THAT(Evaluation("u1 Q0 a 1 9 x\n", options),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("lists.txt:1: user 'u1': expected no item of the user's past in "
                                   "a filtered list, got 'a'")));
  }
}

TEST_F(ListsTest, MustBeMadeForTheSplit) {
  constexpr char kForValidation[] = "{\"user\":\"u1\",\"target\":\"c\",\"items\":[\"c\"]}\n";
  OPENP5_EXPECT_OK(Evaluation(kForValidation, {.split = datasets::Split::kValidation}));
  EXPECT_THAT(Evaluation(kForValidation, {.split = datasets::Split::kTest}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("user 'u1': target: expected 'd', got 'c'; hint: --split")));
}

}  // namespace
}  // namespace openp5::recommenders
