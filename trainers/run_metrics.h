#ifndef OPENP5_TRAINERS_RUN_METRICS_H_
#define OPENP5_TRAINERS_RUN_METRICS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "trainers/tensorboard_events.h"
#include "trainers/train_meter.h"

namespace openp5::trainers {

// Values by the names of a task's groups, "DATASET/TASK".
using GroupValues = std::vector<std::pair<std::string, double>>;

// What a training measures, each event with its fields in the order of metrics.jsonl. Epochs and
// steps count from 1. A number that a line of an older run lacks is read as NaN.
struct StepMetrics {
  static constexpr char kEvent[] = "step";
  int64_t epoch = 0, step = 0;
  double loss = 0;  // the mean since the epoch began
  GroupValues losses = {};
  double learning_rate = 0;
  double gradient_norm = 0;    // before clipping
  Throughput throughput = {};  // since the line before
  int64_t resident_memory_bytes = 0;
  double seconds_left = 0;
};

struct EpochMetrics {
  static constexpr char kEvent[] = "epoch";
  int64_t epoch = 0, step = 0;
  double train_loss = 0;
  std::optional<double> validation_loss = {};  // absent where nothing was validated
  GroupValues train_losses = {};
  std::optional<GroupValues> validation_losses = {};
  std::optional<double> validation_metric = {};    // that of --valid-select
  nlohmann::ordered_json validation_results = {};  // as evaluators::ResultsToJson's; null: none
  double seconds = 0;
  bool best = false;
};

struct TestMetrics {
  static constexpr char kEvent[] = "test";
  std::string checkpoint = {};  // "best"; empty: the weights at that moment
  int64_t epoch = 0, step = 0;
  nlohmann::ordered_json results = {};  // as evaluators::ResultsToJson's
  double users_per_second = 0;
};

using RunMetrics = std::variant<StepMetrics, EpochMetrics, TestMetrics>;

int64_t StepOf(const RunMetrics& metrics);

// One line of metrics.jsonl, with its end of line.
std::string MetricsLine(const RunMetrics& metrics);

// The metrics in the text of a metrics.jsonl. Lines that are none, such as one that a crash cut
// off, are passed over, and so are fields of another type.
std::vector<RunMetrics> ReadMetrics(const std::string& text);

// What TensorBoard draws of the metrics: every number but its place, under the names of the README.
std::vector<Scalar> ScalarsOf(const RunMetrics& metrics);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_RUN_METRICS_H_
