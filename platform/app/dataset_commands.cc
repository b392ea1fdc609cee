#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "datasets/generate.h"
#include "datasets/loaders/raw_dataset.h"
#include "datasets/plugin/plugin.h"
#include "datasets/plugin/plugin_summary.h"
#include "datasets/prepare.h"
#include "datasets/table/table.h"
#include "platform/app/command.h"
#include "platform/app/dataset_inspect_command.h"
#include "platform/app/dataset_samples_command.h"
#include "platform/app/format_options.h"
#include "platform/base/log.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

using Json = nlohmann::ordered_json;

using Presets = Registry<datasets::DatasetPreset>;

// openp5's own datasets, and those of --plugin.
absl::StatusOr<Presets> LoadedPresets(const datasets::PluginOptions& plugins) {
  Presets presets("dataset");
  OPENP5_RETURN_IF_ERROR(datasets::RegisterBuiltinDatasets(&presets));
  if (!plugins.plugin.empty()) {
    OPENP5_RETURN_IF_ERROR(datasets::RegisterPlugins({plugins.plugin}, &presets));
  }
  return presets;
}

// Adds the datasets of OPENP5_PLUGIN_PATH, which are described but cannot be loaded: a library is
// only loaded into this process if one of its datasets is asked for. Warns of broken ones. Returns
// where each comes from.
absl::StatusOr<std::multimap<std::string, std::string>> AddFoundPresets(
    const datasets::PluginOptions& plugins, Presets* presets) {
  std::multimap<std::string, std::string> files_of;
  OPENP5_ASSIGN_OR_RETURN(const std::vector<std::string> files, plugins.Files());
  for (const std::string& file : files) {
    if (file == plugins.plugin) continue;
    const auto plugin = datasets::SummarizePlugin(file);
    if (!plugin.ok()) {
      LogWarning(StrCat(ToStd(plugin.status().message()), "; it is passed over"));
      continue;
    }
    for (const auto& dataset : plugin->datasets) {
      datasets::DatasetPreset preset;
      preset.title = dataset.title;
      preset.rule = dataset.rule;
      const absl::Status added = presets->Register(dataset.name, std::move(preset));
      if (!added.ok()) LogWarning(StrCat("plugin: ", file, ": ", ToStd(added.message())));
      files_of.emplace(dataset.name, file);
    }
  }
  return files_of;
}

absl::Status RunList(const std::vector<std::string>& arguments) {
  datasets::PluginOptions plugins;
  FormatOptions format;
  CommandLine line("dataset list",
                   "List the datasets `dataset prepare` knows, with OpenP5's counts where it has "
                   "them, and those of plugins.");
  line.Add(&plugins);
  line.Add(&format);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(auto presets, LoadedPresets(plugins));
  OPENP5_RETURN_IF_ERROR(AddFoundPresets(plugins, &presets).status());
  std::string text = absl::StrFormat("%-10s %9s %9s %13s  %s\n", "name", "users", "items",
                                     "interactions", "title");
  Json json = Json::array();
  for (const std::string& name : presets.Names()) {
    OPENP5_ASSIGN_OR_RETURN(const datasets::DatasetPreset* preset, presets.Find(name));
    const datasets::InteractionCounts& counts = preset->known.counts;
    const auto shown = [](int64_t count) { return count > 0 ? StrCat(count) : "-"; };
    absl::StrAppendFormat(&text, "%-10s %9s %9s %13s  %s\n", OneLine(name), shown(counts.users),
                          shown(counts.items), shown(counts.interactions), OneLine(preset->title));
    json.push_back({{"name", name},
                    {"title", preset->title},
                    {"users", counts.users},
                    {"items", counts.items},
                    {"interactions", counts.interactions},
                    {"rule", preset->rule}});
  }
  return Print(format, text, json);
}

// The line that `prepare` and `generate` end with.
std::string FolderText(const std::string& out, const Json& description) {
  return absl::StrFormat("%s: %d users, %d items, %d interactions; %s\nsha256 %s\n", OneLine(out),
                         description["users"].get<int64_t>(), description["items"].get<int64_t>(),
                         description["interactions"].get<int64_t>(),
                         description["comparison"].get<std::string>(),
                         description["sha256"].get<std::string>());
}

