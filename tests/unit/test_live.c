/* What a phase of a scenario sends, and what replies mean to the map of live keys: a key that is deleted twice or never, a
 * map that believes what the server has refused, a wrong value that is taken for a right one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/slots.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"
#include "worker/generate/live.h"

#define CAPACITY 40000u
#define WORDS_MAX 4096u
#define OPEN_REQUESTS 64u
#define PREFIX "vst:run:"

static struct live_plan plan;
static struct workload *workload;
static const struct generator *kind;
static void *desks[2];
static struct spec spec;
static struct err err;

static const struct size_wish five = {.kind = SIZE_FIXED, .least_bytes = 5};
static const struct size_wish some = {.kind = SIZE_RANGE, .least_bytes = 1, .most_bytes = 300};

/* A request that was drawn, and its words. */
static struct word {
    const char *text;
    size_t byte_count;
} words[WORDS_MAX];
static size_t word_count;
static struct request_slot slot;
static char *bytes;

static void begin(uint64_t capacity_keys)
{
    spec = (struct spec){.load.seed = 5};
    err = (struct err){.code = OK};
    plan = (struct live_plan){.prefix = PREFIX};
    ck_assert_int_eq(live_map_create(&plan.map, capacity_keys, &err), OK);
}

static struct live_class *add(enum live_action action)
{
    struct live_class *class = &plan.classes[plan.class_count++];
    snprintf(class->name, sizeof class->name, "class%u", plan.class_count);
    class->action = action;
    class->weight = 1;
    class->size = five;
    return class;
}

static enum err_code compile(void)
{
    const struct workload_source source = {.live = &plan, .title = "a phase"};
    err = (struct err){.code = OK};
    return workload_create(&workload, &source, &spec, &err);
}

static void open_desks(void)
{
    ck_assert_msg(compile() == OK, "%s", err.text);
    kind = generator_of(workload);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_int_eq(kind->open(&desks[i], workload, i, &err), OK);
        ck_assert_int_eq(kind->reserve(desks[i], OPEN_REQUESTS, &err), OK);
    }
    free(bytes);
    bytes = malloc(kind->most_bytes(desks[0]));
    ck_assert_ptr_nonnull(bytes);
}

static void close_desks(void)
{
    for (unsigned i = 0; i < 2; i++)
        kind->close(desks[i]);
    workload_destroy(workload);
    plan.class_count = 0;
}

static void end(void)
{
    live_map_destroy(plan.map);
    free(bytes);
    bytes = NULL;
}

static void insert_all(uint64_t from, uint64_t behind)
{
    for (uint64_t key = from; key < behind; key++)
        live_map_set(plan.map, key);
}

static void pick_all(void)
{
    plan.picked_count =
        live_map_pick(plan.map, &(struct live_pick){.order = LIVE_PICK_OLDEST, .fraction = 1});
}

static void note_word(void *state, int64_t byte_count)
{
    (void)state;
    ck_assert_uint_lt(word_count, WORDS_MAX);
    words[word_count++] = (struct word){.byte_count = (size_t)byte_count};
}

static void note_bytes(void *state, const char *text, size_t byte_count)
{
    (void)state;
    (void)byte_count;
    words[word_count - 1].text = text;
}

/* Renders what was drawn, and takes it to pieces. */
static void look(void *desk)
{
    static const struct resp_tap tap = {.string = note_word, .bytes = note_bytes};
    struct resp_scanner scanner;
    struct resp_reply request;
    size_t used_bytes;
    ck_assert_uint_le(slot.bytes, kind->most_bytes(desk));
    kind->render(desk, &slot, bytes);
    word_count = 0;
    resp_scanner_reset(&scanner);
    ck_assert_int_eq(resp_scan_tapped(&scanner, bytes, slot.bytes, &used_bytes, &request, &tap),
                     RESP_REPLY);
    ck_assert_uint_eq(used_bytes, slot.bytes);
    ck_assert_int_eq(request.type, '*');
    ck_assert_int_eq(request.integer, (int64_t)word_count);
}

