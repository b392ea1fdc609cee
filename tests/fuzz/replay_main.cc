// Runs a fuzz target on every file of the folders named, for builds without libFuzzer: what once
// made a parser fail must not do so again.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "platform/base/file.h"
#include "tests/fuzz/fuzz.h"

int main(int argc, char** argv) {
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i], error)) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
    if (error) {
      std::fprintf(stderr, "%s: %s\n", argv[i], error.message().c_str());
      return 1;
    }
  }
  std::sort(files.begin(), files.end());
  for (const std::string& path : files) {
    std::printf("%s\n", path.c_str());
    std::fflush(stdout);  // the last line names the file if the target does not come back
    const auto bytes = openp5::ReadFile(path);
    if (!bytes.ok()) return 1;
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size());
  }
  std::printf("%zu files\n", files.size());
  return files.empty() ? 1 : 0;
}
