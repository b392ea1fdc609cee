#ifndef OPENP5_DATASETS_PLUGIN_PLUGIN_H_
#define OPENP5_DATASETS_PLUGIN_PLUGIN_H_

#include <string>
#include <vector>

#include "datasets/loaders/raw_dataset.h"
#include "datasets/plugin/plugin_abi.h"
#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/registry/registry.h"

namespace openp5::datasets {

// A loaded plugin. The library stays in the process until its end.
struct Plugin {
  std::string file, name, version;
  std::vector<const openp5_dataset*> datasets;  // all of them checked, see DescribePlugin
};

// Where plugins come from: nowhere else is code loaded from.
struct PluginOptions {
  std::string plugin;

  void ForEach(OptionVisitor& visitor);

  // The file of --plugin and those of the environment's OPENP5_PLUGIN_PATH (files and folders
  // separated by ':', a folder stands for its *.so files in order of name), each file once.
  // NotFound for one that does not exist.
  absl::StatusOr<std::vector<std::string>> Files() const;
};

// Checks what a plugin says of itself against plugin_abi.h; FailedPrecondition names the field.
// `plugin` may be NULL, which is what a plugin returns that refuses to work.
absl::StatusOr<Plugin> DescribePlugin(const openp5_plugin* plugin, const std::string& file);

// Loads a shared library and calls its entry. NotFound without the file; FailedPrecondition if it
// cannot be loaded, does not export openp5_plugin_entry, or fails DescribePlugin.
absl::StatusOr<Plugin> LoadPlugin(const std::string& file);

// The dataset as `dataset prepare` sees it. The preset reads through the plugin, and names the
// plugin's file, and `raw` if it is a file, among its sources. Its `load` is a usage error if bad
// lines are to be skipped: the host sees none.
DatasetPreset PresetOf(const openp5_dataset& dataset, const std::string& plugin_file);

// Loads every plugin and registers its datasets. The failures of LoadPlugin, and AlreadyExists for
// a name that another plugin or openp5 itself has.
absl::Status RegisterPlugins(const std::vector<std::string>& files,
                             Registry<DatasetPreset>* registry);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_PLUGIN_PLUGIN_H_
