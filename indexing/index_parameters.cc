#include "indexing/indexers.h"
#include "indexing/item_index.h"

namespace openp5::indexing {

void IndexParameters::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "indexing",
                 .help = "how items get their identifiers",
                 .choices = BuiltinIndexers().Names()},
                &indexing);
  visitor.Visit(
      {.name = "sequential-order",
       .help = "sequential: users in file order, or sorted by the length of their history",
       .choices = {"original", "short2long", "long2short"}},
      &sequential_order);
  visitor.Visit({.name = "collaborative-token-size",
                 .help = "collaborative: most items in a leaf group, and number of group tokens",
                 .minimum = 2,
                 .maximum = 1e6},
                &collaborative_token_size);
  visitor.Visit({.name = "collaborative-cluster",
                 .help = "collaborative: groups a split makes; at most the token size",
                 .minimum = 2,
                 .maximum = 256},
                &collaborative_cluster);
  visitor.Visit({.name = "collaborative-last-token",
                 .help = "collaborative: how the items of a leaf group are numbered",
                 .choices = {"sequential", "random"}},
                &collaborative_last_token);
  visitor.Visit(
      {.name = "unseen-items",
       .help = "collaborative, items without training data: one token as in OpenP5 (may be "
               "the beginning of other identifiers), or groups of their own",
       .choices = {"openp5", "prefix-free"}},
      &unseen_items);
  visitor.Visit({.name = "seed", .help = "seed of everything random", .minimum = 0}, &seed);
}

std::string IndexParameters::Key() const {
  const std::string seeded = StrCat("/seed=", seed);
  if (indexing == "sequential") return StrCat(indexing, "/", sequential_order);
  if (indexing == "collaborative") {
    return StrCat(indexing, "/", collaborative_token_size, "/", collaborative_cluster, "/",
                  collaborative_last_token, "/", unseen_items,
                  collaborative_last_token == "random" ? seeded : "");
  }
  return StrCat(indexing, seeded);
}

}  // namespace openp5::indexing
