#include "platform/prompting/candidate_trie.h"

#include <filesystem>

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::prompting {
namespace {

using indexing::IndexedDataset;
using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A letter a token; counts what it is asked.
class LetterEncoder final : public PromptEncoder {
 public:
  LetterEncoder(std::string digest, int* asked) : digest_(std::move(digest)), asked_(asked) {}

  std::vector<EncodedText> Prompts(std::span<const std::string>) const override { return {}; }
  std::vector<EncodedExample> Examples(std::span<const datasets::Sample>) const override {
    return {};
  }
  std::vector<int32_t> Candidate(const std::string& text) const override {
    ++*asked_;
    std::vector<int32_t> tokens(text.begin(), text.end());
    tokens.push_back(1);
    return tokens;
  }
  std::string Digest() const override { return digest_; }
  SearchForm search() const override { return {}; }

 private:
  const std::string digest_;
  int* const asked_;
};

// Two users of four items, read from a folder.
class CandidateTrieTest : public ::testing::Test {
 protected:
  CandidateTrieTest() : data_(folder_.File("toy")) {
    EXPECT_TRUE(MakeDirectories(data_).ok());
    EXPECT_TRUE(WriteFileAtomic(JoinPath(data_, "user_sequence.txt"), "u a b c\nv b c d\n").ok());
  }

  std::unique_ptr<IndexedDataset> Load(const std::string& indexing = "sequential") {
    auto dataset = datasets::SequenceDataset::Open(data_);
    auto index = indexing::BuildItemIndex(*dataset, indexing::IndexParameters(indexing));
    auto joined = IndexedDataset::Create(*std::move(dataset), *std::move(index), {});
    EXPECT_TRUE(joined.ok()) << joined.status();
    return *std::move(joined);
  }

  // How many identifiers were cut into tokens for the tree, which must be right.
  int Make(const IndexedDataset& dataset, const std::string& digest, int32_t kept_items = 1) {
    encoded_ = 0;
    const LetterEncoder encoder(digest, &encoded_);
    const auto trie =
        CandidateTrie(dataset, datasets::CandidateForm::kDatasetAndItem, encoder, kept_items);
    EXPECT_TRUE(trie.ok()) << trie.status();
    const int asked = encoded_;
    for (int32_t item = 0; trie.ok() && item < dataset.dataset().item_count(); ++item) {
      const auto tokens = encoder.Candidate(dataset.writer().Candidate(item));
      EXPECT_EQ(trie->ItemAt(trie->Walk(tokens)), item);
    }
    return asked;
  }

  std::vector<std::string> Kept() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(data_)) {
      if (entry.path().extension() == ".trie") paths.push_back(entry.path().string());
    }
    return paths;
  }

  TemporaryFolder folder_;
  const std::string data_;
  int encoded_ = 0;
};

TEST_F(CandidateTrieTest, ALargeTreeIsBuiltOnce) {
  EXPECT_EQ(Make(*Load(), "t", /*kept_items=*/5), 4);
  EXPECT_EQ(Make(*Load(), ""), 4);
  EXPECT_TRUE(Kept().empty());
  EXPECT_EQ(Make(*Load(), "t"), 4);
  EXPECT_EQ(Kept().size(), 1u);
  EXPECT_EQ(Make(*Load(), "t"), 0);
}

TEST_F(CandidateTrieTest, AnotherTokenizerIndexOrDatasetHasAnother) {
  Make(*Load(), "t");
  EXPECT_EQ(Make(*Load(), "u"), 4);
  EXPECT_EQ(Make(*Load("random"), "t"), 4);
  EXPECT_EQ(Kept().size(), 3u);
  ASSERT_TRUE(WriteFileAtomic(JoinPath(data_, "user_sequence.txt"), "u a b c\nv d c b e\n").ok());
  EXPECT_EQ(Make(*Load(), "t"), 5);
}

TEST_F(CandidateTrieTest, ADamagedOneIsMadeAnew) {
  Make(*Load(), "t");
  const std::string path = Kept().front();
  OPENP5_ASSERT_OK_AND_ASSIGN(std::string bytes, ReadFile(path));
  bytes.back() ^= 1;
  ASSERT_TRUE(WriteFileAtomic(path, bytes).ok());
  EXPECT_EQ(Make(*Load(), "t"), 4);
  EXPECT_EQ(Make(*Load(), "t"), 0);
}

TEST_F(CandidateTrieTest, WorksWhereNothingCanBeWritten) {
  const auto dataset = Load();
  std::filesystem::remove_all(data_);
  EXPECT_EQ(Make(*dataset, "t"), 4);
}

TEST_F(CandidateTrieTest, NamesItemsThatTheTokenizerCannotTellApart) {
  class SameEncoder final : public PromptEncoder {
   public:
    std::vector<EncodedText> Prompts(std::span<const std::string>) const override { return {}; }
    std::vector<EncodedExample> Examples(std::span<const datasets::Sample>) const override {
      return {};
    }
    std::vector<int32_t> Candidate(const std::string&) const override { return {7, 1}; }
    std::string Digest() const override { return "t"; }
    SearchForm search() const override { return {}; }
  };
  const SameEncoder encoder;
  EXPECT_THAT(CandidateTrie(*Load(), datasets::CandidateForm::kDatasetAndItem, encoder, 1),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'a' and 'b'"), HasSubstr("same tokens"))));
  EXPECT_TRUE(Kept().empty());
}

}  // namespace
}  // namespace openp5::prompting
