#include "datasets/text_lines.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/escaping.h"
#include "platform/base/numbers.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

constexpr size_t kLongestLine = size_t{64} << 20;
constexpr size_t kLongestExcerpt = 80;

bool IsControl(char byte) {
  const auto code = static_cast<unsigned char>(byte);
  return code < 0x20 || code == 0x7f;
}

}  // namespace

TextLines::TextLines(std::string_view text, std::string file)
    : rest_(text), file_(std::move(file)) {}

TextLines::TextLines(ByteSource* source, std::string file)
    : source_(source), file_(std::move(file)) {}

std::string TextLines::Where() const { return StrCat(file_, ":", number_); }

absl::Status TextLines::TooLong() const {
  return InvalidArgument(Where(), ": expected lines of at most ", kLongestLine, " bytes, got more");
}

absl::StatusOr<std::string_view> TextLines::TakeLine() {
  straddling_.clear();
  while (true) {
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    const bool found = end < rest_.size();
    const std::string_view part = rest_.substr(0, found ? end + 1 : end);
    rest_.remove_prefix(part.size());
    if (straddling_.size() + part.size() > kLongestLine + (found ? 1 : 0)) return TooLong();
    if (source_ == nullptr || found) {
      if (straddling_.empty()) return part;
      straddling_ += part;
      return std::string_view(straddling_);
    }
    straddling_ += part;
    OPENP5_ASSIGN_OR_RETURN(rest_, source_->Next());
    if (rest_.empty()) source_ = nullptr;
  }
}

absl::Status TextLines::CheckLine(std::string_view line) const {
  if (const void* place = std::memchr(line.data(), '\0', line.size()); place != nullptr) {
    return InvalidArgument(Where(), ": expected text, got a NUL byte in column ",
                           static_cast<const char*>(place) - line.data() + 1,
                           "; is the file complete?");
  }
  if (const void* place = std::memchr(line.data(), '\r', line.size()); place != nullptr) {
    return InvalidArgument(Where(),
                           ": expected lines that end in LF or CRLF, got a lone CR in column ",
                           static_cast<const char*>(place) - line.data() + 1);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> TextLines::Next(std::string_view* line) {
  ++number_;
  OPENP5_ASSIGN_OR_RETURN(*line, TakeLine());
  if (number_ == 1 && line->starts_with("\xef\xbb\xbf")) line->remove_prefix(3);
  if (line->empty()) {
    --number_;
    return false;
  }
  if (number_ == 1 && (line->starts_with("\xff\xfe") || line->starts_with("\xfe\xff"))) {
    return InvalidArgument(Where(), ": expected UTF-8, got UTF-16");
  }
  ended_ = line->ends_with('\n');
  if (ended_) line->remove_suffix(1);
  if (line->ends_with('\r')) line->remove_suffix(1);
  OPENP5_RETURN_IF_ERROR(CheckLine(*line));
  return true;
}

void SplitAt(std::string_view line, std::string_view separator,
             std::vector<std::string_view>* parts) {
  parts->clear();
  while (true) {
    const size_t place = line.find(separator);
    parts->push_back(line.substr(0, place));
    if (place == std::string_view::npos) return;
    line.remove_prefix(place + separator.size());
  }
}

std::vector<std::string_view> SplitAt(std::string_view line, char separator) {
  std::vector<std::string_view> parts;
  SplitAt(line, std::string_view(&separator, 1), &parts);
  return parts;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string Excerpt(std::string_view text) {
  const std::string escaped = absl::CEscape(ToAbsl(text.substr(0, kLongestExcerpt)));
  return text.size() > kLongestExcerpt ? escaped + "…" : escaped;
}

absl::Status ForEachLine(std::string_view text, const std::string& file, std::string_view what,
                         const LineVisitor& visit) {
  return ForEachLine(TextLines(text, file), what, visit);
}

absl::Status ForEachLine(TextLines lines, std::string_view what, const LineVisitor& visit) {
  std::string_view line;
  while (true) {
    const absl::StatusOr<bool> more = lines.Next(&line);
    if (!more.ok()) return Annotate(more.status(), what);
    if (!*more) return absl::OkStatus();
    OPENP5_RETURN_IF_ERROR(Annotate(visit(line, lines), what));
  }
}

absl::StatusOr<int64_t> ParseInteger(std::string_view text, const IntegerField& field,
                                     const TextLines& lines) {
  const auto value = ParseNumber<int64_t>(Trim(text));
  if (!value.has_value() || *value < field.minimum || *value > field.maximum) {
    return InvalidArgument(lines.Where(), ": expected ", field.what, ", got '", Excerpt(text), "'");
  }
  return *value;
}

absl::Status CheckId(std::string_view id, std::string_view what, const TextLines& lines) {
  if (id.empty()) return InvalidArgument(lines.Where(), ": expected ", what, ", got nothing");
  const bool fits =
      std::none_of(id.begin(), id.end(), [](char byte) { return byte == ' ' || IsControl(byte); });
  if (!fits) {
    return InvalidArgument(lines.Where(), ": expected ", what,
                           " without blanks and control characters, got '", Excerpt(id), "'");
  }
  if (FindInvalidUtf8(id) == std::string_view::npos) return absl::OkStatus();
  return InvalidArgument(lines.Where(), ": expected ", what, " in UTF-8, got '", Excerpt(id), "'");
}

std::string Utf8FromLatin1(std::string_view text) {
  std::string utf8;
  utf8.reserve(text.size());
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x80) {
      utf8 += byte;
    } else {
      utf8 += static_cast<char>(0xc0 | (code >> 6));
      utf8 += static_cast<char>(0x80 | (code & 0x3f));
    }
  }
  return utf8;
}

}  // namespace openp5::datasets
