#ifndef OPENP5_PLATFORM_REGISTRY_REGISTRY_H_
#define OPENP5_PLATFORM_REGISTRY_REGISTRY_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "platform/base/status.h"

namespace openp5 {

// Named values of one kind (loaders, indexers, metrics, …), in order of name. Filled explicitly by
// one function a kind (`RegisterBuiltin…`); there are no globals and no static initialisers.
// Thread-safe once filled.
template <class T>
class Registry {
 public:
  // `kind` is what users call the thing: "dataset", "indexing".
  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  // AlreadyExists if `name` is taken.
  absl::Status Register(std::string name, T value) {
    if (!values_.emplace(name, std::move(value)).second) {
      return absl::AlreadyExistsError(StrCat(kind_, ": '", name, "' is registered twice"));
    }
    return absl::OkStatus();
  }

  // NotFound, with the known names, if there is none of that name. The pointer lives as long as
  // the registry.
  absl::StatusOr<const T*> Find(std::string_view name) const {
    const auto found = values_.find(std::string(name));
    if (found != values_.end()) return &found->second;
    return NotFound(kind_, ": expected one of ", absl::StrJoin(Names(), ", "), "; got '", name,
                    "'");
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : values_) names.push_back(name);
    return names;
  }

 private:
  std::string kind_;
  std::map<std::string, T> values_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_REGISTRY_REGISTRY_H_
