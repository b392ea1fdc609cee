#include "indexing/clustering/spectral_clustering.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "indexing/clustering/lanczos.h"
#include "indexing/clustering/row_blocks.h"
#include "platform/base/random.h"

namespace openp5::indexing {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// M = D^-1/2 A D^-1/2 with A = C'C - diag, as products only. M has eigenvalue 1 once for every
// component, with a known eigenvector each (D^1/2 on the component); a Krylov solver finds just one
// vector of such a multiple eigenvalue. They are therefore moved to -2, below all others, and found
// without the solver.
class NormalizedCoOccurrence {
 public:
  NormalizedCoOccurrence(const InteractionCounts& counts, const Components& components)
      : counts_(counts),
        components_(components),
        diagonal_(VectorXd::Zero(rows())),
        scale_(rows()),
        trivial_(rows()),
        by_user_(static_cast<Index>(counts.by_user.rows())),
        scaled_(rows()) {
    const SparseRows& items = counts_.by_item;
    for (Index i = 0; i < rows(); ++i) {
      for (size_t k = items.offsets[i]; k < items.offsets[i + 1]; ++k) {
        diagonal_[i] += static_cast<double>(items.values[k]) * items.values[k];
      }
    }
    VectorXd degree(rows());
    const VectorXd ones = VectorXd::Ones(rows());
    MultiplyByCounts(ones.data(), degree.data());
    // Sums of whole numbers: exact.
    degree -= diagonal_;
    scale_ = degree.cwiseSqrt().cwiseInverse();
    VectorXd volume = VectorXd::Zero(static_cast<Index>(components_.sizes.size()));
    for (Index i = 0; i < rows(); ++i) volume[components_.of_item[i]] += degree[i];
    for (Index i = 0; i < rows(); ++i) {
      trivial_[i] = std::sqrt(degree[i] / volume[components_.of_item[i]]);
    }
  }

  Index rows() const { return static_cast<Index>(counts_.item_count()); }
  const VectorXd& scale() const { return scale_; }

  // y = M x.
  void Multiply(const double* x_in, double* y_out) const {
    const Eigen::Map<const VectorXd> x(x_in, rows());
    Eigen::Map<VectorXd> y(y_out, rows());
    const VectorXd inside = TrivialParts([&](Index first, Index count) {
      scaled_.segment(first, count) =
          x.segment(first, count).cwiseProduct(scale_.segment(first, count));
      return x_in;
    });
    MultiplyByCounts(scaled_.data(), y_out);
    // Eigenvalue 1 there: what y has along the known eigenvectors besides `inside` is rounding.
    const VectorXd parts = TrivialParts([&](Index first, Index count) {
      y.segment(first, count) -=
          diagonal_.segment(first, count).cwiseProduct(scaled_.segment(first, count));
      y.segment(first, count) = y.segment(first, count).cwiseProduct(scale_.segment(first, count));
      return y_out;
    });
    const VectorXd out = parts + 2.0 * inside;
    Blocks(rows()).ForEach([&](Index, Index first, Index count) {
      for (Index i = first; i < first + count; ++i) {
        y_out[i] -= trivial_[i] * out[components_.of_item[i]];
      }
    });
  }

  // The known eigenvectors, one a component.
  MatrixXd TrivialVectors() const {
    MatrixXd vectors = MatrixXd::Zero(rows(), static_cast<Index>(components_.sizes.size()));
    for (Index i = 0; i < rows(); ++i) vectors(i, components_.of_item[i]) = trivial_[i];
    return vectors;
  }

  // x without its parts along the known eigenvectors.
  VectorXd Deflated(const VectorXd& x) const {
    const VectorXd parts = TrivialParts([&](Index, Index) { return x.data(); });
    VectorXd rest = x;
    for (Index i = 0; i < rows(); ++i) rest[i] -= trivial_[i] * parts[components_.of_item[i]];
    return rest;
  }

 private:
  // y = C'(C x). Each sum runs in a fixed order: the same bits every time.
  void MultiplyByCounts(const double* x, double* y) const {
    MultiplyRows(counts_.by_user, x, by_user_.data());
    MultiplyRows(counts_.by_item, by_user_.data(), y);
  }
  static void MultiplyRows(const SparseRows& matrix, const double* x, double* y) {
    Blocks(static_cast<Index>(matrix.rows())).ForEach([&](Index, Index first, Index count) {
      for (Index row = first; row < first + count; ++row) {
        double sum = 0;
        for (size_t k = matrix.offsets[row]; k < matrix.offsets[row + 1]; ++k) {
          sum += static_cast<double>(matrix.values[k]) * x[matrix.columns[k]];
        }
        y[row] = sum;
      }
    });
  }

  static RowBlocks Blocks(Index rows) { return {.rows = rows, .block_rows = 16384}; }

  // The parts along the known eigenvectors of the vector that `entries` (first row, rows) fills
  // block by block and returns.
  template <class Entries>
  VectorXd TrivialParts(const Entries& entries) const {
    MatrixXd parts(static_cast<Index>(components_.sizes.size()), Blocks(rows()).count());
    Blocks(rows()).ForEach([&](Index block, Index first, Index count) {
      const double* x = entries(first, count);
      // Apart from other threads' sums, which would lie in the same cache line.
      VectorXd sums = VectorXd::Zero(parts.rows());
      for (Index i = first; i < first + count; ++i)
        sums[components_.of_item[i]] += trivial_[i] * x[i];
      parts.col(block) = sums;
    });
    return parts.rowwise().sum();
  }

