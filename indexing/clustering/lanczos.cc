#include "indexing/clustering/lanczos.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "indexing/clustering/row_blocks.h"
#include "platform/base/random.h"
#include "platform/base/status.h"

namespace openp5::indexing {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Rows worked on at a time: a block of the basis stays in a core's cache.
constexpr Index kBlockRows = 2048;

class Lanczos {
 public:
  Lanczos(const SymmetricProduct& product, const std::vector<double>& start,
          const LanczosOptions& options)
      : product_(product),
        wanted_(static_cast<Index>(options.wanted)),
        size_(static_cast<Index>(start.size())),
        blocks_{.rows = size_, .block_rows = kBlockRows},
        basis_(size_, static_cast<Index>(options.basis) + 1),
        projected_(MatrixXd::Zero(basis_.cols() - 1, basis_.cols() - 1)),
        next_(Eigen::Map<const VectorXd>(start.data(), size_)) {
    basis_.col(0) = next_.normalized();
  }

  bool Run(const LanczosOptions& options) {
    const Index columns = projected_.cols();
    Index kept = 0;
    for (int restart = 0; restart <= options.max_restarts; ++restart) {
      for (Index column = kept; column < columns; ++column) Expand(column, kept);
      const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(projected_);
      if (solver.info() != Eigen::Success) return false;
      // Descending.
      const VectorXd values = solver.eigenvalues().reverse();
      const MatrixXd vectors = solver.eigenvectors().rowwise().reverse();
      const VectorXd residuals = vectors.row(columns - 1).cwiseAbs() * coupling_;
      const Index converged = CountConverged(values, residuals, options.tolerance);
      const bool done = converged == wanted_;
      kept = done ? wanted_ : wanted_ + std::min(converged, (columns - wanted_) / 2);
      Rotate(vectors.leftCols(kept));
      if (done) return true;
      basis_.col(kept) = basis_.col(columns);
      projected_.setZero();
      projected_.topLeftCorner(kept, kept).diagonal() = values.head(kept);
    }
    return false;
  }

  std::vector<double> Found() const {
    return std::vector<double>(basis_.data(), basis_.data() + wanted_ * size_);
  }

 private:
  // Adds the basis vector after `column` and the products of M with `column`. `kept`: vectors from
  // before the last restart.
  void Expand(Index column, Index kept) {
    product_(basis_.col(column).data(), next_.data());
    const double before = next_.norm();
    VectorXd along = KnownAlong(column, kept);
    // Twice is enough (Giraud, Langou and Rozložník 2005) unless next to nothing is left.
    along += Remove(column + 1, along);
    coupling_ = next_.norm();
    if (coupling_ < 1e-3 * before) {
      const VectorXd again = Along(column + 1);
      along += again + Remove(column + 1, again);
      coupling_ = next_.norm();
    }
    projected_.col(column).head(column + 1) = along;
    projected_.row(column).head(column + 1) = along.transpose();
    if (coupling_ <= std::numeric_limits<double>::epsilon() * std::max(before, 1.0)) {
      // The basis is closed under M: go on in any direction outside it.
      coupling_ = 0;
      for (double& value : next_) value = 2 * random_.Uniform() - 1;
      Remove(column + 1, Along(column + 1));
      basis_.col(column + 1) = next_.normalized();
      return;
    }
    basis_.col(column + 1) = next_ / coupling_;
  }

  // Products of the basis vectors up to `column` with next_, M times the last of them, without the
  // rounding that Remove finds: but for the first after a restart, only the last two are not zero.
  VectorXd KnownAlong(Index column, Index kept) const {
    if (column == kept) return Along(column + 1);
    VectorXd along = VectorXd::Zero(column + 1);
    along[column - 1] = coupling_;
    along.tail(1) = SumOverBlocks(1, [&](Index first, Index rows) -> VectorXd {
      return basis_.block(first, column, rows, 1).transpose() * next_.segment(first, rows);
    });
    return along;
  }

  // Products of the first `columns` basis vectors with next_.
  VectorXd Along(Index columns) const {
    return SumOverBlocks(columns, [&](Index first, Index rows) -> VectorXd {
      return basis_.block(first, 0, rows, columns).transpose() * next_.segment(first, rows);
    });
  }

  // Takes next_'s parts `along` the first `columns` basis vectors away, and then those that
  // rounding left, which are returned.
  VectorXd Remove(Index columns, const VectorXd& along) {
    const VectorXd left = SumOverBlocks(columns, [&](Index first, Index rows) -> VectorXd {
      const auto basis = basis_.block(first, 0, rows, columns);
      for (Index column = 0; column < columns; ++column) {
        if (along[column] != 0) next_.segment(first, rows) -= along[column] * basis.col(column);
      }
      return basis.transpose() * next_.segment(first, rows);
    });
    blocks_.ForEach([&](Index, Index first, Index rows) {
      next_.segment(first, rows).noalias() -= basis_.block(first, 0, rows, columns) * left;
    });
    return left;
  }

  // The first basis vectors become the basis times `vectors`.
  void Rotate(const MatrixXd& vectors) {
    blocks_.ForEach([&](Index, Index first, Index rows) {
      const MatrixXd rotated = basis_.block(first, 0, rows, vectors.rows()) * vectors;
      basis_.block(first, 0, rows, vectors.cols()) = rotated;
    });
  }

  Index CountConverged(const VectorXd& values, const VectorXd& residuals, double tolerance) const {
    const double most = tolerance * values.cwiseAbs().maxCoeff();
    Index count = 0;
    while (count < wanted_ && residuals[count] <= most) ++count;
    return count;
  }

  template <class Part>  // (first row, rows) -> VectorXd of `entries`
  VectorXd SumOverBlocks(Index entries, const Part& part) const {
    MatrixXd parts(entries, blocks_.count());
    blocks_.ForEach(
        [&](Index block, Index first, Index rows) { parts.col(block) = part(first, rows); });
    VectorXd sum = VectorXd::Zero(entries);
    for (Index block = 0; block < parts.cols(); ++block) sum += parts.col(block);
    return sum;
  }

  const SymmetricProduct& product_;
  const Index wanted_, size_;
  const RowBlocks blocks_;
  MatrixXd basis_;       // [size, basis + 1] orthonormal columns
  MatrixXd projected_;   // [basis, basis] M in that basis
  VectorXd next_;        // [size] what the next basis vector is made of
  double coupling_ = 0;  // of the last basis vector with the others
  Random random_{1};
};

}  // namespace

std::vector<double> LargestEigenvectors(const SymmetricProduct& product,
                                        const std::vector<double>& start,
                                        const LanczosOptions& options) {
  OPENP5_CHECK(1 <= options.wanted && options.wanted < options.basis &&
               options.basis < start.size());
  Lanczos lanczos(product, start, options);
  if (!lanczos.Run(options)) return {};
  return lanczos.Found();
}

}  // namespace openp5::indexing
