#include "orchestrator/vector/vector_driver.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/server/reply_value.h"

#define TAGS 100u
#define MB 1048576.0

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ALL_METRICS (VECTOR_BIT(VECTOR_COSINE) | VECTOR_BIT(VECTOR_L2) | VECTOR_BIT(VECTOR_IP))
#define BOTH (VECTOR_BIT(VECTOR_HNSW) | VECTOR_BIT(VECTOR_FLAT))
#define DOCUMENT                                                                                   \
    "HSET", "{key}", "v", "{vector}", "tag", "{tag}", "num", "{number}", "text", "document {number}"
#define SCHEMA                                                                                     \
    "FT.CREATE", "{index}", "ON", "HASH", "PREFIX", "1", "{prefix}", "SCHEMA", "v", "VECTOR"
#define TYPE "TYPE", "FLOAT32", "DIM", "{dimensions}", "DISTANCE_METRIC", "{metric}"
#define FIELDS "tag", "TAG", "num", "NUMERIC"
#define SEARCH(knn)                                                                                \
    WORDS("FT.SEARCH", "{index}", knn, "PARAMS", "2", "q", "{vector}", "NOCONTENT", "LIMIT", "0",  \
          "{k}", "DIALECT", "2")
#define NEAREST WORDS("VSIM", "{index}", "FP32", "{vector}", "COUNT", "{k}", "EF", "{ef}")
#define BY_TAG_AND_NUMBER                                                                          \
    WORDS("SRANDMEMBER", "{index}:tag:{tag}", "{k}", ";", "ZRANGE", "{index}:num", "{number}",     \
          "+inf", "BYSCORE", "LIMIT", "0", "{k}")
#define ADD_VECTOR                                                                                 \
    WORDS("VADD", "{index}", "FP32", "{vector}", "{element}", "NOQUANT", "EF",                     \
          "{ef_construction}", "M", "{m}")

/* clang-format off: a command reads best on one line */
static const struct vector_driver table[] = {
    {.name = "search",
     .about = "FT.* of a search module, over hashes",
     .command = "FT.SEARCH",
     .module = "search",
     .metrics = ALL_METRICS,
     .algorithms = BOTH,
     .finds_neighbours = true,
     .keeps_documents = true,
     .builds_itself = true,
     .add = WORDS(DOCUMENT),
     .again = WORDS("EXISTS", "{key}"),
     .delete = WORDS("UNLINK", "{key}"),
     .query = {SEARCH("*=>[KNN {k} @v $q EF_RUNTIME {ef}]"), SEARCH("*=>[KNN {k} @v $q]")},
     .create = {WORDS(SCHEMA, "HNSW", "12", TYPE, "M", "{m}", "EF_CONSTRUCTION",
                      "{ef_construction}", "EF_RUNTIME", "{ef_runtime}", FIELDS),
                WORDS(SCHEMA, "FLAT", "6", TYPE, FIELDS)},
     .drop = WORDS("FT.DROPINDEX", "{index}")},
    {.name = "vector-set",
     .about = "VADD and VSIM, vectors and index in one key, not quantised",
     .command = "VSIM",
     .module = "vectorset",
     .metrics = VECTOR_BIT(VECTOR_COSINE),
     .algorithms = VECTOR_BIT(VECTOR_HNSW),
     .finds_neighbours = true,
     .add = ADD_VECTOR,
     .again = ADD_VECTOR,
     .delete = WORDS("VREM", "{index}", "{element}"),
     .query = {NEAREST, NEAREST},
     .drop = WORDS("UNLINK", "{index}"),
     .documents = {"VCARD", "{index}"},
     .keys = WORDS("{index}")},
    {.name = "emulated",
     .about = "hashes, and an index of volley's own of tags and numbers; no neighbours",
     .metrics = ALL_METRICS,
     .algorithms = BOTH,
     .keeps_documents = true,
     .add = WORDS(DOCUMENT, ";", "SADD", "{index}:tag:{tag}", "{key}", ";", "ZADD", "{index}:num",
                  "{number}", "{key}"),
     .again = WORDS("SADD", "{index}:tag:{tag}", "{key}", ";", "ZADD", "{index}:num", "{number}",
                    "{key}"),
     .delete = WORDS("UNLINK", "{key}", ";", "SREM", "{index}:tag:{tag}", "{key}", ";", "ZREM",
                     "{index}:num", "{key}"),
     .query = {BY_TAG_AND_NUMBER, BY_TAG_AND_NUMBER},
     .drop = WORDS("UNLINK", "{index}:num", ";", "UNLINK", "{index}:tag:{tag}"),
     .documents = {"ZCARD", "{index}:num"},
     .keys = WORDS("{index}:num", "{index}:tag:{tag}")},
};
/* clang-format on */
#define DRIVERS (sizeof table / sizeof table[0])

