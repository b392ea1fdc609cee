#include "platform/registry/registry.h"

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RegistryTest, FindsByNameAndListsInOrder) {
  Registry<int> registry("metric");
  OPENP5_ASSERT_OK(registry.Register("ndcg", 2));
  OPENP5_ASSERT_OK(registry.Register("hit", 1));
  OPENP5_ASSERT_OK_AND_ASSIGN(const int* found, registry.Find("hit"));
  EXPECT_EQ(*found, 1);
  EXPECT_THAT(registry.Names(), ElementsAre("hit", "ndcg"));
}

TEST(RegistryTest, UnknownNameListsTheKnownOnes) {
  Registry<int> registry("metric");
  OPENP5_ASSERT_OK(registry.Register("ndcg", 2));
  OPENP5_ASSERT_OK(registry.Register("hit", 1));
  EXPECT_THAT(registry.Find("mrr"), StatusIs(absl::StatusCode::kNotFound,
                                             "metric: expected one of hit, ndcg; got 'mrr'"));
}

TEST(RegistryTest, RefusesASecondValueOfOneName) {
  Registry<int> registry("metric");
  OPENP5_ASSERT_OK(registry.Register("hit", 1));
  EXPECT_THAT(registry.Register("hit", 3),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'hit'")));
  EXPECT_EQ(**registry.Find("hit"), 1);
}

}  // namespace
}  // namespace openp5
