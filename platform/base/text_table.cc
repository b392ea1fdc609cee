#include "platform/base/text_table.h"

#include <algorithm>

#include "platform/base/log.h"

namespace openp5 {

std::string TextTable(std::vector<std::vector<std::string>> rows) {
  for (auto& row : rows) {
    for (std::string& cell : row) cell = OneLine(cell);
  }
  std::vector<size_t> width(rows.empty() ? 0 : rows.front().size(), 0);
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      text += i + 1 == row.size() ? "\n" : std::string(width[i] - row[i].size() + 2, ' ');
    }
  }
  return text;
}

}  // namespace openp5
