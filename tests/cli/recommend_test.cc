// Recommendations for many users at once.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "platform/base/file.h"
#include "tests/cli/small_pipeline.h"

namespace openp5 {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::ExpectFailure;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::SmallPipelineTest;
using ::testing::HasSubstr;

class RecommendTest : public SmallPipelineTest {
 protected:
  static std::vector<Json> Lines(const std::string& name) {
    std::istringstream lines(ReadFile(Path(name)).value_or(""));
    std::vector<Json> parsed;
    for (std::string line; std::getline(lines, line);) parsed.push_back(Json::parse(line));
    return parsed;
  }
};

TEST_F(RecommendTest, EveryUsersListIsWhatHeGetsAlone) {
  for (const char* model : {"model", "sasrec"}) {
    const std::string recommend = StrCat("$OPENP5 recommend $D --checkpoint ", model, " --k 5 ");
    ExpectSuccess(Run(recommend + "--all --out all.jsonl"));
    const std::vector<Json> all = Lines("all.jsonl");
    ASSERT_EQ(all.size(), 12u);
    for (const size_t number : {0, 7}) {
      const auto alone = Run(StrCat(recommend, "--format json --user u", number + 1));
      ExpectSuccess(alone);
      EXPECT_EQ(all[number]["user"], StrCat("u", number + 1));
      const Json items = Json::parse(alone.out)["items"];
      ASSERT_EQ(all[number]["items"].size(), items.size());
      for (size_t i = 0; i < items.size(); ++i) {
        EXPECT_EQ(all[number]["items"][i]["item"], items[i]["item"]) << model << " " << number;
      }
    }
  }
}

TEST_F(RecommendTest, AFileOfUsersMayHoldNewOnesWithTheirHistory) {
  ExpectSuccess(Run(
      "set -e\n"
      "first=$(head -1 data/Toy/user_sequence.txt | cut -d' ' -f2-4)\n"
      "printf 'u3\\n\\nnobody %s\\n' \"$first\" > users.txt\n"
      "$OPENP5 recommend $D --checkpoint sasrec --users-file users.txt --k 3 --out some.csv\n"));
  const std::string csv = ReadFile(Path("some.csv")).value_or("");
  EXPECT_THAT(csv, ::testing::StartsWith("user,rank,item,score,title\nu3,1,"));
  EXPECT_THAT(csv, HasSubstr("\nnobody,3,"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 7);
}

TEST_F(RecommendTest, ListsHoldOnlyWhatIsAllowed) {
  ExpectSuccess(
      Run("set -e\n"
          "cut -d' ' -f2- data/Toy/user_sequence.txt | tr ' ' '\\n' | sort -u > items.txt\n"
          "head -8 items.txt > allowed.txt; head -2 items.txt > denied.txt\n"
          "$OPENP5 recommend $D --checkpoint model --all --k 20 --include-seen --allow allowed.txt"
          " --deny denied.txt --out few.jsonl\n"));
  std::istringstream allowed(ReadFile(Path("allowed.txt")).value_or(""));
  std::set<std::string> expected;
  for (std::string id; allowed >> id;) expected.insert(id);
  std::istringstream denied(ReadFile(Path("denied.txt")).value_or(""));
  for (std::string id; denied >> id;) expected.erase(id);
  ASSERT_EQ(expected.size(), 6u);
  for (const Json& line : Lines("few.jsonl")) {
    std::set<std::string> got;
    for (const Json& item : line["items"]) got.insert(item["item"]);
    EXPECT_EQ(got, expected);
  }
}

TEST_F(RecommendTest, WrongQuestionsAreNamed) {
  const std::string recommend = "$OPENP5 recommend $D --checkpoint sasrec ";
  ExpectFailure(Run(recommend), 2, HasSubstr("missing --user or --history"));
  ExpectFailure(Run(recommend + "--all --user u1 --out f"), 2, HasSubstr("expected one of"));
  ExpectFailure(Run(recommend + "--all"), 2, HasSubstr("missing --out"));
  ExpectFailure(Run(recommend + "--user u1 --out f"), 2, HasSubstr("--out: expected"));
  ExpectFailure(Run("printf 'u1\\nsomebody\\n' > u; " + recommend + "--users-file u --out f"), 1,
                HasSubstr("u:2: Toy has no user 'somebody'"));
  ExpectFailure(Run("printf 'new item1 nothing\\n' > u; " + recommend + "--users-file u --out f"),
                1, HasSubstr("u:1: Toy has no item"));
  ExpectFailure(Run("echo nothing > i; " + recommend + "--all --deny i --out f"), 1,
                HasSubstr("i:1: Toy has no item 'nothing'"));
  EXPECT_FALSE(FileExists(Path("f")));
}

}  // namespace
}  // namespace openp5
