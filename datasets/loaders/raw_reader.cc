#include "datasets/loaders/raw_reader.h"

#include <algorithm>
#include <utility>

#include "platform/base/digest.h"
#include "platform/base/log.h"

namespace openp5::datasets {
namespace {

bool IsLetter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

}  // namespace

absl::StatusOr<RawReader> RawReader::Open(std::string dataset, const LoadOptions& options) {
  absl::StatusOr<RawFiles> files = RawFiles::Open(options.raw);
  if (!files.ok()) return Annotate(files.status(), dataset);
  return RawReader(std::move(dataset), *std::move(files), options.max_bad_lines);
}

absl::StatusOr<int> RawReader::Find(std::string_view name) const {
  const absl::StatusOr<int> file = files_.Find(name);
  if (!file.ok()) return Annotate(file.status(), dataset_);
  return file;
}

absl::StatusOr<int> RawReader::Get(std::string_view name) const {
  const absl::StatusOr<int> file = files_.Get(name);
  if (!file.ok()) return Annotate(file.status(), dataset_);
  return file;
}

absl::Status RawReader::ForEachLine(int file, const LineVisitor& visit) {
  used_.push_back(file);
  const auto source = files_.Read(file);
  if (!source.ok()) return Annotate(source.status(), dataset_);
  return datasets::ForEachLine(
      TextLines(source->get(), files_.Where(file)), dataset_,
      [&](std::string_view line, const TextLines& lines) -> absl::Status {
        const absl::Status status = visit(line, lines);
        if (status.ok() || max_bad_lines_ == 0 || !absl::IsInvalidArgument(status)) return status;
        if (bad_lines_.count() == max_bad_lines_) {
          return InvalidArgument(ToStd(status.message()), "; more than --max-bad-lines ",
                                 max_bad_lines_);
        }
        bad_lines_.Add(StrCat(dataset_, ": skipped: ", ToStd(status.message())));
        return absl::OkStatus();
      });
}

absl::Status RawReader::ForEachRow(int file, const LineVisitor& visit) {
  const auto is_of_words = [](std::string_view line) {
    return std::any_of(line.begin(), line.end(), IsLetter) &&
           line.find_first_of("0123456789") == std::string_view::npos;
  };
  return ForEachLine(file, [&](std::string_view line, const TextLines& lines) -> absl::Status {
    const absl::Status status = visit(line, lines);
    if (!absl::IsInvalidArgument(status) || !is_of_words(line)) return status;
    return InvalidArgument(ToStd(status.message()),
                           "; the line looks like a header, which the file should not have");
  });
}

absl::Status RawReader::ForEachLineAfterHeader(int file, std::string_view header,
                                               const LineVisitor& visit) {
  return ForEachLine(file, [&](std::string_view line, const TextLines& lines) -> absl::Status {
    const bool is_header = line.starts_with(header);
    if (is_header == (lines.number() == 1)) {
      return is_header ? absl::OkStatus() : visit(line, lines);
    }
    if (is_header) return SecondHeader(lines, line);
    return InvalidArgument(lines.Where(), ": expected the header '", Excerpt(header), "', got '",
                           Excerpt(line), "'");
  });
}

absl::StatusOr<std::string> RawReader::FirstLine(int file) const {
  const auto source = files_.Read(file);
  if (!source.ok()) return Annotate(source.status(), dataset_);
  TextLines lines(source->get(), files_.Where(file));
  std::string_view line;
  const absl::StatusOr<bool> more = lines.Next(&line);
  if (!more.ok()) return Annotate(more.status(), dataset_);
  return *more ? std::string(line) : "";
}

absl::StatusOr<std::vector<SourceFile>> RawReader::Sources() const {
  if (bad_lines_.count() > 0) {
    LogWarning(StrCat(dataset_, ": ", bad_lines_.count(), " bad line(s) skipped"));
  }
  auto sources = files_.Describe(used_);
  if (!sources.ok()) return Annotate(sources.status(), dataset_);
  return sources;
}

absl::Status WrongFieldCount(const TextLines& lines, std::string_view expected, size_t got,
                             std::string_view line) {
  return InvalidArgument(lines.Where(), ": expected ", expected, ", got ", got,
                         got == 1 ? " field in '" : " fields in '", Excerpt(line), "'",
                         lines.ended() ? "" : "; is the file cut off?");
}

absl::Status SecondHeader(const TextLines& lines, std::string_view line) {
  return InvalidArgument(lines.Where(), ": expected data, got a second header '", Excerpt(line),
                         "'; were files joined?");
}

void ItemCollector::Add(ItemMetadata item, std::string_view line, const TextLines& lines) {
  const std::string digest = Sha256Of(line);
  const auto [first, added] = seen_.try_emplace(item.item, digest);
  if (added) {
    items_.push_back(std::move(item));
  } else if (first->second != digest) {
    repeated_.Add(StrCat(lines.Where(), ": item ", item.item,
                         " is described again and otherwise; the first description is kept"));
  }
}

std::vector<ItemMetadata> ItemCollector::Take() {
  if (repeated_.hidden() > 0) {
    LogWarning(StrCat(repeated_.count(),
                      " lines describe an item again and otherwise; the first description of each "
                      "item is kept"));
  }
  return std::move(items_);
}

}  // namespace openp5::datasets
