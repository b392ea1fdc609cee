/* A dataset plugin in C: purchases in lines `user;item;seconds;amount`, product names beside them
 * in `products.txt` as `item;name`. --raw names the file with the purchases.
 *
 *     cc -std=c11 -shared -fPIC -I PREFIX/include -o shop.so shop.c
 */
#include <errno.h>
#include <openp5/datasets/plugin_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 4096, ERROR_SIZE = 512, MOST_FIELDS = 4 };

/* What one reader needs: records point into `line` until the next one is read. */
struct file_state {
  FILE* file;
  long number;
  char path[1024];
  char line[LINE_SIZE];
  char* field[MOST_FIELDS];
  char error[ERROR_SIZE];
};

static struct file_state* open_file(const char* path) {
  struct file_state* state = calloc(1, sizeof *state);
  if (state == NULL) return NULL;
  snprintf(state->path, sizeof state->path, "%s", path);
  state->file = fopen(path, "r");
  if (state->file == NULL) snprintf(state->error, sizeof state->error, "%s", strerror(errno));
  return state;
}

static void close_file(struct file_state* state) {
  if (state == NULL) return;
  if (state->file != NULL) fclose(state->file);
  free(state);
}

/* Splits the next line at ';' into exactly `wanted` fields. */
static int32_t next_line(struct file_state* state, int wanted) {
  if (fgets(state->line, sizeof state->line, state->file) == NULL) {
    if (!ferror(state->file)) return OPENP5_END;
    snprintf(state->error, sizeof state->error, "cannot be read to the end");
    return OPENP5_ERROR;
  }
  ++state->number;
  state->line[strcspn(state->line, "\r\n")] = '\0';
  int found = 1;
  state->field[0] = state->line;
  for (char* at = state->line; *at != '\0'; ++at) {
    if (*at != ';') continue;
    *at = '\0';
    if (found < wanted) state->field[found] = at + 1;
    ++found;
  }
  if (found == wanted) return OPENP5_OK;
  snprintf(state->error, sizeof state->error, "line %ld: expected %d fields, got %d", state->number,
           wanted, found);
  return OPENP5_ERROR;
}

static openp5_text text_of(const char* text) {
  openp5_text result = {text, strlen(text)};
  return result;
}

static int32_t next_interaction(openp5_interaction_reader* self, openp5_interaction* record) {
  struct file_state* state = self->private_data;
  const int32_t result = next_line(state, 4);
  if (result != OPENP5_OK) return result;
  char* end = NULL;
  errno = 0;
  record->time = strtoll(state->field[2], &end, 10);
  if (errno != 0 || end == state->field[2] || *end != '\0') {
    snprintf(state->error, sizeof state->error, "line %ld: expected seconds, got '%.40s'",
             state->number, state->field[2]);
    return OPENP5_ERROR;
  }
  record->user = text_of(state->field[0]);
  record->item = text_of(state->field[1]);
  record->event = text_of("purchase");
  record->rating = strtod(state->field[3], NULL);
  record->has_rating = 1;
  return OPENP5_OK;
}

static const char* interaction_error(openp5_interaction_reader* self) {
  const struct file_state* state = self->private_data;
  return state == NULL ? "out of memory" : state->error;
}

static void release_interactions(openp5_interaction_reader* self) {
  close_file(self->private_data);
}

static int32_t open_interactions(const openp5_dataset* self, const char* raw,
                                 openp5_interaction_reader* reader) {
  (void)self;
  struct file_state* state = open_file(raw);
  reader->private_data = state;
  reader->next = next_interaction;
  reader->last_error = interaction_error;
  reader->release = release_interactions;
  return state != NULL && state->file != NULL ? OPENP5_OK : OPENP5_ERROR;
}

static int32_t next_item(openp5_item_reader* self, openp5_item* record) {
  struct file_state* state = self->private_data;
  const int32_t result = state->file == NULL ? OPENP5_END : next_line(state, 2);
  if (result != OPENP5_OK) return result;
  record->item = text_of(state->field[0]);
  record->title = text_of(state->field[1]);
  return OPENP5_OK;
}

static const char* item_error(openp5_item_reader* self) {
  const struct file_state* state = self->private_data;
  return state == NULL ? "out of memory" : state->error;
}

static void release_items(openp5_item_reader* self) { close_file(self->private_data); }

/* `products.txt` in the folder of the purchases; a shop without one has no names to tell. */
static int32_t open_items(const openp5_dataset* self, const char* raw, openp5_item_reader* reader) {
  (void)self;
  char path[1024];
  const char* slash = strrchr(raw, '/');
  const int folder = slash == NULL ? 0 : (int)(slash - raw + 1);
  snprintf(path, sizeof path, "%.*sproducts.txt", folder, raw);
  struct file_state* state = open_file(path);
  reader->private_data = state;
  reader->next = next_item;
  reader->last_error = item_error;
  reader->release = release_items;
  return state != NULL ? OPENP5_OK : OPENP5_ERROR;
}

static const openp5_dataset dataset = {
    .struct_size = sizeof(openp5_dataset),
    .name = "shop",
    .title = "Purchases of a shop",
    .rule = "every purchase is an interaction",
    .core = 3,
    .time_units_per_second = 1,
    .open_interactions = open_interactions,
    .open_items = open_items,
};
static const openp5_dataset* const datasets[] = {&dataset};
static const openp5_plugin plugin = {
    .struct_size = sizeof(openp5_plugin),
    .abi_version = OPENP5_PLUGIN_ABI_VERSION,
    .dataset_count = 1,
    .name = "shop",
    .version = "1.0",
    .datasets = datasets,
};

const openp5_plugin* openp5_plugin_entry(const openp5_host* host) {
  host->log(host->context, OPENP5_LOG_INFO, "shop 1.0 is ready");
  return &plugin;
}
