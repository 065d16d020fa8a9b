#include "common/vectors.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"

#define LATENT 12u
#define NOISE 0.1F
#define MOVE_TIMES 5.0F /* the longest vector: originals and their queries are within 2 of it */
#define NAME_DIGITS 12u
static const char copy_name[] = "expand_";

/* Streams of the seed. */
#define STREAM_BASIS 0x6261736973ull
#define STREAM_PLACES 0x76706c61636573ull
#define STREAM_NOISE 0x6e6f697365ull
#define STREAM_ORDER 0x6f72646572ull

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "blobs have the lower byte first");

struct vector_space {
    uint64_t seed;
    uint32_t dimensions;
    enum vector_copies copies;
    float *basis; /* LATENT vectors */
    /* Of each level: MIRRORED: where a value comes from, times 2, and 1 more where its sign changes. MOVED: what is
     * added to all: one direction, times the level. */
    uint32_t *orders[VECTOR_LEVELS_MAX];
    float *move;
    float *original, *copy; /* scratch */
};

/* Four numbers side by side: what compilers do not make of plain loops without more optimisation than volley is built with. */
typedef float four __attribute__((vector_size(16)));
#define FOUR 4u
#define SUMS 4u

static inline four load_four(const float *from)
{
    four loaded;
    memcpy(&loaded, from, sizeof loaded);
    return loaded;
}

