#ifndef OPENP5_PLATFORM_RECOMMENDERS_SASREC_RECOMMENDER_H_
#define OPENP5_PLATFORM_RECOMMENDERS_SASREC_RECOMMENDER_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "datasets/sequences.h"
#include "platform/models/sasrec/sasrec.h"
#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

// Ranks all items of a dataset by their exact scores under a SASRec model; equal scores in order of
// item number. Keeps references to model and dataset, unless `owner` keeps them.
// `rows` [items of the dataset]: the model's row of each item.
std::unique_ptr<Recommender> MakeSasrec(const models::SasrecModel& model,
                                        const datasets::SequenceDataset& dataset,
                                        std::vector<int64_t> rows, c10::Device device,
                                        std::shared_ptr<const void> owner = nullptr);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_SASREC_RECOMMENDER_H_
