#include "trainers/run_record.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/memory.h"

namespace openp5::trainers {
namespace {

using Json = nlohmann::ordered_json;

const char* OutcomeName(const absl::Status& status) {
  if (status.ok()) return "finished";
  return absl::IsCancelled(status) ? "stopped" : "failed";
}

}  // namespace

absl::StatusOr<Json> ReadRunRecord(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(Json json, ReadJsonObject<Json>(path));
  const bool is_record = json.contains("starts") && json["starts"].is_array() &&
                         std::all_of(json["starts"].begin(), json["starts"].end(),
                                     [](const Json& start) { return start.is_object(); }) &&
                         json.value("seconds", Json()).is_number() &&
                         json.value("peak_memory_bytes", Json()).is_number_integer() &&
                         json.value("outcome", Json()).is_string();
  if (!is_record) return DataLoss(path, ": expected the record of a run, got something else");
  return json;
}

absl::StatusOr<RunRecord> RunRecord::Begin(const std::string& path, Json facts) {
  RunRecord record(path);
  absl::StatusOr<Json> before = ReadRunRecord(path);
  if (!before.ok() && !absl::IsNotFound(before.status())) return before.status();
  record.json_ = before.ok() ? *std::move(before)
                             : Json{{"command", facts.value("command", "")},
                                    {"outcome", ""},
                                    {"seconds", 0.0},
                                    {"peak_memory_bytes", 0},
                                    {"starts", Json::array()}};
  Json start = {{"time", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone())}};
  start.update(facts);
  start["outcome"] = record.json_["outcome"] = "running";
  for (const char* name : {"error", "result"}) record.json_.erase(name);
  for (Json& earlier : record.json_["starts"]) {
    if (earlier["outcome"] == "running") earlier["outcome"] = "killed";
  }
  record.json_["starts"].push_back(std::move(start));
  OPENP5_RETURN_IF_ERROR(record.Write());
  return record;
}

absl::Status RunRecord::End(const absl::Status& outcome, Json result) {
  Json& start = json_["starts"].back();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const int64_t peak = PeakMemory().value_or(0);
  start["outcome"] = json_["outcome"] = OutcomeName(outcome);
  start["seconds"] = seconds;
  start["peak_memory_bytes"] = peak;
  json_["seconds"] = json_["seconds"].get<double>() + seconds;
  json_["peak_memory_bytes"] = std::max(peak, json_["peak_memory_bytes"].get<int64_t>());
  if (outcome.ok()) {
    json_["result"] = std::move(result);
  } else {
    start["error"] = json_["error"] = std::string(outcome.message());
  }
  return Write();
}

absl::Status RunRecord::Write() const { return WriteFileAtomic(path_, DumpJson(json_, 2) + "\n"); }

}  // namespace openp5::trainers
