#include "platform/recommenders/item_knn_recommender.h"
#include "platform/recommenders/kinds.h"
#include "platform/recommenders/popularity_recommender.h"
#include "platform/recommenders/transitions_recommender.h"

namespace openp5::recommenders {

RecommenderKind PopularityKind() {
  return {.make_options = MakeOptionGroup<NoOptions>,
          .make = [](const datasets::SequenceDataset& dataset, const OptionGroup&) {
            return MakePopularity(dataset);
          }};
}

RecommenderKind ItemKnnKind() {
  return {.make_options = MakeOptionGroup<ItemKnnOptions>,
          .make = [](const datasets::SequenceDataset& dataset, const OptionGroup& options) {
            return MakeItemKnn(dataset, OptionsOf<ItemKnnOptions>(options));
          }};
}

RecommenderKind TransitionsKind() {
  return {.make_options = MakeOptionGroup<TransitionsOptions>,
          .make = [](const datasets::SequenceDataset& dataset, const OptionGroup& options) {
            return MakeTransitions(dataset, OptionsOf<TransitionsOptions>(options));
          }};
}

}  // namespace openp5::recommenders
