#ifndef OPENP5_PLATFORM_BASE_STATUS_H_
#define OPENP5_PLATFORM_BASE_STATUS_H_

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace openp5 {

// Debian's absl::string_view is a type of its own: these two convert at the border.
inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

namespace internal {
template <class T>
decltype(auto) CatArgument(const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return ToAbsl(value);
  } else {
    return (value);
  }
}
}  // namespace internal

// absl::StrCat that also takes std::string_view.
template <class... Parts>
std::string StrCat(const Parts&... parts) {
  return absl::StrCat(internal::CatArgument(parts)...);
}

// Statuses from parts. One line: `what: where: expected X, got Y; hint`.
template <class... Parts>
absl::Status InvalidArgument(const Parts&... parts) {
  return absl::InvalidArgumentError(StrCat(parts...));
}
template <class... Parts>
absl::Status NotFound(const Parts&... parts) {
  return absl::NotFoundError(StrCat(parts...));
}
template <class... Parts>
absl::Status DataLoss(const Parts&... parts) {
  return absl::DataLossError(StrCat(parts...));
}
template <class... Parts>
absl::Status FailedPrecondition(const Parts&... parts) {
  return absl::FailedPreconditionError(StrCat(parts...));
}

// A status that says the command line was wrong (exit code 2, not 1).
absl::Status UsageError(std::string_view message);
bool IsUsageError(const absl::Status& status);

// The same status with `context` and ": " before its message; OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

namespace internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}  // namespace internal

}  // namespace openp5

// For our own bugs only, never for input: aborts with the place and the condition.
#define OPENP5_CHECK(condition)                                                        \
  do {                                                                                 \
    if (!(condition)) ::openp5::internal::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

#define OPENP5_RETURN_IF_ERROR(expression)                                                       \
  do {                                                                                           \
    if (absl::Status openp5_status_ = (expression); !openp5_status_.ok()) return openp5_status_; \
  } while (false)

#define OPENP5_CONCAT_INNER_(a, b) a##b
#define OPENP5_CONCAT_(a, b) OPENP5_CONCAT_INNER_(a, b)

// OPENP5_ASSIGN_OR_RETURN(auto x, F()): x = *F(), or returns F()'s status.
#define OPENP5_ASSIGN_OR_RETURN(target, expression) \
  OPENP5_ASSIGN_OR_RETURN_IMPL_(OPENP5_CONCAT_(openp5_statusor_, __LINE__), target, expression)
#define OPENP5_ASSIGN_OR_RETURN_IMPL_(result, target, expression) \
  auto result = (expression);                                     \
  if (!result.ok()) return result.status();                       \
  target = std::move(result).value()

#endif  // OPENP5_PLATFORM_BASE_STATUS_H_
