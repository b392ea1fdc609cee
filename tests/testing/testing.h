#ifndef OPENP5_TESTS_TESTING_TESTING_H_
#define OPENP5_TESTS_TESTING_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "platform/base/status.h"

namespace openp5::testing {

inline const absl::Status& GetStatus(const absl::Status& status) { return status; }
template <class T>
const absl::Status& GetStatus(const absl::StatusOr<T>& status) {
  return status.status();
}

// StatusIs(absl::StatusCode::kDataLoss, HasSubstr("model.safetensors"))
MATCHER_P2(StatusIs, code, message, "") {
  const absl::Status& status = GetStatus(arg);
  *result_listener << "which is " << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}
MATCHER(IsOk, "") {
  *result_listener << "which is " << GetStatus(arg).ToString();
  return GetStatus(arg).ok();
}

#define OPENP5_ASSERT_OK(expression) \
  ASSERT_THAT(::openp5::testing::GetStatus(expression), ::openp5::testing::IsOk())
#define OPENP5_EXPECT_OK(expression) \
  EXPECT_THAT(::openp5::testing::GetStatus(expression), ::openp5::testing::IsOk())
// OPENP5_ASSERT_OK_AND_ASSIGN(auto x, F());
#define OPENP5_ASSERT_OK_AND_ASSIGN(target, expression)                                    \
  OPENP5_ASSERT_OK_AND_ASSIGN_IMPL_(OPENP5_CONCAT_(openp5_test_result_, __LINE__), target, \
                                    expression)
#define OPENP5_ASSERT_OK_AND_ASSIGN_IMPL_(result, target, expression) \
  auto result = (expression);                                         \
  OPENP5_ASSERT_OK(result);                                           \
  target = std::move(result).value()

// A folder that is removed with its content at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "openp5_test_XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Path of a file of the shared folder (golden numbers, OpenP5's files).
inline std::string Shared(const std::string& name) {
  return std::string(OPENP5_SHARED_DIR) + "/" + name;
}

// First line of a test that needs the shared folder.
#define OPENP5_SKIP_WITHOUT_SHARED()                                               \
  if (!std::filesystem::exists(::openp5::testing::Shared("golden"))) {             \
    GTEST_SKIP() << "needs the shared folder, absent here: " << OPENP5_SHARED_DIR; \
  }

}  // namespace openp5::testing

#endif  // OPENP5_TESTS_TESTING_TESTING_H_
