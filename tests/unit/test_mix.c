/* A workload file's requests: a ticket that gives two different ones, lengths that are not those of the bytes, a mix
 * that is not the one asked for, keys that do not belong together. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/rng.h"
#include "common/spec.h"
#include "common/units.h"
#include "orchestrator/options/workload_file.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"
#include "worker/generate/mix.h"
#include "worker/generate/workload_state.h"

static struct workload_file file;
static struct workload *workload;
static struct err err;

static void compile(const char *text)
{
    struct spec spec = {.load = {.seed = 7, .clients = 10}};
    const struct file_source source = {.name = "t", .text = text, .text_bytes = strlen(text)};
    err = (struct err){.code = OK};
    ck_assert_msg(workload_file_read(&file, &source, &err) == OK, "%s", err.text);
    const struct workload_source made = {.plan = &file.plan};
    ck_assert_msg(workload_create(&workload, &made, &spec, &err) == OK, "%s", err.text);
}

static void forget(void)
{
    workload_destroy(workload);
    workload_file_free(&file);
}

static struct workload_sample sample_of(uint64_t ticket)
{
    struct workload_sample sample;
    ck_assert_int_eq(workload_sample(&sample, workload, ticket, &err), OK);
    return sample;
}

/* The words of a request of one or more commands, each with its length in front, one after the other. */
static size_t read_words(const struct workload_sample *sample, struct list_word words[],
                         size_t most)
{
    const char *at = sample->bytes, *const end = sample->bytes + sample->byte_count;
    size_t count = 0;
    sample->bytes[sample->byte_count] = '\0'; /* there is room */
    while (at < end) {
        char *behind;
        ck_assert_int_eq(*at, '*');
        unsigned long argc = strtoul(at + 1, &behind, 10);
        ck_assert(memcmp(behind, "\r\n", 2) == 0);
        at = behind + 2;
        for (; argc > 0; argc--) {
            ck_assert_int_eq(*at, '$');
            size_t bytes = strtoul(at + 1, &behind, 10);
            ck_assert(memcmp(behind, "\r\n", 2) == 0);
            ck_assert_uint_lt(count, most);
            words[count++] = (struct list_word){behind + 2, bytes};
            at = behind + 2 + bytes;
            ck_assert(at + 2 <= end && memcmp(at, "\r\n", 2) == 0);
            at += 2;
        }
    }
    ck_assert_ptr_eq(at, end);
    return count;
}

static const char everything[] =
    "name: everything\n"
    "keys:\n"
    "  a: {count: 1k, order: zipf, exponent: 0.99}\n"
    "  b: {prefix: 'b/', count: 300, digits: 0, order: uniform, first: 7}\n"
    "  c: {count: 50, size: 40, order: sequential}\n"
    "  d: {count: 10, binary: yes, order: walk}\n"
    "  e: {count: 90, tag: yes, digits: 4, order: parallel}\n"
    "values:\n"
    "  v: {size: {lognormal: {median: 300, p99: 4000, max: 16kb}}, content: {compressible: 0.5}}\n"
    "  w: {size: 3-40, content: random}\n"
    "  x: {size: 16}\n"
    "  y: {size: 1-900, per_key: yes}\n"
    "classes:\n"
    "  - {name: one, weight: 5, command: 'GET {key:a}'}\n"
    "  - {name: two, weight: 3, command: 'SET {key:b} {value:v} EX {int 60 300}'}\n"
    "  - {name: three, weight: 1, command: ['Z', 'p{key:c}q{float -3 4}', '{uuid}', '{now}', \"\", "
    "'x\\{y}']}\n"
    "  - {name: four, unit: transaction, commands: ['HSET {key:e#1} f {value:w}', 'EXPIRE "
    "{key:e#1} {int -5 5}']}\n"
    "  - {name: five, command: 'S {key:d} {zipf 100} {zipf 9 2} <{seq}> {ticket} {worker} {vector "
    "8}'}\n"
    "  - {name: six, unit: sequence, commands: ['M {value:x}{value:x}', 'N {key:a} {value:y} "
    "{key:b#2}{key:b#2}']}\n";

