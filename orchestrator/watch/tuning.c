/* The table of changes to a client that buffers, and of who is next where none of them helps (docs/design/diagnosis.md). */
#include "orchestrator/watch/tuning.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/buffer_file.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
/* Beyond them a change is no longer one that anybody would make without thinking. */
#define MESSAGES_MOST 1000u
#define TOKENS_MOST (1u << 20)
#define BATCHES_MOST 1000u
#define REPLIES_MOST 10000u
#define TIMEOUT_MOST_NS (60 * NS_PER_SECOND)

/* ---- types ---- */

#define NO_TYPE TUNING_TYPES
static const struct {
    const char *name, *what, *by_hand;
    enum tuning_type otherwise; /* tried behind it */
} types_table[TUNING_TYPES] = {
    [TUNING_MEMORY] = {"HIGH_MEMORY", "a KPI of memory",
                       "fewer users, smaller values, and fewer keys that a near cache keeps",
                       NO_TYPE},
    [TUNING_CPU] = {"HIGH_CPU", "a KPI of CPU time, or the cause `CLIENT`",
                    "give volley CPUs of its own (--cpus, --processes)", TUNING_THROUGHPUT},
    [TUNING_LATENCY] = {"HIGH_LATENCY", "a KPI of times",
                        "a shorter flush_interval, fewer users, or less load (--qps)",
                        TUNING_THROUGHPUT},
    [TUNING_THROUGHPUT] = {"LOW_THROUGHPUT",
                           "a KPI of a rate, or the causes `SERVER_CPU` and `NETWORK`",
                           "more users (--clients), or more flush workers of more processes",
                           TUNING_LATENCY},
    [TUNING_HIT_RATE] = {"LOW_HIT_RATE", "a KPI of hits",
                         "a longer cache_ttl, or fewer keys (-r) that are read more often",
                         NO_TYPE},
    [TUNING_TIMEOUTS] = {"TIMEOUTS", "a KPI of failures, or a run in which requests timed out",
                         "less load (--qps), and a look at what failed (errors_by_kind)",
                         TUNING_LATENCY},
};

const char *tuning_type_name(enum tuning_type type)
{
    return types_table[type].name;
}

const char *tuning_type_by_hand(enum tuning_type type)
{
    return types_table[type].by_hand;
}

static enum tuning_type type_of_metric(const struct watch_figure *figure)
{
    if (figure->statistic != NULL && figure->statistic->kind != STATISTIC_COUNT)
        return TUNING_LATENCY;
    if (figure->metric == METRIC_WORKER_CPU)
        return TUNING_CPU;
    if (figure->metric == METRIC_HITS || figure->metric == METRIC_MISSES)
        return TUNING_HIT_RATE;
    return strcmp(figure->unit, "requests/s") == 0 || strcmp(figure->unit, "requests/min") == 0 ||
                   figure->higher_is_better
               ? TUNING_THROUGHPUT
               : TUNING_TIMEOUTS;
}

enum tuning_type tuning_type_of_kpi(const struct kpi *kpi)
{
    const struct watch_figure *figure = &kpi->figure;
    switch (figure->origin) {
    case WATCH_LOAD:
        return type_of_metric(figure);
    case WATCH_HIT_RATIO:
        return TUNING_HIT_RATE;
    case WATCH_SERVER:
        return TUNING_MEMORY;
    case WATCH_SERVER_UP:
        return TUNING_TIMEOUTS;
    case WATCH_NOBODY:
        break;
    }
    switch (figure->buffer) {
    case WATCH_WRITES:
    case WATCH_QUERIES:
    case WATCH_QUERIES_P95:
        return TUNING_LATENCY;
    case WATCH_FLUSH_SUCCESS:
        return TUNING_TIMEOUTS;
    case WATCH_CACHE_BYTES:
    case WATCH_NO_BUFFER: /* volley's memory */
        return TUNING_MEMORY;
    default:
        return TUNING_THROUGHPUT;
    }
}

static size_t add_type(enum tuning_type types[TUNING_TYPES], size_t count, enum tuning_type type)
{
    for (size_t i = 0; i < count; i++)
        if (types[i] == type)
            return count;
    if (type != NO_TYPE)
        types[count++] = type;
    return count;
}

/* ---- what is left to people ---- */

