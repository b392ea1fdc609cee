#include "datasets/generate.h"

#include <algorithm>
#include <map>
#include <set>

#include "datasets/sequences.h"
#include "platform/base/digest.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;

SequenceDataset Generate(const GenerateOptions& options) {
  auto content = GenerateContent(options);
  EXPECT_THAT(content, testing::IsOk());
  auto dataset = SequenceDataset::Parse("Made", content->sequences, "made");
  EXPECT_THAT(dataset, testing::IsOk());
  return *std::move(dataset);
}

// Share of users whose test item is among the ten that `ranking(last item before it)` puts first.
template <class Ranking>
double HitAtTen(const SequenceDataset& dataset, const Ranking& ranking) {
  int hits = 0;
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    const auto sequence = dataset.Sequence(user);
    const std::map<int32_t, int> counts = ranking(sequence[sequence.size() - 2]);
    std::vector<std::pair<int, int32_t>> order;
    for (const auto& [item, count] : counts) order.emplace_back(-count, item);
    std::sort(order.begin(), order.end());
    if (order.size() > 10) order.resize(10);
    hits += std::any_of(order.begin(), order.end(),
                        [&](const auto& entry) { return entry.second == sequence.back(); });
  }
  return static_cast<double>(hits) / dataset.user_count();
}

TEST(Generate, IsAFunctionOfItsOptions) {
  GenerateOptions options;
  const std::string first = GenerateContent(options)->sequences;
  EXPECT_EQ(GenerateContent(options)->sequences, first);
  // The same on every machine.
  EXPECT_EQ(Sha256Of(first), "b927f99e5c66aac32c4102337255d6e0b9c88569bb91694f51019fe3d00e648d");
  options.seed = 2;
  EXPECT_NE(GenerateContent(options)->sequences, first);
}

TEST(Generate, KeepsToItsNumbers) {
  const GenerateOptions options{
      .users = 200, .items = 100, .groups = 7, .min_length = 4, .mean_length = 9};
  const SequenceDataset dataset = Generate(options);
  EXPECT_EQ(dataset.user_count(), 200);
  EXPECT_LE(dataset.item_count(), 100);
  EXPECT_NEAR(static_cast<double>(dataset.interaction_count()) / 200, 9, 1);
  for (int32_t user = 0; user < 200; ++user) {
    const auto sequence = dataset.Sequence(user);
    EXPECT_GE(sequence.size(), 4u);
    EXPECT_LE(sequence.size(), 14u);
    EXPECT_EQ(std::set<int32_t>(sequence.begin(), sequence.end()).size(), sequence.size());
  }
}

TEST(Generate, DescribesTheItemsThatOccur) {
  const auto content = GenerateContent({.users = 3, .items = 60, .groups = 3});
  OPENP5_ASSERT_OK(content);
  const auto dataset = SequenceDataset::Parse("Made", content->sequences, "made");
  OPENP5_ASSERT_OK(dataset);
  EXPECT_EQ(content->items.size(), static_cast<size_t>(dataset->item_count()));
  EXPECT_EQ(content->description["items"], dataset->item_count());
  EXPECT_EQ(content->description["interactions"], dataset->interaction_count());
  for (const ItemMetadata& item : content->items) {
    EXPECT_TRUE(dataset->FindItem(item.item));
    if (item.item == "g3i17") {
      EXPECT_EQ(item.title, "Group 3 item 17");
    }
  }
}

TEST(Generate, SequencesTellMoreThanPopularity) {
  const SequenceDataset dataset = Generate({});
  std::map<int32_t, int> popularity;
  std::map<int32_t, std::map<int32_t, int>> followers;
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    const auto train = dataset.TrainPart(user);
    for (size_t i = 0; i < train.size(); ++i) {
      ++popularity[train[i]];
      if (i > 0) ++followers[train[i - 1]][train[i]];
    }
  }
  const double popular = HitAtTen(dataset, [&](int32_t) { return popularity; });
  const double first_order = HitAtTen(dataset, [&](int32_t last) { return followers[last]; });
  EXPECT_GT(popular, 0.03);
  EXPECT_LT(popular, 0.08);
  EXPECT_GT(first_order, 0.6);
}

TEST(Generate, UsesUpWholeGroups) {
  const SequenceDataset dataset = Generate(
      {.users = 50, .items = 40, .groups = 20, .min_length = 15, .mean_length = 17, .stay = 1});
  EXPECT_EQ(dataset.user_count(), 50);
}

TEST(Generate, RefusesNumbersThatDoNotGoTogether) {
  EXPECT_THAT(GenerateContent({.items = 10, .groups = 6}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "generate: --items: expected at least two for each of 6 groups, got 10"));
  EXPECT_THAT(GenerateContent({.min_length = 9, .mean_length = 8}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "generate: --mean-length: expected at least --min-length (9), got 8"));
  EXPECT_THAT(
      GenerateContent({.items = 50, .groups = 5, .min_length = 5, .mean_length = 16}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "generate: --mean-length: expected sequences of at most half of the 50 items, got "
               "up to 27"));
}

TEST(Generate, WritesADatasetFolder) {
  const testing::TemporaryFolder folder;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto json,
                              GenerateDataset({.out = folder.File("Made"), .users = 20}));
  EXPECT_EQ(json["name"], "Made");
  EXPECT_EQ(json["source"]["options"]["users"], 20);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto dataset, SequenceDataset::Open(folder.File("Made")));
  EXPECT_EQ(json["sha256"], dataset.digest());
}

}  // namespace
}  // namespace openp5::datasets