TEST(the_length_is_that_of_the_bytes_and_parts_are_those_of_the_whole)
{
    /* Otherwise a half-written request, or the next one, is not what the server takes it for. */
    void *state;
    compile(everything);
    const struct generator *kind = generator_of(workload);
    ck_assert_int_eq(kind->open(&state, workload, 3, &err), OK);
    const size_t most_bytes = kind->most_bytes(state);
    char *whole = malloc(most_bytes + 1), *part = malloc(most_bytes + 1);
    for (uint64_t ticket = 0; ticket < 3000; ticket++) {
        struct request_slot slot = {.ticket = ticket};
        kind->draw(state, &slot);
        ck_assert_uint_le(slot.bytes, most_bytes);
        kind->render(state, &slot, whole);
        struct list_word words[64];
        const struct workload_sample rendered = {.bytes = whole, .byte_count = slot.bytes};
        ck_assert_uint_gt(read_words(&rendered, words, 64), 1);
        const size_t from = (size_t)rng_bounded(rng_at(1, ticket), slot.bytes);
        const size_t count = (size_t)rng_bounded(rng_at(2, ticket), slot.bytes - from + 1);
        if (slot.class == 2) /* it has the time of day */
            continue;
        kind->render_part(state, &slot, from, count, part);
        ck_assert(memcmp(part, whole + from, count) == 0);
        /* Also when what was found out at the drawing is forgotten. */
        struct request_slot other = {.ticket = ticket + 128 * 7919};
        kind->draw(state, &other);
        kind->render_part(state, &slot, 0, slot.bytes, part);
        ck_assert(memcmp(part, whole, slot.bytes) == 0);
    }
    kind->close(state);
    free(whole);
    free(part);
    forget();
}

TEST(each_thousand_tickets_have_the_mix_and_ranks_have_no_gap)
{
    /* Otherwise a class gets more or less than was asked for, or keys in sequence leave some out. */
    uint64_t next_rank[6] = {0};
    compile(everything);
    ck_assert_uint_eq(workload_class_count(workload), 6);
    uint16_t last_order[1000] = {0};
    for (uint64_t block = 0; block < 40; block++) {
        uint32_t drawn[6] = {0};
        uint8_t met[6][1000] = {{0}};
        bool same_order = true;
        for (uint64_t place = 0; place < 1000; place++) {
            const struct mix_turn turn = mix_turn_of(workload->mix, block * 1000 + place);
            drawn[turn.class]++;
            ck_assert_uint_ge(turn.rank, next_rank[turn.class]);
            ck_assert_uint_lt(turn.rank, next_rank[turn.class] + 1000);
            ck_assert_uint_eq(met[turn.class][turn.rank - next_rank[turn.class]]++, 0);
            same_order &= last_order[place] == turn.class;
            last_order[place] = (uint16_t)turn.class;
        }
        static const uint32_t asked[6] = {417, 250, 83,
                                          83,  83,  83}; /* of 5:3:1:1:1:1; one more below */
        for (unsigned i = 0; i < 6; i++) {
            ck_assert_uint_ge(drawn[i], asked[i]);
            ck_assert_uint_le(drawn[i], asked[i] + 1);
            ck_assert_uint_eq(drawn[i], workload->mix->order.weights[i]);
            next_rank[i] += drawn[i];
        }
        ck_assert(!same_order);
    }
    forget();
}

TEST(a_ticket_is_the_same_for_any_worker)
{
    /* Otherwise a run with two workers does not send what one with one sends. */
    void *states[2];
    compile("name: t\nkeys: {k: {count: 1m, order: gaussian}}\nvalues: {v: {size: 5-500}}\n"
            "classes: [{name: a, command: 'SET {key} {value} {uuid}'}, {name: b, command: 'GET "
            "{key}'}]\n");
    const struct generator *kind = generator_of(workload);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_int_eq(kind->open(&states[i], workload, i, &err), OK);
    for (uint64_t ticket = 0; ticket < 2000; ticket++) {
        char bytes[2][1000];
        struct request_slot slots[2] = {{.ticket = ticket}, {.ticket = ticket}};
        for (unsigned i = 0; i < 2; i++) {
            kind->draw(states[i], &slots[i]);
            kind->render(states[i], &slots[i], bytes[i]);
        }
        ck_assert_uint_eq(slots[0].bytes, slots[1].bytes);
        ck_assert_uint_eq(slots[0].class, slots[1].class);
        ck_assert(memcmp(bytes[0], bytes[1], slots[0].bytes) == 0);
    }
    kind->close(states[0]);
    kind->close(states[1]);
    forget();
}

