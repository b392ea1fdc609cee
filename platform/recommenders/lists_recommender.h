#ifndef OPENP5_PLATFORM_RECOMMENDERS_LISTS_RECOMMENDER_H_
#define OPENP5_PLATFORM_RECOMMENDERS_LISTS_RECOMMENDER_H_

#include <memory>

#include "datasets/sequences.h"
#include "platform/recommenders/lists_file.h"
#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

// Answers with the ranked lists that any system wrote into a file, so that they are counted as a
// model's are. A user whom the file does not have gets an empty list. Keeps a reference to the
// dataset, which must be the one that `file` was checked against.
//
// Start warns of what makes numbers misleading: users without a list, lists that are all shorter
// than asked for, and lists without any past item where past items are allowed. It fails with
// InvalidArgument naming file, line and user for a list made for another target than the query's,
// and for one with an item that the query excludes.
std::unique_ptr<Recommender> MakeLists(const datasets::SequenceDataset& dataset, ListsFile file);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_LISTS_RECOMMENDER_H_
