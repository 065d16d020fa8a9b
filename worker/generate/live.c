#include "worker/generate/live.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/units.h"

/* Streams of the seed, of keys. */
#define STREAM_POOL 0x706f6f6cull
#define STREAM_PLACES 0x706c61636573ull
#define STREAM_SIZES 0x73697a6573ull
#define STREAM_TAGS 0x74616773ull

#define REQUEST_MAX_BYTES ((4ull << 30) - 1) /* 32 bits hold it: request_slot.bytes */
#define TTL_MAX_S (100ull * 366 * 24 * 3600)
#define WEIGHT_SCALE 0x1p40
/* Of a write that replicas are to have. A primary that has none left is to be seen as slow, not as away: a pause of all its
 * connections is an outage from a second on. */
#define WAIT_MS "250"

/* Arguments behind the key, as they go out. */
static const struct form {
    const char *command;
    unsigned argc;
    const char *middle; /* between key and value */
    bool has_value;
    const char *behind;
    bool has_ttl; /* the last argument */
} forms[LIVE_FORMS] = {
    [LIVE_FORM_SET] = {"SET", 3, "", true, "", false},
    [LIVE_FORM_SET_EX] = {"SET", 5, "", true, "$2\r\nEX\r\n", true},
    [LIVE_FORM_SET_XX] = {"SET", 4, "", true, "$2\r\nXX\r\n", false},
    [LIVE_FORM_MSET] = {"MSET", 3, "", true, "", false}, /* and two for each further key */
    [LIVE_FORM_HSET] = {"HSET", 4, "$5\r\nfield\r\n", true, "", false},
    [LIVE_FORM_RPUSH] = {"RPUSH", 3, "", true, "", false},
    [LIVE_FORM_SADD] = {"SADD", 3, "", true, "", false},
    [LIVE_FORM_ZADD] = {"ZADD", 4, "$1\r\n0\r\n", true, "", false},
    [LIVE_FORM_DEL] = {"DEL", 2, "", false, "", false},
    [LIVE_FORM_UNLINK] = {"UNLINK", 2, "", false, "", false},
    [LIVE_FORM_EXPIRE] = {"EXPIRE", 3, "", false, "", true},
    [LIVE_FORM_EXISTS] = {"EXISTS", 2, "", false, "", false},
    [LIVE_FORM_GET] = {"GET", 2, "", false, "", false},
    [LIVE_FORM_HGET] = {"HGET", 3, "$5\r\nfield\r\n", false, "", false},
    [LIVE_FORM_LINDEX] = {"LINDEX", 3, "$1\r\n0\r\n", false, "", false},
    [LIVE_FORM_SRANDMEMBER] = {"SRANDMEMBER", 2, "", false, "", false},
    [LIVE_FORM_ZRANGE] = {"ZRANGE", 4, "$1\r\n0\r\n$1\r\n0\r\n", false, "", false},
};

/* ---- bytes ---- */

/* A request as it goes by, of which a window is kept. */
struct window {
    char *out;
    size_t at, from, end;
};

static void put(struct window *window, const char *text, size_t byte_count)
{
    const size_t first = window->at > window->from ? window->at : window->from;
    const size_t behind = window->at + byte_count;
    const size_t last = behind < window->end ? behind : window->end;
    if (first < last)
        memcpy(window->out + (first - window->from), text + (first - window->at), last - first);
    window->at = behind;
}

/* Digits of a number, so many at least; returns where they begin in text, which they end. */
static char *write_digits(char text[20], uint64_t number, unsigned least)
{
    unsigned left = 20;
    while (number > 0 || 20 - left < least) {
        text[--left] = (char)('0' + number % 10);
        number /= 10;
    }
    return text + left;
}

/* "$12\r\n" */
static void put_count(struct window *window, char sign, uint64_t count)
{
    char text[24];
    char *at = write_digits(text + 2, count, 1) - 1;
    *at = sign;
    memcpy(text + 22, "\r\n", 2);
    put(window, at, (size_t)(text + 24 - at));
}

static void put_argument(struct window *window, const char *text, size_t byte_count)
{
    put_count(window, '$', byte_count);
    put(window, text, byte_count);
    put(window, "\r\n", 2);
}

static uint64_t pool_place(const struct live *live, uint64_t key, uint64_t offset)
{
    return (rng_at(live->seed ^ STREAM_PLACES, key) + offset) % LIVE_POOL_BYTES;
}

