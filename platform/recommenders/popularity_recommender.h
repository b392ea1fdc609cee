#ifndef OPENP5_PLATFORM_RECOMMENDERS_POPULARITY_RECOMMENDER_H_
#define OPENP5_PLATFORM_RECOMMENDERS_POPULARITY_RECOMMENDER_H_

#include <memory>

#include "datasets/sequences.h"
#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

// The baseline every model must beat: the same list for all, items by how often they occur in the
// users' training parts (equal counts in order of item number); scores are the counts. Keeps a
// reference to the dataset.
std::unique_ptr<Recommender> MakePopularity(const datasets::SequenceDataset& dataset);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_POPULARITY_RECOMMENDER_H_
