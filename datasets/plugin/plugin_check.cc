#include "datasets/plugin/plugin_check.h"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "datasets/id_table.h"
#include "datasets/plugin/plugin.h"
#include "datasets/plugin/plugin_records.h"
#include "platform/base/digest.h"
#include "platform/base/isolated.h"
#include "platform/base/json.h"

namespace openp5::datasets {
namespace {

using Json = nlohmann::json;

// A path nobody has: its own folder does not exist.
constexpr const char* kNoSuchPath = "/no-such-folder-of-openp5/no-such-file";

// What one reading of a dataset's streams gave.
struct Reading {
  std::string digest;   // of everything in the records
  std::string summary;  // for people
  int64_t interactions = 0;
};

class Recorder {
 public:
  absl::Status Add(const openp5_interaction& record) {
    users_.Add(ViewOf(record.user));
    items_.Add(ViewOf(record.item));
    ++interactions_;
    rated_ += record.has_rating;
    if (record.event.data != nullptr) ++events_[std::string(ViewOf(record.event))];
    digest_.Update(StrCat(Framed(record.user), Framed(record.item), record.time, " ",
                          record.has_rating == 1 ? record.rating : 0.0, " ", Framed(record.event)));
    return absl::OkStatus();
  }

  absl::Status Add(const openp5_item& record) {
    ++described_;
    titled_ += record.title.size > 0 ? 1 : 0;
    if (items_.Find(ViewOf(record.item))) ++described_in_use_;
    digest_.Update(StrCat("item ", Framed(record.item), Framed(record.title)));
    for (uint64_t i = 0; i < record.field_count; ++i) {
      digest_.Update(StrCat(Framed(record.fields[i].key), Framed(record.fields[i].value)));
    }
    return absl::OkStatus();
  }

  Reading Finish() {
    std::string text = StrCat(interactions_, " interactions of ", users_.size(), " users with ",
                              items_.size(), " items, ", rated_, " with a rating");
    for (const auto& [event, count] : events_) text += StrCat(", ", count, " ", event);
    text += StrCat("; ", described_, " items described, ", titled_, " with a title, ",
                   described_in_use_, " of those that occur");
    return {digest_.Finish(), text, interactions_};
  }

 private:
  static std::string Framed(const openp5_text& text) {
    return StrCat(text.size, ":", ViewOf(text), " ");
  }

  IdTable users_, items_;
  int64_t interactions_ = 0, rated_ = 0, described_ = 0, titled_ = 0, described_in_use_ = 0;
  std::map<std::string, int64_t> events_;
  Sha256 digest_;
};

absl::StatusOr<Reading> ReadAll(const openp5_dataset& dataset, const std::string& raw) {
  Recorder recorder;
  OPENP5_RETURN_IF_ERROR(ForEachInteraction(
      dataset, raw, [&](const openp5_interaction& record) { return recorder.Add(record); }));
  OPENP5_RETURN_IF_ERROR(
      ForEachItem(dataset, raw, [&](const openp5_item& record) { return recorder.Add(record); }));
  return recorder.Finish();
}

// Hands on, from the plugin's process, what is about to be done and what was found.
class Report {
 public:
  explicit Report(const Say& say) : say_(say) {}

  // Before a step that a plugin may not come back from.
  void Begin(const std::string& subject, const std::string& step) const {
    say_(DumpJson(Json{{"subject", subject}, {"step", step}}));
  }
  void Add(const PluginFinding& finding) const {
    say_(DumpJson(
        Json{{"passed", finding.passed}, {"subject", finding.subject}, {"what", finding.what}}));
  }