const struct vector_driver *vector_driver_at(size_t index)
{
    return index < DRIVERS ? &table[index] : NULL;
}

const char *vector_metric_word(enum vector_metric metric)
{
    static const char *const words[] = {"cosine", "l2", "ip"};
    return metric < VECTOR_METRICS ? words[metric] : NULL;
}

const char *vector_algorithm_word(enum vector_algorithm algorithm)
{
    static const char *const words[] = {"hnsw", "flat"};
    return algorithm < VECTOR_ALGORITHMS ? words[algorithm] : NULL;
}

/* ---- which one ---- */

static bool has_module(const redisReply *modules, const char *name)
{
    for (size_t i = 0; reply_item(modules, i) != NULL; i++) {
        const redisReply *module = reply_item(modules, i);
        for (size_t k = 0; reply_item(module, k + 1) != NULL; k += 2) {
            const char *key = reply_text(reply_item(module, k)),
                       *value = reply_text(reply_item(module, k + 1));
            if (key != NULL && value != NULL && strcasecmp(key, "name") == 0 &&
                strcasecmp(value, name) == 0)
                return true;
        }
    }
    return false;
}

/* COMMAND INFO of an unknown command is a null, or an empty list. */
static bool is_told(const redisReply *info)
{
    const redisReply *first = reply_item(info, 0);
    return first != NULL && first->type == REDIS_REPLY_ARRAY && first->elements > 0;
}

enum err_code vector_driver_find(const struct vector_driver **driver, struct control *control,
                                 struct err *err)
{
    *driver = NULL;
    for (size_t i = 0; i < DRIVERS; i++) {
        redisReply *reply = NULL;
        bool known = table[i].command == NULL;
        enum err_code code = OK;
        if (!known)
            code = control_command(control, &reply, 3,
                                   (const char *const[]){"COMMAND", "INFO", table[i].command}, err);
        if (code == OK && reply != NULL && reply->type == REDIS_REPLY_ERROR) {
            freeReplyObject(reply);
            reply = NULL;
            code =
                control_command(control, &reply, 2, (const char *const[]){"MODULE", "LIST"}, err);
            known = code == OK && has_module(reply, table[i].module);
        } else if (code == OK && reply != NULL) {
            known = is_told(reply);
        }
        freeReplyObject(reply);
        if (code != OK)
            return code;
        if (known) {
            *driver = &table[i];
            return OK;
        }
    }
    return OK;
}

enum err_code vector_driver_check(const struct vector_driver *driver,
                                  const struct vector_index *index, struct err *err)
{
    if ((driver->metrics & VECTOR_BIT(index->metric)) == 0)
        return err_set(err, E_USAGE,
                       "metric: %s: this server has vectors as %s (%s), which compares by %s alone",
                       vector_metric_word(index->metric), driver->name, driver->about,
                       vector_metric_word(VECTOR_COSINE));
    if ((driver->algorithms & VECTOR_BIT(index->algorithm)) == 0)
        return err_set(err, E_USAGE,
                       "algo: %s: this server has vectors as %s (%s), whose index is %s alone",
                       vector_algorithm_word(index->algorithm), driver->name, driver->about,
                       vector_algorithm_word(VECTOR_HNSW));
    return OK;
}

enum vector_copies vector_metric_copies(enum vector_metric metric)
{
    return metric == VECTOR_L2 ? VECTOR_MOVED : VECTOR_MIRRORED;
}

