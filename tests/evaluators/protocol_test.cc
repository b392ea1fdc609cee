#include "evaluators/protocol.h"

#include "platform/base/json.h"
#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSequences[] =
    "u1 a b c d\n"
    "u2 a b d c\n"
    "u3 a b c e\n";

Protocol Described(const std::string& text, datasets::Split split = datasets::Split::kTest) {
  const auto dataset = datasets::SequenceDataset::Parse("toy", text, "toy");
  EXPECT_TRUE(dataset.ok());
  Protocol protocol = DescribeQuestions(
      *dataset, datasets::SplitPositions(*dataset, split, /*skip_empty_history=*/true));
  protocol.split = split == datasets::Split::kTest ? "test" : "validation";
  return protocol;
}

TEST(ProtocolTest, CountsUsersTargetsAndCandidates) {
  const Protocol protocol = Described(kSequences);
  EXPECT_EQ(protocol.dataset, "toy");
  EXPECT_EQ(protocol.users, 3);
  EXPECT_EQ(protocol.cold_targets, 3);  // training parts hold a and b only
  EXPECT_EQ(protocol.candidates, 5);
  EXPECT_EQ(protocol.digest.size(), 64u);
  EXPECT_THAT(ProtocolLine(protocol),
              HasSubstr("toy, test, plain: 3 users, 3 cold targets (kept), 5 candidates, ties by "
                        "list order, fitted on train, digest "));
}

TEST(ProtocolTest, ComesBackFromJson) {
  Protocol protocol = Described(kSequences);
  protocol.filter = "search";
  protocol.history = 20;
  const auto json = nlohmann::json::parse(DumpJson(ProtocolToJson(protocol)));
  OPENP5_ASSERT_OK_AND_ASSIGN(const Protocol read, ProtocolFromJson(json));
  EXPECT_EQ(ProtocolToJson(read), ProtocolToJson(protocol));
  nlohmann::json damaged = json;
  damaged["users"] = "3";
  EXPECT_THAT(ProtocolFromJson(damaged),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("users: expected a count")));
  damaged.erase("users");
  EXPECT_THAT(ProtocolFromJson(damaged),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("users: expected a value")));
}

TEST(ProtocolTest, SaysWhatDiffers) {
  const Protocol protocol = Described(kSequences);
  EXPECT_THAT(ProtocolDifferences(protocol, protocol), IsEmpty());
  Protocol other = protocol;
  other.filter = "search";
  EXPECT_THAT(ProtocolDifferences(protocol, other),
              ElementsAre("filter: expected plain (none), got filtered (search)"));
  Protocol third = other;
  third.filter = "afterwards";
  EXPECT_THAT(ProtocolDifferences(other, third), IsEmpty());
  other = protocol;
  other.task = "straightforward";
  other.prompt = "seen:1@abc";
  other.history = 5;
  EXPECT_THAT(ProtocolDifferences(protocol, other), IsEmpty());
  EXPECT_THAT(ProtocolDifferences(protocol, Described(kSequences, datasets::Split::kValidation)),
              ElementsAre("split: expected test, got validation",
                          HasSubstr("users and targets (digest): expected ")));
}

TEST(ProtocolTest, SaysWhichDatasetUsersAndCandidatesDiffer) {
  const auto differences =
      ProtocolDifferences(Described(kSequences), Described("u1 a b c d\nu2 a b d c\n"));
  EXPECT_THAT(
      differences,
      ElementsAre(HasSubstr("dataset digest: expected "), "number of users: expected 3, got 2",
                  "number of candidates: expected 5, got 4", "cold targets: expected 3, got 2"));
  const auto items = ProtocolDifferences(Described("u1 a b c d\nu2 a e b c\n"),
                                         Described("u1 a b c d\nu2 a f b c\n"));
  EXPECT_THAT(
      items, ElementsAre(HasSubstr("dataset digest"), HasSubstr("candidates (digest): expected ")));
}

}  // namespace
}  // namespace openp5::evaluators