static void put_value(struct window *window, const struct live *live, uint64_t key,
                      uint64_t byte_count)
{
    put_count(window, '$', byte_count);
    const size_t behind = window->at + byte_count;
    if (window->at < window->end && behind > window->from) {
        uint64_t place = pool_place(live, key, 0);
        for (uint64_t left = byte_count; left > 0;) {
            const uint64_t stretch =
                left < LIVE_POOL_BYTES - place ? left : LIVE_POOL_BYTES - place;
            put(window, live->pool + place, stretch);
            left -= stretch;
            place = 0;
        }
    }
    window->at = behind;
    put(window, "\r\n", 2);
}

/* "": it has none. */
static const char *tag_of(const struct live *live, uint64_t key)
{
    for (uint32_t i = 0; i < live->plan.skew_count; i++) {
        const struct live_skew *skew = &live->plan.skews[i];
        if (key < skew->first || key >= skew->end)
            continue;
        const uint64_t random = rng_at(live->seed ^ STREAM_TAGS, key);
        return random % 1000 < skew->thousandths ? skew->tags[random / 1000 % skew->tag_count] : "";
    }
    return "";
}

/* "": it has none. Of the names the last one that begins at the key or before it. */
static const char *name_of(const struct live *live, uint64_t key)
{
    uint32_t behind = live->plan.name_count, at = 0;
    while (at < behind) {
        const uint32_t middle = at + (behind - at) / 2;
        if (live->plan.names[middle].first <= key)
            at = middle + 1;
        else
            behind = middle;
    }
    return at > 0 && key < live->plan.names[at - 1].end ? live->plan.names[at - 1].text : "";
}

static size_t add(char *out, size_t used, const char *text, size_t byte_count)
{
    memcpy(out + used, text, byte_count);
    return used + byte_count;
}

size_t live_key_write(char out[LIVE_KEY_BYTES], const struct live *live, uint64_t key)
{
    char digits[20];
    const char *name = name_of(live, key), *tag = tag_of(live, key);
    size_t used = add(out, 0, live->plan.prefix, live->prefix_bytes);
    used = add(out, used, name, strlen(name));
    used = add(out, used, tag, strlen(tag));
    return add(out, used, write_digits(digits, key, LIVE_KEY_DIGITS), LIVE_KEY_DIGITS);
}

static void put_key(struct window *window, const struct live *live, uint64_t key)
{
    char text[LIVE_KEY_BYTES];
    put_argument(window, text, live_key_write(text, live, key));
}

uint64_t live_size_of_key(const struct live *live, uint32_t class, uint64_t key)
{
    return size_draw_at(&live->kinds[class].size, rng_at(live->seed ^ STREAM_SIZES, key));
}

static void put_command(struct window *window, const struct live *live,
                        const struct live_request *request)
{
    const struct form *form = &forms[request->form];
    char digits[20];
    put_count(window, '*', form->argc + 2ull * (request->keys - 1));
    put_argument(window, form->command, strlen(form->command));
    for (uint64_t i = 0; request->form == LIVE_FORM_MSET && i < request->keys; i++) {
        put_key(window, live, request->key + i);
        put_value(window, live, request->key + i,
                  live_size_of_key(live, request->class, request->key + i));
    }
    if (request->form == LIVE_FORM_MSET)
        return;
    put_key(window, live, request->key);
    put(window, form->middle, strlen(form->middle));
    if (form->has_value)
        put_value(window, live, request->key, request->value_bytes);
    put(window, form->behind, strlen(form->behind));
    if (form->has_ttl) {
        const char *at = write_digits(digits, request->ttl_s, 1);
        put_argument(window, at, (size_t)(digits + sizeof digits - at));
    }
}

static bool is_vector(const struct live_request *request)
{
    return (unsigned)request->form >= LIVE_FORM_VECTOR;
}

static enum live_vector_request vector_request(const struct live_request *request)
{
    return (enum live_vector_request)((unsigned)request->form - LIVE_FORM_VECTOR);
}

static void put_request(struct window *window, const struct live *live,
                        const struct live_request *request)
{
    const struct live_kind *kind = &live->kinds[request->class];
    put_command(window, live, request);
    put(window, kind->wait, kind->wait_bytes);
}

size_t live_request_bytes(const struct live *live, const struct live_request *request)
{
    if (is_vector(request))
        return live_vector_bytes(live->vector, vector_request(request), request->key);
    struct window window = {.out = NULL};
    put_request(&window, live, request);
    return window.at;
}

