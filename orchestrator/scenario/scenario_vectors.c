#include "orchestrator/scenario/scenario_vectors.h"

#include <string.h>
#include <strings.h>

#include "common/vectors.h"
#include "orchestrator/scenario/scenario_file.h"

#define USUAL_K 10u
#define USUAL_INDEX ((struct vector_index){.m = 16, .ef_construction = 200, .ef_runtime = 100})

static const char prefix_word[] = "prefix:";

uint64_t scenario_copy_level(const char *text)
{
    char name[VECTOR_NAME_BYTES];
    uint64_t number;
    uint32_t level;
    const size_t bytes = strlen(text), head = sizeof prefix_word - 1;
    const size_t digits = vector_name_bytes(0);
    if (strncasecmp(text, prefix_word, head) != 0 || bytes - head != sizeof name - digits)
        return 0;
    memcpy(name, text + head, bytes - head);
    memset(name + (bytes - head), '0', digits);
    return vector_name_read(&number, &level, name, sizeof name) ? level : 0;
}

struct settling {
    struct vectors_so_far *so_far;
    const struct file *file;
    struct phase *phase;
    struct err *err;
};

#define REFUSE(settling, key, ...)                                                                 \
    file_refuse((settling)->file, &(settling)->phase->place, key, (settling)->err, __VA_ARGS__)
#define GIVEN(settling, key) file_given(&(settling)->phase->place, key)

/* Of loads and of index-create: what was said before holds, and cannot change. */
static enum err_code settle_dimensions(const struct settling *settling)
{
    struct vectors_so_far *so_far = settling->so_far;
    struct phase *phase = settling->phase;
    if (phase->index.dimensions == 0)
        phase->index.dimensions = so_far->dimensions;
    if (phase->index.dimensions == 0)
        return REFUSE(settling, NULL, "%s: vectors need their number of dimensions", phase->base);
    if (so_far->dimensions != 0 && phase->index.dimensions != so_far->dimensions)
        return REFUSE(settling, "dimensions",
                      "dimensions: %llu; all vectors of a scenario have as many: %llu",
                      (unsigned long long)phase->index.dimensions,
                      (unsigned long long)so_far->dimensions);
    so_far->dimensions = phase->index.dimensions;
    return OK;
}

static enum err_code settle_load(const struct settling *settling)
{
    static const char *const others[] = {"keys", "until", "target_memory"};
    struct vectors_so_far *so_far = settling->so_far;
    struct phase *phase = settling->phase;
    if (GIVEN(settling, "value_size"))
        return REFUSE(settling, "value_size",
                      "value_size: of a vector its dimensions say how large it is");
    /* other loads end by samples, in which a key that holds all vectors counts once */
    const bool in_parts = !(phase->qps > 0 || phase->qps_share > 0);
    if (strcmp(phase->until.metric, "keys") == 0 && !in_parts)
        return REFUSE(settling, "until",
                      "until: %s: of vectors this takes a load without qps; or give keys",
                      phase->until.text);
    if (settle_dimensions(settling) != OK)
        return settling->err->code;
    if (phase->copy_level == 0 || phase->type != PHASE_LOAD) {
        so_far->loaded = true;
        return OK;
    }
    if (!so_far->loaded)
        return REFUSE(settling, "expand", "expand: there are no vectors yet that could be copied");
    if ((so_far->levels & (1u << phase->copy_level)) != 0)
        return REFUSE(settling, "expand", "expand: copies %llu are there already: take another one",
                      (unsigned long long)phase->copy_level);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (GIVEN(settling, others[i]))
            return REFUSE(settling, others[i],
                          "%s: an expansion copies each vector once: it takes none", others[i]);
    so_far->levels |= 1u << phase->copy_level;
    return OK;
}

static bool has_operation(const struct phase *phase, enum phase_operation operation)
{
    for (uint32_t i = 0; i < phase->mix_count; i++)
        if (phase->mix[i].operation == operation)
            return true;
    return false;
}

static enum err_code settle_query(const struct settling *settling)
{
    struct phase *phase = settling->phase;
    if (!settling->so_far->has_index)
        return REFUSE(settling, NULL, "%s: vectors are queried by an index: put index-create first",
                      phase->base);
    if (GIVEN(settling, "key_dist"))
        return REFUSE(settling, "key_dist",
                      "key_dist: queries ask for places beside vectors, and not for keys");
    if (phase->query.k == 0)
        phase->query.k = USUAL_K;
    return OK;
}