static void draw(uint64_t ticket)
{
    slot = (struct request_slot){.ticket = ticket};
    kind->draw(desks[0], &slot);
    look(desks[0]);
}

static bool is_word(size_t index, const char *text)
{
    return words[index].byte_count == strlen(text) &&
           memcmp(words[index].text, text, words[index].byte_count) == 0;
}

/* "SET KEY 5": a number where a value stands is its length. */
static void expect(const char *command, uint64_t key, const char *rest)
{
    char text[128], *at = text;
    snprintf(text, sizeof text, "%s " PREFIX "%012llu %s", command, (unsigned long long)key, rest);
    for (size_t i = 0; i < word_count; i++) {
        const char *word = strtok_r(i == 0 ? text : NULL, " ", &at);
        ck_assert_msg(word != NULL, "%s: %zu words", command, word_count);
        if (strcmp(word, "<5>") == 0)
            ck_assert_uint_eq(words[i].byte_count, 5);
        else
            ck_assert_msg(is_word(i, word), "word %zu is %.*s, not %s", i, (int)words[i].byte_count,
                          words[i].text, word);
    }
    ck_assert_ptr_null(strtok_r(NULL, " ", &at));
}

static uint64_t key_at(size_t index)
{
    char text[LIVE_KEY_BYTES + 1] = "";
    ck_assert_uint_eq(words[index].byte_count, strlen(PREFIX) + LIVE_KEY_DIGITS);
    memcpy(text, words[index].text, words[index].byte_count);
    ck_assert(memcmp(text, PREFIX, strlen(PREFIX)) == 0);
    return strtoull(text + strlen(PREFIX), NULL, 10);
}

static void tap_string(void *desk, int64_t byte_count)
{
    kind->string(desk, &slot, 0, byte_count);
}

static void tap_bytes(void *desk, const char *text, size_t byte_count)
{
    kind->bytes(desk, &slot, text, byte_count);
}

/* A reply comes in pieces of so many bytes. What the generator says of it; counts of what it came to. */
static uint64_t counts[CHECK_COUNTS];
static bool answer_in(const char *reply, size_t reply_bytes, size_t piece_bytes)
{
    const struct resp_tap tap = {.state = desks[0], .string = tap_string, .bytes = tap_bytes};
    struct resp_scanner scanner;
    struct resp_reply scanned;
    enum resp_status status = RESP_MORE;
    resp_scanner_reset(&scanner);
    memset(counts, 0, sizeof counts);
    for (size_t at = 0, used; at < reply_bytes && status == RESP_MORE; at += used) {
        const size_t left = reply_bytes - at;
        const size_t piece = left < piece_bytes ? left : piece_bytes;
        status = kind->string != NULL
                     ? resp_scan_tapped(&scanner, reply + at, piece, &used, &scanned, &tap)
                     : resp_scan(&scanner, reply + at, piece, &used, &scanned);
    }
    ck_assert_int_eq(status, RESP_REPLY);
    const bool well = kind->reply(desks[0], &slot, 0, &scanned);
    if (kind->settle != NULL)
        kind->settle(desks[0], &slot, false, counts);
    return well;
}

static bool answer(const char *reply)
{
    return answer_in(reply, strlen(reply), strlen(reply));
}