static uint64_t number_of(const struct list_word *word)
{
    size_t digits = 0;
    while (digits < word->byte_count && word->text[word->byte_count - digits - 1] >= '0' &&
           word->text[word->byte_count - digits - 1] <= '9')
        digits++;
    return strtoull(word->text + word->byte_count - digits, NULL, 10);
}

TEST(what_follows_a_miss_has_its_keys)
{
    /* Otherwise the cache is filled with other keys than those that were missing. */
    compile("name: t\nkeys: {k: {count: 1m, order: zipf}, o: {count: 9}}\nvalues: {v: {size: 9}}\n"
            "classes:\n- {name: read, weight: 3, command: 'GET {key:k}', on_miss: write}\n"
            "- {name: write, command: 'SET {key:k} {value}'}\n");
    ck_assert_uint_eq(workload_class_count(workload), 3);
    ck_assert_str_eq(workload_class_name(workload, 2), "read:on_miss");
    const struct mix *mix = workload->mix;
    for (uint64_t ticket = 0; ticket < 500; ticket++) {
        const struct mix_turn turn = mix_turn_of(mix, ticket);
        const struct mix_request request = {.ticket = ticket, .rank = turn.rank};
        char keys[2][32];
        if (turn.class != 0)
            continue;
        for (unsigned i = 0; i < 2; i++)
            mix_argument_write(keys[i], &mix->classes[i == 0 ? 0 : 2], &mix->material, 1, &request);
        ck_assert(memcmp(keys[0], keys[1], strlen("k:") + 12) == 0);
    }
    forget();
}

TEST(a_label_gives_the_same_key_and_no_label_another_one)
{
    /* Otherwise a transaction changes two keys where one was meant. */
    uint32_t alike = 0;
    compile("name: t\nkeys: {k: {count: 1m}}\n"
            "classes: [{name: a, command: 'M {key#1} {key#2} {key#1} {key} {key}'}]\n");
    for (uint64_t ticket = 0; ticket < 500; ticket++) {
        struct list_word words[8];
        const struct workload_sample sample = sample_of(ticket);
        ck_assert_uint_eq(read_words(&sample, words, 8), 6);
        ck_assert_uint_eq(number_of(&words[1]), number_of(&words[3]));
        alike += number_of(&words[1]) == number_of(&words[2]);
        alike += number_of(&words[4]) == number_of(&words[5]);
        alike += number_of(&words[1]) == number_of(&words[4]);
        free(sample.bytes);
    }
    ck_assert_uint_lt(alike, 5);
    forget();
}

TEST(tagged_keys_with_one_label_have_one_number)
{
    /* Otherwise a transaction over two kinds of keys cannot run on a cluster, whatever its tags. */
    compile(
        "name: t\nkeys: {a: {count: 1m, tag: yes}, b: {count: 1m, tag: yes, digits: 0}, c: {count: "
        "1m}}\n"
        "classes: [{name: x, command: 'M {key:a#1} {key:b#1}:y {key:c#1} {key:b#2} {key:a#2}'}]\n");
    for (uint64_t ticket = 0; ticket < 300; ticket++) {
        struct list_word words[8];
        const struct workload_sample sample = sample_of(ticket);
        ck_assert_uint_eq(read_words(&sample, words, 8), 6);
        const uint64_t one = strtoull(strchr(words[1].text, '{') + 1, NULL, 10);
        ck_assert_uint_eq(strtoull(strchr(words[2].text, '{') + 1, NULL, 10), one);
        ck_assert(number_of(&words[3]) != one || one == 0);
        ck_assert_uint_eq(strtoull(strchr(words[4].text, '{') + 1, NULL, 10),
                          strtoull(strchr(words[5].text, '{') + 1, NULL, 10));
        free(sample.bytes);
    }
    forget();
    const char *unequal = "name: t\nkeys: {a: {count: 1m, tag: yes}, b: {count: 2m, tag: yes}}\n"
                          "classes: [{name: x, command: 'M {key:a#1} {key:b#1}'}]\n";
    const struct file_source source = {.name = "t", .text = unequal, .text_bytes = strlen(unequal)};
    err = (struct err){.code = OK};
    ck_assert_int_eq(workload_file_read(&file, &source, &err), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "a and b need the same count and first"));
    workload_file_free(&file);
}

