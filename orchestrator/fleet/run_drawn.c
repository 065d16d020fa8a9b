#include "orchestrator/fleet/run_drawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "orchestrator/options/distribution.h"

static void look_again(struct drawn *drawn, const struct worker_run *run, uint64_t sent)
{
    struct err err = {.code = OK};
    if (workload_drawn(drawn, run->workload, sent, &err) != OK)
        log_line(LOG_WARNING, "the report does not tell what was drawn: %s", err.text);
    for (uint32_t i = 0; i < drawn->key_count; i++)
        distribution_format_keys(drawn->keys[i].order, sizeof drawn->keys[i].order,
                                 drawn->keys[i].wish);
    for (uint32_t i = 0; i < drawn->value_count; i++) {
        char size[DISTRIBUTION_SIZES_BYTES];
        distribution_format_sizes(size, sizeof size, drawn->values[i].wish);
        snprintf(drawn->values[i].size, sizeof drawn->values[i].size, "%.*s",
                 (int)DRAWN_WISH_BYTES - 1, size);
    }
}

static void put_name(char name[DRAWN_NAME_BYTES], const char *stream)
{
    char whole[DRAWN_NAME_BYTES + CLASS_NAME_BYTES];
    snprintf(whole, sizeof whole, "%s:%s", stream, name);
    snprintf(name, DRAWN_NAME_BYTES, "%.*s", (int)DRAWN_NAME_BYTES - 1, whole);
}

/* As far as there is room. */
static void append(struct drawn *all, const struct drawn *one, const struct run_stream *stream)
{
    all->requests += one->requests;
    for (unsigned i = 0; i < DRAWN_CHANGES; i++)
        all->changes[i] |= one->changes[i];
    for (uint32_t i = 0; i < one->key_count && all->key_count < DRAWN_ROWS_MAX; i++) {
        all->keys[all->key_count] = one->keys[i];
        put_name(all->keys[all->key_count++].name, stream->name);
    }
    for (uint32_t i = 0; i < one->value_count && all->value_count < DRAWN_ROWS_MAX; i++) {
        all->values[all->value_count] = one->values[i];
        put_name(all->values[all->value_count++].name, stream->name);
    }
    for (uint32_t i = 0; i < one->class_count && all->class_count < DRAWN_ROWS_MAX; i++) {
        all->classes[all->class_count] = one->classes[i];
        put_name(all->classes[all->class_count++].name, stream->name);
    }
}

void run_drawn_find(struct run_result *result, const struct run_facts *facts,
                    const struct worker_run *runs, uint64_t sent)
{
    struct drawn *all = &result->drawn;
    memset(all, 0, sizeof *all);
    if (facts->stream_count == 0) {
        look_again(all, runs, sent);
        return;
    }
    struct drawn *one = calloc(1, sizeof *one);
    for (uint32_t i = 0; i < facts->stream_count && one != NULL; i++) {
        memset(one, 0, sizeof *one);
        look_again(one, &runs[i], result->streams[i].sent);
        append(all, one, &facts->streams[i]);
    }
    free(one);
}
