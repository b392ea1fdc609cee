#include "checkpoints/pickle_reader.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // The last byte chooses whether objects are kept.
  const auto pickle = openp5::checkpoints::Pickle::Read(
      openp5::fuzz::Text(data, size), {.where = "f",
                                       .base_position = 0,
                                       .allows_global =
                                           [](std::string_view name) {
                                             return name == "collections.OrderedDict" ||
                                                    name == "torch._utils._rebuild_tensor_v2";
                                           },
                                       .keeps_objects = size > 0 && data[size - 1] % 2 == 1});
  openp5::fuzz::ExpectMessage(pickle.status());
  if (pickle.ok()) {
    openp5::fuzz::Expect(pickle->size() <= size, "a pickle is no longer than its bytes");
    openp5::checkpoints::NameOf(pickle->root().kind);
  }
  return 0;
}
