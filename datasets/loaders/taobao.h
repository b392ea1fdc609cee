#ifndef OPENP5_DATASETS_LOADERS_TAOBAO_H_
#define OPENP5_DATASETS_LOADERS_TAOBAO_H_

#include "datasets/loaders/raw_dataset.h"

namespace openp5::datasets {

// User Behavior Data from Taobao for Recommendation (Tianchi dataset 649; Zhu et al., KDD 2018)
// from UserBehavior.csv or its zip: every `buy` row is an interaction, repeats included; the item's
// category number is kept. OpenP5's rule is inferred from its file.
DatasetPreset Taobao();

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_TAOBAO_H_
