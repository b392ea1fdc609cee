#ifndef OPENP5_PLATFORM_APP_FORMAT_OPTIONS_H_
#define OPENP5_PLATFORM_APP_FORMAT_OPTIONS_H_

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::app {

enum class OutputFormat { kText, kJson };
constexpr auto EnumNames(OutputFormat) { return std::to_array<const char*>({"text", "json"}); }

// How a command shows its result.
struct FormatOptions {
  OutputFormat format = OutputFormat::kText;
  std::string help = "form of the result";
  Affects affects = Affects::kResult;
  int json_indent = 2;  // blanks a level; -1: the JSON is one line

  void ForEach(OptionVisitor& visitor);
};

// `text` or `json`, as --format says, on standard output. What is not UTF-8 in the JSON is shown as
// U+FFFD.
absl::Status Print(const FormatOptions& options, const std::string& text,
                   const nlohmann::ordered_json& json);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_FORMAT_OPTIONS_H_
