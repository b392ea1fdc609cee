#include "tests/fuzz/fuzz.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "platform/base/digest.h"
#include "platform/base/status.h"

namespace openp5::fuzz {
namespace {

namespace fs = std::filesystem;

struct OwnFolder {
  OwnFolder() {
    std::error_code error;
    const fs::path parent =
        fs::is_directory("/dev/shm", error) ? fs::path("/dev/shm") : fs::temp_directory_path();
    std::string pattern = (parent / "openp5_fuzz_XXXXXX").string();
    Expect(mkdtemp(pattern.data()) != nullptr, "a temporary folder can be made");
    path = pattern;
  }
  ~OwnFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string path;
};

}  // namespace

void Expect(bool condition, const char* promise) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: promise broken: %s\n", promise);
  std::abort();
}

void ExpectMessage(const absl::Status& status) {
  Expect(status.ok() || !status.message().empty(), "a failure has a message");
}

const std::string& Folder() {
  static const OwnFolder folder;
  return folder.path;
}

std::string WriteInput(const std::string& name, std::string_view bytes) {
  const std::string path = Folder() + "/" + name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  Expect(file.good(), "the input can be written");
  return path;
}

std::string_view Part(std::string_view input, size_t index, size_t parts) {
  for (size_t part = 0;; ++part) {
    const size_t cut = part + 1 < parts ? input.find('\xff') : std::string_view::npos;
    if (part == index) return input.substr(0, cut);
    if (cut == std::string_view::npos) return {};
    input.remove_prefix(cut + 1);
  }
}

void ReadWithDigest(std::string_view input, const std::function<void(std::string_view)>& read) {
  read(input);
  read(StrCat(input, Sha256Of(input)));
}

}  // namespace openp5::fuzz
