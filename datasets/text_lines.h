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

// Bytes that come piece by piece, e.g. out of an archive.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The next bytes, valid until the next call; empty at the end.
  virtual absl::StatusOr<std::string_view> Next() = 0;
};

// Reads a text line by line and knows where it is. LF and CRLF end a line, a missing last one is
// accepted, a UTF-8 byte order mark is skipped. Owns neither text nor source. Not thread-safe.
class TextLines {
 public:
  // `file` is what messages call the text.
  TextLines(std::string_view text, std::string file);
  // Holds no more of the source than a line and a piece.
  TextLines(ByteSource* source, std::string file);

  // The next line without its end, valid until the next call; false after the last. InvalidArgument
  // naming file and line for a NUL byte (a sparse or half-downloaded file), UTF-16, a carriage
  // return inside a line, or more than 64 MiB without a line end; the source's failures.
  absl::StatusOr<bool> Next(std::string_view* line);

  // "file:line" of the line last returned; lines count from 1.
  std::string Where() const;
  int64_t number() const { return number_; }
  const std::string& file() const { return file_; }
  // Whether the line last returned had an end. Where it had none the file may be cut off.
  bool ended() const { return ended_; }

 private:
  // The next line with its end, or what is left.
  absl::StatusOr<std::string_view> TakeLine();
  absl::Status CheckLine(std::string_view line) const;
  absl::Status TooLong() const;

  std::string_view rest_;         // not yet returned
  ByteSource* source_ = nullptr;  // of what follows; nullptr once it has ended
  std::string straddling_;        // a line that lies in more than one piece
  std::string file_;
  int64_t number_ = 0;
  bool ended_ = true;
};

// The parts of `line` between separators; one more than there are separators.
std::vector<std::string_view> SplitAt(std::string_view line, char separator);
void SplitAt(std::string_view line, std::string_view separator,
             std::vector<std::string_view>* parts);

// Without blanks and tabs at both ends.
std::string_view Trim(std::string_view text);

// For messages: bytes that do not print are escaped, what is beyond 80 bytes is cut.
std::string Excerpt(std::string_view text);

// Calls `visit(line, lines)` for every line, until one fails. Failures of `visit` and of
// TextLines::Next get `what` and ": " in front.
using LineVisitor = std::function<absl::Status(std::string_view line, const TextLines& lines)>;
absl::Status ForEachLine(TextLines lines, std::string_view what, const LineVisitor& visit);
absl::Status ForEachLine(std::string_view text, const std::string& file, std::string_view what,
                         const LineVisitor& visit);

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

// OK if `id` can stand in user_sequence.txt: not empty, no blank, no control character, UTF-8. Else
// InvalidArgument `file:line: expected <what> …`.
absl::Status CheckId(std::string_view id, std::string_view what, const TextLines& lines);

// ISO 8859-1 as UTF-8.
std::string Utf8FromLatin1(std::string_view text);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_TEXT_LINES_H_