static const struct {
    const char *label, *name, *who;
} levels[LEVELS] = {
    [LEVEL_AUTOMATIC] = {"L1", "automatic configuration adjustment",
                         "`optimize` has kept a change, and the KPI is not beyond a limit"},
    [LEVEL_MANUAL] = {"L2", "manual tuning",
                      "whoever sets the options of the load, the server or its host"},
    [LEVEL_ARCHITECTURE] = {"L3", "architecture review",
                            "whoever decides how many servers there are, and where"},
    [LEVEL_CODE] = {"L4", "code", "whoever writes the commands, scripts and values"},
};

const char *tuning_level_label(enum tuning_level level)
{
    return levels[level].label;
}

const char *tuning_level_name(enum tuning_level level)
{
    return levels[level].name;
}

/* Each cause of a diagnosis: the type whose changes may help it, and who is next if they do not. */
static const struct {
    enum tuning_type type;
    enum tuning_level level;
    const char *why;
} of_causes[CAUSES] = {
    [CAUSE_SLOW_COMMAND] = {NO_TYPE, LEVEL_CODE, "a command or script has to do less at once"},
    [CAUSE_PERSISTENCE] = {NO_TYPE, LEVEL_MANUAL, "when to save, and on what disk, is configured"},
    [CAUSE_STOPPED] = {NO_TYPE, LEVEL_ARCHITECTURE,
                       "a server that stands still needs another one that takes over"},
    [CAUSE_GONE] = {NO_TYPE, LEVEL_ARCHITECTURE,
                    "a server that goes away needs another one that takes over"},
    [CAUSE_MEMORY] = {NO_TYPE, LEVEL_MANUAL, "maxmemory and times to live are configured"},
    [CAUSE_BIG_VALUES] = {NO_TYPE, LEVEL_CODE, "what is stored has to be split or compressed"},
    [CAUSE_NETWORK] = {TUNING_THROUGHPUT, LEVEL_ARCHITECTURE,
                       "the way between client and server has to be shorter"},
    [CAUSE_STARVED] = {NO_TYPE, LEVEL_MANUAL, "who runs on the server's CPUs is configured"},
    [CAUSE_CLIENT] = {TUNING_CPU, LEVEL_MANUAL, "how many CPUs volley has is an option"},
    [CAUSE_SERVER_CPU] = {TUNING_THROUGHPUT, LEVEL_ARCHITECTURE,
                          "one server's thread has no time left: more primaries share the keys"},
};

size_t tuning_types_find(enum tuning_type types[TUNING_TYPES], const struct diagnosis *diagnosis,
                         const struct kpi *kpi, double timed_out)
{
    size_t count = 0;
    for (size_t i = 0; i < diagnosis->found; i++)
        count = add_type(types, count, of_causes[diagnosis->order[i]].type);
    if (timed_out > 0)
        count = add_type(types, count, TUNING_TIMEOUTS);
    const enum tuning_type own = tuning_type_of_kpi(kpi);
    count = add_type(types, count, own);
    return add_type(types, count, types_table[own].otherwise);
}

enum diagnosis_cause tuning_cause_of(const struct diagnosis *diagnosis, enum tuning_type type)
{
    for (size_t i = 0; i < diagnosis->found; i++)
        if (of_causes[diagnosis->order[i]].type == type)
            return diagnosis->order[i];
    return diagnosis->found > 0 ? diagnosis->order[0] : CAUSES;
}

enum tuning_level tuning_level_of(const struct diagnosis *diagnosis)
{
    return diagnosis->found > 0 ? of_causes[diagnosis->order[0]].level : LEVEL_MANUAL;
}

/* ---- changes ---- */

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

static uint64_t half(uint64_t value)
{
    return value > 1 ? value / 2 : value;
}

static void make_twice_the_batch(struct tuning_profile *profile)
{
    struct buffer_options *buffer = &profile->buffer;
    buffer->round_messages = at_most(2 * buffer->round_messages, MESSAGES_MOST);
    buffer->round_tokens = at_most(2 * buffer->round_tokens, TOKENS_MOST);
    buffer->hybrid_batches = at_most(2 * buffer->hybrid_batches, BATCHES_MOST);
}

static void make_half_the_batch(struct tuning_profile *profile)
{
    struct buffer_options *buffer = &profile->buffer;
    buffer->round_messages = half(buffer->round_messages);
    buffer->round_tokens = half(buffer->round_tokens); /* 0: any, and stays so */
    buffer->hybrid_batches = half(buffer->hybrid_batches);
}

static void make_half_the_workers(struct tuning_profile *profile)
{
    profile->buffer.flush_workers = half(profile->buffer.flush_workers);
}

static void make_twice_the_cache(struct tuning_profile *profile)
{
    profile->buffer.cache_replies = at_most(2 * profile->buffer.cache_replies, REPLIES_MOST);
}

