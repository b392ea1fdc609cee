#ifndef OPENP5_DATASETS_PLUGIN_PLUGIN_RECORDS_H_
#define OPENP5_DATASETS_PLUGIN_PLUGIN_RECORDS_H_

#include <functional>
#include <string>
#include <string_view>

#include "datasets/loaders/raw_dataset.h"
#include "datasets/plugin/plugin_abi.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// Bytes of a text that passed the checks.
std::string_view ViewOf(const openp5_text& text);

// A string that a plugin ends with NUL, for people: one line, at most 4096 bytes, bytes that are
// not UTF-8 escaped. "" for NULL.
std::string PluginString(const char* text);

// Calls `visit` for every record that `dataset` reads from `raw`, after checking it against
// plugin_abi.h, until one fails. InvalidArgument naming the number of the record, from 1, and the
// field for the first record that breaks a rule, and with the plugin's own words for an error it
// reports; FailedPrecondition for a reader that breaks the contract (no callbacks, an unknown
// return value, an exception, a write beyond a struct). The reader is released in every case.
absl::Status ForEachInteraction(
    const openp5_dataset& dataset, const std::string& raw,
    const std::function<absl::Status(const openp5_interaction& record)>& visit);
// Likewise; OK at once if the dataset has no items to tell of. `visit` gets every item once: an
// item that comes again is InvalidArgument.
absl::Status ForEachItem(const openp5_dataset& dataset, const std::string& raw,
                         const std::function<absl::Status(const openp5_item& record)>& visit);

// Everything that `dataset` reads from `raw`, without source files. Fails as the two above do.
absl::StatusOr<RawDataset> ReadPluginDataset(const openp5_dataset& dataset, const std::string& raw);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_PLUGIN_PLUGIN_RECORDS_H_