TEST(orders_go_through_all_keys_whatever_the_weight)
{
    /* Otherwise some keys are never asked for, because another class has every second ticket. */
    uint8_t met[2][700] = {{0}};
    compile("name: t\nkeys: {s: {count: 700, order: seq}, w: {count: 700, order: walk}}\n"
            "classes: [{name: a, command: 'GET {key:s}'}, {name: b, command: 'GET {key:w}'}]\n");
    for (uint64_t ticket = 0; ticket < 14000; ticket++) {
        struct list_word words[4];
        const struct workload_sample sample = sample_of(ticket);
        ck_assert_uint_eq(read_words(&sample, words, 4), 2);
        met[words[1].text[0] == 'w'][number_of(&words[1])]++;
        free(sample.bytes);
    }
    for (unsigned i = 0; i < 700; i++) {
        ck_assert_uint_eq(met[0][i], 10);
        ck_assert_uint_eq(met[1][i], 10);
    }
    forget();
}

TEST(the_latest_keys_are_there_before_they_are_asked_for)
{
    /* Otherwise reads of new keys are misses that no server is to blame for. */
    uint64_t newest = 999, added = 999, hot = 0, reads = 0;
    compile("name: t\nkeys: {k: {count: 1000, order: latest}}\n"
            "classes: [{name: read, weight: 9, command: 'GET {key}'},"
            " {name: insert, command: 'SET {new} x'}]\n");
    for (uint64_t ticket = 0; ticket < 30000; ticket++) {
        struct list_word words[4];
        const struct workload_sample sample = sample_of(ticket);
        read_words(&sample, words, 4);
        const uint64_t number = number_of(&words[1]);
        if (strcmp(sample.class, "insert") == 0) {
            added = number > added ? number : added;
        } else {
            ck_assert_uint_le(number, newest);
            hot += number + 400 > newest; /* two blocks back */
            reads++;
        }
        if (ticket % 1000 == 999)
            newest = added;
        free(sample.bytes);
    }
    ck_assert_uint_eq(added, 999 + 3000);
    ck_assert_uint_gt(hot, reads / 4);
    forget();
}

TEST(a_size_that_goes_with_the_key_never_changes)
{
    /* Otherwise what is written twice grows and shrinks, and memory with it. */
    size_t sizes[50] = {0};
    uint32_t different = 0;
    compile("name: t\nkeys: {k: {count: 50}}\nvalues: {v: {size: 1-900, per_key: yes}}\n"
            "classes: [{name: a, command: 'SET {key} {value}'}]\n");
    for (uint64_t ticket = 0; ticket < 2000; ticket++) {
        struct list_word words[4];
        const struct workload_sample sample = sample_of(ticket);
        read_words(&sample, words, 4);
        size_t *known = &sizes[number_of(&words[1])];
        ck_assert(*known == 0 || *known == words[2].byte_count);
        *known = words[2].byte_count;
        free(sample.bytes);
    }
    for (unsigned i = 1; i < 50; i++)
        different += sizes[i] != sizes[0];
    ck_assert_uint_gt(different, 40);
    forget();
}

