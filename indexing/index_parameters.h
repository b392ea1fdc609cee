#ifndef OPENP5_INDEXING_INDEX_PARAMETERS_H_
#define OPENP5_INDEXING_INDEX_PARAMETERS_H_

#include <cstdint>
#include <map>
#include <string>

#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::indexing {

// How items get their identifiers: a method, and the options of all methods that there are.
struct IndexParameters {
  IndexParameters();
  explicit IndexParameters(std::string method) : IndexParameters() { indexing = std::move(method); }

  std::string indexing = "sequential";  // of BuiltinMethods
  int64_t seed = 1;

  void ForEach(OptionVisitor& visitor);
  // What tells one index of a dataset from another: only the options the method uses, e.g.
  // "sequential/original", "random/seed=1", "collaborative/500/20/sequential/openp5",
  // "collaborative/500/20/random/openp5/seed=1". Of an unknown method: its name.
  std::string Key() const;
  // The flags that ask for such an index, those with their default left out.
  std::string Flags() const;

  // The options of the method whose struct is `Options`.
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

 private:
  std::map<std::string, AnyOptions> of_methods_;
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_INDEX_PARAMETERS_H_
