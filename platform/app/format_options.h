#ifndef OPENP5_PLATFORM_APP_FORMAT_OPTIONS_H_
#define OPENP5_PLATFORM_APP_FORMAT_OPTIONS_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::app {

// How a command shows its result.
struct FormatOptions {
  std::string format = "text";

  void ForEach(OptionVisitor& visitor);
};

// `text` or `json`, as --format says, on standard output. What is not UTF-8 in the JSON is shown as
// U+FFFD.
absl::Status Print(const FormatOptions& options, const std::string& text,
                   const nlohmann::ordered_json& json);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_FORMAT_OPTIONS_H_
