#include <map>
#include <set>

#include "indexing/index_methods.h"
#include "indexing/methods/collaborative.h"
#include "indexing/methods/sequential.h"
#include "indexing/openp5_files.h"
#include "tests/indexing/test_data.h"
#include "tests/testing/testing.h"

namespace openp5::indexing {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

IndexParameters Parameters(const std::string& indexing) {
  IndexParameters parameters;
  parameters.indexing = indexing;
  parameters.Of<CollaborativeOptions>().token_size = 12;
  parameters.Of<CollaborativeOptions>().cluster = 3;
  return parameters;
}

// Identifiers by raw item id.
std::map<std::string, std::string> Build(const datasets::SequenceDataset& dataset,
                                         const IndexParameters& parameters) {
  const absl::StatusOr<ItemIndex> index = BuildItemIndex(dataset, parameters);
  OPENP5_EXPECT_OK(index);
  std::map<std::string, std::string> identifiers;
  if (!index.ok()) return identifiers;
  for (size_t i = 0; i < index->item_ids().size(); ++i) {
    identifiers[index->item_ids()[i]] = index->identifiers()[i];
  }
  return identifiers;
}

TEST(IndexersTest, EveryMethodNumbersEveryItemAndUserAlwaysAlike) {
  const auto dataset = BlockDataset({.noise = 0.1}, 3);
  for (const std::string& name : BuiltinMethods().Names()) {
    SCOPED_TRACE(name);
    OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex index, BuildItemIndex(dataset, Parameters(name)));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto identifiers, index.IdentifiersFor(dataset));
    EXPECT_THAT(std::set<std::string>(identifiers.begin(), identifiers.end()),
                SizeIs(dataset.item_count()));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto numbers, index.UserNumbersFor(dataset));
    EXPECT_EQ(numbers.front(), "1");
    EXPECT_EQ(numbers.back(), StrCat(dataset.user_count()));
    EXPECT_EQ(index.dataset_digest(), dataset.digest());
    OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex again, BuildItemIndex(dataset, Parameters(name)));
    EXPECT_EQ(index.Digest(), again.Digest());
  }
}

TEST(IndexersTest, AnUnknownMethodListsTheKnownOnes) {
  EXPECT_THAT(BuildItemIndex(SmallDataset(), Parameters("semantic")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("collaborative, random, sequential; got 'semantic'")));
}

TEST(SequentialIndexerTest, TrainingPartsComeFirst) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex index,
                              BuildItemIndex(SmallDataset(), Parameters("sequential")));
  EXPECT_THAT(index.item_ids(), ElementsAre("a", "b", "c", "h", "i", "g", "d", "e", "f", "z", "y"));
  EXPECT_EQ(index.identifiers().front(), "1001");
  EXPECT_EQ(index.identifiers().back(), "1011");
  EXPECT_TRUE(index.AddedTokens().empty());
}

TEST(SequentialIndexerTest, OrdersByLengthKeepTiesInFileOrder) {
  IndexParameters parameters = Parameters("sequential");
  parameters.Of<SequentialOptions>().order = UserOrder::kShortToLong;  // u2, u3, u5, u1, u4
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex up, BuildItemIndex(SmallDataset(), parameters));
  EXPECT_THAT(up.item_ids(), ElementsAre("c", "b", "a", "g", "h", "i", "f", "z", "d", "e", "y"));
  parameters.Of<SequentialOptions>().order = UserOrder::kLongToShort;  // u4, u1, u3, u5, u2
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex down, BuildItemIndex(SmallDataset(), parameters));
  EXPECT_THAT(down.item_ids(), ElementsAre("h", "i", "a", "b", "c", "g", "d", "y", "e", "z", "f"));
  // Users are numbered in file order all the same.
  EXPECT_THAT(down.user_ids(), ElementsAre("u1", "u2", "u3", "u4", "u5"));
}

TEST(RandomIndexerTest, DependsOnTheSeedAlone) {
  IndexParameters parameters = Parameters("random");
  const auto one = Build(SmallDataset(), parameters);
  EXPECT_EQ(one, Build(SmallDataset(), parameters));
  parameters.seed = 2;
  const auto two = Build(SmallDataset(), parameters);
  EXPECT_NE(one, two);
  for (const auto& identifiers : {one, two}) {
    std::set<std::string> numbers;
    for (const auto& [item, identifier] : identifiers) numbers.insert(identifier);
    EXPECT_EQ(*numbers.begin(), "1001");
    EXPECT_EQ(*numbers.rbegin(), "1011");
    EXPECT_THAT(numbers, SizeIs(11));
  }
}

std::string FirstToken(const std::string& identifier) {
  return identifier.substr(0, identifier.find('>') + 1);
}

