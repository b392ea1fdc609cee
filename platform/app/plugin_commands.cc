#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "datasets/plugin/plugin.h"
#include "datasets/plugin/plugin_check.h"
#include "datasets/plugin/plugin_summary.h"
#include "platform/app/command.h"
#include "platform/app/format_options.h"
#include "platform/base/log.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

using Json = nlohmann::ordered_json;

absl::Status RunPluginList(const std::vector<std::string>& arguments) {
  datasets::PluginOptions plugins;
  FormatOptions format;
  CommandLine line("plugin list", "List plugins and the datasets they read.");
  line.Add(&plugins);
  line.Add(&format);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const std::vector<std::string> files, plugins.Files());
  std::string text = files.empty() ? "no plugins; see --plugin and OPENP5_PLUGIN_PATH\n" : "";
  Json json = Json::array();
  for (const std::string& file : files) {
    const auto plugin = datasets::SummarizePlugin(file);
    if (!plugin.ok() && file == plugins.plugin) return plugin.status();
    if (!plugin.ok()) {
      const std::string error(plugin.status().message());
      text += StrCat("broken: ", OneLine(error), "\n");
      json.push_back({{"file", file}, {"error", error}, {"datasets", Json::array()}});
      continue;
    }
    text += OneLine(StrCat(plugin->name, " ", plugin->version, "  ", file)) + "\n";
    Json described = Json::array();
    for (const auto& dataset : plugin->datasets) {
      text += OneLine(StrCat("  ", dataset.name, "  ", dataset.title, ": ", dataset.rule)) + "\n";
      described.push_back(
          {{"name", dataset.name}, {"title", dataset.title}, {"rule", dataset.rule}});
    }
    json.push_back({{"name", plugin->name},
                    {"version", plugin->version},
                    {"file", file},
                    {"datasets", described}});
  }
  return Print(format, text, json);
}

struct CheckOptions {
  std::string raw, dataset;
  int64_t timeout = 60;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "raw", .help = "raw data to read records from (default: read none)"},
                  &raw);
    visitor.Visit({.name = "dataset", .help = "check this one only (default: all of the plugin's)"},
                  &dataset);
    visitor.Visit({.name = "timeout",
                   .help = "seconds after which a plugin that has not ended fails its check",
                   .minimum = 1,
                   .maximum = 1e6},
                  &timeout);
  }
};

absl::Status RunPluginCheck(const std::vector<std::string>& arguments) {
  std::string file;
  CheckOptions options;
  FormatOptions format;
  CommandLine line("plugin check", "Check a plugin against the rules of plugin_abi.h.");
  line.AddPositional("FILE", "the plugin, a shared library", &file);
  line.Add(&options);
  line.Add(&format);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  const auto findings = datasets::CheckPlugin(file, options.raw, options.dataset,
                                              std::chrono::seconds(options.timeout));
  std::string text;
  Json json = Json::array();
  for (const datasets::PluginFinding& finding : findings) {
    text += StrCat(finding.passed ? "PASS" : "FAIL", "  ",
                   OneLine(StrCat(finding.subject, ": ", finding.what)), "\n");
    json.push_back(
        {{"passed", finding.passed}, {"subject", finding.subject}, {"what", finding.what}});
  }
  OPENP5_RETURN_IF_ERROR(Print(format, text, json));
  const auto failed = std::count_if(findings.begin(), findings.end(),
                                    [](const auto& finding) { return !finding.passed; });
  if (failed == 0) return absl::OkStatus();
  return FailedPrecondition("plugin check: ", file, ": ", failed, " of ", findings.size(),
                            " checks failed");
}

}  // namespace

std::vector<Command> PluginCommands() {
  return {{"plugin list", "Plugins and the datasets they read", RunPluginList},
          {"plugin check", "Check a plugin against the rules", RunPluginCheck}};
}

}  // namespace openp5::app
