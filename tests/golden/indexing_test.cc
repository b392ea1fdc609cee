// The indexers against OpenP5's own files.
#include <map>
#include <set>

#include "datasets/sequences.h"
#include "indexing/item_index.h"
#include "indexing/methods/collaborative.h"
#include "indexing/openp5_files.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::indexing {
namespace {

using datasets::SequenceDataset;
using ::openp5::testing::Shared;

using Path = std::vector<std::string>;

// "<CI3><CI8>" as {"<CI3>", "<CI8>"}.
Path TokensOf(const std::string& identifier) {
  Path tokens;
  for (size_t begin = 0; begin < identifier.size();) {
    const size_t end = identifier.find('>', begin) + 1;
    tokens.push_back(identifier.substr(begin, end - begin));
    begin = end;
  }
  return tokens;
}

std::map<std::string, Path> TokensByItem(const ItemIndex& index) {
  std::map<std::string, Path> tokens;
  for (size_t i = 0; i < index.item_ids().size(); ++i) {
    tokens[index.item_ids()[i]] = TokensOf(index.identifiers()[i]);
  }
  return tokens;
}

// Items whose place is a matter of chance: below some node of the shipped tree, no user has the
// item together with another one of that node.
std::set<std::string> Undetermined(const SequenceDataset& dataset,
                                   const std::map<std::string, Path>& shipped) {
  std::map<Path, std::set<std::string>> members, connected;
  for (const auto& [item, path] : shipped) {
    for (size_t depth = 0; depth + 1 < path.size(); ++depth) {
      members[Path(path.begin(), path.begin() + depth)].insert(item);
    }
  }
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    std::map<Path, std::set<std::string>> by_node;
    for (const int32_t item : dataset.TrainPart(user)) {
      const std::string id(dataset.ItemId(item));
      const Path& path = shipped.at(id);
      for (size_t depth = 0; depth + 1 < path.size(); ++depth) {
        by_node[Path(path.begin(), path.begin() + depth)].insert(id);
      }
    }
    for (const auto& [node, items] : by_node) {
      if (items.size() > 1) connected[node].insert(items.begin(), items.end());
    }
  }
  std::set<std::string> free;
  for (const auto& [node, items] : members) {
    for (const std::string& item : items) {
      if (!connected[node].count(item)) free.insert(item);
    }
  }
  return free;
}

// The groups of items that share their first `depth` group tokens.
std::set<std::set<std::string>> GroupsAt(const std::map<std::string, Path>& tokens, size_t depth,
                                         const std::set<std::string>& left_out) {
  std::map<Path, std::set<std::string>> groups;
  for (const auto& [item, path] : tokens) {
    if (path.size() < 2 || left_out.count(item)) continue;
    const size_t taken = std::min(depth, path.size() - 1);
    groups[Path(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(taken))].insert(item);
  }
  std::set<std::set<std::string>> result;
  for (auto& [path, items] : groups) result.insert(std::move(items));
  return result;
}

struct CollaborativeCase {
  std::string dataset;
  int token_size, clusters;
  size_t undetermined, leaves;
};

class CollaborativeGoldenTest : public ::testing::TestWithParam<CollaborativeCase> {};

TEST_P(CollaborativeGoldenTest, GroupsEqualTheShippedOnesOnEveryDeterminedItem) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const CollaborativeCase& c = GetParam();
  const std::string folder = Shared("data/" + c.dataset);
  OPENP5_ASSERT_OK_AND_ASSIGN(const SequenceDataset dataset, SequenceDataset::Open(folder));
  IndexParameters parameters;
  parameters.indexing = "collaborative";
  parameters.Of<CollaborativeOptions>().token_size = c.token_size;
  parameters.Of<CollaborativeOptions>().cluster = c.clusters;
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex built, BuildItemIndex(dataset, parameters));
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const ItemIndex imported,
      ImportOpenP5Index(dataset, parameters,
                        folder + "/item_collaborative_indexing_" + std::to_string(c.token_size) +
                            "_" + std::to_string(c.clusters) + "_sequential.txt",
                        folder + "/user_indexing.txt"));
  const auto ours = TokensByItem(built), shipped = TokensByItem(imported);
  const std::set<std::string> free = Undetermined(dataset, shipped);
  EXPECT_EQ(free.size(), c.undetermined);
  size_t longest = 0;
  for (const auto& [item, path] : shipped) {
    longest = std::max(longest, path.size());
    if (!free.count(item)) {
      EXPECT_EQ(ours.at(item).size(), path.size()) << item;
    }
  }
  for (size_t depth = 1; depth < longest; ++depth) {
    EXPECT_EQ(GroupsAt(ours, depth, free), GroupsAt(shipped, depth, free)) << "depth " << depth;
  }
  EXPECT_EQ(GroupsAt(ours, longest, free).size(), c.leaves);
}

