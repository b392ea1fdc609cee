#include "evaluators/fusion.h"

#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "evaluators/tune_fusion.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/numbers.h"
#include "platform/recommenders/open_folder.h"

namespace openp5::evaluators {
namespace {

using recommenders::FusedRecommender;

struct Part {
  std::string name;
  std::optional<double> weight;
};

// NAME or NAME:WEIGHT; a path may hold a colon of its own.
absl::StatusOr<Part> ParsePart(const std::string& text) {
  Part part{.name = text, .weight = {}};
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return part;
  part.weight = ParseNumber<double>(std::string_view(text).substr(colon + 1));
  if (!part.weight.has_value()) return part;
  if (!(*part.weight > 0) || *part.weight > 1e6) {
    return UsageError(StrCat("--fuse: expected a weight above 0, got '", text, "'"));
  }
  part.name = text.substr(0, colon);
  return part;
}

absl::StatusOr<std::unique_ptr<recommenders::Recommender>> OpenPart(
    const Registry<recommenders::RecommenderKind>& kinds, recommenders::BaselineOptions baselines,
    const std::string& name, const recommenders::Recommender& model, const Runtime& runtime) {
  const auto kind = kinds.Find(name);
  if (kind.ok() && (*kind)->is_baseline()) {
    baselines.names = {name};
    OPENP5_RETURN_IF_ERROR(baselines.Check());
    return std::move(baselines.Make(model.dataset(0)).front());
  }
  if (!IsDirectory(name)) {
    return NotFound("--fuse: expected a baseline or a checkpoint folder, got '", OneLine(name),
                    "'");
  }
  std::vector<datasets::SequenceDataset> datasets;
  OPENP5_ASSIGN_OR_RETURN(auto dataset, datasets::SequenceDataset::Open(model.dataset(0).folder()));
  datasets.push_back(std::move(dataset));
  return recommenders::OpenFolder(kinds, name, std::move(datasets), runtime);
}

}  // namespace

void FuseOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "fuse",
                 .help = "also join the model's lists with those of these: baselines and "
                         "checkpoint folders, each as NAME or NAME:WEIGHT beside the model's "
                         "weight of 1; without weights they are chosen on the validation split by "
                         "the last of --metrics"},
                &parts);
  fusion.ForEach(visitor);
}

absl::Status FuseOptions::Check() const {
  size_t weighted = 0;
  for (const std::string& text : parts) {
    OPENP5_ASSIGN_OR_RETURN(const Part part, ParsePart(text));
    weighted += part.weight.has_value() ? 1 : 0;
  }
  if (weighted == 0 || weighted == parts.size()) return absl::OkStatus();
  return UsageError("--fuse: expected a weight for every part or for none");
}

absl::StatusOr<Fusion> OpenFusion(const Registry<recommenders::RecommenderKind>& kinds,
                                  const recommenders::BaselineOptions& baselines,
                                  const FuseOptions& options,
                                  const recommenders::Recommender& model,
                                  const FusionTuning& tuning, const Runtime& runtime) {
  Fusion fusion;
  std::vector<FusedRecommender::Part> parts = {{.recommender = &model, .weight = 1}};
  std::vector<std::string> names = {"model"};
  bool tuned = false;
  for (const std::string& text : options.parts) {
    OPENP5_ASSIGN_OR_RETURN(const Part part, ParsePart(text));
    OPENP5_ASSIGN_OR_RETURN(auto other, OpenPart(kinds, baselines, part.name, model, runtime));
    parts.push_back({.recommender = other.get(), .weight = part.weight.value_or(1)});
    tuned = tuned || !part.weight.has_value();
    names.push_back(part.name);
    fusion.others.push_back(std::move(other));
  }
  OPENP5_ASSIGN_OR_RETURN(fusion.fused, FusedRecommender::Create(std::move(parts), options.fusion));
  if (!tuned) return fusion;
  OPENP5_ASSIGN_OR_RETURN(const TunedFusion found,
                          TuneFusion(*fusion.fused, tuning.task, tuning.metric, tuning.evaluation));
  fusion.fused->SetWeights(found.weights);
  std::vector<std::string> shown;
  for (size_t i = 0; i < names.size(); ++i) {
    shown.push_back(absl::StrFormat("%s %.1f", OneLine(names[i]), found.weights[i]));
  }
  LogInfo(absl::StrFormat("fusion: weights chosen on the validation split by %s (%.4f): %s",
                          tuning.metric.name, found.value, absl::StrJoin(shown, ", ")));
  return fusion;
}

}  // namespace openp5::evaluators
