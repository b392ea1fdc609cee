#include "platform/base/text_table.h"

#include <gtest/gtest.h>

namespace openp5 {
namespace {

TEST(TextTableTest, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(TextTable({{"trial", "lr"}, {"0", "0.001"}, {"10", ""}}),
            "trial  lr\n0      0.001\n10     \n");
  EXPECT_EQ(TextTable({}), "");
}

TEST(TextTableTest, ACellCannotForgeARow) {
  EXPECT_EQ(TextTable({{"a\nfake  1", "\x1b[2J"}}), "a\\nfake  1  \\x1b[2J\n");
}

}  // namespace
}  // namespace openp5
