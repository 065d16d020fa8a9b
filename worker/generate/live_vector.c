#include "worker/generate/live_vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/vectors.h"

#define NUMBER_DIGITS 12u
#define TAG_DIGITS 2u
#define TAGS 100u

static const struct {
    const char *text;
    enum live_hole_kind kind;
    bool prefixed;
} marks[] = {
    {"{vector}", HOLE_VECTOR, false}, {"{key}", HOLE_NAME, true}, {"{element}", HOLE_NAME, false},
    {"{number}", HOLE_NUMBER, false}, {"{tag}", HOLE_TAG, false},
};
#define MARKS (sizeof marks / sizeof marks[0])

/* ---- before it is used ---- */

/* What a template comes to, of vectors of one kind of names; bytes NULL: it is measured. */
struct building {
    struct live_shape *shape;
    const struct live_vectors *vectors;
    const char *prefix;
    uint32_t level; /* 0, or any other one */
    size_t at;
};

static size_t hole_bytes(const struct live_vectors *vectors, enum live_hole_kind kind,
                         uint32_t level)
{
    switch (kind) {
    case HOLE_VECTOR:
        return (size_t)vector_dimensions(vectors->space) * sizeof(float);
    case HOLE_NAME:
        return vector_name_bytes(level);
    case HOLE_NUMBER:
        return NUMBER_DIGITS;
    case HOLE_TAG:
        break;
    }
    return TAG_DIGITS;
}

static void append(struct building *building, const char *text, size_t byte_count)
{
    if (building->shape->bytes != NULL && text != NULL)
        memcpy(building->shape->bytes + building->at, text, byte_count);
    building->at += byte_count;
}

static size_t mark_at(const char *text)
{
    size_t i = 0;
    while (i < MARKS && strncmp(text, marks[i].text, strlen(marks[i].text)) != 0)
        i++;
    return i;
}

/* One word; with head its length goes in front. False: too many holes. */
static bool append_word(struct building *building, const char *word, bool head)
{
    struct live_shape *shape = building->shape;
    if (head) {
        struct live_shape none = {.bytes = NULL};
        struct building measured = *building;
        char text[32];
        measured.shape = &none;
        measured.at = 0;
        if (!append_word(&measured, word, false))
            return false;
        append(building, text, (size_t)snprintf(text, sizeof text, "$%zu\r\n", measured.at));
    }
    while (*word != '\0') {
        const size_t mark = mark_at(word);
        if (mark == MARKS) {
            append(building, word++, 1);
            continue;
        }
        if (shape->hole_count == LIVE_HOLES_MAX)
            return false;
        if (marks[mark].prefixed)
            append(building, building->prefix, strlen(building->prefix));
        shape->holes[shape->hole_count++] =
            (struct live_hole){.at = building->at, .kind = marks[mark].kind};
        append(building, NULL, hole_bytes(building->vectors, marks[mark].kind, building->level));
        word += strlen(marks[mark].text);
    }
    if (head)
        append(building, "\r\n", 2);
    return true;
}

static uint32_t command_words(const struct live_words *words, uint32_t from)
{
    uint32_t count = 0;
    while (from + count < words->count && strcmp(words->text[from + count], ";") != 0)
        count++;
    return count;
}

static bool append_all(struct building *building, const struct live_words *words, uint32_t *replies)
{
    building->at = 0;
    building->shape->hole_count = 0;
    *replies = 0;
    for (uint32_t i = 0; i < words->count; i++) {
        const uint32_t count = command_words(words, i);
        char text[32];
        if (count == 0)
            return false;
        append(building, text, (size_t)snprintf(text, sizeof text, "*%u\r\n", count));
        for (uint32_t k = 0; k < count; k++)
            if (!append_word(building, words->text[i + k], true))
                return false;
        i += count;
        (*replies)++;
    }
    return *replies > 0;
}

static enum err_code make_shape(struct live_shape *shape, const struct live_vectors *vectors,
                                const char *prefix, uint32_t request, uint32_t level,
                                uint32_t *replies, struct err *err)
{
    const struct live_words *words = &vectors->words[request];
    struct building building = {
        .shape = shape, .vectors = vectors, .prefix = prefix, .level = level};
    if (!append_all(&building, words, replies))
        return err_set(err, E_USAGE, "a request about vectors cannot be made of %u words: %.40s",
                       words->count, words->text[0]);
    shape->byte_count = building.at;
    shape->bytes = calloc(1, building.at);
    if (shape->bytes == NULL)
        return err_set(err, E_SYSTEM, "no memory for requests of %zu bytes", building.at);
    (void)append_all(&building, words, replies);
    return OK;
}

