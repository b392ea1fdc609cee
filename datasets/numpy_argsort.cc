#include "datasets/numpy_argsort.h"

#include <bit>
#include <numeric>
#include <utility>

namespace openp5::datasets {
namespace {

// Every choice below that a faster sort would make otherwise (which side first, when to stop, which
// of two equal rows to take) is visible in the order of ties and must stay.
class IndirectSorter {
 public:
  explicit IndirectSorter(std::span<const int64_t> keys) : keys_(keys), rows_(keys.size()) {
    std::iota(rows_.begin(), rows_.end(), int64_t{0});
  }

  std::vector<int64_t> Sort() {
    if (rows_.empty()) return {};
    const auto length = static_cast<uint64_t>(rows_.size());
    std::vector<Segment> waiting = {
        {0, static_cast<int64_t>(length) - 1, 2 * static_cast<int>(std::bit_width(length) - 1)}};
    while (!waiting.empty()) {
      Segment segment = waiting.back();
      waiting.pop_back();
      // The limit is looked at when a segment is taken up, not while it is being split.
      if (segment.splits_left < 0) {
        HeapSort(segment);
        continue;
      }
      while (segment.last - segment.first > kLongestInsertion) {
        waiting.push_back(SplitOffLarger(&segment));
      }
      InsertionSort(segment);
    }
    return std::move(rows_);
  }

 private:
  static constexpr int64_t kLongestInsertion = 15;  // distance of the ends: 16 entries

  struct Segment {
    int64_t first, last;  // both inclusive
    int splits_left;
  };

  int64_t KeyAt(int64_t place) const {
    return keys_[static_cast<size_t>(rows_[static_cast<size_t>(place)])];
  }
  int64_t& RowAt(int64_t place) { return rows_[static_cast<size_t>(place)]; }
  void Swap(int64_t a, int64_t b) { std::swap(RowAt(a), RowAt(b)); }

  // Splits at a median of three; `segment` becomes the smaller part, the larger one is returned.
  Segment SplitOffLarger(Segment* segment) {
    const int64_t first = segment->first, last = segment->last;
    const int64_t middle = first + (last - first) / 2;
    if (KeyAt(middle) < KeyAt(first)) Swap(middle, first);
    if (KeyAt(last) < KeyAt(middle)) Swap(last, middle);
    if (KeyAt(middle) < KeyAt(first)) Swap(middle, first);
    const int64_t pivot = KeyAt(middle);
    int64_t left = first, right = last - 1;
    Swap(middle, right);
    while (true) {
      do ++left;
      while (KeyAt(left) < pivot);
      do --right;
      while (pivot < KeyAt(right));
      if (left >= right) break;
      Swap(left, right);
    }
    Swap(left, last - 1);
    const int splits_left = segment->splits_left - 1;
    const Segment lower{first, left - 1, splits_left}, upper{left + 1, last, splits_left};
    const bool lower_is_smaller = left - first < last - left;
    *segment = lower_is_smaller ? lower : upper;
    return lower_is_smaller ? upper : lower;
  }

  void InsertionSort(const Segment& segment) {
    for (int64_t place = segment.first + 1; place <= segment.last; ++place) {
      const int64_t row = RowAt(place), key = KeyAt(place);
      int64_t hole = place;
      for (; hole > segment.first && key < KeyAt(hole - 1); --hole) RowAt(hole) = RowAt(hole - 1);
      RowAt(hole) = row;
    }
  }

  // Lets `row` sink from node `node` (counted from 1) of the heap of the segment's first `size`.
  void Sink(int64_t begin, int64_t size, int64_t node, int64_t row) {
    const int64_t key = keys_[static_cast<size_t>(row)];
    const int64_t base = begin - 1;
    for (int64_t child = 2 * node; child <= size; child = 2 * node) {
      if (child < size && KeyAt(base + child) < KeyAt(base + child + 1)) ++child;
      if (key >= KeyAt(base + child)) break;
      RowAt(base + node) = RowAt(base + child);
      node = child;
    }
    RowAt(base + node) = row;
  }

  void HeapSort(const Segment& segment) {
    const int64_t begin = segment.first;
    int64_t size = segment.last - segment.first + 1;
    for (int64_t node = size / 2; node > 0; --node) {
      Sink(begin, size, node, RowAt(begin + node - 1));
    }
    while (size > 1) {
      const int64_t row = RowAt(begin + size - 1);
      RowAt(begin + size - 1) = RowAt(begin);
      --size;
      Sink(begin, size, 1, row);
    }
  }

  std::span<const int64_t> keys_;
  std::vector<int64_t> rows_;
};

}  // namespace

std::vector<int64_t> NumpyArgsort(std::span<const int64_t> keys) {
  return IndirectSorter(keys).Sort();
}

}  // namespace openp5::datasets
