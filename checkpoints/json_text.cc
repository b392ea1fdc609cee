#include "checkpoints/json_text.h"

#include <limits>
#include <set>
#include <vector>

#include "checkpoints/printable.h"
#include "platform/base/file.h"

namespace openp5::checkpoints {
namespace {

using nlohmann::json;

// Watches the parser: finds names that come twice in one object, and nesting that is too deep.
class Watcher {
 public:
  explicit Watcher(int maximum_depth) : maximum_depth_(maximum_depth) {}

  // False: the parser drops the value, so that nothing too deep is ever built.
  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
      if (depth >= maximum_depth_) too_deep_ = true;
      if (too_deep_) return false;
    }
    if (event == json::parse_event_t::object_start) names_.emplace_back();
    if (event == json::parse_event_t::object_end && !too_deep_) names_.pop_back();
    if (event == json::parse_event_t::key && !too_deep_ &&
        !names_.back().insert(parsed.get<std::string>()).second && duplicate_.empty()) {
      duplicate_ = StrCat("'", Printable(parsed.get<std::string>()), "'");
    }
    return !too_deep_;
  }

  absl::Status Verdict(std::string_view where) const {
    if (too_deep_) {
      return DataLoss(where, ": expected JSON nested at most ", maximum_depth_,
                      " deep, got deeper");
    }
    if (!duplicate_.empty()) {
      return DataLoss(where, ": expected every JSON name once, got ", duplicate_, " twice");
    }
    return absl::OkStatus();
  }

 private:
  const int maximum_depth_;
  bool too_deep_ = false;
  std::string duplicate_;
  std::vector<std::set<std::string>> names_;  // one set an open object
};

}  // namespace

absl::StatusOr<json> ParseJson(std::string_view text, std::string_view where, int maximum_depth) {
  Watcher watcher(maximum_depth);
  try {
    json parsed = json::parse(text.begin(), text.end(), std::ref(watcher));
    OPENP5_RETURN_IF_ERROR(watcher.Verdict(where));
    return parsed;
  } catch (const json::parse_error& error) {
    OPENP5_RETURN_IF_ERROR(watcher.Verdict(where));
    return DataLoss(where, ": expected JSON, got a syntax error at byte ", error.byte);
  } catch (const json::exception& error) {
    // A number no type can hold.
    return DataLoss(where, ": expected JSON, got ", std::string_view(error.what()));
  }
}

absl::StatusOr<json> ReadJsonObject(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  OPENP5_ASSIGN_OR_RETURN(json parsed, ParseJson(text, path));
  if (!parsed.is_object()) {
    return DataLoss(path, ": expected a JSON object, got ", std::string_view(parsed.type_name()));
  }
  return parsed;
}

absl::Status WriteJson(const std::string& path, const json& json) {
  try {
    return WriteFileAtomic(path, json.dump(2) + "\n");
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgument(path, ": ", std::string_view(error.what()));
  }
}

bool ReadCount(const json& json, int64_t* value) {
  if (!json.is_number_unsigned()) return false;
  const uint64_t number = json.get<uint64_t>();
  if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return false;
  *value = static_cast<int64_t>(number);
  return true;
}

}  // namespace openp5::checkpoints