/* ---- words ---- */

struct filling {
    const char *prefix;
    const struct vector_index *index;
    struct vector_query query;
};

/* The text of a mark, of those that are known here; NULL: it is the worker's. */
static const char *text_of(char text[LIVE_WORD_BYTES], const struct filling *filling,
                           const char *mark, size_t mark_bytes)
{
    static const char *const metrics[] = {"COSINE", "L2", "IP"};
    const struct vector_index *index = filling->index;
    const struct {
        const char *mark;
        uint64_t number;
    } numbers[] = {{"{dimensions}", index->dimensions},
                   {"{m}", index->m},
                   {"{ef_construction}", index->ef_construction},
                   {"{ef_runtime}", index->ef_runtime},
                   {"{k}", filling->query.k},
                   {"{ef}", filling->query.ef}};
#define IS(name) (mark_bytes == strlen(name) && memcmp(mark, name, mark_bytes) == 0)
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (IS(numbers[i].mark)) {
            snprintf(text, LIVE_WORD_BYTES, "%" PRIu64, numbers[i].number);
            return text;
        }
    if (IS("{index}")) {
        snprintf(text, LIVE_WORD_BYTES, "%sidx", filling->prefix);
        return text;
    }
    return IS("{prefix}") ? filling->prefix : IS("{metric}") ? metrics[index->metric] : NULL;
#undef IS
}

static void fill_word(char out[LIVE_WORD_BYTES], const char *word, const struct filling *filling)
{
    size_t used = 0;
    out[0] = '\0';
    while (*word != '\0' && used < LIVE_WORD_BYTES - 1) {
        char room[LIVE_WORD_BYTES];
        const char *end = *word == '{' ? strchr(word, '}') : NULL, *text = NULL;
        size_t bytes = 1;
        if (end != NULL) {
            bytes = (size_t)(end - word) + 1;
            text = text_of(room, filling, word, bytes);
        }
        used += (size_t)snprintf(out + used, LIVE_WORD_BYTES - used, "%.*s",
                                 text != NULL ? (int)LIVE_WORD_BYTES : (int)bytes,
                                 text != NULL ? text : word);
        word += bytes;
    }
}

static void fill_words(struct live_words *out, const char *const *words,
                       const struct filling *filling)
{
    for (out->count = 0; words[out->count] != NULL && out->count < LIVE_WORDS_MAX; out->count++)
        fill_word(out->text[out->count], words[out->count], filling);
}

void vector_driver_words(struct live_words words[LIVE_VECTOR_REQUESTS],
                         const struct vector_driver *driver, const char *prefix,
                         const struct vector_index *index, const struct vector_query *query)
{
    struct filling filling = {.prefix = prefix, .index = index, .query = {.k = 10}};
    if (query != NULL)
        filling.query = *query;
    if (filling.query.ef == 0)
        filling.query.ef = index->ef_runtime;
    fill_words(&words[LIVE_VECTOR_ADD], driver->add, &filling);
    fill_words(&words[LIVE_VECTOR_AGAIN], driver->again, &filling);
    fill_words(&words[LIVE_VECTOR_QUERY], driver->query[index->algorithm], &filling);
    fill_words(&words[LIVE_VECTOR_DELETE], driver->delete, &filling);
}

/* ---- commands ---- */

/* "{index}:tag:{tag}" of one tag; whether there was one. */
static bool put_tag(char word[LIVE_WORD_BYTES], unsigned tag)
{
    char *at = strstr(word, "{tag}");
    if (at == NULL)
        return false;
    snprintf(at, LIVE_WORD_BYTES - (size_t)(at - word), "%02u", tag);
    return true;
}

static enum err_code tell(struct control *control, const struct live_words *words, uint32_t from,
                          uint32_t count, unsigned tag, bool *tagged, struct err *err)
{
    char text[LIVE_WORDS_MAX][LIVE_WORD_BYTES];
    const char *argv[LIVE_WORDS_MAX];
    redisReply *reply = NULL;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(text[i], words->text[from + i], LIVE_WORD_BYTES);
        *tagged |= put_tag(text[i], tag);
        argv[i] = text[i];
    }
    enum err_code code = control_command(control, &reply, (int)count, argv, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT, "%s: %.200s", argv[0], PRINTABLE(reply->str));
    freeReplyObject(reply);
    return code;
}

