#ifndef OPENP5_DATASETS_LOADERS_RAW_READER_H_
#define OPENP5_DATASETS_LOADERS_RAW_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "datasets/loaders/raw_dataset.h"
#include "datasets/loaders/raw_files.h"
#include "datasets/text_lines.h"
#include "platform/base/repeated_warning.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// Reads the lines of raw files for one loader: every failure names the dataset, bad lines are
// skipped as far as the options allow, and what was read is noted. Not thread-safe.
class RawReader {
 public:
  // The failures of RawFiles::Open.
  static absl::StatusOr<RawReader> Open(std::string dataset, const LoadOptions& options);

  // See RawFiles.
  absl::StatusOr<int> Find(std::string_view name) const;
  absl::StatusOr<int> Get(std::string_view name) const;

  const std::string& Where(int file) const { return files_.Where(file); }

  // Calls `visit` for every line. A line that `visit` refuses with InvalidArgument is a bad one: up
  // to --max-bad-lines of them are skipped, the first five with a warning.
  absl::Status ForEachLine(int file, const LineVisitor& visit);
  // The same for a file without a header: where a line of words alone is refused, the message says
  // that it looks like one.
  absl::Status ForEachRow(int file, const LineVisitor& visit);
  // The same without the first line, which must have these columns at its start. InvalidArgument
  // showing both otherwise, and for a second such line.
  absl::Status ForEachLineAfterHeader(int file, std::string_view header, const LineVisitor& visit);
  // The file's first line, "" if it has none.
  absl::StatusOr<std::string> FirstLine(int file) const;

  // Size and digest of the files that were read.
  absl::StatusOr<std::vector<SourceFile>> Sources() const;

 private:
  RawReader(std::string dataset, RawFiles files, int64_t max_bad_lines)
      : dataset_(std::move(dataset)), files_(std::move(files)), max_bad_lines_(max_bad_lines) {}

  std::string dataset_;
  RawFiles files_;
  int64_t max_bad_lines_ = 0;
  RepeatedWarning bad_lines_;
  std::vector<int> used_;
};

// InvalidArgument that names place, what was expected and how many fields there are; hints at a
// file that is cut off.
absl::Status WrongFieldCount(const TextLines& lines, std::string_view expected, size_t got,
                             std::string_view line);

// InvalidArgument for a header in the middle of a file.
absl::Status SecondHeader(const TextLines& lines, std::string_view line);

// Items by first appearance, each once: a repeated line is ignored, another one of the same item
// is ignored with a warning, of which the first five are shown.
class ItemCollector {
 public:
  // `line` is what the file says of the item.
  void Add(ItemMetadata item, std::string_view line, const TextLines& lines);
  // The items; says how many warnings there were if not all were shown.
  std::vector<ItemMetadata> Take();

 private:
  std::vector<ItemMetadata> items_;
  absl::flat_hash_map<std::string, std::string> seen_;  // digest of the line by item
  RepeatedWarning repeated_;
};

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_RAW_READER_H_
