#ifndef OPENP5_DATASETS_LOADERS_PYTHON_LITERAL_H_
#define OPENP5_DATASETS_LOADERS_PYTHON_LITERAL_H_

#include <nlohmann/json.hpp>
#include <string_view>

#include "platform/base/status.h"

namespace openp5::datasets {

// The value that a Python literal writes: strings in either quote, with or without a prefix u,
// numbers, lists, tuples (as lists), dicts with text keys, None, True, False. Nothing is evaluated:
// names, calls and operators are refused. Bytes written as \xNN in a plain string are UTF-8 if they
// are well-formed, else Latin-1, as Python 2 wrote both. InvalidArgument `column n: expected …` for
// anything else, a key twice, and nesting deeper than 64.
absl::StatusOr<nlohmann::json> ParsePythonLiteral(std::string_view text);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_PYTHON_LITERAL_H_