enum err_code live_vector_create(struct live_vector **out, const struct live_vectors *vectors,
                                 const char *prefix, struct err *err)
{
    struct live_vector *vector = calloc(1, sizeof *vector);
    enum err_code code = OK;
    *out = vector;
    if (vector == NULL)
        return err_set(err, E_SYSTEM, "no memory for requests about vectors");
    vector->vectors = vectors;
    for (uint32_t request = 0; request < LIVE_VECTOR_REQUESTS && code == OK; request++)
        for (uint32_t copy = 0; copy < 2 && code == OK; copy++)
            code = make_shape(&vector->shapes[request][copy], vectors, prefix, request, copy,
                              &vector->replies[request], err);
    if (code == OK && vector->replies[LIVE_VECTOR_ADD] != vector->replies[LIVE_VECTOR_DELETE])
        return err_set(err, E_USAGE, "vectors are added and deleted by as many commands as each");
    return code;
}

void live_vector_destroy(struct live_vector *vector)
{
    if (vector == NULL)
        return;
    for (uint32_t request = 0; request < LIVE_VECTOR_REQUESTS; request++)
        for (uint32_t copy = 0; copy < 2; copy++)
            free(vector->shapes[request][copy].bytes);
    free(vector);
}

size_t live_vector_most(const struct live_vector *vector)
{
    size_t most = 0;
    for (uint32_t request = 0; request < LIVE_VECTOR_REQUESTS; request++)
        for (uint32_t copy = 0; copy < 2; copy++)
            if (vector->shapes[request][copy].byte_count > most)
                most = vector->shapes[request][copy].byte_count;
    return most;
}

/* ---- requests ---- */

static uint64_t number_of(const struct live_vectors *vectors, enum live_vector_request request,
                          uint64_t key, uint32_t *level)
{
    if (request != LIVE_VECTOR_QUERY)
        return vector_of_key(vectors->keys, key, level);
    *level = (uint32_t)(key / LIVE_VECTOR_QUERIES);
    return VECTOR_QUERY + key % LIVE_VECTOR_QUERIES;
}

static const struct live_shape *shape_of(const struct live_vector *vector,
                                         enum live_vector_request request, uint32_t level)
{
    return &vector->shapes[request][level > 0];
}

size_t live_vector_bytes(const struct live_vector *vector, enum live_vector_request request,
                         uint64_t key)
{
    uint32_t level;
    (void)number_of(vector->vectors, request, key, &level);
    return shape_of(vector, request, level)->byte_count;
}

/* What stands at `at` of the whole, as far as it lies in the window. */
static void put(char *out, size_t from_byte, size_t byte_count, size_t at, const void *bytes,
                size_t count)
{
    const size_t end = from_byte + byte_count;
    const size_t first = at > from_byte ? at : from_byte;
    const size_t last = at + count < end ? at + count : end;
    if (first < last)
        memcpy(out + (first - from_byte), (const char *)bytes + (first - at), last - first);
}

static void put_digits(char *text, uint64_t number, uint32_t digits)
{
    for (uint32_t i = digits; i-- > 0; number /= 10)
        text[i] = (char)('0' + number % 10);
}

void live_vector_write(char *out, size_t from_byte, size_t byte_count,
                       const struct live_vector *vector, enum live_vector_request request,
                       uint64_t key)
{
    uint32_t level;
    const struct live_vectors *vectors = vector->vectors;
    const uint64_t number = number_of(vectors, request, key, &level);
    const struct live_shape *shape = shape_of(vector, request, level);
    put(out, from_byte, byte_count, 0, shape->bytes, shape->byte_count);
    for (uint32_t i = 0; i < shape->hole_count; i++) {
        const struct live_hole *hole = &shape->holes[i];
        const size_t count = hole_bytes(vectors, hole->kind, level);
        char text[VECTOR_NAME_BYTES];
        const void *bytes = text;
        if (hole->at >= from_byte + byte_count || hole->at + count <= from_byte)
            continue;
        if (hole->kind == HOLE_VECTOR)
            bytes = vector_at(vectors->space, number, level);
        else if (hole->kind == HOLE_NAME)
            vector_name_write(text, number & (VECTOR_QUERY - 1), level);
        else if (hole->kind == HOLE_NUMBER)
            put_digits(text, number & (VECTOR_QUERY - 1), NUMBER_DIGITS);
        else
            put_digits(text, number % TAGS, TAG_DIGITS);
        put(out, from_byte, byte_count, hole->at, bytes, count);
    }
}
