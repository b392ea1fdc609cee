#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "evaluators/compare.h"
#include "evaluators/compare_report.h"
#include "evaluators/result_file.h"
#include "platform/app/command.h"
#include "platform/base/json.h"
#include "platform/base/text_output.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

struct CompareCommandOptions {
  std::vector<std::string> files;
  evaluators::CompareOptions compare;
  std::string format = "text";

  void ForEach(OptionVisitor& visitor) {
    compare.ForEach(visitor);
    visitor.Visit({.name = "format",
                   .help = "form of the result",
                   .choices = {"text", "json", "markdown", "latex"}},
                  &format);
  }
};

std::string Written(const evaluators::Comparison& comparison, const std::string& format) {
  if (format == "json") return DumpJson(evaluators::ComparisonToJson(comparison)) + "\n";
  if (format == "markdown") return evaluators::ComparisonMarkdown(comparison);
  if (format == "latex") return evaluators::ComparisonLatex(comparison);
  return evaluators::ComparisonText(comparison);
}

absl::Status RunCompare(const std::vector<std::string>& arguments) {
  CompareCommandOptions options;
  CommandLine line("compare",
                   "Compare methods, user by user, by results that `evaluate --result-out` wrote.");
  line.AddPositionals("RESULT...", "result files; several of one method are one row",
                      &options.files);
  line.Add(&options);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  std::vector<evaluators::StoredResult> results;
  std::set<std::string> seen;
  for (const std::string& file : options.files) {
    if (!seen.insert(file).second) {
      return UsageError(StrCat("openp5 compare: '", file, "' is given twice"));
    }
    OPENP5_ASSIGN_OR_RETURN(auto of_file, evaluators::ReadResults(file));
    std::move(of_file.begin(), of_file.end(), std::back_inserter(results));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto comparison, evaluators::Compare(results, options.compare));
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(Written(comparison, options.format)));
  return output.Close();
}

}  // namespace

std::vector<Command> CompareCommands() {
  return {{"compare", "Compare evaluated methods, with tests of significance", RunCompare}};
}

}  // namespace openp5::app