static enum err_code tell_all(struct control *control, const char *const *template,
                              const struct filling *filling, struct err *err)
{
    struct live_words words;
    enum err_code code = OK;
    fill_words(&words, template, filling);
    for (uint32_t from = 0; from < words.count && code == OK;) {
        uint32_t count = 0;
        bool tagged = false;
        while (from + count < words.count && strcmp(words.text[from + count], ";") != 0)
            count++;
        code = tell(control, &words, from, count, 0, &tagged, err);
        for (unsigned tag = 1; tagged && tag < TAGS && code == OK; tag++)
            code = tell(control, &words, from, count, tag, &tagged, err);
        from += count + 1;
    }
    return code;
}

enum err_code vector_index_create(struct control *control, const struct vector_driver *driver,
                                  const char *prefix, const struct vector_index *index,
                                  struct err *err)
{
    const struct filling filling = {.prefix = prefix, .index = index};
    if (driver->create[index->algorithm] == NULL)
        return OK;
    return tell_all(control, driver->create[index->algorithm], &filling, err);
}

enum err_code vector_index_drop(struct control *control, const struct vector_driver *driver,
                                const char *prefix, struct err *err)
{
    static const struct vector_index none;
    const struct filling filling = {.prefix = prefix, .index = &none};
    return tell_all(control, driver->drop, &filling, err);
}

void vector_driver_remover(char *text, size_t text_bytes, const struct vector_driver *driver,
                           const char *prefix)
{
    static const struct vector_index none;
    const struct filling filling = {.prefix = prefix, .index = &none};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; driver->drop[i] != NULL && strcmp(driver->drop[i], ";") != 0; i++) {
        char word[LIVE_WORD_BYTES];
        fill_word(word, driver->drop[i], &filling);
        used += (size_t)snprintf(text + used, used < text_bytes ? text_bytes - used : 0, "%s%s",
                                 i > 0 ? " " : "", word);
        if (used >= text_bytes)
            break;
    }
}

/* ---- what an index is ---- */

/* FT.INFO is a list of names and values, by module; what counts is looked for under all the names that are known. */
static double number_of(const redisReply *info, const char *name)
{
    for (size_t i = 0; reply_item(info, i + 1) != NULL; i += 2) {
        const char *key = reply_text(reply_item(info, i));
        const redisReply *value = reply_item(info, i + 1);
        double number;
        if (key == NULL || strcasecmp(key, name) != 0)
            continue;
        if (value->type == REDIS_REPLY_INTEGER)
            return (double)value->integer;
        const char *text = reply_text(value);
        return text != NULL && units_parse_real(&number, text) ? number : (double)NAN;
    }
    return NAN;
}

static double memory_of(const redisReply *info)
{
    static const char *const megabytes[] = {"total_index_memory_sz_mb", "vector_index_sz_mb"};
    for (size_t i = 0; i < sizeof megabytes / sizeof megabytes[0]; i++)
        if (!isnan(number_of(info, megabytes[i])))
            return number_of(info, megabytes[i]) * MB;
    return NAN;
}

/* Of a module that has one number for all of its indexes. */
static double memory_of_module(struct control *control)
{
    static const char *const fields[] = {"search_used_memory_indexes", "search_used_memory_bytes"};
    struct err own = {.code = OK};
    char *info = NULL;
    double bytes = NAN;
    if (control_info(control, &info, &own) != OK)
        return NAN;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && isnan(bytes); i++) {
        uint64_t number;
        if (info_number(&number, info, fields[i], UINT64_MAX))
            bytes = (double)number;
    }
    free(info);
    return bytes;
}