double vector_product(const float *a, const float *b, uint32_t count)
{
    four sums[SUMS] = {{0}};
    uint32_t i = 0;
    double sum = 0;
    for (; i + SUMS * FOUR <= count; i += SUMS * FOUR) {
        sums[0] += load_four(a + i) * load_four(b + i);
        sums[1] += load_four(a + i + FOUR) * load_four(b + i + FOUR);
        sums[2] += load_four(a + i + 2 * FOUR) * load_four(b + i + 2 * FOUR);
        sums[3] += load_four(a + i + 3 * FOUR) * load_four(b + i + 3 * FOUR);
    }
    for (; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    const four all = sums[0] + sums[1] + (sums[2] + sums[3]);
    for (uint32_t k = 0; k < FOUR; k++)
        sum += (double)all[k];
    return sum;
}

/* -1 to 1, of 16 bits. */
static float unit_of(uint64_t bits)
{
    return (float)(int16_t)(uint16_t)bits * (1.0F / 32768);
}

static void fill_units(float *out, uint32_t count, uint64_t stream, float scale)
{
    uint32_t i = 0;
    for (uint64_t place = 0; i < count; place++)
        for (uint64_t bits = rng_at(stream, place), k = 0; k < 4 && i < count; k++, bits >>= 16)
            out[i++] = unit_of(bits) * scale;
}

static void make_order(uint32_t *order, uint32_t count, uint64_t stream)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = 2 * i + (uint32_t)(rng_at(stream, i) >> 63);
    for (uint32_t i = count - 1; i > 0; i--) {
        const uint64_t k = rng_bounded(rng_at(stream, (uint64_t)count + i), i + 1ull);
        const uint32_t kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
}

static double length_of(const float *values, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += (double)values[i] * (double)values[i];
    return sqrt(sum);
}

static void make_move(struct vector_space *space)
{
    const uint32_t dimensions = space->dimensions;
    double longest = (double)NOISE * sqrt((double)dimensions);
    for (uint32_t k = 0; k < LATENT; k++)
        longest += length_of(space->basis + (size_t)k * dimensions, dimensions);
    fill_units(space->move, dimensions, rng_at(space->seed ^ STREAM_ORDER, 0), 1);
    const double length = length_of(space->move, dimensions);
    for (uint32_t i = 0; i < dimensions; i++)
        space->move[i] *= (float)((double)MOVE_TIMES * longest / (length > 0 ? length : 1));
}

static bool make_tables(struct vector_space *space)
{
    const size_t count = space->dimensions;
    space->basis = calloc(LATENT * count, sizeof(float));
    space->move = calloc(count, sizeof(float));
    space->original = calloc(count, sizeof(float));
    space->copy = calloc(count, sizeof(float));
    bool enough = space->basis != NULL && space->move != NULL && space->original != NULL &&
                  space->copy != NULL;
    for (uint32_t i = 0; i < VECTOR_LEVELS_MAX && enough; i++) {
        space->orders[i] = calloc(count, sizeof(uint32_t));
        enough = space->orders[i] != NULL;
    }
    return enough;
}

enum err_code vector_space_create(struct vector_space **out, uint64_t seed, uint32_t dimensions,
                                  enum vector_copies copies, struct err *err)
{
    *out = NULL;
    if (dimensions < VECTOR_DIMENSIONS_LEAST || dimensions > VECTOR_DIMENSIONS_MOST)
        return err_set(err, E_USAGE, "vectors of %u dimensions: %u to %u are possible", dimensions,
                       VECTOR_DIMENSIONS_LEAST, VECTOR_DIMENSIONS_MOST);
    struct vector_space *space = calloc(1, sizeof *space);
    if (space != NULL)
        *space = (struct vector_space){
            .seed = rng_mix(seed), .dimensions = dimensions, .copies = copies};
    if (space == NULL || !make_tables(space)) {
        vector_space_destroy(space);
        return err_set(err, E_SYSTEM, "no memory for vectors of %u dimensions", dimensions);
    }
    fill_units(space->basis, LATENT * dimensions, space->seed ^ STREAM_BASIS, 1);
    for (uint32_t i = 0; i < VECTOR_LEVELS_MAX; i++)
        make_order(space->orders[i], dimensions, rng_at(space->seed ^ STREAM_ORDER, i + 1ull));
    make_move(space);
    *out = space;
    return OK;
}

void vector_space_destroy(struct vector_space *space)
{
    if (space == NULL)
        return;
    for (uint32_t i = 0; i < VECTOR_LEVELS_MAX; i++)
        free(space->orders[i]);
    free(space->basis);
    free(space->move);
    free(space->original);
    free(space->copy);
    free(space);
}

uint32_t vector_dimensions(const struct vector_space *space)
{
    return space->dimensions;
}

static void write_original(const struct vector_space *space, uint64_t number)
{
    const uint32_t dimensions = space->dimensions;
    float places[LATENT], *out = space->original;
    fill_units(places, LATENT, rng_at(space->seed ^ STREAM_PLACES, number), 1);
    fill_units(out, dimensions, rng_at(space->seed ^ STREAM_NOISE, number), NOISE);
    uint32_t i = 0;
    for (; i + FOUR <= dimensions; i += FOUR) {
        four sum = load_four(out + i);
        for (uint32_t k = 0; k < LATENT; k++)
            sum += places[k] * load_four(space->basis + (size_t)k * dimensions + i);
        memcpy(out + i, &sum, sizeof sum);
    }
    for (; i < dimensions; i++)
        for (uint32_t k = 0; k < LATENT; k++)
            out[i] += places[k] * space->basis[(size_t)k * dimensions + i];
}

const float *vector_at(const struct vector_space *space, uint64_t number, uint32_t level)
{
    const uint32_t dimensions = space->dimensions;
    const float *original = space->original;
    float *copy = space->copy;
    write_original(space, number);
    if (level == 0)
        return original;
    if (space->copies == VECTOR_MOVED) {
        for (uint32_t i = 0; i < dimensions; i++)
            copy[i] = original[i] + (float)level * space->move[i];
        return copy;
    }
    const uint32_t *order = space->orders[(level - 1) % VECTOR_LEVELS_MAX];
    for (uint32_t i = 0; i < dimensions; i++)
        copy[i] = (order[i] & 1) != 0 ? -original[order[i] >> 1] : original[order[i] >> 1];
    return copy;
}

/* ---- keys ---- */

size_t vector_name_bytes(uint32_t level)
{
    return level == 0 ? NAME_DIGITS : VECTOR_NAME_BYTES;
}

size_t vector_name_write(char out[VECTOR_NAME_BYTES], uint64_t number, uint32_t level)
{
    size_t at = 0;
    if (level > 0) {
        memcpy(out, copy_name, sizeof copy_name - 1);
        at = sizeof copy_name - 1;
        out[at++] = (char)('0' + level % 10);
        out[at++] = '_';
    }
    for (uint32_t i = NAME_DIGITS; i-- > 0; number /= 10)
        out[at + i] = (char)('0' + number % 10);
    return at + NAME_DIGITS;
}

bool vector_name_read(uint64_t *number, uint32_t *level, const char *name, size_t name_bytes)
{
    const size_t head = sizeof copy_name - 1;
    *number = 0;
    *level = 0;
    if (name_bytes == VECTOR_NAME_BYTES) {
        if (memcmp(name, copy_name, head) != 0 || name[head] < '1' ||
            name[head] > (char)('0' + VECTOR_LEVELS_MAX) || name[head + 1] != '_')
            return false;
        *level = (uint32_t)(name[head] - '0');
        name += head + 2;
    } else if (name_bytes != NAME_DIGITS) {
        return false;
    }
    for (uint32_t i = 0; i < NAME_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(name[i] - '0');
    }
    return true;
}

bool vector_keys_add(struct vector_keys *keys, uint64_t first_key, uint32_t level)
{
    if (keys->count > 0 && keys->stretches[keys->count - 1].first_key == first_key)
        keys->count--;
    if (keys->count > 0 && keys->stretches[keys->count - 1].level == 0 && level == 0)
        return true;
    if (keys->count == VECTOR_STRETCHES_MAX)
        return false;
    keys->stretches[keys->count++] =
        (struct vector_stretch){.first_key = first_key, .level = level};
    return true;
}

uint64_t vector_of_key(const struct vector_keys *keys, uint64_t key, uint32_t *level)
{
    for (uint32_t i = keys->count; i-- > 0;) {
        const struct vector_stretch *stretch = &keys->stretches[i];
        if (key < stretch->first_key)
            continue;
        *level = stretch->level;
        return stretch->level == 0 ? key : key - stretch->first_key;
    }
    *level = 0;
    return key;
}

bool vector_key_of(const struct vector_keys *keys, uint64_t number, uint32_t level, uint64_t *key)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct vector_stretch *stretch = &keys->stretches[i];
        const bool last = i + 1 == keys->count;
        if (stretch->level != level)
            continue;
        const uint64_t at = level == 0 ? number : stretch->first_key + number;
        if (at >= stretch->first_key && (last || at < keys->stretches[i + 1].first_key)) {
            *key = at;
            return true;
        }
    }
    *key = number;
    return level == 0 && (keys->count == 0 || number < keys->stretches[0].first_key);
}
