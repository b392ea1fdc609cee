#include "platform/app/format_options.h"

#include <nlohmann/json.hpp>

#include "platform/base/json.h"
#include "platform/base/text_output.h"

namespace openp5::app {

void FormatOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "format", .help = help, .affects = affects}, &format);
}

absl::Status Print(const FormatOptions& options, const std::string& text,
                   const nlohmann::ordered_json& json) {
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(
      options.format == OutputFormat::kJson ? DumpJson(json, options.json_indent) + "\n" : text));
  return output.Close();
}

}  // namespace openp5::app