 private:
  const Say& say_;
};

PluginFinding CheckRefusal(const openp5_dataset& dataset) {
  const std::string name = dataset.name;
  int64_t records = 0;
  const absl::Status status =
      ForEachInteraction(dataset, kNoSuchPath, [&](const openp5_interaction&) {
        ++records;
        return absl::OkStatus();
      });
  if (status.ok()) {
    return {false, name,
            StrCat("a path that does not exist: expected an error, got ", records, " records")};
  }
  const std::string message(ToStd(status.message()));
  if (!absl::IsInvalidArgument(status) || message.find("gave no reason") != std::string::npos) {
    return {false, name, StrCat("a path that does not exist: expected a reason, got: ", message)};
  }
  if (records > 0) {
    return {false, name,
            StrCat("a path that does not exist: expected no records, got ", records,
                   ", then: ", message)};
  }
  return {true, name, StrCat("a path that does not exist is refused: ", message)};
}

void CheckStreams(const openp5_dataset& dataset, const std::string& raw, const Report& report) {
  const std::string name = dataset.name;
  // Ends the stream in the middle: the reader is released there.
  report.Begin(name, "reading one record");
  const absl::Status stop = absl::CancelledError("stopped");
  const absl::Status first =
      ForEachInteraction(dataset, raw, [&](const openp5_interaction&) { return stop; });
  if (!first.ok() && first != stop) {
    return report.Add({false, name, std::string(ToStd(first.message()))});
  }
  report.Add({true, name, "can be released after the first record"});
  report.Begin(name, "reading to the end");
  const absl::StatusOr<Reading> once = ReadAll(dataset, raw);
  if (!once.ok()) return report.Add({false, name, std::string(ToStd(once.status().message()))});
  if (once->interactions == 0) {
    return report.Add({false, name,
                       StrCat("expected interactions, got none; is ", raw,
                              " what the plugin reads, and does it report read errors?")});
  }
  report.Add({true, name, once->summary});
  report.Begin(name, "reading again");
  const absl::StatusOr<Reading> again = ReadAll(dataset, raw);
  const bool same = again.ok() && again->digest == once->digest;
  report.Add({same, name,
              same ? "reading again gives the same records"
              : again.ok()
                  ? StrCat("reading again: expected the same records, got ", again->summary)
                  : StrCat("reading again: ", again.status().message())});
}

// All checks, in the plugin's process.
void CheckHere(const std::string& file, const std::string& raw, const std::string& dataset,
               const Report& report) {
  report.Begin("library", "loading");
  const absl::StatusOr<Plugin> plugin = LoadPlugin(file);
  if (!plugin.ok()) {
    return report.Add({false, "library", std::string(ToStd(plugin.status().message()))});
  }
  report.Add({true, "library",
              StrCat(plugin->name, " ", plugin->version, ", ABI version ",
                     OPENP5_PLUGIN_ABI_VERSION, ", datasets: ", plugin->datasets.size())});
  bool found = dataset.empty();
  for (const openp5_dataset* each : plugin->datasets) {
    if (!dataset.empty() && each->name != dataset) continue;
    found = true;
    report.Add({true, each->name, StrCat(each->title, ": ", each->rule)});
    report.Begin(each->name, "opening a path that does not exist");
    report.Add(CheckRefusal(*each));
    if (!raw.empty()) CheckStreams(*each, raw, report);
  }
  if (!found) {
    report.Add({false, "library", StrCat("expected a dataset '", dataset, "', got none")});
  }
  report.Begin("library", "after all of it");
}

}  // namespace

std::vector<PluginFinding> CheckPlugin(const std::string& file, const std::string& raw,
                                       const std::string& dataset, std::chrono::seconds timeout) {
  std::vector<PluginFinding> findings;
  std::string subject = "library", step = "loading";
  const absl::Status ended = RunIsolated(
      {.timeout = timeout}, [&](const Say& say) { CheckHere(file, raw, dataset, Report(say)); },
      [&](const std::string& text) {
        const Json said = ParseJson(text, "").value_or(Json::object());
        subject = said.value("subject", subject);
        if (said.contains("step")) {
          step = said.value("step", step);
        } else {
          findings.push_back({said.value("passed", false), subject, said.value("what", "")});
        }
      });
  if (ended.ok()) return findings;
  findings.push_back(
      {false, subject,
       StrCat(step, ": the plugin ", ended.message(),
              absl::IsDeadlineExceeded(ended) ? "; hint: --timeout, if it has more to read" : "")});
  return findings;
}

}  // namespace openp5::datasets
