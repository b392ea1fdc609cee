#include "platform/app/format_options.h"

#include <nlohmann/json.hpp>

#include "platform/base/json.h"
#include "platform/base/text_output.h"

namespace openp5::app {

void FormatOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "format", .help = "form of the result", .choices = {"text", "json"}},
                &format);
}

absl::Status Print(const FormatOptions& options, const std::string& text,
                   const nlohmann::ordered_json& json) {
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  const std::string dumped = DumpJson(json, 2) + "\n";
  OPENP5_RETURN_IF_ERROR(output.Write(options.format == "json" ? dumped : text));
  return output.Close();
}

}  // namespace openp5::app
