#include "indexing/index_parameters.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_join.h"
#include "indexing/index_methods.h"

namespace openp5::indexing {

IndexParameters::IndexParameters() : IndexParameters(BuiltinMethods()) {}

IndexParameters::IndexParameters(const Registry<IndexMethod>& methods) : methods_(&methods) {
  for (const std::string& name : methods.Names()) {
    of_methods_.emplace(name, (*methods.Find(name))->make_options());
  }
}

void IndexParameters::ForEach(OptionVisitor& visitor) {
  visitor.Visit(
      {.name = "indexing", .help = "how items get their identifiers", .choices = methods_->Names()},
      &indexing);
  for (auto& [name, options] : of_methods_) options.ForEach(visitor);
  visitor.Visit({.name = "seed", .help = "seed of everything random", .minimum = 0}, &seed);
}

absl::StatusOr<const IndexMethod*> IndexParameters::method() const {
  const auto found = methods_->Find(indexing);
  if (!found.ok()) return UsageError(ToStd(found.status().message()));
  return *found;
}

std::string IndexParameters::Key() const {
  const auto found = method();
  if (!found.ok()) return indexing;
  std::vector<std::string> parts = (*found)->key(of_method());
  parts.insert(parts.begin(), indexing);
  if ((*found)->is_seeded(of_method())) parts.push_back(StrCat("seed=", seed));
  return absl::StrJoin(parts, "/");
}

std::string IndexParameters::Flags() const {
  const auto found = method();
  OPENP5_CHECK(found.ok());
  nlohmann::json own, defaults;
  const IndexParameters fresh(*methods_);
  ToJson(of_methods_.at(indexing), &own);
  ToJson(fresh.of_methods_.at(indexing), &defaults);
  std::string flags = "--indexing " + indexing;
  for (const OptionInfo& info : OptionInfos(of_methods_.at(indexing))) {
    const nlohmann::json& value = own[info.name];
    if (!(*found)->named_always.contains(info.name) && value == defaults[info.name]) continue;
    flags +=
        StrCat(" --", info.name, " ", value.is_string() ? value.get<std::string>() : value.dump());
  }
  return (*found)->is_seeded(of_method()) && seed != fresh.seed ? StrCat(flags, " --seed ", seed)
                                                                : flags;
}

}  // namespace openp5::indexing
