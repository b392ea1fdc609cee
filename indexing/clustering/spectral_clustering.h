#ifndef OPENP5_INDEXING_CLUSTERING_SPECTRAL_CLUSTERING_H_
#define OPENP5_INDEXING_CLUSTERING_SPECTRAL_CLUSTERING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "indexing/clustering/interaction_counts.h"

namespace openp5::indexing {

struct SpectralClusters {
  std::vector<int32_t> labels;  // [items] in [0, clusters)
  // [items] the items' places on a line along which neighbours co-occur: the second vector of the
  // embedding.
  std::vector<double> line;
};

// Normalised spectral clustering of a group's co-occurrence graph (Ng, Jordan and Weiss 2001;
// labels by pivoted QR: Damle, Minden and Ying, Simple, direct and efficient multi-way spectral
// clustering, 2019). The labels depend on the subspace of the leading eigenvectors alone, so
// neither on the solver nor on its start as long as the last eigenvalue taken differs from the
// next. Every item must co-occur with another one, and the group must have at most `clusters`
// components. Empty if the eigenvalue solver does not converge. Memory: a few dozen vectors of
// doubles a cluster; a dense matrix only up to 200 items (or twice the clusters).
std::optional<SpectralClusters> ClusterSpectrally(const InteractionCounts& counts,
                                                  const Components& components, int clusters);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_CLUSTERING_SPECTRAL_CLUSTERING_H_
