#include "indexing/index_parameters.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_join.h"
#include "indexing/index_methods.h"

namespace openp5::indexing {

IndexParameters::IndexParameters() {
  const Registry<IndexMethod> methods = BuiltinMethods();
  for (const std::string& name : methods.Names()) {
    of_methods_.emplace(name, (*methods.Find(name))->make_options());
  }
}

void IndexParameters::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "indexing",
                 .help = "how items get their identifiers",
                 .choices = BuiltinMethods().Names()},
                &indexing);
  for (auto& [name, options] : of_methods_) options.ForEach(visitor);
  visitor.Visit({.name = "seed", .help = "seed of everything random", .minimum = 0}, &seed);
}

std::string IndexParameters::Key() const {
  const Registry<IndexMethod> methods = BuiltinMethods();
  const auto method = methods.Find(indexing);
  if (!method.ok()) return indexing;
  std::vector<std::string> parts = (*method)->key(of_method());
  parts.insert(parts.begin(), indexing);
  if ((*method)->is_seeded(of_method())) parts.push_back(StrCat("seed=", seed));
  return absl::StrJoin(parts, "/");
}

std::string IndexParameters::Flags() const {
  nlohmann::json own, defaults;
  const IndexParameters fresh(indexing);
  ToJson(of_methods_.at(indexing), &own);
  ToJson(fresh.of_methods_.at(indexing), &defaults);
  std::string flags = "--indexing " + indexing;
  for (const OptionInfo& info : OptionInfos(of_methods_.at(indexing))) {
    const nlohmann::json& value = own[info.name];
    const bool always = (*BuiltinMethods().Find(indexing))->named_always.contains(info.name);
    if (!always && value == defaults[info.name]) continue;
    flags +=
        StrCat(" --", info.name, " ", value.is_string() ? value.get<std::string>() : value.dump());
  }
  const bool is_seeded = (*BuiltinMethods().Find(indexing))->is_seeded(of_method());
  return is_seeded && seed != fresh.seed ? StrCat(flags, " --seed ", seed) : flags;
}

}  // namespace openp5::indexing