void live_request_write(char *out, size_t from_byte, size_t byte_count, const struct live *live,
                        const struct live_request *request)
{
    if (is_vector(request)) {
        live_vector_write(out, from_byte, byte_count, live->vector, vector_request(request),
                          request->key);
        return;
    }
    struct window window = {.out = out, .from = from_byte, .end = from_byte + byte_count};
    put_request(&window, live, request);
}

bool live_value_is(const struct live *live, uint64_t key, uint64_t offset, const char *bytes,
                   size_t byte_count)
{
    while (byte_count > 0) {
        const uint64_t place = pool_place(live, key, offset);
        const size_t stretch =
            byte_count < LIVE_POOL_BYTES - place ? byte_count : LIVE_POOL_BYTES - place;
        if (memcmp(live->pool + place, bytes, stretch) != 0)
            return false;
        bytes += stretch;
        offset += stretch;
        byte_count -= stretch;
    }
    return true;
}

/* ---- what it looks like, and what it is answered by ---- */

enum live_form live_read_form(enum live_type type)
{
    static const enum live_form of_type[] = {
        [LIVE_STRING] = LIVE_FORM_GET,  [LIVE_HASH] = LIVE_FORM_HGET,
        [LIVE_LIST] = LIVE_FORM_LINDEX, [LIVE_SET] = LIVE_FORM_SRANDMEMBER,
        [LIVE_ZSET] = LIVE_FORM_ZRANGE,
    };
    return of_type[type];
}

enum live_form live_insert_form(const struct live_class *class)
{
    static const enum live_form of_type[] = {
        [LIVE_STRING] = LIVE_FORM_SET, [LIVE_HASH] = LIVE_FORM_HSET, [LIVE_LIST] = LIVE_FORM_RPUSH,
        [LIVE_SET] = LIVE_FORM_SADD,   [LIVE_ZSET] = LIVE_FORM_ZADD,
    };
    if (class->batch > 1)
        return LIVE_FORM_MSET;
    return class->least_ttl_s > 0 ? LIVE_FORM_SET_EX : of_type[class->type];
}

uint32_t live_class_replies(const struct live *live, uint32_t class)
{
    const struct live_class *of = &live->plan.classes[class];
    if (of->type != LIVE_VECTOR)
        return 1 + live_class_waits(live, class);
    return live->vector->replies[of->action == LIVE_READ    ? LIVE_VECTOR_QUERY
                                 : of->action == LIVE_INDEX ? LIVE_VECTOR_AGAIN
                                                            : LIVE_VECTOR_ADD];
}

bool live_reads_some(const struct live *live)
{
    bool some = false;
    for (uint32_t i = 0; i < live->plan.class_count; i++)
        some |= live_class_reads(live, i);
    return some;
}

bool live_reads_only(const struct live *live)
{
    bool all = true;
    for (uint32_t i = 0; i < live->plan.class_count; i++)
        all &= live_class_reads(live, i);
    return all;
}

/* ---- before it is used ---- */

static bool takes_picked(const struct live_class *class)
{
    return class->action == LIVE_DELETE || class->action == LIVE_OVERWRITE ||
           class->action == LIVE_EXPIRE || class->action == LIVE_INDEX ||
           (class->action == LIVE_READ && class->picked);
}

static bool writes(const struct live_class *class)
{
    return class->action == LIVE_INSERT || class->action == LIVE_OVERWRITE ||
           class->action == LIVE_UPDATE;
}

/* "WAIT 1 250", as RESP. */
static void prepare_wait(struct live_kind *kind, uint32_t replicas)
{
    char digits[20];
    struct window window = {.out = kind->wait, .end = sizeof kind->wait};
    const char *at = write_digits(digits, replicas, 1);
    put_count(&window, '*', 3);
    put_argument(&window, "WAIT", strlen("WAIT"));
    put_argument(&window, at, (size_t)(digits + sizeof digits - at));
    put_argument(&window, WAIT_MS, strlen(WAIT_MS));
    kind->wait_bytes = window.at;
}

