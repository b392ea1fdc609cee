#ifndef OPENP5_PLATFORM_BASE_TEXT_TABLE_H_
#define OPENP5_PLATFORM_BASE_TEXT_TABLE_H_

#include <string>
#include <vector>

namespace openp5 {

// Rows of the same number of cells, a line each (see OneLine), in columns as wide as their widest
// cell.
std::string TextTable(std::vector<std::vector<std::string>> rows);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_TEXT_TABLE_H_
