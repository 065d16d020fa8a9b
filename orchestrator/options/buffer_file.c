#include "orchestrator/options/buffer_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/options/workload_document.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define ROUND_MESSAGES_MAX 10000u
#define ROUND_TOKENS_MAX (256ull * 1024 * 1024)
#define HYBRID_BATCHES_MAX 10000u
#define FLUSH_WORKERS_MAX 1000u
#define CACHE_REPLIES_MAX 10000u /* each takes up to 16 kB of a worker process */

const struct shipped_kind buffer_library = {.folder = "buffers", .what = "buffer"};

static const char *strategy_at(size_t index)
{
    static const char *const words[] = {
        [BUFFER_SIZE_BASED] = "size_based", [BUFFER_TIME_BASED] = "time_based"};
    return index < COUNT(words) ? words[index] : NULL;
}

#define AT(member) offsetof(struct written_switch, member)
static const struct file_field switch_fields[] = {
    {.row = {ROW("enabled", NULL, OPTION_FLAG, NULL, AT(enabled)), .unset = "true",
             .help = "false: requests are sent as they come, and nothing else is looked at."}},
};
#undef AT
static const struct file_object switch_object = {
    .name = "a switch", .fields = switch_fields, .field_count = COUNT(switch_fields)};

#define AT(member) offsetof(struct written_round, member)
static const struct file_field round_fields[] = {
    {.row = {ROW("max_size", NULL, OPTION_COUNT, NULL, AT(max_size)), NUMBER(1, ROUND_MESSAGES_MAX),
             .unset = "5", .help = "So many requests become a batch."}},
    {.row = {ROW("max_tokens", NULL, OPTION_COUNT, NULL, AT(max_tokens)),
             NUMBER(0, ROUND_TOKENS_MAX), .unset = "800",
             .help = "So many tokens do, too, each 4 bytes of a request as it is sent; 0: the "
                     "number of requests alone decides."}},
};
#undef AT
static const struct file_object round_object = {
    .name = "the round buffer", .fields = round_fields, .field_count = COUNT(round_fields)};

#define AT(member) offsetof(struct written_hybrid, member)
static const struct file_field hybrid_fields[] = {
    {.row = {ROW("max_size", NULL, OPTION_COUNT, NULL, AT(max_size)), NUMBER(1, HYBRID_BATCHES_MAX),
             .unset = "5",
             .help = "So many batches may wait for a flush worker; then the round cannot become "
                     "one, and those who want to write wait."}},
};
#undef AT
static const struct file_object hybrid_object = {
    .name = "the hybrid buffer", .fields = hybrid_fields, .field_count = COUNT(hybrid_fields)};

#define AT(member) offsetof(struct written_performance, member)
static const struct file_field performance_fields[] = {
    {.row = {ROW("max_flush_workers", NULL, OPTION_COUNT, NULL, AT(max_flush_workers)),
             NUMBER(1, FLUSH_WORKERS_MAX), .unset = "3",
             .help = "Connections of each worker process, in a cluster to each node, which send "
                     "batches and "
                     "take replies."}},
    {.row = {ROW("flush_strategy", NULL, OPTION_WORD, NULL, AT(flush_strategy)),
             .value_at = strategy_at, .unset = "size_based",
             .help =
                 "size_based: a round goes when it is full, when every user waits, or after "
                 "the flush interval; time_based: at each flush interval, or when it is full."}},
    {.row = {ROW("flush_interval", NULL, OPTION_DURATION, NULL, AT(flush_interval_ns)),
             BARE(NS_PER_MS, NS_PER_MS, 3600 * NS_PER_SECOND), .unset = "5ms",
             .help = "How long a round waits at the most; a bare number is milliseconds."}},
    {.row = {ROW("enable_async_processing", NULL, OPTION_FLAG, NULL, AT(enable_async_processing)),
             .unset = "false",
             .help = "A flush worker sends up to 4 batches ahead of the replies to the first."}},
};
#undef AT
static const struct file_object performance_object = {.name = "the flush workers",
                                                      .fields = performance_fields,
                                                      .field_count = COUNT(performance_fields)};

