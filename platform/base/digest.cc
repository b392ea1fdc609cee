#include "platform/base/digest.h"

#include <openssl/evp.h>

#include "platform/base/status.h"

namespace openp5 {

namespace {

std::string Hexadecimal(EVP_MD_CTX* context) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  OPENP5_CHECK(EVP_DigestFinal_ex(context, digest, &size) == 1);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  OPENP5_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::Update(std::string_view bytes) {
  OPENP5_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::Finish() { return Hexadecimal(state_->context); }

std::string Sha256Of(std::string_view bytes) {
  Sha256 digest;
  digest.Update(bytes);
  return digest.Finish();
}

std::string GitBlobIdOf(std::string_view bytes) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const std::string head = StrCat("blob ", bytes.size()) + '\0';
  OPENP5_CHECK(EVP_DigestInit_ex(context, EVP_sha1(), nullptr) == 1 &&
               EVP_DigestUpdate(context, head.data(), head.size()) == 1 &&
               EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
  std::string id = Hexadecimal(context);
  EVP_MD_CTX_free(context);
  return id;
}

}  // namespace openp5
