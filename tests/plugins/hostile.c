// A plugin whose datasets do what no plugin may do, each at its first record. With CRASHES_ON_ENTRY
// or EXITS_ON_LOAD the library does so before anything is read from it.
#define _POSIX_C_SOURCE 200809L
#include <openp5/datasets/plugin_abi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int32_t next(openp5_interaction_reader* reader, openp5_interaction* record) {
  const openp5_dataset* dataset = reader->private_data;
  const char* name = dataset->name;
  if (strcmp(name, "crashes") == 0) raise(SIGSEGV);
  if (strcmp(name, "aborts") == 0) abort();
  if (strcmp(name, "exits") == 0) exit(0);
  if (strcmp(name, "hangs") == 0) {
    while (1) pause();
  }
  if (strcmp(name, "closes") == 0) {
    for (int fd = 0; fd < 256; ++fd) close(fd);
  }
  if (strcmp(name, "prints") == 0) puts("hello");
  if (strcmp(name, "endless") != 0) return OPENP5_END;
  record->user.data = record->item.data = "x";
  record->user.size = record->item.size = 1;
  return OPENP5_OK;
}

static const char* last_error(openp5_interaction_reader* reader) {
  (void)reader;
  return "expected a path that exists";
}

static void release(openp5_interaction_reader* reader) { (void)reader; }

static int32_t open_interactions(const openp5_dataset* self, const char* raw,
                                 openp5_interaction_reader* reader) {
  reader->private_data = (void*)(uintptr_t)self;
  reader->next = next;
  reader->last_error = last_error;
  reader->release = release;
  return access(raw, R_OK) == 0 ? OPENP5_OK : OPENP5_ERROR;
}

#define DATASET(id)                                                        \
  static const openp5_dataset id = {.struct_size = sizeof(openp5_dataset), \
                                    .name = #id,                           \
                                    .title = "title",                      \
                                    .rule = "rule",                        \
                                    .open_interactions = open_interactions}
DATASET(crashes);
DATASET(aborts);
DATASET(exits);
DATASET(hangs);
DATASET(closes);
DATASET(prints);
DATASET(endless);

static const openp5_dataset* const datasets[] = {&crashes, &aborts, &exits,  &hangs,
                                                 &closes,  &prints, &endless};
static const openp5_plugin plugin = {.struct_size = sizeof(openp5_plugin),
                                     .abi_version = OPENP5_PLUGIN_ABI_VERSION,
                                     .dataset_count = sizeof datasets / sizeof *datasets,
                                     .name = "hostile",
                                     .version = "1",
                                     .datasets = datasets};

const openp5_plugin* openp5_plugin_entry(const openp5_host* host) {
  (void)host;
#ifdef CRASHES_ON_ENTRY
  raise(SIGSEGV);
#endif
  return &plugin;
}

#ifdef EXITS_ON_LOAD
__attribute__((constructor)) static void exit_on_load(void) { exit(0); }
#endif