#define AT(member) offsetof(struct written_query, member)
static const struct file_field query_fields[] = {
    {.row = {ROW("cache_size", NULL, OPTION_COUNT, NULL, AT(cache_size)),
             NUMBER(0, CACHE_REPLIES_MAX), .unset = "0",
             .help = "So many replies to reads each worker process keeps, and answers the same "
                     "reads with, until the server says that their key has changed (CLIENT "
                     "TRACKING); 0: none."}},
    {.row = {ROW("cache_ttl", NULL, OPTION_DURATION, NULL, AT(cache_ttl_ns)),
             BARE(NS_PER_SECOND, 0, 365 * 24 * 3600 * NS_PER_SECOND), .unset = "0",
             .help = "How old such a reply may get; a bare number is seconds, 0: any age."}},
    {.row = {ROW("max_size", NULL, OPTION_COUNT, NULL, AT(max_size)), NUMBER(1, UINT32_MAX),
             .unset = "15",
             .help = "Answers of one query of vectors; without effect on other requests, which is "
                     "told."}},
    {.row = {ROW("similarity_threshold", NULL, OPTION_REAL, NULL, AT(similarity_threshold)),
             .least = 0, .most = 1, .unset = "0.95",
             .help = "How alike queries of vectors are that have one cached answer; without "
                     "effect on other requests, which is told."}},
};
#undef AT
static const struct file_object query_object = {
    .name = "the query buffer", .fields = query_fields, .field_count = COUNT(query_fields)};

#define PART(name_, member_, object_, help_)                                                       \
    {                                                                                              \
        .row = {.name = name_, .offset = offsetof(struct written_buffer, member_), .help = help_}, \
        .form = FILE_OBJECT, .object = &object_                                                    \
    }
static const struct file_field buffer_fields[] = {
    {.row = {ROW("profile", NULL, OPTION_TEXT, NULL, offsetof(struct written_buffer, profile)),
             .help =
                 "One that comes with volley, or a file, which counts from the one it stands in; "
                 "in place of all other keys."}},
    PART("buffer", buffer, switch_object, "Whether anything is buffered."),
    PART("round_buffer", round, round_object, "Where writes gather until they are a batch."),
    PART("hybrid_buffer", hybrid, hybrid_object, "Where batches wait for a flush worker."),
    PART("performance", performance, performance_object, "Who sends batches, and when."),
    PART("query", query, query_object, "What reads are answered with that have been read before."),
};
static const struct file_object buffer_object = {
    .name = "a buffer", .fields = buffer_fields + 1, .field_count = COUNT(buffer_fields) - 1};
const struct file_object buffer_within_object = {.name = "a buffer or its profile",
                                                 .fields = buffer_fields,
                                                 .field_count = COUNT(buffer_fields),
                                                 .short_form = true};
const struct file_kind buffer_file_kind = {.name = "buffer",
                                           .what = "buffer file",
                                           .help =
                                               "What a client does before it sends, for --buffer.",
                                           .root = {.form = FILE_OBJECT, .object = &buffer_object}};

/* The path of the one of this name that comes with volley, which the caller frees. */
static enum err_code find_shipped(char **found, const char *name, struct err *err)
{
    struct shipped_files library;
    enum err_code code = shipped_files_open(&library, &buffer_library, err);
    if (code == OK)
        code = shipped_files_find(found, &library, name, err);
    shipped_files_close(&library);
    return code;
}

/* "fast" of configs/buffers/fast.yaml. */
static void name_it(struct buffer_options *buffer, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path, *dot = strrchr(name, '.');
    const size_t bytes = dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name);
    snprintf(buffer->name, sizeof buffer->name, "%.*s",
             (int)(bytes < sizeof buffer->name ? bytes : sizeof buffer->name - 1), name);
}