static enum err_code settle_index(const struct settling *settling)
{
    struct vectors_so_far *so_far = settling->so_far;
    struct phase *phase = settling->phase;
    if (phase->type != PHASE_INDEX_DROP && phase->duration_ns == 0)
        return REFUSE(settling, NULL, "%s: a wait without limit: give timeout", phase->base);
    if (phase->type == PHASE_INDEX_CREATE) {
        if (so_far->has_index)
            return REFUSE(settling, NULL, "%s: there is an index already: index-drop goes first",
                          phase->base);
        if (so_far->had_index && phase->index.metric != so_far->index.metric)
            return REFUSE(settling, "metric",
                          "metric: a scenario has one, and its index before was of another");
        if (settle_dimensions(settling) != OK)
            return settling->err->code;
        so_far->index = phase->index;
        so_far->has_index = so_far->had_index = true;
        return OK;
    }
    if (!so_far->has_index)
        return REFUSE(settling, NULL, "%s: there is no index: index-create has to stand before %s",
                      phase->base, scenario_type_name(phase->type));
    if (phase->type == PHASE_INDEX_DROP) {
        so_far->has_index = false;
        so_far->loaded &= phase->keep_docs;
        so_far->levels = phase->keep_docs ? so_far->levels : 0;
    }
    return OK;
}

/* A phase whose keys are no vectors. */
static enum err_code refuse_keys(const struct settling *settling)
{
    static const char *const keys[] = {"dimensions", "expand", "k", "ef"};
    const struct phase *phase = settling->phase;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (GIVEN(settling, keys[i]))
            return REFUSE(settling, keys[i], "%s: it is of vectors: load datatype: vector first",
                          keys[i]);
    if (phase->recall)
        return REFUSE(settling, "verify", "verify: recall is of vectors only");
    if (phase->copy_level > 0)
        return REFUSE(settling, "strategy", "strategy: prefix is of copies of vectors only");
    if (settling->so_far->has_index && phase->type == PHASE_LOAD)
        return REFUSE(settling, "datatype", "datatype: there is an index, and it is of vectors");
    return OK;
}

static enum err_code settle_vectors(const struct settling *settling)
{
    const struct phase *phase = settling->phase;
    if (phase->parallel_place > 0 && phase->type == PHASE_LOAD && phase->copy_level > 0)
        return REFUSE(settling, "expand",
                      "expand: copies are loaded on their own, not in parallel");
    if (phase->parallel_place > 0 && phase->recall)
        return REFUSE(settling, "verify",
                      "verify: recall is asked when nothing else is sent, not in parallel");
    switch (phase->type) {
    case PHASE_LOAD:
        return settle_load(settling);
    case PHASE_QUERY:
        return settle_query(settling);
    case PHASE_RAMP:
    case PHASE_HOLD:
    case PHASE_BURST:
        if (has_operation(phase, OPERATION_UPDATE))
            return REFUSE(settling, "mix",
                          "mix: update: a vector stays as it is: take load and del in its place");
        if (has_operation(phase, OPERATION_LOAD) && settle_load(settling) != OK)
            return settling->err->code;
        return has_operation(phase, OPERATION_GET) ? settle_query(settling) : OK;
    case PHASE_DELETE:
        if (phase->copy_level > 0 && (settling->so_far->levels & (1u << phase->copy_level)) == 0)
            return REFUSE(settling, "strategy",
                          "strategy: no load before has expand: %llu, whose copies begin so",
                          (unsigned long long)phase->copy_level);
        return OK;
    case PHASE_OVERWRITE:
    case PHASE_EXPIRE:
        return REFUSE(settling, NULL,
                      "%s: vectors are loaded, queried and deleted; this is for other keys",
                      phase->base);
    default:
        return OK;
    }
}

enum err_code scenario_vectors_settle(struct vectors_so_far *so_far, const struct file *file,
                                      struct phase *phase, struct err *err)
{
    const struct settling settling = {so_far, file, phase, err};
    const bool about_index = phase->type == PHASE_INDEX_CREATE || phase->type == PHASE_INDEX_DROP ||
                             phase->type == PHASE_WAIT_INDEX;
    if (phase->type == PHASE_FLUSH) {
        so_far->loaded = so_far->has_index = false;
        so_far->levels = 0;
    }
    if (!about_index && phase->datatype != LIVE_VECTOR)
        return refuse_keys(&settling);
    const enum err_code code = about_index ? settle_index(&settling) : settle_vectors(&settling);
    if (code == OK && phase->type != PHASE_INDEX_CREATE) {
        const uint64_t dimensions = so_far->dimensions;
        phase->index = so_far->had_index ? so_far->index : USUAL_INDEX;
        phase->index.dimensions = dimensions;
    }
    return code;
}