// A dataset by name. Those of OPENP5_PLUGIN_PATH are looked for where no other has the name.
absl::StatusOr<datasets::DatasetPreset> FindDataset(const std::string& name,
                                                    const datasets::PluginOptions& plugins) {
  OPENP5_ASSIGN_OR_RETURN(auto presets, LoadedPresets(plugins));
  if (const auto preset = presets.Find(name); preset.ok()) return **preset;
  OPENP5_ASSIGN_OR_RETURN(const auto files_of, AddFoundPresets(plugins, &presets));
  const auto [first, end] = files_of.equal_range(name);
  if (first == end) {
    return UsageError(
        StrCat(ToStd(presets.Find(name).status().message()),
               "; or the format of your own file: ", absl::StrJoin(datasets::TableFormats(), ", "),
               plugins.plugin.empty() ? "; --plugin FILE brings more" : ""));
  }
  if (std::next(first) != end) {
    return absl::AlreadyExistsError(StrCat("dataset ", name, ": ", first->second, " and ",
                                           std::next(first)->second,
                                           " both have one; hint: --plugin FILE picks one"));
  }
  Presets loaded("dataset");
  OPENP5_RETURN_IF_ERROR(datasets::RegisterPlugins({first->second}, &loaded));
  OPENP5_ASSIGN_OR_RETURN(const datasets::DatasetPreset* preset, loaded.Find(name));
  return *preset;
}

// A dataset by name, or a user's own file by its format.
absl::StatusOr<datasets::DatasetPreset> FindPreset(const std::string& name,
                                                   datasets::TableOptions& table,
                                                   const datasets::PluginOptions& plugins) {
  const std::vector<std::string>& formats = datasets::TableFormats();
  if (std::find(formats.begin(), formats.end(), name) != formats.end()) {
    return datasets::TablePreset(name, table);
  }
  datasets::TableOptions untouched;
  nlohmann::json given = nlohmann::json::object(), defaults = nlohmann::json::object();
  ToJson(table, &given);
  ToJson(untouched, &defaults);
  for (const auto& [option, value] : given.items()) {
    if (value == defaults[option]) continue;
    return UsageError(StrCat(option, ": expected one of ", absl::StrJoin(formats, ", "),
                             " as NAME, got ", name, ", whose rule is fixed"));
  }
  return FindDataset(name, plugins);
}

absl::Status RunPrepare(const std::vector<std::string>& arguments) {
  std::string name;
  datasets::PrepareOptions options;
  datasets::TableOptions table;
  datasets::PluginOptions plugins;
  FormatOptions format;
  CommandLine line("dataset prepare", "Turn a dataset's raw files into a dataset folder.");
  line.AddPositional("NAME",
                     "dataset, see `openp5 dataset list`, or the format of your own file: csv, "
                     "inter, jsonl, tsv",
                     &name);
  line.Add(&options);
  line.Add(&table);
  line.Add(&plugins);
  line.Add(&format);
  line.Require("raw");
  line.Require("out");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const datasets::DatasetPreset preset, FindPreset(name, table, plugins));
  OPENP5_ASSIGN_OR_RETURN(const Json description, datasets::PrepareDataset(name, preset, options));
  return Print(format, FolderText(options.out, description), description);
}

absl::Status RunGenerate(const std::vector<std::string>& arguments) {
  datasets::GenerateOptions options;
  FormatOptions format;
  CommandLine line("dataset generate", "Make up a dataset whose next item can be learned.");
  line.Add(&options);
  line.Add(&format);
  line.Require("out");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const Json description, datasets::GenerateDataset(options));
  return Print(format, FolderText(options.out, description), description);
}

}  // namespace

std::vector<Command> DatasetCommands() {
  return {{"dataset list", "Datasets that can be prepared from raw files", RunList},
          {"dataset prepare", "Turn raw files into a dataset folder", RunPrepare},
          {"dataset inspect", "Say what is in prepared datasets", RunDatasetInspect},
          {"dataset generate", "Make up a dataset to try things on", RunGenerate},
          {"dataset samples", "Write training, validation or test texts", RunDatasetSamples}};
}

}  // namespace openp5::app
