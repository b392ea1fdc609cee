#include "datasets/loaders/byte_sources.h"

#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace openp5::datasets {
namespace {

constexpr size_t kPieceBytes = size_t{256} << 10;

class FileSource final : public ByteSource {
 public:
  FileSource(std::FILE* file, std::string path)
      : file_(file, &std::fclose), path_(std::move(path)), piece_(kPieceBytes, '\0') {}

  absl::StatusOr<std::string_view> Next() override {
    const size_t size = std::fread(piece_.data(), 1, piece_.size(), file_.get());
    if (size == 0 && std::ferror(file_.get()) != 0) {
      return DataLoss(path_, ": cannot be read: ", std::strerror(errno));
    }
    return std::string_view(piece_).substr(0, size);
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::string path_, piece_;
};

class GunzipSource final : public ByteSource {
 public:
  GunzipSource(std::unique_ptr<ByteSource> source, std::string where)
      : source_(std::move(source)), where_(std::move(where)) {}
  ~GunzipSource() override {
    if (state_ == State::kInside || state_ == State::kBetween) inflateEnd(&stream_);
  }

  absl::StatusOr<std::string_view> Next() override {
    if (state_ == State::kStart) OPENP5_RETURN_IF_ERROR(Start());
    if (state_ == State::kPassing) {
      if (!input_.empty()) return std::exchange(input_, {});
      return source_->Next();
    }
    return Inflate();
  }

 private:
  enum class State { kStart, kPassing, kInside, kBetween };

  absl::Status Start() {
    OPENP5_ASSIGN_OR_RETURN(input_, source_->Next());
    state_ = State::kPassing;
    if (!input_.starts_with("\x1f\x8b")) return absl::OkStatus();
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) {
      return absl::ResourceExhaustedError(ToAbsl(StrCat(where_, ": no memory to decompress")));
    }
    state_ = State::kInside;
    piece_.resize(kPieceBytes);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string_view> Inflate() {
    while (true) {
      if (input_.empty()) {
        OPENP5_ASSIGN_OR_RETURN(input_, source_->Next());
        if (input_.empty() && state_ == State::kBetween) return "";
        if (input_.empty()) return Damaged("expected more compressed data, got the end");
      }
      if (state_ == State::kBetween) {
        // Only another member may follow.
        if (input_.front() != '\x1f') return Damaged("expected the end, got more bytes");
        inflateReset(&stream_);
        state_ = State::kInside;
      }
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
      stream_.avail_in = static_cast<uInt>(input_.size());
      stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
      stream_.avail_out = static_cast<uInt>(piece_.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      const size_t used = input_.size() - stream_.avail_in;
      offset_ += static_cast<int64_t>(used);
      input_.remove_prefix(used);
      if (code == Z_STREAM_END) {
        state_ = State::kBetween;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return Damaged(stream_.msg == nullptr ? "damaged compressed data" : stream_.msg);
      }
      const size_t size = piece_.size() - stream_.avail_out;
      if (size > 0) return std::string_view(piece_).substr(0, size);
    }
  }

  absl::Status Damaged(std::string_view what) const {
    return DataLoss(where_, ": offset ", offset_, ": gzip: ", what, "; is the file complete?");
  }

  std::unique_ptr<ByteSource> source_;
  std::string where_, piece_;
  std::string_view input_;  // not yet used of the source's last piece
  z_stream stream_{};
  int64_t offset_ = 0;  // of input_
  State state_ = State::kStart;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileSource(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return NotFound(path, ": cannot be opened: ", std::strerror(errno));
  return std::make_unique<FileSource>(file, path);
}

std::unique_ptr<ByteSource> Gunzip(std::unique_ptr<ByteSource> source, std::string where) {
  return std::make_unique<GunzipSource>(std::move(source), std::move(where));
}

}  // namespace openp5::datasets