static void make_twice_the_timeout(struct tuning_profile *profile)
{
    if (profile->request_timeout_ns < TIMEOUT_MOST_NS)
        profile->request_timeout_ns = at_most(2 * profile->request_timeout_ns, TIMEOUT_MOST_NS);
}

static const char *const shipped_names[SHIPPED_COUNT] = {
    [SHIPPED_BYPASS] = "bypass",
    [SHIPPED_MINIMAL] = "minimal",
    [SHIPPED_MEMORY] = "memory-constrained",
    [SHIPPED_BALANCED] = "balanced",
    [SHIPPED_HIGH_THROUGHPUT] = "high-throughput",
    [SHIPPED_TUNED] = "tuned",
};

/* clang-format off: a table, a row a line as far as it fits */
/* Of each type in the order in which they are tried: a change to the best, else a profile that comes with volley. */
static const struct change {
    enum tuning_type type;
    const char *text;
    void (*make)(struct tuning_profile *profile);
    enum tuning_shipped shipped;
    bool unbuffered; /* also of a client without a buffer */
} changes[] = {
    {TUNING_MEMORY, "smaller buffers: half the batch", make_half_the_batch, SHIPPED_NONE, false},
    {TUNING_MEMORY, "smaller buffers: memory-constrained", NULL, SHIPPED_MEMORY, true},
    {TUNING_MEMORY, "smaller buffers: minimal", NULL, SHIPPED_MINIMAL, true},
    {TUNING_MEMORY, "smaller buffers: none (bypass)", NULL, SHIPPED_BYPASS, true},
    {TUNING_CPU, "fewer workers: half the flush workers", make_half_the_workers, SHIPPED_NONE,
     false},
    {TUNING_CPU, "fewer workers: high-throughput", NULL, SHIPPED_HIGH_THROUGHPUT, true},
    {TUNING_CPU, "fewer workers: memory-constrained", NULL, SHIPPED_MEMORY, true},
    {TUNING_LATENCY, "bypass", NULL, SHIPPED_BYPASS, true},
    {TUNING_LATENCY, "a shorter wait: half the batch", make_half_the_batch, SHIPPED_NONE, false},
    {TUNING_LATENCY, "a shorter wait: minimal", NULL, SHIPPED_MINIMAL, true},
    {TUNING_THROUGHPUT, "bigger buffers: twice the batch", make_twice_the_batch, SHIPPED_NONE,
     false},
    {TUNING_THROUGHPUT, "bigger buffers: high-throughput", NULL, SHIPPED_HIGH_THROUGHPUT, true},
    {TUNING_THROUGHPUT, "bigger buffers: tuned", NULL, SHIPPED_TUNED, true},
    {TUNING_THROUGHPUT, "bigger buffers: balanced", NULL, SHIPPED_BALANCED, true},
    {TUNING_HIT_RATE, "a bigger cache: twice the replies", make_twice_the_cache, SHIPPED_NONE,
     false},
    {TUNING_HIT_RATE, "a bigger cache: tuned", NULL, SHIPPED_TUNED, true},
    {TUNING_HIT_RATE, "a bigger cache: balanced", NULL, SHIPPED_BALANCED, true},
    {TUNING_TIMEOUTS, "longer time-outs: twice as long", make_twice_the_timeout, SHIPPED_NONE,
     true},
};
/* clang-format on */

enum err_code tuning_book_read(struct tuning_book *book, enum tuning_caches caches, struct err *err)
{
    enum err_code code = OK;
    *book = (struct tuning_book){.caches = caches};
    for (unsigned i = SHIPPED_NONE + 1; i < SHIPPED_COUNT && code == OK; i++) {
        struct err reason = {.code = OK};
        struct buffer_options *buffer = &book->shipped[i];
        if (buffer_file_read_shipped(buffer, shipped_names[i], &reason) != OK)
            code = err_set(err, reason.code, "the profile %s that comes with volley: %s",
                           shipped_names[i], reason.text);
        buffer->without_effect[0] = '\0';
        if (caches == CACHES_NONE)
            buffer->cache_replies = 0;
    }
    return code;
}

static bool is_same(const struct tuning_profile *one, const struct tuning_profile *other)
{
    return one->request_timeout_ns == other->request_timeout_ns &&
           buffer_file_same(&one->buffer, &other->buffer);
}

