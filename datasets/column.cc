#include "datasets/column.h"

#include <sys/mman.h>

#include <new>

namespace openp5::datasets::internal {

void* ResizeMemory(void* memory, size_t old_bytes, size_t new_bytes) {
  if (old_bytes == new_bytes) return memory;
  if (new_bytes == 0) {
    munmap(memory, old_bytes);
    return nullptr;
  }
  void* const resized = old_bytes == 0 ? mmap(nullptr, new_bytes, PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                       : mremap(memory, old_bytes, new_bytes, MREMAP_MAYMOVE);
  if (resized == MAP_FAILED) throw std::bad_alloc();
  return resized;
}

}  // namespace openp5::datasets::internal
