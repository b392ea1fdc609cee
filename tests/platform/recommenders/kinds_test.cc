#include "platform/recommenders/kinds.h"

#include "tests/platform/recommenders/evaluated.h"

namespace openp5::recommenders {
namespace {

using ::openp5::testing::Evaluated;
using ::openp5::testing::ParseSequences;
using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSequences[] =
    "u1 a b c d\n"
    "u2 a b d c\n"
    "u3 a c b a\n"
    "u4 d a b\n";

BaselineOptions Named(std::vector<std::string> names) {
  BaselineOptions options(BuiltinKinds());
  options.names = std::move(names);
  return options;
}

TEST(BaselinesTest, AreMadeInTheOrderOfTheirNames) {
  const datasets::SequenceDataset dataset = ParseSequences(kSequences);
  const BaselineOptions options = Named({"item-knn", "popularity"});
  OPENP5_ASSERT_OK(options.Check());
  const auto made = options.Make(dataset);
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(Evaluated(*made[0], {"hit@1"}).method, "item-knn");
  EXPECT_EQ(Evaluated(*made[1], {"hit@1"}).method, "popularity");
  EXPECT_THAT(Named({"none"}).Make(dataset), IsEmpty());
}

TEST(BaselinesTest, ContradictionsAreRefused) {
  const auto check = [](std::vector<std::string> names) { return Named(std::move(names)).Check(); };
  OPENP5_EXPECT_OK(check({"none"}));
  EXPECT_THAT(check({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--baseline")));
  EXPECT_THAT(check({"none", "popularity"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got both")));
  EXPECT_THAT(check({"popularity", "popularity"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("once")));
}

// A baseline of the test's own: items in the order of their numbers, from `first` on.
struct ToyOptions {
  int64_t first = 0;
  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "toy-first", .help = "number of the first item"}, &first);
  }
  absl::Status Check() const { return first < 9 ? absl::OkStatus() : UsageError("--toy-first"); }
};

class ToyRecommender final : public Recommender {
 public:
  ToyRecommender(const datasets::SequenceDataset& dataset, int64_t first)
      : dataset_(dataset), first_(first) {}
  std::string method() const override { return "toy"; }
  const datasets::SequenceDataset& dataset(size_t) const override { return dataset_; }
  absl::StatusOr<std::unique_ptr<RankingJob>> Start(std::span<const Query> queries, int64_t k,
                                                    const RankOptions&) const override {
    class Job final : public RankingJob {
     public:
      Job(int64_t first, int64_t end) : first_(first), end_(end) {}
      int64_t Cost(size_t) const override { return 1; }
      absl::StatusOr<std::vector<Ranking>> Rank(std::span<const size_t> queries) const override {
        Ranking ranking;
        for (int64_t item = first_; item < end_; ++item) {
          ranking.items.push_back(static_cast<int32_t>(item));
          ranking.scores.push_back(0);
        }
        return std::vector<Ranking>(queries.size(), ranking);
      }

     private:
      const int64_t first_, end_;
    };
    (void)queries;
    return std::make_unique<Job>(first_, std::min<int64_t>(first_ + k, dataset_.item_count()));
  }

 private:
  const datasets::SequenceDataset& dataset_;
  const int64_t first_;
};

// Everything the program needs to know of a new kind goes through the registry.
TEST(KindsTest, AKindOfOnesOwnEntersByTheRegistryAlone) {
  Registry<RecommenderKind> kinds = BuiltinKinds();
  OPENP5_ASSERT_OK(kinds.Register(
      "toy", {.make_options = MakeOptionGroup<ToyOptions>,
              .make = [](const datasets::SequenceDataset& dataset,
                         const OptionGroup& options) -> std::unique_ptr<Recommender> {
                return std::make_unique<ToyRecommender>(dataset,
                                                        OptionsOf<ToyOptions>(options).first);
              }}));
  BaselineOptions options(kinds);
  EXPECT_THAT(OptionNames(options), ::testing::Contains("toy-first"));
  OPENP5_ASSERT_OK(FromJson({{"baseline", {"toy"}}, {"toy-first", 2}}, &options));
  OPENP5_ASSERT_OK(options.Check());
  const datasets::SequenceDataset dataset = ParseSequences(kSequences);
  const auto result = Evaluated(*options.Make(dataset).front(), {"hit@2"});
  EXPECT_EQ(result.method, "toy");
  EXPECT_THAT(result.rankings[0].items, ElementsAre(2, 3));
  EXPECT_DOUBLE_EQ(result.metrics[0].value, 0.5);  // targets are d, c, a, b
  OPENP5_ASSERT_OK(FromJson({{"toy-first", 9}}, &options));
  EXPECT_THAT(options.Check(), StatusIs(absl::StatusCode::kInvalidArgument, "--toy-first"));
}

}  // namespace
}  // namespace openp5::recommenders
