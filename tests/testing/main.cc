// The main function of every test binary. gtest_discover_tests of CMake counts a test as skipped
// whose output names a skipped one, whatever the exit code, and GoogleTest skips the tests of a
// suite whose set-up failed: with gtest_main a broken set-up passes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace {

using ::testing::UnitTest;

class FailTestsOfBrokenSuites final : public ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo& test) override {
    if (UnitTest::GetInstance()->current_test_suite()->ad_hoc_test_result().Failed()) {
      ADD_FAILURE() << "SetUpTestSuite of " << test.test_suite_name() << " failed";
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  UnitTest& tests = *UnitTest::GetInstance();
  tests.listeners().Append(new FailTestsOfBrokenSuites);
  const int exit_code = RUN_ALL_TESTS();
  if (exit_code != 0 && tests.failed_test_count() == 0 && tests.skipped_test_count() > 0) {
    std::fputs("TearDownTestSuite failed after a skipped test; only a signal is seen by ctest\n",
               stderr);
    std::abort();
  }
  return exit_code;
}
