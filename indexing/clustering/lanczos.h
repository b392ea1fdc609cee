#ifndef OPENP5_INDEXING_CLUSTERING_LANCZOS_H_
#define OPENP5_INDEXING_CLUSTERING_LANCZOS_H_

#include <cstddef>
#include <functional>
#include <vector>

namespace openp5::indexing {

struct LanczosOptions {
  size_t wanted = 1;        // eigenvectors, at least 1
  size_t basis = 20;        // vectors kept at most; wanted < basis < size
  double tolerance = 1e-8;  // of an eigenpair's residual, relative to the largest |eigenvalue|
  int max_restarts = 500;
};

// y = M x of a symmetric matrix M; x and y do not overlap.
using SymmetricProduct = std::function<void(const double* x, double* y)>;

// Eigenvectors of the algebraically largest eigenvalues of a symmetric matrix given by products
// alone, the largest first: thick-restart Lanczos (Wu and Simon, Thick-restart Lanczos method for
// large symmetric eigenvalue problems, 2000) with full reorthogonalisation. `start` ([size], not
// zero) is the first direction. Returns [wanted × size], vector after vector; empty if it did not
// converge. The same bits whatever the number of threads. Memory: basis + 2 vectors.
std::vector<double> LargestEigenvectors(const SymmetricProduct& product,
                                        const std::vector<double>& start,
                                        const LanczosOptions& options);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_CLUSTERING_LANCZOS_H_
