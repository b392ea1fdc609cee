// A file that may be an archive, compressed or not, and all that lies in it.
#include <algorithm>

#include "datasets/loaders/raw_files.h"
#include "tests/fuzz/fuzz.h"

namespace {

using openp5::datasets::RawFiles;

void ReadAll(const RawFiles& files, int file) {
  constexpr size_t kEnough = size_t{4} << 20;  // of a file that unfolds
  const auto source = files.Read(file);
  openp5::fuzz::ExpectMessage(source.status());
  size_t bytes = 0;
  while (source.ok() && bytes < kEnough) {
    const auto piece = (*source)->Next();
    openp5::fuzz::ExpectMessage(piece.status());
    if (!piece.ok() || piece->empty()) return;
    bytes += piece->size();
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int kMostRead = 8;
  const std::string path = openp5::fuzz::WriteInput("raw", openp5::fuzz::Text(data, size));
  const auto files = RawFiles::Open(path);
  openp5::fuzz::ExpectMessage(files.status());
  if (!files.ok()) return 0;
  openp5::fuzz::ExpectMessage(files->Find("a.txt").status());
  openp5::fuzz::ExpectMessage(files->Get("a.txt").status());
  for (int file = 0; file < std::min(files->size(), kMostRead); ++file) ReadAll(*files, file);
  return 0;
}