  const InteractionCounts& counts_;
  const Components& components_;
  VectorXd diagonal_;         // [items] of C'C
  VectorXd scale_;            // [items] D^-1/2
  VectorXd trivial_;          // [items] entries of the component vectors, which do not overlap
  mutable VectorXd by_user_;  // [users] scratch: C x
  mutable VectorXd scaled_;   // [items] scratch: D^-1/2 x
};

MatrixXd DenseEigenvectors(const NormalizedCoOccurrence& matrix, Index wanted) {
  const Index n = matrix.rows();
  MatrixXd dense(n, n);
  for (Index i = 0; i < n; ++i) {
    const VectorXd unit = VectorXd::Unit(n, i);
    matrix.Multiply(unit.data(), dense.col(i).data());
  }
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(0.5 * (dense + dense.transpose()));
  return solver.eigenvectors().rightCols(wanted).rowwise().reverse();
}

// Without columns if not converged.
MatrixXd LanczosEigenvectors(const NormalizedCoOccurrence& matrix, Index wanted, Index basis) {
  LanczosOptions options;
  options.wanted = static_cast<size_t>(wanted);
  options.basis = static_cast<size_t>(basis);
  // 1e-6 gives the same groups on all sets tried, 1e-4 does not.
  options.tolerance = 1e-8;
  Random random(1);
  VectorXd start(matrix.rows());
  for (double& value : start) value = 2.0 * random.Uniform() - 1.0;
  start = matrix.Deflated(start);
  const std::vector<double> vectors =
      LargestEigenvectors([&](const double* x, double* y) { matrix.Multiply(x, y); },
                          {start.begin(), start.end()}, options);
  if (vectors.empty()) return MatrixXd();
  return Eigen::Map<const MatrixXd>(vectors.data(), matrix.rows(), wanted);
}

// The `wanted` leading eigenvectors besides the known ones; without columns if that failed.
MatrixXd LeadingEigenvectors(const NormalizedCoOccurrence& matrix, Index wanted) {
  constexpr Index kDenseItems = 200;
  const Index n = matrix.rows();
  const Index basis = std::max<Index>(2 * wanted + 1, 20);
  if (n <= kDenseItems || basis >= n) return DenseEigenvectors(matrix, wanted);
  MatrixXd vectors = LanczosEigenvectors(matrix, wanted, basis);
  if (vectors.cols() < wanted) {
    vectors = LanczosEigenvectors(matrix, wanted, std::min(2 * basis, n - 1));
  }
  return vectors;
}

// The rows that a QR decomposition with column pivoting of rows' would choose first.
std::vector<Index> PivotRows(const MatrixXd& rows) {
  MatrixXd rest = rows;
  std::vector<Index> pivots;
  for (Index step = 0; step < rows.cols(); ++step) {
    Index pivot = 0;
    const double largest = rest.rowwise().squaredNorm().maxCoeff(&pivot);
    pivots.push_back(pivot);
    if (largest == 0) continue;
    const VectorXd direction = rest.row(pivot).transpose() / std::sqrt(largest);
    const VectorXd along = rest * direction;
    rest.noalias() -= along * direction.transpose();
  }
  return pivots;
}

std::vector<int32_t> LabelByPivotedQr(const MatrixXd& rows) {
  const std::vector<Index> pivots = PivotRows(rows);
  MatrixXd block(rows.cols(), rows.cols());
  for (Index j = 0; j < block.cols(); ++j) block.col(j) = rows.row(pivots[j]).transpose();
  const Eigen::JacobiSVD<MatrixXd> svd(block, Eigen::ComputeFullU | Eigen::ComputeFullV);
  const MatrixXd rotation = svd.matrixU() * svd.matrixV().transpose();
  const MatrixXd aligned = (rows * rotation).cwiseAbs();
  std::vector<int32_t> labels(static_cast<size_t>(rows.rows()));
  for (Index i = 0; i < rows.rows(); ++i) {
    Index label = 0;
    aligned.row(i).maxCoeff(&label);
    labels[static_cast<size_t>(i)] = static_cast<int32_t>(label);
  }
  return labels;
}

}  // namespace

std::optional<SpectralClusters> ClusterSpectrally(const InteractionCounts& counts,
                                                  const Components& components, int clusters) {
  const NormalizedCoOccurrence matrix(counts, components);
  const Index known = static_cast<Index>(components.sizes.size());
  const Index total = std::min<Index>(clusters, matrix.rows());
  MatrixXd rows(matrix.rows(), total);
  rows.leftCols(known) = matrix.TrivialVectors();
  if (total > known) {
    const MatrixXd found = LeadingEigenvectors(matrix, total - known);
    if (found.cols() < total - known) return std::nullopt;
    rows.rightCols(total - known) = found;
  }
  // As in OpenP5 (scikit-learn), each row is divided by the root of its degree.
  rows = matrix.scale().asDiagonal() * rows;
  SpectralClusters result;
  result.labels = LabelByPivotedQr(rows);
  const Index second = std::min<Index>(1, total - 1);
  result.line.assign(rows.col(second).begin(), rows.col(second).end());
  return result;
}

}  // namespace openp5::indexing