static enum err_code check_ttl(const struct live_class *class, struct err *err)
{
    const bool has_ttl = class->least_ttl_s > 0 || class->most_ttl_s > 0;
    if (class->action == LIVE_EXPIRE && !has_ttl)
        return err_set(err, E_USAGE, "class %s lets keys expire and has no TTL: give one",
                       class->name);
    if (!has_ttl)
        return OK;
    if (class->action != LIVE_EXPIRE &&
        (class->action != LIVE_INSERT || class->type != LIVE_STRING))
        return err_set(err, E_USAGE,
                       "class %s has a TTL, which only strings that are inserted take, and keys "
                       "that are to expire",
                       class->name);
    if (class->least_ttl_s == 0 || class->least_ttl_s > class->most_ttl_s ||
        class->most_ttl_s > TTL_MAX_S)
        return err_set(err, E_USAGE,
                       "class %s has a TTL of %llu to %llu seconds: 1 second to 100 years are "
                       "possible, the least first",
                       class->name, (unsigned long long)class->least_ttl_s,
                       (unsigned long long)class->most_ttl_s);
    return OK;
}

static enum err_code check_batch(const struct live_class *class, bool cluster, struct err *err)
{
    if (class->batch <= 1)
        return OK;
    if (class->action != LIVE_INSERT || class->type != LIVE_STRING || class->least_ttl_s > 0)
        return err_set(err, E_USAGE,
                       "class %s has a batch of %u, which is MSET: it takes strings that are "
                       "inserted and have no TTL",
                       class->name, class->batch);
    if (class->batch > LIVE_BATCH_MAX)
        return err_set(err, E_USAGE, "class %s has a batch of %u; %u keys are the most",
                       class->name, class->batch, LIVE_BATCH_MAX);
    if (cluster)
        return err_set(err, E_USAGE,
                       "class %s has a batch of %u keys, which lie in different slots of a "
                       "cluster: leave the batch out",
                       class->name, class->batch);
    return OK;
}

/* What goes with what. */
static enum err_code check_class(const struct live *live, const struct live_class *class,
                                 bool cluster, struct err *err)
{
    const struct live_plan *plan = &live->plan;
    if (!(class->weight > 0) || !isfinite(class->weight))
        return err_set(err, E_USAGE, "class %s has no weight above 0: nothing of it would be sent",
                       class->name);
    if ((class->action == LIVE_OVERWRITE || class->action == LIVE_UPDATE) &&
        class->type != LIVE_STRING)
        return err_set(err, E_USAGE, "class %s writes keys again, which strings alone can be",
                       class->name);
    if (class->type == LIVE_VECTOR &&
        (plan->vectors == NULL || class->action == LIVE_EXPIRE || class->wait_replicas > 0))
        return err_set(err, E_USAGE,
                       "class %s is about vectors, which are added, queried and deleted only, by "
                       "requests that have to be given",
                       class->name);
    if (class->action == LIVE_INDEX && class->type != LIVE_VECTOR)
        return err_set(err, E_USAGE, "class %s puts keys into an index, which takes vectors",
                       class->name);
    if (class->check && (class->action != LIVE_READ || class->type != LIVE_STRING))
        return err_set(err, E_USAGE, "class %s checks values, which reads of strings alone can",
                       class->name);
    if (class->wait_replicas > 0 && !writes(class))
        return err_set(err, E_USAGE, "class %s waits for replicas, and writes nothing",
                       class->name);
    if (takes_picked(class) && plan->picked_count == 0)
        return err_set(err, E_USAGE,
                       "class %s is about keys that were picked, and none is: there are no live "
                       "keys, or the fraction is too small",
                       class->name);
    if (class->action == LIVE_INSERT && plan->first_new >= plan->new_limit)
        return err_set(err, E_USAGE,
                       "class %s inserts keys from number %s on, and the last one is %s: make "
                       "room for more keys",
                       class->name, UNITS_GROUPED(plan->first_new),
                       UNITS_GROUPED(plan->new_limit - (plan->new_limit > 0)));
    const enum err_code code = check_ttl(class, err);
    return code == OK ? check_batch(class, cluster, err) : code;
}

static enum err_code prepare_class(struct live *live, uint32_t number, bool cluster,
                                   struct err *err)
{
    struct live_class *class = &live->plan.classes[number];
    struct live_kind *kind = &live->kinds[number];
    class->name[sizeof class->name - 1] = '\0';
    for (uint32_t i = 0; i < number; i++)
        if (strcmp(live->plan.classes[i].name, class->name) == 0)
            return err_set(err, E_USAGE, "there are two classes %s: name them differently",
                           class->name);
    enum err_code code = check_class(live, class, cluster, err);
    if (code != OK)
        return code;
    kind->batch = class->batch > 1 ? class->batch : 1;
    kind->writes = writes(class) && class->type != LIVE_VECTOR;
    if (class->wait_replicas > 0)
        prepare_wait(kind, class->wait_replicas);
    live->checks |= class->check;
    live->waits |= class->wait_replicas > 0;
    struct err reason = {.code = OK};
    if (kind->writes && size_draw_prepare(&kind->size, &class->size, &reason) != OK)
        return err_set(err, reason.code, "class %s: %s", class->name, reason.text);
    return OK;
}

