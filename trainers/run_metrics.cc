#include "trainers/run_metrics.h"

#include <limits>
#include <sstream>
#include <type_traits>

#include "platform/base/json.h"
#include "platform/base/status.h"

namespace openp5::trainers {
namespace {

using Json = nlohmann::ordered_json;

// Every event lists its fields once, each with its name in metrics.jsonl and TensorBoard's tag. A
// step's and an epoch's numbers must not share a curve, a mean and its groups' should.
constexpr char kNoTag[] = "";

template <class Visitor>
void ForEach(StepMetrics& of, Visitor visit) {
  visit("epoch", of.epoch, kNoTag);
  visit("step", of.step, kNoTag);
  visit("loss", of.loss, "train_loss");
  visit("losses", of.losses, "train_loss");
  visit("learning_rate", of.learning_rate, "learning_rate");
  visit("gradient_norm", of.gradient_norm, "gradient_norm");
  visit("samples_per_second", of.throughput.samples_per_second, "samples_per_second");
  visit("tokens_per_second", of.throughput.tokens_per_second, "tokens_per_second");
  visit("padding_share", of.throughput.padding_share, "padding_share");
  visit("resident_memory_bytes", of.resident_memory_bytes, "resident_memory_bytes");
  visit("seconds_left", of.seconds_left, "seconds_left");
}

template <class Visitor>
void ForEach(EpochMetrics& of, Visitor visit) {
  visit("epoch", of.epoch, kNoTag);
  visit("step", of.step, kNoTag);
  visit("train_loss", of.train_loss, "epoch_train_loss");
  visit("validation_loss", of.validation_loss, "validation_loss");
  visit("train_losses", of.train_losses, "epoch_train_loss");
  visit("validation_losses", of.validation_losses, "validation_loss");
  visit("validation_metric", of.validation_metric, "validation_metric");
  visit("validation_results", of.validation_results, "validation");
  visit("seconds", of.seconds, "epoch_seconds");
  visit("best", of.best, kNoTag);
}

template <class Visitor>
void ForEach(TestMetrics& of, Visitor visit) {
  visit("checkpoint", of.checkpoint, kNoTag);
  visit("epoch", of.epoch, kNoTag);
  visit("step", of.step, kNoTag);
  visit("results", of.results, of.checkpoint.empty() ? "test" : of.checkpoint + "_test");
  visit("users_per_second", of.users_per_second, kNoTag);
}

// How values of each type are written; null is left out.
template <class Value>
Json ToJson(const Value& value) {
  return value;
}
Json ToJson(const std::string& value) { return value.empty() ? Json() : Json(value); }
Json ToJson(const GroupValues& values) {
  Json json = Json::object();
  for (const auto& [group, value] : values) json[group] = value;
  return json;
}
template <class Value>
Json ToJson(const std::optional<Value>& value) {
  return value.has_value() ? ToJson(*value) : Json();
}

// How they are read: absent or of another type, they are empty or no number.
void FromJson(const Json& json, double* value) {
  *value = json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
}
void FromJson(const Json& json, int64_t* value) {
  if (json.is_number_integer()) *value = json.get<int64_t>();
}
void FromJson(const Json& json, bool* value) { *value = json == true; }
void FromJson(const Json& json, std::string* value) {
  if (json.is_string()) *value = json.get<std::string>();
}
void FromJson(const Json& json, Json* value) { *value = json; }
void FromJson(const Json& json, GroupValues* values) {
  if (!json.is_object()) return;
  for (const auto& [group, value] : json.items())
    FromJson(value, &values->emplace_back(group, 0).second);
}
template <class Value>
void FromJson(const Json& json, std::optional<Value>* value) {
  if (!json.is_null()) FromJson(json, &value->emplace());
}

template <class Metrics>
bool ReadAs(const Json& line, std::vector<RunMetrics>* all) {
  if (line.value("event", Json()) != Metrics::kEvent) return false;
  Metrics read;
  ForEach(read, [&](const char* name, auto& value, const auto&) {
    FromJson(line.value(name, Json()), &value);
  });
  all->push_back(std::move(read));
  return true;
}

// How values of each type are drawn; texts and switches are not.
template <class Value>
void Draw(const std::string& tag, const Value& value, std::vector<Scalar>* scalars) {
  if constexpr (std::is_arithmetic_v<Value>) scalars->push_back({tag, static_cast<double>(value)});
}
void Draw(const std::string& tag, const GroupValues& values, std::vector<Scalar>* scalars) {
  for (const auto& [group, value] : values) scalars->push_back({StrCat(tag, "/", group), value});
}
template <class Value>
void Draw(const std::string& tag, const std::optional<Value>& value, std::vector<Scalar>* scalars) {
  if (value.has_value()) Draw(tag, *value, scalars);
}
// "test/hit@10/ML100K/sequential" for every metric of the results of "test".
void Draw(const std::string& tag, const Json& results, std::vector<Scalar>* scalars) {
  for (const Json& result : results) {
    const std::string group = StrCat(result.value("dataset", ""), "/", result.value("task", ""));
    const Json metrics = result.value("metrics", Json::object());
    for (const auto& [metric, value] : metrics.items()) {
      if (value.is_number()) {
        scalars->push_back({StrCat(tag, "/", metric, "/", group), value.get<double>()});
      }
    }
  }
}

}  // namespace

int64_t StepOf(const RunMetrics& metrics) {
  return std::visit([](const auto& one) { return one.step; }, metrics);
}

std::string MetricsLine(const RunMetrics& metrics) {
  return std::visit(
      [](auto one) {
        Json line = {{"event", one.kEvent}};
        ForEach(one, [&](const char* name, const auto& value, const auto&) {
          Json json = ToJson(value);
          if (!json.is_null()) line[name] = std::move(json);
        });
        return DumpJson(line) + "\n";
      },
      metrics);
}

std::vector<RunMetrics> ReadMetrics(const std::string& text) {
  std::vector<RunMetrics> all;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    const absl::StatusOr<Json> json = ParseJson<Json>(line, "");
    if (!json.ok() || !json->is_object()) continue;
    ReadAs<StepMetrics>(*json, &all) || ReadAs<EpochMetrics>(*json, &all) ||
        ReadAs<TestMetrics>(*json, &all);
  }
  return all;
}

std::vector<Scalar> ScalarsOf(const RunMetrics& metrics) {
  std::vector<Scalar> scalars;
  std::visit(
      [&](auto one) {
        ForEach(one, [&](const char*, const auto& value, const std::string& tag) {
          if (!tag.empty()) Draw(tag, value, &scalars);
        });
      },
      metrics);
  return scalars;
}

}  // namespace openp5::trainers
