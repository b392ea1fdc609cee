#include <nlohmann/json.hpp>

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"
#include "trainers/task_sampler.h"

namespace openp5::trainers {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Shared;

// Checks both recorded epochs of one rank.
void CheckRank(const Json& orders, const std::string& datasets, const std::string& run,
               TaskSamplerOptions options) {
  std::vector<TaskGroup> groups;
  std::vector<int64_t> offsets = {0};  // of each group in the joined datasets
  int32_t dataset = 0;
  for (const Json& sizes : orders[datasets + " sizes"]) {
    for (const char* task : {"sequential", "straightforward"}) {
      groups.push_back({dataset, sizes[task].get<int64_t>()});
      offsets.push_back(offsets.back() + groups.back().size);
    }
    ++dataset;
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(TaskSampler sampler, TaskSampler::Create(groups, options));
  for (const int64_t epoch : {0, 1}) {
    const std::string name = StrCat(datasets, " / ", run, " / epoch ", epoch);
    SCOPED_TRACE(name);
    ASSERT_TRUE(orders.contains(name));
    const Json& expected = orders[name];
    sampler.StartEpoch(epoch);
    std::vector<int64_t> emitted;
    Sha256 digest;
    for (int64_t number = 0; number < sampler.batches_per_epoch(); ++number) {
      const TaskSampler::Batch batch = sampler.Get(number);
      for (const int32_t sample : batch.samples) {
        emitted.push_back(offsets[static_cast<size_t>(batch.group)] + sample);
        digest.Update(std::to_string(emitted.back()) + "\n");
      }
    }
    ASSERT_EQ(emitted.size(), expected["emitted"].get<size_t>());
    const auto first = expected["first_160"].get<std::vector<int64_t>>();
    EXPECT_TRUE(std::equal(first.begin(), first.end(), emitted.begin()));
    EXPECT_EQ(digest.Finish(), expected["sha256_of_decimal_newline"].get<std::string>());
  }
}

TEST(GoldenSamplerTest, EqualsOpenP5sOrder) {
  OPENP5_SKIP_WITHOUT_SHARED();
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string text,
                              ReadFile(Shared("golden/10_data_generation/sampler_order.json")));
  const Json recorded = Json::parse(text);
  const TaskSamplerOptions options{.batch_size = recorded["batch_size"].get<int64_t>(),
                                   .seed = recorded["seed"].get<uint64_t>()};
  for (const char* datasets : {"ML100K", "ML100K+LastFM"}) {
    CheckRank(recorded["orders"], datasets, "single", options);
    for (const int64_t rank : {0, 1}) {
      TaskSamplerOptions ranked = options;
      ranked.rank = rank;
      ranked.world_size = 2;
      ranked.openp5_compat = true;
      CheckRank(recorded["orders"], datasets, StrCat("dist rank ", rank, " of 2"), ranked);
    }
  }
}

}  // namespace
}  // namespace openp5::trainers
