#include "datasets/plugin/plugin_summary.h"

#include <nlohmann/json.hpp>

#include "datasets/plugin/plugin.h"
#include "platform/base/isolated.h"
#include "platform/base/json.h"

namespace openp5::datasets {
namespace {

using Json = nlohmann::json;

Json Describe(const Plugin& plugin) {
  Json described = {
      {"name", plugin.name}, {"version", plugin.version}, {"datasets", Json::array()}};
  for (const openp5_dataset* dataset : plugin.datasets) {
    described["datasets"].push_back({dataset->name, dataset->title, dataset->rule});
  }
  return described;
}

// The other process is a copy of this one: what comes from it is of this form, unless the plugin
// has harmed it.
absl::StatusOr<PluginSummary> ReadSummary(const std::string& file, const std::string& said) {
  OPENP5_ASSIGN_OR_RETURN(const Json json, ParseJson(said, StrCat("plugin: ", file)));
  try {
    if (json.contains("error")) return FailedPrecondition(json["error"].get<std::string>());
    PluginSummary summary{.file = file,
                          .name = json.at("name").get<std::string>(),
                          .version = json.at("version").get<std::string>(),
                          .datasets = {}};
    for (const Json& dataset : json.at("datasets")) {
      summary.datasets.push_back({.name = dataset.at(0).get<std::string>(),
                                  .title = dataset.at(1).get<std::string>(),
                                  .rule = dataset.at(2).get<std::string>()});
    }
    return summary;
  } catch (const Json::exception&) {
    return FailedPrecondition("plugin: ", file, ": its description cannot be read");
  }
}

}  // namespace

absl::StatusOr<PluginSummary> SummarizePlugin(const std::string& file) {
  std::string said;
  const absl::Status ended = RunIsolated(
      {},
      [&](const Say& say) {
        const absl::StatusOr<Plugin> plugin = LoadPlugin(file);
        say(DumpJson(plugin.ok() ? Describe(*plugin)
                                 : Json{{"error", std::string(plugin.status().message())}}));
      },
      [&](std::string text) { said = std::move(text); });
  if (ended.ok()) return ReadSummary(file, said);
  return FailedPrecondition("plugin: ", file, ": loading: the library ", ended.message());
}

}  // namespace openp5::datasets
