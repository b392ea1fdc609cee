#include "indexing/fitting_parameters.h"

#include "indexing/methods/collaborative.h"
#include "tests/indexing/test_data.h"

namespace openp5::indexing {
namespace {

std::vector<std::string> Keys(const std::vector<IndexParameters>& parameters) {
  std::vector<std::string> keys;
  for (const IndexParameters& one : parameters) keys.push_back(one.Key());
  return keys;
}

// 300 items in a ring: enough for token sizes 200 and 500 to differ.
class FittingParametersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (int user = 0; user < 300; ++user) {
      text += StrCat("u", user);
      for (int i = 0; i < 8; ++i) text += StrCat(" i", (user + i * i) % 300);
      text += "\n";
    }
    datasets_.push_back(ParseDataset(text));
  }
  int64_t Tokens(int64_t size, int64_t clusters) {
    IndexParameters parameters("collaborative");
    parameters.Of<CollaborativeOptions>().token_size = size;
    parameters.Of<CollaborativeOptions>().cluster = clusters;
    const auto index = BuildItemIndex(datasets_[0], parameters);
    return index.ok() ? static_cast<int64_t>(index->AddedTokens().size()) : -1;
  }
  std::vector<std::string> Fitting(int64_t tokens) {
    return Keys(FindFittingParameters(datasets_, [tokens](int64_t n) { return n == tokens; }));
  }

  std::vector<datasets::SequenceDataset> datasets_;
};

TEST_F(FittingParametersTest, NumbersNeedNoTokens) {
  EXPECT_THAT(Fitting(0), ::testing::ElementsAre("sequential/original", "random/seed=1"));
}

TEST_F(FittingParametersTest, EveryPublishedSettingIsFoundByItsTokens) {
  for (const auto& [size, clusters] : {std::pair(200, 10), {200, 20}, {500, 10}, {1000, 20}}) {
    EXPECT_THAT(
        Fitting(Tokens(size, clusters)),
        ::testing::Contains(StrCat("collaborative/", size, "/", clusters, "/sequential/openp5")));
  }
}

TEST_F(FittingParametersTest, NothingFitsAnImpossibleNumber) {
  EXPECT_THAT(Fitting(123'456), ::testing::IsEmpty());
}

}  // namespace
}  // namespace openp5::indexing
