#include "orchestrator/scenario/vector_shape.h"

#include <string.h>

#include "common/printable.h"
#include "common/suggest.h"
#include "common/units.h"

#define SYNTHETIC "synthetic-"

static const struct vector_shape shapes[] = {
    {"openai-50k", 50000, 1536, "cosine"},  {"openai-500k", 500000, 1536, "cosine"},
    {"openai-1m", 1000000, 1536, "cosine"}, {"openai-5m", 5000000, 1536, "cosine"},
    {"cohere-1m", 1000000, 768, "cosine"},  {"cohere-10m", 10000000, 768, "cosine"},
    {"bioasq-1m", 1000000, 1024, "cosine"}, {"gist-1m", 1000000, 960, "l2"},
    {"glove-1m", 1000000, 200, "cosine"},   {"laion-100m", 100000000, 768, "l2"},
    {"sift-1m", 1000000, 128, "l2"},        {"sift-5m", 5000000, 128, "l2"},
};

const struct vector_shape *vector_shape_at(size_t index)
{
    return index < sizeof shapes / sizeof shapes[0] ? &shapes[index] : NULL;
}

enum err_code vector_shape_find(struct vector_shape *shape, const char *name, struct err *err)
{
    const size_t prefix_bytes = strlen(SYNTHETIC);
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = strlen(name)};
    uint64_t dimensions;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        suggest_offer(&suggestion, shapes[i].name, strlen(shapes[i].name));
        if (strcmp(shapes[i].name, name) == 0) {
            *shape = shapes[i];
            return OK;
        }
    }
    if (strncmp(name, SYNTHETIC, prefix_bytes) == 0) {
        if (!units_parse_digits(&dimensions, name + prefix_bytes, strlen(name + prefix_bytes),
                                VECTOR_DIMENSIONS_MAX) ||
            dimensions == 0)
            return err_set(err, E_CONFIG, "%.60s: allowed: " SYNTHETIC "1 to " SYNTHETIC "%u",
                           PRINTABLE(name), VECTOR_DIMENSIONS_MAX);
        *shape = (struct vector_shape){
            .name = name, .dimensions = (uint32_t)dimensions, .metric = "cosine"};
        return OK;
    }
    if (strchr(name, '/') != NULL || strchr(name, '.') != NULL)
        return err_set(err, E_CONFIG,
                       "%.100s: files of vectors are not read; take a name of `volley dataset "
                       "list`, or " SYNTHETIC "DIMENSIONS, for vectors of that shape",
                       PRINTABLE(name));
    return err_set(err, E_CONFIG, "there is no dataset %.60s; `volley dataset list` has them%s%s%s",
                   PRINTABLE(name), SUGGESTED(suggestion.best));
}
