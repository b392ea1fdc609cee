#ifndef OPENP5_TESTS_INDEXING_TEST_DATA_H_
#define OPENP5_TESTS_INDEXING_TEST_DATA_H_

#include <string>

#include "datasets/sequences.h"
#include "platform/base/random.h"
#include "tests/testing/testing.h"

namespace openp5::indexing {

inline datasets::SequenceDataset ParseDataset(const std::string& text,
                                              const std::string& name = "Toys") {
  absl::StatusOr<datasets::SequenceDataset> dataset =
      datasets::SequenceDataset::Parse(name, text, "test data");
  OPENP5_EXPECT_OK(dataset);
  return *std::move(dataset);
}

// Five users; item "z" and "y" occur only in last places.
inline datasets::SequenceDataset SmallDataset() {
  return ParseDataset(
      "u1 a b c d e\n"
      "u2 c f a\n"
      "u3 b a g z\n"
      "u4 h i a b c d y\n"
      "u5 g h b a\n");
}

struct BlockSizes {
  int blocks = 4, users_a_block = 20, items_a_block = 30, history = 8;
  double noise = 0.0;  // share of interactions with any item
};

// Users who keep to one block of items, but for some noise.
inline datasets::SequenceDataset BlockDataset(const BlockSizes& sizes, uint64_t seed) {
  Random random(seed);
  std::string text;
  const auto pick = [&](int block) {
    const bool any = random.Uniform() < sizes.noise;
    const uint64_t chosen = any ? random.Below(sizes.blocks) : static_cast<uint64_t>(block);
    return StrCat(" i", chosen, "_", random.Below(sizes.items_a_block));
  };
  for (int user = 0; user < sizes.blocks * sizes.users_a_block; ++user) {
    text += StrCat("u", user);
    for (int i = 0; i < sizes.history + 2; ++i) text += pick(user % sizes.blocks);
    text += "\n";
  }
  return ParseDataset(text);
}

}  // namespace openp5::indexing

#endif  // OPENP5_TESTS_INDEXING_TEST_DATA_H_
