/* Libraries that fail before a dataset is read. Which one is chosen when it is compiled. */
#include <openp5/datasets/plugin_abi.h>
#include <stddef.h>

#if defined(WRONG_VERSION)
const openp5_plugin* openp5_plugin_entry(const openp5_host* host) {
  static const openp5_plugin plugin = {.struct_size = sizeof(openp5_plugin),
                                       .abi_version = OPENP5_PLUGIN_ABI_VERSION + 1};
  (void)host;
  return &plugin;
}
#elif defined(REFUSES)
const openp5_plugin* openp5_plugin_entry(const openp5_host* host) {
  host->log(host->context, OPENP5_LOG_WARNING, "not on\na Wednesday");
  return NULL;
}
#else
int not_an_entry;
#endif