TEST(CollaborativeIndexerTest, BlocksOfItemsShareTheirFirstToken) {
  const auto dataset = BlockDataset({.blocks = 3, .noise = 0.05}, 5);
  std::map<std::string, std::map<std::string, int>> blocks_by_token;
  for (const auto& [item, identifier] : Build(dataset, Parameters("collaborative"))) {
    ++blocks_by_token[FirstToken(identifier)][item.substr(0, item.find('_'))];
  }
  ASSERT_THAT(blocks_by_token, SizeIs(3));
  for (const auto& [token, blocks] : blocks_by_token) {
    int largest = 0, all = 0;
    for (const auto& [block, count] : blocks) {
      largest = std::max(largest, count);
      all += count;
    }
    EXPECT_GT(largest, all * 9 / 10) << token;
  }
}

TEST(CollaborativeIndexerTest, LastTokensAreSequentialOrDrawnFromTheSeed) {
  const auto dataset = BlockDataset({.noise = 0.1}, 3);
  IndexParameters parameters = Parameters("collaborative");
  const auto groups = [](const std::map<std::string, std::string>& identifiers) {
    std::map<std::string, std::set<std::string>> tokens;
    for (const auto& [item, identifier] : identifiers) {
      const size_t last = identifier.rfind('<');
      tokens[identifier.substr(0, last)].insert(identifier.substr(last));
    }
    return tokens;
  };
  const auto sequential = groups(Build(dataset, parameters));
  for (const auto& [group, tokens] : sequential) {
    for (size_t i = 0; i < tokens.size(); ++i) EXPECT_TRUE(tokens.count(StrCat("<CI", i, ">")));
  }
  parameters.Of<CollaborativeOptions>().last_token = LastToken::kRandom;
  const auto one = Build(dataset, parameters);
  EXPECT_EQ(one, Build(dataset, parameters));
  for (const auto& [group, tokens] : groups(one)) {
    EXPECT_EQ(tokens.size(), sequential.at(group).size());
    for (const std::string& token : tokens) {
      EXPECT_LT(std::stoi(token.substr(3)), parameters.Of<CollaborativeOptions>().token_size);
    }
  }
  parameters.seed = 2;
  EXPECT_NE(one, Build(dataset, parameters));
}

// 15 items without training data, more than a token's worth.
datasets::SequenceDataset DatasetWithUnseen() {
  std::string text;
  for (int user = 0; user < 15; ++user) {
    text +=
        StrCat("u", user, " a", user % 5, " b", user % 4, " c", user % 3, " d unseen", user, "\n");
  }
  return ParseDataset(text);
}

TEST(CollaborativeIndexerTest, UnseenItemsGetOneTokenOrGroupsOfTheirOwn) {
  IndexParameters parameters = Parameters("collaborative");
  for (const LastToken last : {LastToken::kSequential, LastToken::kRandom}) {
    parameters.Of<CollaborativeOptions>().last_token = last;
    parameters.Of<CollaborativeOptions>().unseen_items = UnseenItems::kOpenP5;
    std::set<std::string> single;
    for (const auto& [item, identifier] : Build(DatasetWithUnseen(), parameters)) {
      if (item.rfind("unseen", 0) == 0) single.insert(identifier);
    }
    EXPECT_THAT(single, SizeIs(15));
    EXPECT_TRUE(single.count("<CI14>"));

    parameters.Of<CollaborativeOptions>().unseen_items = UnseenItems::kPrefixFree;
    const auto identifiers = Build(DatasetWithUnseen(), parameters);
    for (const auto& [item, identifier] : identifiers) {
      for (const auto& [other, longer] : identifiers) {
        EXPECT_TRUE(item == other || longer.rfind(identifier, 0) != 0) << item << " " << other;
      }
    }
  }
}

TEST(CollaborativeIndexerTest, RefusesParametersThatMakeNoSense) {
  const auto expect = [](IndexParameters parameters, const char* message) {
    const auto index = BuildItemIndex(SmallDataset(), parameters);
    EXPECT_THAT(index, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
    EXPECT_TRUE(IsUsageError(index.status()));
  };
  IndexParameters parameters = Parameters("collaborative");
  parameters.Of<CollaborativeOptions>().cluster = 13;
  expect(parameters, "collaborative-token-size: expected 13 (collaborative-cluster) to");
  parameters.Of<CollaborativeOptions>().cluster = 1;
  expect(parameters, "collaborative-cluster: expected 2 to 256, got 1");
  parameters.Of<CollaborativeOptions>().cluster = 257;
  expect(parameters, "got 257");
}

TEST(IndexParametersTest, KeysHoldWhatTheMethodUses) {
  IndexParameters parameters;
  parameters.seed = 7;
  EXPECT_EQ(parameters.Key(), "sequential/original");
  parameters.indexing = "random";
  EXPECT_EQ(parameters.Key(), "random/seed=7");
  parameters.indexing = "collaborative";
  EXPECT_EQ(parameters.Key(), "collaborative/200/20/sequential/openp5");
  parameters.Of<CollaborativeOptions>().last_token = LastToken::kRandom;
  EXPECT_EQ(parameters.Key(), "collaborative/200/20/random/openp5/seed=7");
}

}  // namespace
}  // namespace openp5::indexing