static bool was_tried(const struct tuning_profile *profile, const struct tuning_profile *best,
                      const struct tuning_profile *const *tried, size_t tried_count)
{
    bool found = is_same(profile, best);
    for (size_t i = 0; i < tried_count && !found; i++)
        found = is_same(profile, tried[i]);
    return found;
}

static bool has_what_it_needs(const struct tuning_book *book, const struct buffer_options *buffer)
{
    return book->caches != CACHES_ONLY || (buffer->wanted && buffer->cache_replies > 0);
}

/* "tuned (round 3)", of what began as tuned. */
static void name_it(struct buffer_options *buffer, size_t number)
{
    char name[BUFFER_NAME_BYTES];
    const char *behind = strstr(buffer->name, " (round");
    const size_t bytes =
        behind != NULL ? (size_t)(behind - buffer->name) : strnlen(buffer->name, sizeof name);
    snprintf(name, sizeof name, "%.*s (round %u)", (int)at_most(bytes, 18), buffer->name,
             (unsigned)at_most(number, 999));
    memcpy(buffer->name, name, sizeof name);
}

static bool make(struct tuning_choice *choice, const struct change *change,
                 const struct tuning_book *book, const struct tuning_profile *best, size_t number)
{
    struct tuning_profile *profile = &choice->profile;
    *choice =
        (struct tuning_choice){.type = change->type, .change = change->text, .profile = *best};
    if (!best->buffer.wanted && !change->unbuffered)
        return false;
    if (change->shipped != SHIPPED_NONE) {
        profile->buffer = book->shipped[change->shipped];
        return true;
    }
    change->make(profile);
    profile->buffer.without_effect[0] = '\0';
    if (!buffer_file_same(&profile->buffer, &best->buffer))
        name_it(&profile->buffer, number);
    return true;
}

bool tuning_choose(struct tuning_choice *choice, const struct tuning_book *book,
                   const enum tuning_type *types, size_t type_count,
                   const struct tuning_profile *best, const struct tuning_profile *const *tried,
                   size_t tried_count, size_t number)
{
    for (size_t i = 0; i < type_count; i++)
        for (size_t k = 0; k < COUNT(changes); k++)
            if (changes[k].type == types[i] && make(choice, &changes[k], book, best, number) &&
                has_what_it_needs(book, &choice->profile.buffer) &&
                !was_tried(&choice->profile, best, tried, tried_count))
                return true;
    return false;
}

/* ---- for the docs ---- */

static void write_causes(struct output *output, enum tuning_type type, enum tuning_level level)
{
    const char *between = "";
    for (enum diagnosis_cause cause = 0; cause < CAUSES; cause++)
        if (type != NO_TYPE ? of_causes[cause].type == type : of_causes[cause].level == level) {
            output_printf(output, "%s`%s`", between, diagnosis_rule(cause)->name);
            between = ", ";
        }
}

void tuning_write_tables(struct output *output)
{
    output_printf(output, "| bottleneck | is | tried, in this order | then | by hand |\n"
                          "|---|---|---|---|---|\n");
    for (enum tuning_type type = 0; type < TUNING_TYPES; type++) {
        const char *between = "";
        output_printf(output, "| `%s` | %s | ", types_table[type].name, types_table[type].what);
        for (size_t i = 0; i < COUNT(changes); i++)
            if (changes[i].type == type) {
                output_printf(output, "%s%s", between, changes[i].text);
                between = "; ";
            }
        const enum tuning_type then = types_table[type].otherwise;
        output_printf(output, then == NO_TYPE ? " | %s | %s |\n" : " | `%s` | %s |\n",
                      then == NO_TYPE ? "-" : types_table[then].name, types_table[type].by_hand);
    }
    output_printf(output, "\n| level | is | for | causes | because |\n|---|---|---|---|---|\n");
    for (enum tuning_level level = 0; level < LEVELS; level++) {
        output_printf(output, "| %s | %s | %s | ", levels[level].label, levels[level].name,
                      levels[level].who);
        write_causes(output, NO_TYPE, level);
        output_printf(output, "%s | ",
                      level == LEVEL_AUTOMATIC ? "any, and none"
                      : level == LEVEL_MANUAL  ? ", or none was found"
                                               : "");
        const char *between = "";
        for (enum diagnosis_cause cause = 0; cause < CAUSES; cause++)
            if (of_causes[cause].level == level && of_causes[cause].why != NULL) {
                output_printf(output, "%s%s", between, of_causes[cause].why);
                between = "; ";
            }
        output_printf(output, "%s |\n",
                      level == LEVEL_AUTOMATIC ? "nobody has to do anything" : "");
    }
}