static enum err_code look_at_search(struct vector_state *state, struct control *control,
                                    const char *index, struct err *err)
{
    redisReply *reply = NULL;
    enum err_code code =
        control_command(control, &reply, 2, (const char *const[]){"FT.INFO", index}, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT, "FT.INFO: %.200s", PRINTABLE(reply->str));
    if (code == OK) {
        static const char *const under_way[] = {"backfill_in_progress", "indexing",
                                                "mutation_queue_size"};
        state->documents = number_of(reply, "num_docs");
        state->built = !(number_of(reply, "percent_indexed") < 1);
        for (size_t i = 0; i < sizeof under_way / sizeof under_way[0]; i++)
            state->built &= !(number_of(reply, under_way[i]) > 0);
        state->index_bytes = memory_of(reply);
        if (isnan(state->index_bytes))
            state->index_bytes = memory_of_module(control);
    }
    freeReplyObject(reply);
    return code;
}

/* What `command argv...` answers as a number, NULL as none; added to *sum. */
static enum err_code add_number(double *sum, struct control *control, int argc,
                                const char *const *argv, struct err *err)
{
    redisReply *reply = NULL;
    enum err_code code = control_command(control, &reply, argc, argv, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT, "%s: %.200s", argv[0], PRINTABLE(reply->str));
    if (code == OK && reply->type == REDIS_REPLY_INTEGER)
        *sum += (double)reply->integer;
    freeReplyObject(reply);
    return code;
}

enum err_code vector_index_look(struct vector_state *state, struct control *control,
                                const struct vector_driver *driver, const char *prefix,
                                struct err *err)
{
    static const struct vector_index none;
    const struct filling filling = {.prefix = prefix, .index = &none};
    char word[LIVE_WORD_BYTES];
    *state = (struct vector_state){.documents = NAN, .index_bytes = NAN};
    if (driver->documents[0] == NULL) {
        fill_word(word, "{index}", &filling);
        return look_at_search(state, control, word, err);
    }
    fill_word(word, driver->documents[1], &filling);
    state->documents = state->index_bytes = 0;
    state->built = true;
    enum err_code code = add_number(&state->documents, control, 2,
                                    (const char *const[]){driver->documents[0], word}, err);
    for (size_t i = 0; driver->keys[i] != NULL && code == OK; i++) {
        const char *const argv[] = {"MEMORY", "USAGE", word};
        bool tagged = true;
        for (unsigned tag = 0; tag < TAGS && tagged && code == OK; tag++) {
            fill_word(word, driver->keys[i], &filling);
            tagged = put_tag(word, tag);
            code = add_number(&state->index_bytes, control, 3, argv, err);
        }
    }
    return code;
}

/* ---- queries ---- */

static void read_found(struct vector_found *found, uint32_t *count, const redisReply *reply,
                       const char *prefix)
{
    const size_t prefix_bytes = strlen(prefix);
    for (size_t i = 0; reply_item(reply, i) != NULL && *count < VECTOR_K_MAX; i++) {
        const char *name = reply_text(reply_item(reply, i));
        struct vector_found *next = &found[*count];
        if (name == NULL)
            continue;
        if (strncmp(name, prefix, prefix_bytes) == 0)
            name += prefix_bytes;
        *count += vector_name_read(&next->number, &next->level, name, strlen(name));
    }
}

enum err_code vector_ask(struct vector_found found[VECTOR_K_MAX], uint32_t *count,
                         struct control *control, const struct live_words *words,
                         const char *prefix, const struct vector_space *space, uint64_t query,
                         uint32_t level, struct err *err)
{
    const char *argv[LIVE_WORDS_MAX];
    size_t lengths[LIVE_WORDS_MAX];
    redisReply *reply = NULL;
    *count = 0;
    for (uint32_t i = 0; i < words->count; i++) {
        const bool vector = strcmp(words->text[i], "{vector}") == 0;
        argv[i] =
            vector ? (const char *)vector_at(space, VECTOR_QUERY + query, level) : words->text[i];
        lengths[i] = vector ? vector_dimensions(space) * sizeof(float) : strlen(words->text[i]);
    }
    enum err_code code =
        control_command_bytes(control, &reply, (int)words->count, argv, lengths, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT, "%s: %.200s", argv[0], PRINTABLE(reply->str));
    if (code == OK)
        read_found(found, count, reply, prefix);
    freeReplyObject(reply);
    return code;
}
