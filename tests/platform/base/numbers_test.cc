#include "platform/base/numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace openp5 {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(NumbersTest, AWholeTextIsANumber) {
  EXPECT_THAT(ParseNumber<int64_t>("-12"), Optional(-12));
  EXPECT_THAT(ParseNumber<uint32_t>("1f", 16), Optional(31u));
  EXPECT_THAT(ParseNumber<double>("2.5e-1"), Optional(0.25));
  EXPECT_TRUE(std::isinf(ParseNumber<double>("inf").value_or(0)));
}

TEST(NumbersTest, AnyOtherTextIsNone) {
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "x", "0x1", "1,5"}) {
    EXPECT_THAT(ParseNumber<int64_t>(text), Eq(std::nullopt)) << text;
    EXPECT_THAT(ParseNumber<double>(text), Eq(std::nullopt)) << text;
  }
  EXPECT_THAT(ParseNumber<int64_t>("1.5"), Eq(std::nullopt));
  EXPECT_THAT(ParseNumber<uint8_t>("256"), Eq(std::nullopt));
  EXPECT_THAT(ParseNumber<uint8_t>("-1"), Eq(std::nullopt));
  EXPECT_THAT(ParseNumber<double>("1e999"), Eq(std::nullopt));
}

}  // namespace
}  // namespace openp5
