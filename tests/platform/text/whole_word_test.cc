#include "platform/text/whole_word.h"

#include <string>
#include <vector>

#include "tests/testing/testing.h"

namespace openp5::text {
namespace {

using ::testing::ElementsAre;

// Ids from 10 on begin a word; 0 is pad, 1 the end.
class FakeTokenizer final : public Tokenizer {
 public:
  std::string_view family() const override { return "fake"; }
  std::vector<int32_t> Encode(std::string_view) const override { return {1}; }
  std::string Decode(std::span<const int32_t>) const override { return ""; }
  bool StartsWord(int32_t id) const override { return id >= 10; }
  int32_t vocabulary_size() const override { return 20; }
  int32_t base_vocabulary_size() const override { return 20; }
  int32_t pad_id() const override { return 0; }
  int32_t eos_id() const override { return 1; }
  std::string Piece(int32_t) const override { return ""; }
  absl::Status AddTokens(const std::vector<std::string>&) override { return absl::OkStatus(); }
  const std::vector<std::string>& added_tokens() const override { return none_; }
  std::vector<TokenizerFile> Files() const override { return {}; }

 private:
  std::vector<std::string> none_;
};

using Row = std::vector<int32_t>;

TEST(WholeWordTest, CountsWordsAndStartsAgainAtPad) {
  const FakeTokenizer tokenizer;
  EXPECT_THAT(WholeWordIds(tokenizer, Row{10, 2, 3, 11, 4, 1}), ElementsAre(1, 1, 1, 2, 2, 2));
  EXPECT_THAT(WholeWordIds(tokenizer, Row{2, 10, 0, 3, 11}), ElementsAre(0, 1, 0, 0, 1));
  EXPECT_TRUE(WholeWordIds(tokenizer, Row{}).empty());
}

TEST(WholeWordTest, EndTokenOfABatch) {
  const FakeTokenizer tokenizer;
  const std::vector<Row> rows = {{10, 11, 12, 1}, {10, 11, 1}, {}};
  EXPECT_THAT(WholeWordIdsOfBatch(tokenizer, rows, EndTokenRule::kEveryRow),
              ElementsAre(ElementsAre(1, 2, 3, 0), ElementsAre(1, 2, 0), ElementsAre()));
  EXPECT_THAT(WholeWordIdsOfBatch(tokenizer, rows, EndTokenRule::kLastColumn),
              ElementsAre(ElementsAre(1, 2, 3, 0), ElementsAre(1, 2, 2), ElementsAre()));
}

}  // namespace
}  // namespace openp5::text
