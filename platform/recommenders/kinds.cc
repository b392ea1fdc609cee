#include "platform/recommenders/kinds.h"

#include <set>
#include <utility>

namespace openp5::recommenders {

// The kinds this program brings, each defined in a file of its own. A new one is a line here and
// one below.
RecommenderKind GenerativeKind();
RecommenderKind SasrecKind();
RecommenderKind PopularityKind();
RecommenderKind ItemKnnKind();
RecommenderKind TransitionsKind();

absl::Status RegisterBuiltinKinds(Registry<RecommenderKind>* kinds) {
  OPENP5_RETURN_IF_ERROR(kinds->Register("generative", GenerativeKind()));
  OPENP5_RETURN_IF_ERROR(kinds->Register("sasrec", SasrecKind()));
  OPENP5_RETURN_IF_ERROR(kinds->Register("popularity", PopularityKind()));
  OPENP5_RETURN_IF_ERROR(kinds->Register("item-knn", ItemKnnKind()));
  return kinds->Register("transitions", TransitionsKind());
}

Registry<RecommenderKind> BuiltinKinds() {
  Registry<RecommenderKind> kinds("recommender");
  const absl::Status registered = RegisterBuiltinKinds(&kinds);
  OPENP5_CHECK(registered.ok());
  return kinds;
}

absl::StatusOr<const RecommenderKind*> FindKind(const Registry<RecommenderKind>& kinds,
                                                const checkpoints::ModelSource& source) {
  const checkpoints::Manifest* manifest = source.manifest.has_value() ? &*source.manifest : nullptr;
  for (const std::string& name : kinds.Names()) {
    OPENP5_ASSIGN_OR_RETURN(const RecommenderKind* kind, kinds.Find(name));
    if (kind->holds != nullptr && kind->holds(manifest)) return kind;
  }
  return FailedPrecondition(source.path, ": no recommender reads a checkpoint of family '",
                            manifest != nullptr ? manifest->model_family : "", "'");
}

BaselineOptions::BaselineOptions(const Registry<RecommenderKind>& kinds) {
  for (const std::string& name : kinds.Names()) {
    const RecommenderKind& kind = **kinds.Find(name);
    if (kind.is_baseline()) known_.push_back({name, kind, AnyOptions(kind.make_options())});
  }
}

void BaselineOptions::ForEach(OptionVisitor& visitor) {
  std::vector<std::string> choices = {"none"};
  for (const Baseline& baseline : known_) choices.push_back(baseline.name);
  visitor.Visit({.name = "baseline",
                 .help = "also evaluate these under the same protocol; without --checkpoint only "
                         "these",
                 .choices = std::move(choices)},
                &names);
  for (Baseline& baseline : known_) baseline.options.ForEach(visitor);
}

absl::Status BaselineOptions::Check() const {
  const std::set<std::string> distinct(names.begin(), names.end());
  if (names.empty()) return UsageError("--baseline: expected none or names of baselines");
  if (distinct.size() < names.size()) {
    return UsageError("--baseline: expected each baseline once");
  }
  if (distinct.contains("none") && distinct.size() > 1) {
    return UsageError("--baseline: expected none or names of baselines, got both");
  }
  for (const Baseline& baseline : known_) {
    if (distinct.contains(baseline.name)) OPENP5_RETURN_IF_ERROR(baseline.options->Check());
  }
  return absl::OkStatus();
}

std::vector<std::unique_ptr<Recommender>> BaselineOptions::Make(
    const datasets::SequenceDataset& dataset) const {
  std::vector<std::unique_ptr<Recommender>> made;
  for (const std::string& name : names) {
    for (const Baseline& baseline : known_) {
      if (baseline.name == name) made.push_back(baseline.kind.make(dataset, *baseline.options));
    }
  }
  return made;
}

}  // namespace openp5::recommenders
