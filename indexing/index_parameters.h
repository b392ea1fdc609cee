#ifndef OPENP5_INDEXING_INDEX_PARAMETERS_H_
#define OPENP5_INDEXING_INDEX_PARAMETERS_H_

#include <cstdint>
#include <map>
#include <string>

#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/registry/registry.h"

namespace openp5::indexing {

struct IndexMethod;

// How items get their identifiers: a method of a registry, and the options of all its methods.
struct IndexParameters {
  // Knows BuiltinMethods; the method is "sequential", or the one of that name.
  IndexParameters();
  explicit IndexParameters(std::string method) : IndexParameters() { indexing = std::move(method); }
  // Knows `methods`, which must stay as they are while this and its copies live.
  explicit IndexParameters(const Registry<IndexMethod>& methods);

  std::string indexing = "sequential";
  int64_t seed = 1;

  void ForEach(OptionVisitor& visitor);
  // What tells one index of a dataset from another: only the options the method uses, e.g.
  // "sequential/original", "random/seed=1", "collaborative/500/20/sequential/openp5",
  // "collaborative/500/20/random/openp5/seed=1". An unknown method gives its name.
  std::string Key() const;
  // The flags that ask for such an index, those with their default left out.
  std::string Flags() const;

  // The options of the method whose struct is `Options`; there must be one.
  template <class Options>
  Options& Of() {
    for (auto& [name, options] : of_methods_) {
      auto* group = dynamic_cast<OptionGroupOf<Options>*>(options.get());
      if (group != nullptr) return group->value;
    }
    OPENP5_CHECK(!"no method has such options");
    __builtin_unreachable();
  }
  const OptionGroup& of_method() const { return *of_methods_.at(indexing); }

  const Registry<IndexMethod>& methods() const { return *methods_; }
  // The method that `indexing` names. A usage error with the known names if there is none.
  absl::StatusOr<const IndexMethod*> method() const;

 private:
  const Registry<IndexMethod>* methods_;
  std::map<std::string, AnyOptions> of_methods_;
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_INDEX_PARAMETERS_H_
