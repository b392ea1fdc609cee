#ifndef OPENP5_DATASETS_PLUGIN_PLUGIN_CHECK_H_
#define OPENP5_DATASETS_PLUGIN_PLUGIN_CHECK_H_

#include <chrono>
#include <string>
#include <vector>

namespace openp5::datasets {

// One check of a plugin and how it ended.
struct PluginFinding {
  bool passed = false;
  std::string subject;  // "library", or the name of a dataset
  std::string what;     // what was found, or what is wrong; one line
};

// The checks a plugin's author runs: that the library loads and describes itself as plugin_abi.h
// demands; that every dataset refuses a path that does not exist with a reason; and with `raw` (not
// empty) that every dataset's streams can be read to the end twice with the same records, at
// least one interaction among them, and be released after one record. Stops at a library that does
// not load. With several datasets, `raw` is read by the one called `dataset`, or by all if that is
// empty. The plugin works in a process of its own: that it crashes, exits, does not end within
// `timeout`, takes half of the memory there is, writes to standard output or closes a stream is the
// last finding.
std::vector<PluginFinding> CheckPlugin(const std::string& file, const std::string& raw,
                                       const std::string& dataset,
                                       std::chrono::seconds timeout = std::chrono::seconds(60));

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_PLUGIN_PLUGIN_CHECK_H_
