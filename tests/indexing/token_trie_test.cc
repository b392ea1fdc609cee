#include "indexing/token_trie.h"

#include <algorithm>
#include <map>
#include <set>

#include "platform/base/file.h"
#include "platform/base/random.h"
#include "tests/testing/testing.h"

namespace openp5::indexing {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Sequence = std::vector<int32_t>;

constexpr int32_t kEnd = 1;

// The same tree, slowly.
struct NaiveTrie {
  std::map<int32_t, NaiveTrie> children;
  int32_t item = -1, count = 0;

  void Add(std::span<const int32_t> sequence, int32_t number) {
    ++count;
    if (sequence.empty()) {
      item = number;
    } else {
      children[sequence.front()].Add(sequence.subspan(1), number);
    }
  }
};

void ExpectEqual(const NaiveTrie& naive, const TokenTrie& trie, decoding::NodeId node) {
  const auto tokens = trie.ChildTokens(node);
  ASSERT_EQ(tokens.size(), naive.children.size());
  ASSERT_EQ(trie.ItemAt(node), naive.item);
  ASSERT_EQ(trie.ItemCount(node), naive.count);
  size_t i = 0;
  for (const auto& [token, child] : naive.children) {
    const decoding::NodeId child_node = trie.FirstChild(node) + static_cast<int32_t>(i);
    ASSERT_EQ(tokens[i], token);
    ASSERT_EQ(trie.Parent(child_node), node);
    ExpectEqual(child, trie, child_node);
    ++i;
  }
}

std::vector<Sequence> RandomSequences(Random* random, size_t count) {
  std::set<Sequence> sequences;
  while (sequences.size() < count) {
    Sequence sequence(1 + random->Below(6));
    for (int32_t& token : sequence) token = static_cast<int32_t>(2 + random->Below(9));
    sequence.push_back(kEnd);
    sequences.insert(sequence);
  }
  std::vector<Sequence> shuffled(sequences.begin(), sequences.end());
  random->Shuffle(std::span(shuffled));
  return shuffled;
}

TEST(TokenTrieTest, EqualsANaiveTrie) {
  Random random(7);
  for (const size_t count : {1, 2, 3, 20, 300, 2000}) {
    const auto sequences = RandomSequences(&random, count);
    NaiveTrie naive;
    for (size_t i = 0; i < count; ++i) naive.Add(sequences[i], static_cast<int32_t>(i));
    OPENP5_ASSERT_OK_AND_ASSIGN(const TokenTrie trie, TokenTrie::Create(sequences));
    ExpectEqual(naive, trie, trie.root());
    for (size_t i = 0; i < count; ++i) {
      const decoding::NodeId leaf = trie.Walk(sequences[i]);
      ASSERT_GE(leaf, 0);
      EXPECT_EQ(trie.ItemAt(leaf), static_cast<int32_t>(i));
      EXPECT_EQ(trie.LeafOf(static_cast<int32_t>(i)), leaf);
    }
    EXPECT_EQ(trie.Parent(trie.root()), -1);
    EXPECT_EQ(trie.LeafOf(-1), -1);
    EXPECT_EQ(trie.LeafOf(static_cast<int32_t>(count)), -1);
  }
}

TEST(TokenTrieTest, PrefixesOfIdentifiersAreTwoItemsWithAnEndToken) {
  // <5> and <5><6>, as OpenP5's items without training data.
  OPENP5_ASSERT_OK_AND_ASSIGN(const TokenTrie trie,
                              TokenTrie::Create(std::vector<Sequence>{{5, kEnd}, {5, 6, kEnd}}));
  EXPECT_EQ(trie.node_count(), 5);
  const decoding::NodeId five = trie.Walk(Sequence{5});
  EXPECT_THAT(trie.ChildTokens(five), ElementsAre(kEnd, 6));
  EXPECT_EQ(trie.ItemCount(five), 2);
  EXPECT_EQ(trie.ItemAt(five), -1);
  EXPECT_EQ(trie.ItemAt(trie.Walk(Sequence{5, kEnd})), 0);
  EXPECT_EQ(trie.ItemAt(trie.Walk(Sequence{5, 6, kEnd})), 1);
}

TEST(TokenTrieTest, WalkLeavesTheTree) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const TokenTrie trie,
                              TokenTrie::Create(std::vector<Sequence>{{3, 4, kEnd}}));
  EXPECT_EQ(trie.Walk({}), trie.root());
  EXPECT_EQ(trie.Walk(Sequence{4}), -1);
  EXPECT_EQ(trie.Walk(Sequence{3, 4, kEnd, 3}), -1);
}

TEST(TokenTrieTest, RefusesWhatIsNoSetOfItems) {
  const auto create = [](std::vector<Sequence> sequences) { return TokenTrie::Create(sequences); };
  EXPECT_THAT(create({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got none")));
  EXPECT_THAT(create({{2, 1}, {}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("item 1 is empty")));
  EXPECT_THAT(
      create({{2, 3, 1}, {2, 1}, {4, 1}, {2, 1}}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("items 1 and 3 have the same")));
  EXPECT_THAT(create({{2, 3, 4}, {5}, {2, 3}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("item 2 is the beginning of that of item 0")));
}

const std::string kKey(64, 'a');

TEST(TokenTrieFileTest, EqualsTheTreeWritten) {
  TemporaryFolder folder;
  const std::string path = folder.File("items.trie");
  Random random(3);
  for (const size_t count : {1, 2, 500}) {
    const auto sequences = RandomSequences(&random, count);
    NaiveTrie naive;
    size_t longest = 0;
    for (size_t i = 0; i < count; ++i) {
      naive.Add(sequences[i], static_cast<int32_t>(i));
      longest = std::max(longest, sequences[i].size());
    }
    OPENP5_ASSERT_OK_AND_ASSIGN(const TokenTrie built, TokenTrie::Create(sequences));
    EXPECT_EQ(built.depth(), static_cast<int32_t>(longest));
    OPENP5_ASSERT_OK(built.Write(path, kKey));
    OPENP5_ASSERT_OK_AND_ASSIGN(const TokenTrie opened, TokenTrie::Open(path, kKey));
    // As a copy, whose arrays must outlive the tree it was made from.
    const TokenTrie mapped = TokenTrie(opened);
    ExpectEqual(naive, mapped, mapped.root());
    EXPECT_EQ(mapped.depth(), built.depth());
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(mapped.ItemAt(mapped.Walk(sequences[i])), static_cast<int32_t>(i));
    }
  }
}

TEST(TokenTrieFileTest, RefusesEveryDamage) {
  TemporaryFolder folder;
  const std::string path = folder.File("items.trie");
  EXPECT_THAT(TokenTrie::Open(path, kKey), StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
  OPENP5_ASSERT_OK_AND_ASSIGN(const TokenTrie trie,
                              TokenTrie::Create(std::vector<Sequence>{{5, kEnd}, {5, 6, kEnd}}));
  OPENP5_ASSERT_OK(trie.Write(path, kKey));
  EXPECT_THAT(TokenTrie::Open(path, std::string(64, 'b')),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("got another")));
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(path));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    OPENP5_ASSERT_OK(WriteFileAtomic(path, damaged));
    EXPECT_THAT(TokenTrie::Open(path, kKey), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)))
        << i;
    OPENP5_ASSERT_OK(WriteFileAtomic(path, bytes.substr(0, i)));
    EXPECT_THAT(TokenTrie::Open(path, kKey), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)))
        << i;
  }
}

}  // namespace
}  // namespace openp5::indexing