TEST(each_kind_of_request_is_the_command_it_says)
{
    /* Otherwise the server gets another command, another key, or a value of another length. */
    static const struct {
        enum live_action action;
        enum live_type type;
        bool unlink;
        uint64_t ttl_s;
        const char *command, *rest;
    } cases[] = {
        {LIVE_INSERT, LIVE_STRING, false, 0, "SET", "<5>"},
        {LIVE_INSERT, LIVE_STRING, false, 70, "SET", "<5> EX 70"},
        {LIVE_INSERT, LIVE_HASH, false, 0, "HSET", "field <5>"},
        {LIVE_INSERT, LIVE_LIST, false, 0, "RPUSH", "<5>"},
        {LIVE_INSERT, LIVE_SET, false, 0, "SADD", "<5>"},
        {LIVE_INSERT, LIVE_ZSET, false, 0, "ZADD", "0 <5>"},
        {LIVE_DELETE, LIVE_STRING, false, 0, "DEL", ""},
        {LIVE_DELETE, LIVE_HASH, true, 0, "UNLINK", ""},
        {LIVE_OVERWRITE, LIVE_STRING, false, 0, "SET", "<5>"},
        {LIVE_EXPIRE, LIVE_LIST, false, 9, "EXPIRE", "9"},
        {LIVE_READ, LIVE_STRING, false, 0, "GET", ""},
        {LIVE_READ, LIVE_HASH, false, 0, "HGET", "field"},
        {LIVE_READ, LIVE_LIST, false, 0, "LINDEX", "0"},
        {LIVE_READ, LIVE_SET, false, 0, "SRANDMEMBER", ""},
        {LIVE_READ, LIVE_ZSET, false, 0, "ZRANGE", "0 0"},
        {LIVE_UPDATE, LIVE_STRING, false, 0, "SET", "<5> XX"},
    };
    begin(CAPACITY);
    live_map_set(plan.map, 77);
    pick_all();
    plan.first_new = 77;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct live_class *class = add(cases[i].action);
        class->type = cases[i].type;
        class->unlink = cases[i].unlink;
        class->least_ttl_s = class->most_ttl_s = cases[i].ttl_s;
        open_desks();
        draw(0);
        expect(cases[i].command, 77, cases[i].rest);
        ck_assert_uint_eq(kind->key_slot(desks[0], &slot),
                          slots_of_key(words[1].text, words[1].byte_count));
        const bool reads = cases[i].action == LIVE_READ;
        uint32_t count;
        const struct request_class *known = kind->classes(desks[0], &count);
        ck_assert_uint_eq(count, 1);
        ck_assert_str_eq(known->name, "a phase");
        ck_assert(known->reads_only == reads && workload_reads_only(workload) == reads);
        ck_assert_int_eq(known->read_kind(desks[0], 0, 0), reads ? READ_VALUE : READ_NONE);
        kind->drop(desks[0], &slot);
        close_desks();
    }
    end();
}