/* Tickets among the classes, and among those that need them the new keys and the picked ones. */
static enum err_code share_tickets(struct live *live, struct err *err)
{
    const struct live_plan *plan = &live->plan;
    uint64_t weights[CLASSES_MAX];
    double sum = 0;
    for (uint32_t i = 0; i < plan->class_count; i++)
        sum += plan->classes[i].weight;
    for (uint32_t i = 0; i < plan->class_count; i++)
        weights[i] = (uint64_t)(plan->classes[i].weight / sum * WEIGHT_SCALE);
    mix_order_prepare(&live->order, weights, plan->class_count, live->phase_seed);
    for (uint32_t i = 0; i < plan->class_count; i++) {
        const struct live_class *class = &plan->classes[i];
        struct live_kind *kind = &live->kinds[i];
        uint64_t *per_block = class->action == LIVE_INSERT ? &live->new_per_block
                              : takes_picked(class)        ? &live->picked_per_block
                                                           : NULL;
        if (live->order.weights[i] == 0)
            return err_set(err, E_USAGE,
                           "class %s has a weight of less than half a thousandth of all; one "
                           "thousandth is the least",
                           class->name);
        if (per_block == NULL)
            continue;
        kind->first_in_block = *per_block;
        *per_block += (uint64_t)live->order.weights[i] * kind->batch;
    }
    return OK;
}

/* By how much the name of a key can be longer than that of key 0, and its length as RESP has it. */
static uint64_t longer_key(const struct live *live)
{
    const uint64_t most = (live->plan.name_count > 0 ? LIVE_NAME_BYTES : 0) +
                          (live->plan.skew_count > 0 ? LIVE_TAG_BYTES : 0);
    return most > 0 ? most + 1 : 0;
}

/* The longest request of a class, also of those that it sends when it has used up its keys. */
static uint64_t most_bytes_of(const struct live *live, uint32_t number)
{
    const struct live_class *class = &live->plan.classes[number];
    const uint64_t value_bytes =
        live->kinds[number].writes ? size_draw_most(&live->kinds[number].size) : 0;
    struct live_request request = {.form = LIVE_FORM_EXISTS,
                                   .class = (uint8_t)number,
                                   .keys = 1,
                                   .value_bytes = value_bytes,
                                   .ttl_s = class->most_ttl_s};
    if (class->type == LIVE_VECTOR)
        return live_vector_most(live->vector);
    if (class->action == LIVE_READ)
        request.form = live_read_form(class->type);
    else if (class->action == LIVE_EXPIRE)
        request.form = LIVE_FORM_EXPIRE;
    else if (class->action == LIVE_INSERT && class->batch <= 1)
        request.form = live_insert_form(class);
    else if (live->kinds[number].writes)
        request.form = LIVE_FORM_SET_XX;
    uint64_t most = live_request_bytes(live, &request);
    if (live->kinds[number].writes && class->type == LIVE_STRING) {
        request.form = LIVE_FORM_SET_XX;
        const uint64_t again = live_request_bytes(live, &request);
        most = again > most ? again : most;
    }
    if (class->batch > 1) {
        struct window pair = {.out = NULL}, head = {.out = NULL};
        put_key(&pair, live, 0);
        put_value(&pair, live, 0, value_bytes);
        put_count(&head, '*', 1 + 2ull * class->batch);
        put_argument(&head, "MSET", 4);
        const uint64_t batch =
            head.at + (uint64_t) class->batch * pair.at + live->kinds[number].wait_bytes;
        most = batch > most ? batch : most;
    }
    return most + live->kinds[number].batch * longer_key(live);
}