TEST(compressible_values_compress_to_their_ratio)
{
    /* Otherwise what is measured of a server that compresses, or of a disk, is another load's. */
    static const struct {
        const char *ratio;
        double expected;
    } cases[] = {{"0", 0.01}, {"0.25", 0.25}, {"0.5", 0.5}, {"0.9", 0.9}, {"1", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        size_t in = 0, out = 0;
        snprintf(text, sizeof text,
                 "name: t\nvalues: {v: {size: 4kb, content: {compressible: %s}}}\n"
                 "classes: [{name: a, command: 'ECHO {value}'}]\n",
                 cases[i].ratio);
        compile(text);
        for (uint64_t ticket = 0; ticket < 50; ticket++) {
            unsigned char packed[8192];
            uLongf packed_bytes = sizeof packed;
            struct list_word words[2];
            const struct workload_sample sample = sample_of(ticket);
            ck_assert_uint_eq(read_words(&sample, words, 2), 2);
            ck_assert_int_eq(compress2(packed, &packed_bytes, (const Bytef *)words[1].text,
                                       words[1].byte_count, 6),
                             Z_OK);
            in += words[1].byte_count;
            out += packed_bytes;
            free(sample.bytes);
        }
        ck_assert_double_eq_tol((double)out / (double)in, cases[i].expected, 0.04);
        forget();
    }
}

TEST(no_two_values_are_alike)
{
    /* Otherwise a server that shares equal values is measured with one value. */
    char seen[3000][16];
    compile("name: t\nvalues: {v: {size: 16}}\nclasses: [{name: a, command: 'ECHO {value}'}]\n");
    for (uint64_t ticket = 0; ticket < 3000; ticket++) {
        struct list_word words[2];
        const struct workload_sample sample = sample_of(ticket);
        ck_assert_uint_eq(read_words(&sample, words, 2), 2);
        memcpy(seen[ticket], words[1].text, 16);
        free(sample.bytes);
    }
    uint32_t alike = 0;
    for (unsigned i = 0; i < 3000; i++)
        for (unsigned k = i + 1; k < 3000; k++)
            alike += memcmp(seen[i], seen[k], 16) == 0;
    ck_assert_uint_eq(alike, 0);
    forget();
}

TEST(a_name_is_found_behind_any_number_of_others)
{
    /* Breaks when names are looked at only as far as a message has room for them. */
    char text[8192];
    size_t used = (size_t)snprintf(text, sizeof text, "name: t\nkeys:\n");
    for (int i = 0; i < 32; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  a_name_of_forty_bytes_that_is_long_%02d: {count: 9}\n", i);
    snprintf(text + used, sizeof text - used,
             "classes: [{name: a, command: 'GET {key:a_name_of_forty_bytes_that_is_long_31}'}]\n");
    compile(text);
    struct list_word words[2];
    const struct workload_sample sample = sample_of(0);
    ck_assert_uint_eq(read_words(&sample, words, 2), 2);
    ck_assert(memcmp(words[1].text, "a_name_of_forty_bytes_that_is_long_31:", 38) == 0);
    free(sample.bytes);
    forget();
}

TEST(shares_are_the_nearest_thousandths)
{
    /* Otherwise they do not come to a thousand, and tickets are of no class. */
    for (uint64_t seed = 0; seed < 500; seed++) {
        uint64_t weights[PLAN_CLASSES_MAX], sum = 0;
        uint16_t shares[PLAN_CLASSES_MAX];
        const size_t count = 1 + (size_t)rng_bounded(rng_at(seed, 99), PLAN_CLASSES_MAX);
        for (size_t i = 0; i < count; i++)
            sum += weights[i] = 1 + rng_bounded(rng_at(seed, i), 10000);
        mix_share(shares, weights, count);
        unsigned all = 0;
        for (size_t i = 0; i < count; i++) {
            const double exact = (double)weights[i] * MIX_BLOCK / (double)sum;
            all += shares[i];
            ck_assert_double_lt(shares[i], exact + 1);
            ck_assert_double_gt(shares[i], exact - 1);
        }
        ck_assert_uint_eq(all, MIX_BLOCK);
    }
}

TEST_SUITE(mix)