TEST(only_what_the_server_has_done_changes_the_map)
{
    /* Otherwise the map has a key that the server refused, or none that it has. */
    static const struct {
        enum live_action action;
        const char *reply;
        bool before, after;
    } cases[] = {
        {LIVE_INSERT, "+OK\r\n", false, true},         {LIVE_INSERT, ":1\r\n", false, true},
        {LIVE_INSERT, "$-1\r\n", false, false},        {LIVE_INSERT, "-OOM no\r\n", false, false},
        {LIVE_INSERT, "-OOM no\r\n", true, true},      {LIVE_DELETE, ":1\r\n", true, false},
        {LIVE_DELETE, ":0\r\n", true, false},          {LIVE_DELETE, "-ERR no\r\n", true, true},
        {LIVE_DELETE, "+OK\r\n", true, true},          {LIVE_EXPIRE, ":1\r\n", true, false},
        {LIVE_EXPIRE, ":0\r\n", true, false},          {LIVE_EXPIRE, "-ERR no\r\n", true, true},
        {LIVE_OVERWRITE, "+OK\r\n", true, true},       {LIVE_OVERWRITE, "+OK\r\n", false, true},
        {LIVE_OVERWRITE, "-OOM no\r\n", false, false}, {LIVE_READ, "$-1\r\n", true, true},
        {LIVE_READ, "$1\r\nx\r\n", true, true},        {LIVE_UPDATE, "+OK\r\n", true, true},
        {LIVE_UPDATE, "$-1\r\n", true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(CAPACITY);
        plan.first_new = 123;
        live_map_set(plan.map, 123);
        pick_all();
        struct live_class *class = add(cases[i].action);
        if (cases[i].action == LIVE_EXPIRE)
            class->least_ttl_s = class->most_ttl_s = 3;
        open_desks();
        if (!cases[i].before)
            live_map_clear(plan.map, 123);
        draw(0);
        ck_assert(answer(cases[i].reply));
        ck_assert_msg(live_map_has(plan.map, 123) == cases[i].after, "case %zu", i);
        ck_assert_uint_eq(live_map_count(plan.map), cases[i].after);
        close_desks();
        end();
    }
}

TEST(a_batch_is_all_or_nothing)
{
    /* Otherwise keys of an MSET are missing from the map, or of one that failed in it; or it goes beyond the last key. */
    begin(CAPACITY);
    plan.first_new = 100;
    plan.new_limit = 117;
    struct live_class *class = add(LIVE_INSERT);
    class->batch = 10;
    class->size = some;
    open_desks();
    draw(0);
    ck_assert_uint_eq(word_count, 21);
    ck_assert(is_word(0, "MSET"));
    for (size_t i = 0; i < 10; i++)
        ck_assert_uint_eq(key_at(1 + 2 * i), 100 + i);
    answer("-OOM no\r\n");
    ck_assert_uint_eq(live_map_count(plan.map), 0);
    draw(0);
    answer("+OK\r\n");
    ck_assert_uint_eq(live_map_count(plan.map), 10);
    draw(1);
    ck_assert_uint_eq(word_count, 15);
    answer("+OK\r\n");
    ck_assert_uint_eq(live_map_count(plan.map), 17);
    ck_assert_uint_eq(live_map_end(plan.map), 117);
    close_desks();
    end();
}

TEST(sizes_of_new_keys_go_by_the_key_and_others_by_the_phase)
{
    /* Otherwise nobody knows afterwards how much was loaded, or overwriting changes nothing. */
    static size_t loaded[500], again[2][500];
    begin(CAPACITY);
    insert_all(0, 500);
    pick_all();
    for (uint64_t phase = 0; phase < 2; phase++) {
        plan.phase_seed = phase;
        add(LIVE_INSERT)->size = some;
        open_desks();
        uint64_t sum = 0;
        for (uint64_t ticket = 0; ticket < 500; ticket++) {
            draw(ticket);
            ck_assert_uint_ge(words[2].byte_count, 1);
            ck_assert_uint_le(words[2].byte_count, 300);
            if (phase == 0)
                loaded[ticket] = words[2].byte_count;
            ck_assert_uint_eq(loaded[ticket], words[2].byte_count);
            sum += words[2].byte_count;
            kind->drop(desks[0], &slot);
        }
        ck_assert_uint_gt(sum, 500 * 130);
        ck_assert_uint_lt(sum, 500 * 170);
        close_desks();
        add(LIVE_OVERWRITE)->size = some;
        open_desks();
        for (uint64_t ticket = 0; ticket < 500; ticket++) {
            draw(ticket);
            again[phase][ticket] = words[2].byte_count;
            kind->drop(desks[0], &slot);
        }
        close_desks();
    }
    ck_assert(memcmp(again[0], again[1], sizeof again[0]) != 0);
    ck_assert(memcmp(again[0], loaded, sizeof loaded) != 0);
    end();
}

TEST(times_to_live_are_in_their_range)
{
    /* Otherwise keys stay for ever, or go at once. */
    bool met[6] = {false};
    begin(CAPACITY);
    struct live_class *class = add(LIVE_INSERT);
    class->least_ttl_s = 9;
    class->most_ttl_s = 14;
    open_desks();
    for (uint64_t ticket = 0; ticket < 200; ticket++) {
        draw(ticket);
        char text[8] = "";
        memcpy(text, words[4].text, words[4].byte_count);
        const unsigned long ttl = strtoul(text, NULL, 10);
        ck_assert(ttl >= 9 && ttl <= 14);
        met[ttl - 9] = true;
        kind->drop(desks[0], &slot);
    }
    for (unsigned i = 0; i < 6; i++)
        ck_assert(met[i]);
    close_desks();
    end();
}

/* The reply to GET with a value of `from`, of so many bytes. The caller frees. */
static char *bulk_of(size_t *reply_bytes, const char *value, size_t byte_count)
{
    char *reply = malloc(byte_count + 40);
    ck_assert_ptr_nonnull(reply);
    const size_t head = (size_t)snprintf(reply, 40, "$%zu\r\n", byte_count);
    memcpy(reply + head, value, byte_count);
    memcpy(reply + head + byte_count, "\r\n", 2);
    *reply_bytes = head + byte_count + 2;
    return reply;
}

LOOP_TEST(a_value_is_right_whatever_its_length_and_wrong_by_one_byte, 2)
{
    /* Otherwise a read alarms because a key was overwritten, or a value of another key passes. */
    const size_t value_bytes = _i == 0 ? 1000 : 3 * LIVE_POOL_BYTES + 77;
    char *value = malloc(value_bytes);
    ck_assert_ptr_nonnull(value);
    begin(CAPACITY);
    plan.first_new = 9;
    add(LIVE_INSERT)->size = (struct size_wish){.kind = SIZE_FIXED, .least_bytes = value_bytes};
    open_desks();
    draw(0);
    memcpy(value, words[2].text, value_bytes);
    answer("+OK\r\n");
    close_desks();
    plan.phase_seed = 3;
    add(LIVE_READ)->check = true;
    open_desks();
    for (uint64_t round = 0; round < 60; round++) {
        size_t reply_bytes;
        const size_t count = 1 + (size_t)rng_bounded(rng_at(1, round), value_bytes);
        char *reply = bulk_of(&reply_bytes, value, count);
        const size_t piece = 1 + (size_t)rng_bounded(rng_at(2, round), reply_bytes);
        const bool spoilt = round % 2 == 1;
        if (spoilt)
            reply[reply_bytes - 3 - (size_t)rng_bounded(rng_at(3, round), count)] ^= 4;
        draw(round);
        expect("GET", 9, "");
        ck_assert(answer_in(reply, reply_bytes, piece) == !spoilt);
        ck_assert_uint_eq(counts[CHECK_VERIFIED], 1);
        ck_assert_uint_eq(counts[CHECK_CORRUPTED], spoilt);
        free(reply);
    }
    draw(60);
    ck_assert(answer("$-1\r\n"));
    ck_assert_uint_eq(counts[CHECK_VERIFIED], 0);
    draw(61);
    ck_assert(!answer("$0\r\n\r\n"));
    draw(62);
    answer("-ERR no\r\n");
    ck_assert_uint_eq(counts[CHECK_VERIFIED] + counts[CHECK_CORRUPTED], 0);
    close_desks();
    end();
    free(value);
}

TEST(values_of_keys_differ)
{
    /* Otherwise the value of one key passes for that of another, and servers can compress them. */
    char seen[300][5];
    begin(CAPACITY);
    add(LIVE_INSERT);
    open_desks();
    for (uint64_t ticket = 0; ticket < 300; ticket++) {
        draw(ticket);
        memcpy(seen[ticket], words[2].text, 5);
        kind->drop(desks[0], &slot);
        for (uint64_t other = 0; other < ticket; other++)
            ck_assert(memcmp(seen[ticket], seen[other], 5) != 0);
    }
    close_desks();
    end();
}

TEST(parts_are_those_of_the_whole)
{
    /* Otherwise a half-written request goes on with other bytes. */
    begin(CAPACITY);
    insert_all(0, 3000);
    pick_all();
    plan.first_new = 3000;
    struct live_class *batch = add(LIVE_INSERT);
    batch->batch = 7;
    batch->size = some;
    add(LIVE_INSERT)->type = LIVE_ZSET;
    add(LIVE_DELETE)->unlink = true;
    struct live_class *expire = add(LIVE_EXPIRE);
    expire->least_ttl_s = 1;
    expire->most_ttl_s = 2000;
    add(LIVE_OVERWRITE)->size = some;
    add(LIVE_READ)->check = true;
    add(LIVE_UPDATE)->size = some;
    open_desks();
    char *part = malloc(kind->most_bytes(desks[0]));
    ck_assert_ptr_nonnull(part);
    for (uint64_t ticket = 0; ticket < 3000; ticket++) {
        draw(ticket);
        const size_t from = (size_t)rng_bounded(rng_at(1, ticket), slot.bytes);
        const size_t count = (size_t)rng_bounded(rng_at(2, ticket), slot.bytes - from + 1);
        live_map_clear(plan.map, ticket); /* what is drawn stays as it is */
        kind->render_part(desks[0], &slot, from, count, part);
        ck_assert(memcmp(part, bytes + from, count) == 0);
        kind->render_part(desks[0], &slot, 0, from, part);
        ck_assert(memcmp(part, bytes, from) == 0);
        ck_assert_uint_eq(kind->key_slot(desks[0], &slot),
                          slots_of_key(words[1].text, words[1].byte_count));
        kind->drop(desks[0], &slot);
    }
    free(part);
    close_desks();
    end();
}

TEST(what_is_dropped_or_answered_makes_room)
{
    /* Otherwise a worker runs out of places after its first few thousand requests. */
    begin(CAPACITY);
    insert_all(0, 10);
    add(LIVE_READ)->check = true;
    open_desks();
    for (uint64_t round = 0; round < 20; round++) {
        struct request_slot slots[OPEN_REQUESTS];
        for (uint64_t i = 0; i < OPEN_REQUESTS; i++) {
            slots[i] = (struct request_slot){.ticket = round * 1000 + i * 3};
            kind->draw(desks[0], &slots[i]);
        }
        for (uint64_t i = 0; i < OPEN_REQUESTS; i++) {
            slot = slots[i];
            look(desks[0]);
            ck_assert_uint_lt(key_at(1), 10);
            if (i % 2 == 0)
                kind->drop(desks[0], &slot);
            else
                ck_assert(answer("$-1\r\n"));
        }
    }
    close_desks();
    end();
}

static uint8_t inserted[CAPACITY], deleted[CAPACITY];

/* Counts what a request is about. */
static void meet(void)
{
    if (is_word(0, "MSET") || (is_word(0, "SET") && word_count == 3))
        for (size_t i = 1; i < word_count; i += 2)
            inserted[key_at(i)]++;
    else if (is_word(0, "DEL") || is_word(0, "EXPIRE"))
        deleted[key_at(1)]++;
    else
        ck_abort_msg("%.*s", (int)words[0].byte_count, words[0].text);
}

/* Workers take tickets of two kinds. */
static void meet_all(uint64_t tickets)
{
    memset(inserted, 0, sizeof inserted);
    memset(deleted, 0, sizeof deleted);
    for (uint64_t ticket = 0; ticket < tickets; ticket++) {
        void *desk = desks[rng_at(9, ticket) % 2];
        slot = (struct request_slot){.ticket = ticket};
        kind->draw(desk, &slot);
        look(desk);
        meet();
        kind->drop(desk, &slot);
    }
}

TEST(two_workers_reach_each_key_once)
{
    /* Otherwise keys are written twice, or deletes leave some and hit others twice. */
    uint64_t wrong = 0;
    begin(CAPACITY);
    plan.first_new = 12;
    add(LIVE_INSERT);
    open_desks();
    meet_all(5500);
    for (uint64_t key = 0; key < CAPACITY; key++)
        wrong += inserted[key] != (key >= 12 && key < 5512);
    close_desks();
    insert_all(0, 6000);
    plan.picked_count = live_map_pick(
        plan.map, &(struct live_pick){.order = LIVE_PICK_RANDOM, .fraction = 0.41, .seed = 8});
    add(LIVE_DELETE);
    open_desks();
    meet_all(plan.picked_count);
    uint64_t hit = 0;
    for (uint64_t key = 0; key < CAPACITY; key++) {
        hit += deleted[key];
        wrong += deleted[key] > 1;
    }
    ck_assert_uint_eq(hit, 2460);
    ck_assert_uint_eq(wrong, 0);
    close_desks();
    end();
}

TEST(classes_share_keys_without_a_gap)
{
    /* Otherwise two classes work on one key, or keys between theirs are left out. */
    uint64_t wrong = 0;
    begin(CAPACITY);
    insert_all(0, 2000);
    pick_all();
    plan.first_new = 2000;
    add(LIVE_INSERT)->weight = 0.3;
    add(LIVE_DELETE)->weight = 0.15;
    struct live_class *batch = add(LIVE_INSERT);
    batch->weight = 0.2;
    batch->batch = 4;
    struct live_class *expire = add(LIVE_EXPIRE);
    expire->weight = 0.35;
    expire->least_ttl_s = expire->most_ttl_s = 100;
    open_desks();
    meet_all(4000);
    for (uint64_t key = 0; key < CAPACITY; key++) {
        wrong += inserted[key] != (key >= 2000 && key < 2000 + 4 * (300 + 800));
        wrong += deleted[key] != (key < 2000);
    }
    ck_assert_uint_eq(wrong, 0);
    close_desks();
    end();
}

TEST(a_class_without_keys_left_leaves_the_map_as_it_is)
{
    /* Otherwise a phase that goes on for a time deletes keys that nobody picked, or writes such as nobody knows. */
    begin(CAPACITY);
    insert_all(50, 60);
    plan.picked_count =
        live_map_pick(plan.map, &(struct live_pick){.order = LIVE_PICK_OLDEST, .fraction = 0.2});
    plan.first_new = 100;
    plan.new_limit = 103;
    for (uint64_t with_keys = 0; with_keys < 2; with_keys++) {
        static const uint64_t far[] = {3, 1000, WORKLOAD_WARMUP_TICKET, UINT64_MAX - 5};
        for (uint32_t i = 0; i < 3; i++) {
            struct live_class *class = add(i == 0   ? LIVE_DELETE
                                           : i == 1 ? LIVE_INSERT
                                                    : LIVE_OVERWRITE);
            class->size = some;
            open_desks();
            if (with_keys == 0)
                for (uint64_t key = 50; key < 60; key++)
                    live_map_clear(plan.map, key);
            for (size_t k = 0; k < 4; k++) {
                draw(far[k]);
                ck_assert(is_word(0, i == 0 || with_keys == 0 ? "EXISTS" : "SET"));
                ck_assert(is_word(word_count - 1, "XX") || word_count == 2);
                ck_assert_uint_lt(key_at(1), 60);
                ck_assert(with_keys == 0 || key_at(1) >= 50);
                ck_assert(answer(i == 0 || with_keys == 0 ? ":1\r\n" : "+OK\r\n"));
            }
            ck_assert_uint_eq(live_map_count(plan.map), 10 * with_keys);
            insert_all(50, 60);
            close_desks();
        }
    }
    end();
}

TEST(reads_of_an_empty_map_miss)
{
    /* Otherwise a phase of reads ends with the last key, or with a crash. */
    begin(CAPACITY);
    add(LIVE_READ);
    add(LIVE_UPDATE);
    open_desks();
    for (uint64_t ticket = 0; ticket < 50; ticket++) {
        draw(ticket);
        expect(slot.class == 0 ? "GET" : "EXISTS", 0, "");
        kind->drop(desks[0], &slot);
    }
    close_desks();
    end();
}

TEST_SUITE(live)
