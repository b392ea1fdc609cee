#ifndef OPENP5_DATASETS_PLUGIN_PLUGIN_SUMMARY_H_
#define OPENP5_DATASETS_PLUGIN_PLUGIN_SUMMARY_H_

#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5::datasets {

// What a plugin says of itself.
struct PluginSummary {
  struct Dataset {
    std::string name, title, rule;
  };
  std::string file, name, version;
  std::vector<Dataset> datasets;
};

// Asks the plugin in a process of its own, so that a broken library harms nobody. Fails as
// LoadPlugin does, and with FailedPrecondition if the library crashes, hangs or exits there.
absl::StatusOr<PluginSummary> SummarizePlugin(const std::string& file);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_PLUGIN_PLUGIN_SUMMARY_H_
