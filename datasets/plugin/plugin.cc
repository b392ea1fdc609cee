#include "datasets/plugin/plugin.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>

#include "absl/strings/str_split.h"
#include "datasets/plugin/plugin_records.h"
#include "datasets/text_lines.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEntry = "openp5_plugin_entry";
constexpr const char* kPluginPath = "OPENP5_PLUGIN_PATH";
constexpr uint32_t kMostDatasets = 256;
constexpr size_t kLongestName = 64, kLongestLine = 1000;
constexpr int32_t kLeastCore = 3, kMostCore = 1000;

void LogForPlugin(void* /*context*/, int32_t level, const char* message) {
  const std::string line = StrCat("plugin: ", PluginString(message));
  if (level == OPENP5_LOG_INFO) {
    LogInfo(line);
  } else {
    LogWarning(line);
  }
}

constexpr openp5_host kHost = {.struct_size = sizeof(openp5_host),
                               .abi_version = OPENP5_PLUGIN_ABI_VERSION,
                               .reserved = 0,
                               .context = nullptr,
                               .log = LogForPlugin};

// A line the plugin describes itself with.
absl::Status CheckLine(const char* text, const std::string& where) {
  if (text == nullptr) return FailedPrecondition(where, ": expected a text, got NULL");
  const size_t size = strnlen(text, kLongestLine + 1);
  const std::string_view line(text, size);
  if (size == 0 || size > kLongestLine) {
    return FailedPrecondition(where, ": expected 1 to ", kLongestLine, " bytes, got ",
                              size == 0 ? "none" : "more");
  }
  if (FindInvalidUtf8(line) != std::string_view::npos || OneLine(line) != line) {
    return FailedPrecondition(where, ": expected one line of UTF-8, got '", Excerpt(line), "'");
  }
  return absl::OkStatus();
}

absl::Status CheckDatasetName(const char* name, const std::string& where) {
  OPENP5_RETURN_IF_ERROR(CheckLine(name, where));
  const std::string_view text(name);
  const bool fits =
      text.size() <= kLongestName && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      });
  if (fits) return absl::OkStatus();
  return FailedPrecondition(where, ": expected 1 to ", kLongestName, " of a-z 0-9 - _, got '",
                            Excerpt(text), "'");
}

absl::Status CheckDataset(const openp5_dataset* dataset, const std::string& where) {
  if (dataset == nullptr) return FailedPrecondition(where, ": expected a dataset, got NULL");
  if (dataset->struct_size < sizeof(openp5_dataset)) {
    return FailedPrecondition(where, ": struct_size: expected at least ", sizeof(openp5_dataset),
                              ", got ", dataset->struct_size);
  }
  OPENP5_RETURN_IF_ERROR(CheckDatasetName(dataset->name, where + ": name"));
  OPENP5_RETURN_IF_ERROR(CheckLine(dataset->title, where + ": title"));
  OPENP5_RETURN_IF_ERROR(CheckLine(dataset->rule, where + ": rule"));
  if ((dataset->flags & ~OPENP5_DATASET_SORTED_BY_TIME) != 0) {
    return FailedPrecondition(where, ": flags: expected only known ones, got ", dataset->flags);
  }
  if (dataset->core != 0 && (dataset->core < kLeastCore || dataset->core > kMostCore)) {
    return FailedPrecondition(where, ": core: expected 0, or ", kLeastCore, " to ", kMostCore,
                              ", got ", dataset->core);
  }
  if (dataset->time_units_per_second < 0 || dataset->time_units_per_second > 1'000'000'000) {
    return FailedPrecondition(where, ": time_units_per_second: expected 0 to 1000000000, got ",
                              dataset->time_units_per_second);
  }
  if (dataset->open_interactions == nullptr) {
    return FailedPrecondition(where, ": open_interactions: expected a function, got NULL");
  }
  return absl::OkStatus();
}

// The plugin's own struct, before anything behind a pointer in it is looked at.
absl::Status CheckHead(const openp5_plugin* plugin, const std::string& where) {
  if (plugin == nullptr) {
    return FailedPrecondition(where, ": ", kEntry,
                              ": expected a description, got NULL; the plugin "
                              "refuses to work");
  }
  const bool has_version =
      plugin->struct_size >= offsetof(openp5_plugin, abi_version) + sizeof(plugin->abi_version);
  if (has_version && plugin->abi_version != OPENP5_PLUGIN_ABI_VERSION) {
    return FailedPrecondition(where, ": abi_version: expected ", OPENP5_PLUGIN_ABI_VERSION,
                              ", got ", plugin->abi_version,
                              "; build the plugin with this program's plugin_abi.h");
  }
  if (plugin->struct_size < sizeof(openp5_plugin)) {
    return FailedPrecondition(where, ": struct_size: expected at least ", sizeof(openp5_plugin),
                              ", got ", plugin->struct_size);
  }
  if (plugin->dataset_count == 0 || plugin->dataset_count > kMostDatasets) {
    return FailedPrecondition(where, ": dataset_count: expected 1 to ", kMostDatasets, ", got ",
                              plugin->dataset_count);
  }
  if (plugin->datasets == nullptr) {
    return FailedPrecondition(where, ": datasets: expected ", plugin->dataset_count,
                              " of them, got NULL");
  }
  return absl::OkStatus();
}

absl::Status AddPluginsOfFolder(const std::string& folder, std::vector<std::string>* files) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".so") found.push_back(entry.path().string());
  }
  if (error) return FailedPrecondition(kPluginPath, ": ", folder, ": ", error.message());
  std::sort(found.begin(), found.end());
  files->insert(files->end(), found.begin(), found.end());
  return absl::OkStatus();
}

