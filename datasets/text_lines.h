#ifndef OPENP5_DATASETS_TEXT_LINES_H_
#define OPENP5_DATASETS_TEXT_LINES_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/status.h"

namespace openp5::datasets {

// Reads a text line by line and knows where it is. LF and CRLF end a line, a missing last one is
// accepted, a UTF-8 byte order mark is skipped. Does not own the text. Not thread-safe.
class TextLines {
 public:
  // `file` is what messages call the text.
  TextLines(std::string_view text, std::string file);

  // The next line without its end; false after the last. InvalidArgument naming file and line for a
  // NUL byte (a sparse or half-downloaded file), UTF-16, a carriage return inside a line, or more
  // than 64 MiB without a line end.
  absl::StatusOr<bool> Next(std::string_view* line);

  // "file:line" of the line last returned; lines count from 1.
  std::string Where() const;
  int64_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::string file_;
  int64_t number_ = 0;
};

// The parts of `line` between separators; one more than there are separators.
std::vector<std::string_view> SplitAt(std::string_view line, char separator);

// Without blanks and tabs at both ends.
std::string_view Trim(std::string_view text);

// For messages: bytes that do not print are escaped, what is beyond 80 bytes is cut.
std::string Excerpt(std::string_view text);

// Calls `visit(line, lines)` for every line of `text`, until one fails. Failures of `visit` and of
// TextLines::Next get `what` and ": " in front.
absl::Status ForEachLine(
    std::string_view text, const std::string& file, std::string_view what,
    const std::function<absl::Status(std::string_view line, const TextLines& lines)>& visit);

// What a field must hold to be accepted as a number.
struct IntegerField {
  std::string_view what;  // for messages: "a user number"
  int64_t minimum = std::numeric_limits<int64_t>::min();
  int64_t maximum = std::numeric_limits<int64_t>::max();
};

// A decimal number, blanks around it allowed. InvalidArgument `file:line: expected <what>, got
// '<text>'` for anything else, for a number outside the field's range, or beyond 64 bits.
absl::StatusOr<int64_t> ParseInteger(std::string_view text, const IntegerField& field,
                                     const TextLines& lines);

// OK if `id` can stand in user_sequence.txt: not empty, no blank, no control character. Else
// InvalidArgument `file:line: expected <what> …`.
absl::Status CheckId(std::string_view id, std::string_view what, const TextLines& lines);

// ISO 8859-1 as UTF-8.
std::string Utf8FromLatin1(std::string_view text);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_TEXT_LINES_H_
