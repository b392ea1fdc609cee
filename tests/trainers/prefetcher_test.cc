#include "trainers/prefetcher.h"

#include <stdexcept>

#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

TEST(PrefetcherTest, GivesEverythingInOrder) {
  Prefetcher<int64_t> numbers(100, 3, [](int64_t n) -> absl::StatusOr<int64_t> { return n * n; });
  for (int64_t i = 0; i < 100; ++i) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto value, numbers.Next());
    ASSERT_EQ(value, i * i);
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto end, numbers.Next());
  EXPECT_FALSE(end.has_value());
}

TEST(PrefetcherTest, PassesFailuresOn) {
  Prefetcher<int64_t> numbers(10, 3, [](int64_t n) -> absl::StatusOr<int64_t> {
    if (n == 2) return NotFound("sample 2");
    return n;
  });
  OPENP5_ASSERT_OK(numbers.Next());
  OPENP5_ASSERT_OK(numbers.Next());
  EXPECT_THAT(numbers.Next(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("sample 2")));
  EXPECT_THAT(numbers.Next(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("sample 2")));
}

TEST(PrefetcherTest, TurnsExceptionsIntoFailures) {
  Prefetcher<int64_t> numbers(
      1, 1, [](int64_t) -> absl::StatusOr<int64_t> { throw std::runtime_error("bad tensor"); });
  EXPECT_THAT(numbers.Next(), StatusIs(absl::StatusCode::kInternal, HasSubstr("bad tensor")));
}

TEST(PrefetcherTest, StopsWhenLeftUnread) {
  Prefetcher<int64_t> numbers(1000000, 2, [](int64_t n) -> absl::StatusOr<int64_t> { return n; });
  OPENP5_ASSERT_OK(numbers.Next());
}

}  // namespace
}  // namespace openp5::trainers
