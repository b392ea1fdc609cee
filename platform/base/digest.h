#ifndef OPENP5_PLATFORM_BASE_DIGEST_H_
#define OPENP5_PLATFORM_BASE_DIGEST_H_

#include <memory>
#include <string>
#include <string_view>

namespace openp5 {

// Incremental SHA-256. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::string_view bytes);
  // 64 lower-case hexadecimal digits of everything given so far. Call once.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Sha256Of(std::string_view bytes);

// What git calls a file of these bytes: SHA-1 of "blob <size>", a zero byte and the bytes.
std::string GitBlobIdOf(std::string_view bytes);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_DIGEST_H_
