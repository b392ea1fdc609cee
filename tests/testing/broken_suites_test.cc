// Suites that fail where OPENP5_TEST_BROKEN_SUITES is set: broken_suites_check.py runs them through
// ctest.
#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>

namespace {

bool Broken() { return std::getenv("OPENP5_TEST_BROKEN_SUITES") != nullptr; }

class BrokenSuitesAssert : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_FALSE(Broken()); }
};
TEST_F(BrokenSuitesAssert, Failed) {}

class BrokenSuitesExpect : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { EXPECT_FALSE(Broken()); }
};
TEST_F(BrokenSuitesExpect, Failed) {}

class BrokenSuitesThrow : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (Broken()) throw std::runtime_error("no set-up");
  }
};
TEST_F(BrokenSuitesThrow, Failed) {}

class BrokenSuitesTearDown : public ::testing::Test {
 protected:
  static void TearDownTestSuite() { EXPECT_FALSE(Broken()); }
};
TEST_F(BrokenSuitesTearDown, Failed) {
  if (Broken()) GTEST_SKIP() << "asked for";
}

TEST(BrokenSuitesTest, Skipped) {
  if (Broken()) GTEST_SKIP() << "asked for";
}
TEST(BrokenSuitesTest, Failed) {
  EXPECT_FALSE(Broken());
  if (Broken()) GTEST_SKIP() << "after a failure";
}
TEST(BrokenSuitesTest, Passed) {}

}  // namespace