INSTANTIATE_TEST_SUITE_P(Shipped, CollaborativeGoldenTest,
                         ::testing::Values(CollaborativeCase{"LastFM", 500, 20, 0, 20},
                                           CollaborativeCase{"ML100K", 500, 20, 0, 20},
                                           CollaborativeCase{"Beauty", 500, 20, 3, 172},
                                           CollaborativeCase{"Beauty", 500, 10, 0, 91},
                                           CollaborativeCase{"Beauty", 200, 10, 12, 280},
                                           CollaborativeCase{"Beauty", 1000, 20, 1, 96}),
                         [](const auto& info) {
                           return info.param.dataset + "_" + std::to_string(info.param.token_size) +
                                  "_" + std::to_string(info.param.clusters);
                         });

class SequentialGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(SequentialGoldenTest, FilesAreTheShippedOnesByteForByte) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const std::string folder = Shared("data/" + GetParam());
  OPENP5_ASSERT_OK_AND_ASSIGN(const SequenceDataset dataset, SequenceDataset::Open(folder));
  OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex index, BuildItemIndex(dataset, IndexParameters()));
  EXPECT_EQ(OpenP5ItemsText(index), *ReadFile(folder + "/item_sequential_indexing_original.txt"));
  EXPECT_EQ(OpenP5UsersText(index), *ReadFile(folder + "/user_indexing.txt"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string sequences, OpenP5SequencesText(index, dataset));
  EXPECT_EQ(sequences, *ReadFile(folder + "/user_sequence_sequential_indexing_original.txt"));
}

TEST_P(SequentialGoldenTest, ShippedFilesSurviveTheRoundTripThroughTheStore) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const std::string folder = Shared("data/" + GetParam());
  OPENP5_ASSERT_OK_AND_ASSIGN(const SequenceDataset dataset, SequenceDataset::Open(folder));
  testing::TemporaryFolder scratch;
  for (const auto& [indexing, name] :
       {std::pair<std::string, std::string>{"random", "random_indexing"},
        {"collaborative", "collaborative_indexing_500_20_sequential"}}) {
    IndexParameters parameters;
    parameters.indexing = indexing;
    parameters.Of<CollaborativeOptions>().token_size = 500;
    const std::string items = folder + "/item_" + name + ".txt";
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const ItemIndex imported,
        ImportOpenP5Index(dataset, parameters, items, folder + "/user_indexing.txt"));
    OPENP5_ASSERT_OK(SaveItemIndex(scratch.File("db"), imported));
    OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex loaded,
                                LoadItemIndex(scratch.File("db"), dataset, parameters));
    EXPECT_EQ(OpenP5ItemsText(loaded), *ReadFile(items));
    OPENP5_ASSERT_OK_AND_ASSIGN(const std::string sequences, OpenP5SequencesText(loaded, dataset));
    EXPECT_EQ(sequences, *ReadFile(folder + "/user_sequence_" + name + ".txt"));
  }
}

INSTANTIATE_TEST_SUITE_P(Shipped, SequentialGoldenTest,
                         ::testing::Values("LastFM", "ML100K", "Beauty"));

// The digests that the dataset notes give for files derived by rule.
TEST(DerivedFilesTest, HaveThePublishedDigests) {
  OPENP5_SKIP_WITHOUT_SHARED();
  struct Row {
    const char *dataset, *users, *items;
  };
  for (const Row& row : {
           Row{"ML100K", "d8fa2916d92f6b80472dee1a6e415f058a26ed6eb215d0f773f24d76a296946f",
               "f2e27fc1c74be411fd19b6c277951c38f8ccc5235e44e264eb410d3f838d492c"},
           Row{"LastFM", "18feee5c78892345fa2b2d488acf0c878999edb4c9451547009cd24f4e9ec44d",
               "623d1f5d274b0d5b95c968ee89d9b53f0c4eb497cda6fa2e3aeb295147d9256f"},
           Row{"Beauty", "89157c69fb96cb8518878d524d9386994a034e6a281207144d39ef3fb7dadb93",
               "b0ced9ae9611957f068d657da63f2da5887dad4fa87ea8b7de1a1e5d1f4493e7"},
       }) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const SequenceDataset dataset,
                                SequenceDataset::Open(Shared(std::string("data/") + row.dataset)));
    OPENP5_ASSERT_OK_AND_ASSIGN(const ItemIndex index, BuildItemIndex(dataset, IndexParameters()));
    EXPECT_EQ(Sha256Of(OpenP5UsersText(index)), row.users);
    EXPECT_EQ(Sha256Of(OpenP5ItemsText(index)), row.items);
  }
}

}  // namespace
}  // namespace openp5::indexing