/* What parts come to that are left out; the rows say the same of their keys. */
static void fill_in(struct written_buffer *written)
{
    const struct file_place *place = &written->place;
    if (!file_given(place, "buffer"))
        written->buffer.enabled = true;
    if (!file_given(place, "round_buffer"))
        written->round = (struct written_round){.max_size = 5, .max_tokens = 800};
    if (!file_given(place, "hybrid_buffer"))
        written->hybrid.max_size = 5;
    if (!file_given(place, "performance"))
        written->performance = (struct written_performance){.max_flush_workers = 3,
                                                            .flush_interval_ns = 5 * NS_PER_MS};
    if (!file_given(place, "query"))
        written->query.similarity_threshold = 0.95;
}

/* What was given and changes nothing, with the place of the first of it. */
static void find_without_effect(char text[BUFFER_NOTICE_BYTES],
                                const struct written_buffer *written, const struct file *file)
{
    const struct file_place *query = &written->query.place;
    struct err notice = {.code = OK};
    text[0] = '\0';
    if (!file_given(&written->place, "query"))
        return;
    const bool size = file_given(query, "max_size");
    const bool similarity = file_given(query, "similarity_threshold");
    const bool age = file_given(query, "cache_ttl") && written->query.cache_size == 0;
    if (!size && !similarity && !age)
        return;
    (void)file_refuse(
        file, query,
        size         ? "max_size"
        : similarity ? "similarity_threshold"
                     : "cache_ttl",
        &notice, "%s%s%s%s%s",
        size         ? "max_size"
        : similarity ? "similarity_threshold"
                     : "",
        size && similarity   ? " and similarity_threshold have"
        : size || similarity ? " has"
                             : "",
        size || similarity ? " no effect: what is sent are no queries of vectors" : "",
        (size || similarity) && age ? "; " : "",
        age ? "cache_ttl has no effect: without a cache_size above 0 no reply is kept" : "");
    (void)printable_copy(text, BUFFER_NOTICE_BYTES, notice.text);
}

static void take(struct buffer_options *buffer, struct written_buffer *written,
                 const struct file *file)
{
    fill_in(written);
    *buffer = (struct buffer_options){
        .wanted = written->buffer.enabled,
        .round_messages = written->round.max_size,
        .round_tokens = written->round.max_tokens,
        .hybrid_batches = written->hybrid.max_size,
        .flush_workers = written->performance.max_flush_workers,
        .strategy = (enum buffer_strategy)written->performance.flush_strategy,
        .flush_interval_ns = written->performance.flush_interval_ns,
        .async = written->performance.enable_async_processing,
        .cache_replies = written->query.cache_size,
        .cache_ttl_ns = written->query.cache_ttl_ns,
    };
    find_without_effect(buffer->without_effect, written, file);
}

static enum err_code read_path(struct buffer_options *buffer, const char *path, struct err *err)
{
    struct written_buffer written = {.profile = NULL};
    struct file file = {.name = NULL};
    const struct file_source source = {.name = path};
    const enum err_code code = file_read(&file, &buffer_file_kind, &written, &source, err);
    if (code == OK) {
        take(buffer, &written, &file);
        name_it(buffer, path);
    }
    file_free(&file);
    return code;
}

enum err_code buffer_file_read(struct buffer_options *buffer, const char *path, struct err *err)
{
    struct err reason = {.code = OK};
    char *found = NULL;
    /* A file of the user's own goes before one that comes with volley. */
    const bool is_path = strchr(path, '/') != NULL || access(path, F_OK) == 0;
    if (!is_path && find_shipped(&found, path, &reason) != OK)
        return err_set(err, E_CONFIG, "%.60s: there is no such file, and %s", path, reason.text);
    const enum err_code code = read_path(buffer, found != NULL ? found : path, err);
    free(found);
    return code;
}

enum err_code buffer_file_read_shipped(struct buffer_options *buffer, const char *name,
                                       struct err *err)
{
    char *found = NULL;
    enum err_code code = find_shipped(&found, name, err);
    if (code == OK)
        code = read_path(buffer, found, err);
    free(found);
    return code;
}