using Entry = const openp5_plugin* (*)(const openp5_host*);

// A library that is loaded again is the same one, and its entry must not be called again.
const openp5_plugin* EnterOnce(void* library, Entry entry) {
  static std::mutex mutex;
  static std::map<void*, const openp5_plugin*> entered;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto known = entered.find(library);
  if (known != entered.end()) return known->second;
  return entered[library] = entry(&kHost);
}

}  // namespace

void PluginOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "plugin",
                 .help = "shared library that reads more datasets, see datasets/PLUGINS.md (more "
                         "of them: environment variable OPENP5_PLUGIN_PATH)"},
                &plugin);
}

absl::StatusOr<std::vector<std::string>> PluginOptions::Files() const {
  std::vector<std::string> named;
  if (!plugin.empty()) named.push_back(plugin);
  const char* path = std::getenv(kPluginPath);
  const std::vector<std::string> places =
      absl::StrSplit(path == nullptr ? "" : path, ':', absl::SkipEmpty());
  for (const std::string& place : places) {
    if (!FileExists(place)) return NotFound(kPluginPath, ": ", place, ": no such file or folder");
    if (IsDirectory(place)) {
      OPENP5_RETURN_IF_ERROR(AddPluginsOfFolder(place, &named));
    } else {
      named.push_back(place);
    }
  }
  // The same library twice would offer its datasets twice.
  std::vector<std::string> files;
  std::set<std::string> seen;
  for (const std::string& file : named) {
    std::error_code error;
    const fs::path real = fs::canonical(file, error);
    if (error) return NotFound("plugin: ", file, ": ", error.message());
    if (seen.insert(real.string()).second) files.push_back(file);
  }
  return files;
}

absl::StatusOr<Plugin> DescribePlugin(const openp5_plugin* plugin, const std::string& file) {
  const std::string where = StrCat("plugin: ", file);
  OPENP5_RETURN_IF_ERROR(CheckHead(plugin, where));
  OPENP5_RETURN_IF_ERROR(CheckLine(plugin->name, where + ": name"));
  OPENP5_RETURN_IF_ERROR(CheckLine(plugin->version, where + ": version"));
  Plugin result{file, plugin->name, plugin->version, {}};
  std::set<std::string> names;
  for (uint32_t i = 0; i < plugin->dataset_count; ++i) {
    const openp5_dataset* dataset = plugin->datasets[i];
    const std::string place = StrCat(where, ": datasets[", i, "]");
    OPENP5_RETURN_IF_ERROR(CheckDataset(dataset, place));
    if (!names.insert(dataset->name).second) {
      return FailedPrecondition(place, ": name: expected every name once, got '", dataset->name,
                                "' again");
    }
    result.datasets.push_back(dataset);
  }
  return result;
}

absl::StatusOr<Plugin> LoadPlugin(const std::string& file) {
  if (!FileExists(file)) return NotFound("plugin: ", file, ": no such file");
  // A name without a slash would be looked for in the system's library folders.
  const std::string path = file.find('/') == std::string::npos ? "./" + file : file;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return FailedPrecondition("plugin: ", file, ": cannot be loaded: ", PluginString(dlerror()));
  }
  const auto entry = reinterpret_cast<Entry>(dlsym(library, kEntry));
  if (entry == nullptr) {
    return FailedPrecondition("plugin: ", file, ": expected a symbol ", kEntry,
                              ", got none; this is another kind of library, or the function is "
                              "not exported as extern \"C\"");
  }
  try {
    return DescribePlugin(EnterOnce(library, entry), file);
  } catch (...) {
    return FailedPrecondition("plugin: ", file, ": an exception left ", kEntry);
  }
}

DatasetPreset PresetOf(const openp5_dataset& dataset, const std::string& plugin_file) {
  DatasetPreset preset;
  preset.title = dataset.title;
  preset.rule = dataset.rule;
  if (dataset.core != 0) preset.user_core = preset.item_core = dataset.core;
  preset.time_units_per_second = dataset.time_units_per_second;
  preset.load = [&dataset, plugin_file](const LoadOptions& options) -> absl::StatusOr<RawDataset> {
    const std::string& raw = options.raw;
    if (options.max_bad_lines != 0) {
      return UsageError(StrCat("--max-bad-lines: expected 0, got ", options.max_bad_lines,
                               "; a plugin decides itself what it skips"));
    }
    OPENP5_ASSIGN_OR_RETURN(RawDataset result, ReadPluginDataset(dataset, raw));
    OPENP5_ASSIGN_OR_RETURN(result.files.emplace_back(), DescribeSourceFile(plugin_file));
    std::error_code ignored;
    if (fs::is_regular_file(raw, ignored)) {
      OPENP5_ASSIGN_OR_RETURN(result.files.emplace_back(), DescribeSourceFile(raw));
    }
    return result;
  };
  return preset;
}

absl::Status RegisterPlugins(const std::vector<std::string>& files,
                             Registry<DatasetPreset>* registry) {
  for (const std::string& file : files) {
    OPENP5_ASSIGN_OR_RETURN(const Plugin plugin, LoadPlugin(file));
    for (const openp5_dataset* dataset : plugin.datasets) {
      OPENP5_RETURN_IF_ERROR(Annotate(registry->Register(dataset->name, PresetOf(*dataset, file)),
                                      StrCat("plugin: ", file)));
    }
  }
  return absl::OkStatus();
}

}  // namespace openp5::datasets