static enum err_code measure(struct live *live, struct err *err)
{
    for (uint32_t i = 0; i < live->plan.class_count; i++) {
        const uint64_t bytes = most_bytes_of(live, i);
        if (bytes > REQUEST_MAX_BYTES)
            return err_set(err, E_USAGE,
                           "class %s has requests of up to %s bytes; %s are possible: give "
                           "smaller values or a smaller batch",
                           live->plan.classes[i].name, UNITS_GROUPED(bytes),
                           UNITS_GROUPED(REQUEST_MAX_BYTES));
        live->most_bytes = bytes > live->most_bytes ? bytes : live->most_bytes;
    }
    return OK;
}

static enum err_code fill_pool(struct live *live, struct err *err)
{
    live->pool = malloc(LIVE_POOL_BYTES);
    if (live->pool == NULL)
        return err_set(err, E_SYSTEM, "no memory for values of %u bytes", LIVE_POOL_BYTES);
    for (size_t i = 0; i < LIVE_POOL_BYTES / sizeof(uint64_t); i++) {
        const uint64_t random = rng_at(live->seed ^ STREAM_POOL, i);
        memcpy(live->pool + i * sizeof random, &random, sizeof random);
    }
    return OK;
}

static enum err_code check_plan(const struct live *live, const struct spec *spec, struct err *err)
{
    const struct live_plan *plan = &live->plan;
    const uint64_t capacity = live_map_capacity(plan->map);
    if (spec->load.null_transport)
        return err_set(err, E_USAGE, "keys that are there need a server: leave out --null");
    if (plan->class_count == 0 || plan->class_count > CLASSES_MAX)
        return err_set(err, E_USAGE, "a phase has %u classes of requests; 1 to %u are possible",
                       plan->class_count, CLASSES_MAX);
    if (memchr(plan->prefix, '\0', sizeof plan->prefix) == NULL)
        return err_set(err, E_USAGE, "the prefix of keys is too long: %u bytes are the most",
                       LIVE_PREFIX_BYTES - 1);
    if (plan->new_limit > capacity)
        return err_set(err, E_USAGE, "keys up to number %s have no place in a map of %s",
                       UNITS_GROUPED(plan->new_limit - 1), UNITS_GROUPED(capacity));
    return OK;
}

static enum err_code prepare_vectors(struct live *live, const struct spec *spec, struct err *err)
{
    if (spec->endpoint.cluster)
        return err_set(err, E_USAGE, "vectors lie on one server, and this is a cluster");
    return live_vector_create(&live->vector, live->plan.vectors, live->plan.prefix, err);
}

enum err_code live_create(struct live **out, const struct live_plan *plan, const struct spec *spec,
                          struct err *err)
{
    assert(plan->map != NULL);
    struct live *live = calloc(1, sizeof *live);
    *out = live;
    if (live == NULL)
        return err_set(err, E_SYSTEM, "no memory for the requests of a phase");
    live->plan = *plan;
    enum err_code code = check_plan(live, spec, err);
    if (code != OK)
        return code;
    if (plan->new_limit == 0)
        live->plan.new_limit = live_map_capacity(plan->map);
    live->seed = rng_mix(spec->load.seed);
    live->phase_seed = rng_at(live->seed, plan->phase_seed);
    live->prefix_bytes = strlen(plan->prefix);
    for (uint32_t i = 0; i < plan->class_count && code == OK; i++)
        code = prepare_class(live, i, spec->endpoint.cluster, err);
    const uint64_t key_space = plan->key_space > 0 && plan->key_space < plan->first_new
                                   ? plan->key_space
                                   : plan->first_new;
    live->ordered = plan->key_order.kind != ORDER_UNIFORM ? key_space > 0
                                                          : plan->key_space > 0 && key_space > 0;
    if (code == OK && live->ordered)
        code = key_draw_prepare(&live->keys, &plan->key_order, key_space, live->phase_seed, 1, err);
    if (code == OK && plan->vectors != NULL)
        code = prepare_vectors(live, spec, err);
    if (code == OK && live->checks && live->waits)
        code = err_set(err, E_USAGE, "a phase checks values, or waits for replicas: not both");
    if (code == OK)
        code = share_tickets(live, err);
    if (code == OK)
        code = fill_pool(live, err);
    return code == OK ? measure(live, err) : code;
}

double live_mean_bytes(const struct size_wish *size)
{
    struct size_draw draw;
    struct err err = {.code = OK};
    return size_draw_prepare(&draw, size, &err) == OK ? size_draw_mean(&draw) : 0;
}

void live_destroy(struct live *live)
{
    if (live == NULL)
        return;
    live_vector_destroy(live->vector);
    free(live->pool);
    free(live);
}