const char *buffer_file_notice(const struct buffer_options *buffer)
{
    return buffer->wanted && buffer->without_effect[0] != '\0' ? buffer->without_effect : NULL;
}

bool buffer_file_same(const struct buffer_options *one, const struct buffer_options *other)
{
    return one->wanted == other->wanted &&
           (!one->wanted ||
            (one->round_messages == other->round_messages &&
             one->round_tokens == other->round_tokens &&
             one->hybrid_batches == other->hybrid_batches &&
             one->flush_workers == other->flush_workers && one->strategy == other->strategy &&
             one->flush_interval_ns == other->flush_interval_ns && one->async == other->async &&
             one->cache_replies == other->cache_replies &&
             one->cache_ttl_ns == other->cache_ttl_ns));
}

/* "5ms", "1500us": nothing is rounded. */
static char *exact_duration(char text[40], uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *unit;
    } units[] = {{NS_PER_SECOND, "s"}, {NS_PER_MS, "ms"}, {NS_PER_US, "us"}, {1, "ns"}};
    size_t i = 0;
    while (ns % units[i].ns != 0)
        i++;
    snprintf(text, 40, "%llu%s", (unsigned long long)(ns / units[i].ns), units[i].unit);
    return text;
}

void buffer_file_write(struct output *output, const struct buffer_options *buffer)
{
    char time[40];
    if (!buffer->wanted) {
        output_printf(output, "buffer: {enabled: false}\n");
        return;
    }
    output_printf(
        output,
        "round_buffer: {max_size: %llu, max_tokens: %llu}\n"
        "hybrid_buffer: {max_size: %llu}\n"
        "performance: {max_flush_workers: %llu, flush_strategy: %s, "
        "flush_interval: %s, enable_async_processing: %s}\n",
        (unsigned long long)buffer->round_messages, (unsigned long long)buffer->round_tokens,
        (unsigned long long)buffer->hybrid_batches, (unsigned long long)buffer->flush_workers,
        strategy_at(buffer->strategy), exact_duration(time, buffer->flush_interval_ns),
        buffer->async ? "true" : "false");
    if (buffer->cache_replies > 0)
        output_printf(output, "query: {cache_size: %llu, cache_ttl: %s}\n",
                      (unsigned long long)buffer->cache_replies,
                      exact_duration(time, buffer->cache_ttl_ns));
}

/* Of what has no slash: a file beside the workload's, else one that comes with volley. */
static enum err_code read_profile(struct buffer_options *buffer, const char *profile,
                                  const char *file, struct err *reason)
{
    char *found = NULL, *beside = workload_path_beside(file, profile);
    enum err_code code = beside != NULL ? OK : err_set(reason, E_SYSTEM, "out of memory");
    const bool is_path = code == OK && (strchr(profile, '/') != NULL || access(beside, F_OK) == 0);
    if (code == OK && !is_path)
        code = find_shipped(&found, profile, reason);
    if (code == OK)
        code = read_path(buffer, found != NULL ? found : beside, reason);
    free(found);
    free(beside);
    return code;
}

enum err_code buffer_within_make(struct buffer_options *buffer, struct written_buffer *written,
                                 const struct file *file, const char *whose, struct err *err)
{
    struct err reason = {.code = OK};
    const struct file_place *place = &written->place;
    if (written->profile == NULL) {
        take(buffer, written, file);
        snprintf(buffer->name, sizeof buffer->name, "%s", whose);
        return OK;
    }
    for (size_t i = 1; i < COUNT(buffer_fields); i++)
        if (file_given(place, buffer_fields[i].row.name))
            return file_refuse(file, place, buffer_fields[i].row.name, err,
                               "profile and %s exclude each other: a profile says all of it",
                               buffer_fields[i].row.name);
    return read_profile(buffer, written->profile, file->name, &reason) == OK
               ? OK
               : file_refuse(file, place, "profile", err, "buffer: %s", reason.text);
}
