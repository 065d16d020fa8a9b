/* The compact form of recorded traffic: what is written comes back, and a file that was cut or damaged is never
 * taken for a whole one. */
#include "common/recording.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/recording_format.h"
#include "common/resp.h"
#include "common/rng.h"
#include "tests/support/check/suite.h"

#define ENTRIES_MAX 20000u
#define ARGUMENTS 8u
#define VALUE_BYTES 300u

static char directory[] = "/tmp/volley-recording-XXXXXX";
static char path[64];
static char value[VALUE_BYTES];
static struct err err;

static void set_up(void)
{
    snprintf(directory, sizeof directory, "/tmp/volley-recording-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/traffic", directory);
    for (unsigned i = 0; i < VALUE_BYTES; i++)
        value[i] = (char)(i * 7); /* zeros, line ends and bytes beyond ASCII among them */
    err = (struct err){.code = OK};
}

static void tear_down(void)
{
    unlink(path);
    rmdir(directory);
}

/* Entry i of the recording `seed`, in static memory. */
static struct recording_entry make_entry(uint64_t seed, uint64_t i)
{
    static struct recording_argument arguments[ARGUMENTS];
    static const char *const names[] = {"GET", "set", "HSet", "lpush"};
    uint64_t random = rng_at(seed, i);
    uint32_t count = 1 + (uint32_t)(random % ARGUMENTS);
    arguments[0].bytes = names[random >> 62];
    arguments[0].byte_count = strlen(arguments[0].bytes);
    for (uint32_t k = 1; k < count; k++) {
        arguments[k].bytes = value;
        arguments[k].byte_count = (size_t)rng_bounded(rng_at(seed + k, i), VALUE_BYTES);
    }
    return (struct recording_entry){.at_us = i * i,
                                    .client = (uint32_t)(random >> 8) % 5,
                                    .database = (uint32_t)(random >> 16) % 3,
                                    .argument_count = count,
                                    .arguments = arguments};
}

static void write_recording(uint64_t seed, uint64_t entries)
{
    struct recording_writer *writer;
    unlink(path);
    ck_assert_int_eq(recording_create(&writer, path, true, 1700000000000000, &err), OK);
    for (uint64_t i = 0; i < entries; i++) {
        struct recording_entry entry = make_entry(seed, i);
        if (recording_append(writer, &entry, &err) != OK)
            ck_abort_msg("%s", err.text);
    }
    recording_leave_out(writer);
    ck_assert_int_eq(recording_finish(writer, &err), OK);
}

static bool same_entry(const struct recording_entry *read, const struct recording_entry *made)
{
    bool same = read->at_us == made->at_us && read->client == made->client &&
                read->database == made->database && read->argument_count == made->argument_count;
    const char *argv[ARGUMENTS];
    size_t argument_bytes[ARGUMENTS];
    for (uint32_t k = 0; same && k < made->argument_count; k++) {
        argv[k] = made->arguments[k].bytes;
        argument_bytes[k] = made->arguments[k].byte_count;
        same = read->arguments[k].byte_count == argument_bytes[k] &&
               memcmp(read->arguments[k].bytes, argv[k], argument_bytes[k]) == 0;
    }
    char request[ARGUMENTS * (VALUE_BYTES + 16)];
    return same &&
           resp_encode_command(request, sizeof request, made->argument_count, argv,
                               argument_bytes) == read->request_bytes &&
           memcmp(request, read->request, read->request_bytes) == 0;
}

/* How many of the entries come, all of them as they were written; `code` is what ends it. */
static uint64_t read_back(struct recording_reader *reader, uint64_t seed, enum err_code *code)
{
    struct recording_entry entry;
    bool more;
    struct err own = {.code = OK};
    uint64_t count = 0;
    while ((*code = recording_next(reader, &entry, &more, &own)) == OK && more) {
        struct recording_entry made = make_entry(seed, count);
        if (!same_entry(&entry, &made))
            ck_abort_msg("entry %llu is another", (unsigned long long)count);
        count++;
    }
    ck_assert(*code == OK || own.text[0] != '\0');
    return count;
}

static struct recording_reader *open_recording(void)
{
    struct recording_reader *reader;
    ck_assert_msg(recording_open(&reader, path, &err) == OK, "%s", err.text);
    return reader;
}

static unsigned char *read_file(size_t *byte_count)
{
    int fd = open(path, O_RDONLY);
    off_t size = lseek(fd, 0, SEEK_END);
    unsigned char *bytes = malloc((size_t)size);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(pread(fd, bytes, (size_t)size, 0), size);
    close(fd);
    *byte_count = (size_t)size;
    return bytes;
}

static void write_file(const unsigned char *bytes, size_t byte_count)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    ck_assert_int_eq(write(fd, bytes, byte_count), (ssize_t)byte_count);
    close(fd);
}

TEST(round_trip)
{
    /* Breaks when a request, its time, client or database does not come back as it was recorded. */
    static const uint64_t sizes[] = {0, 1, 2, 100, ENTRIES_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        write_recording(i, sizes[i]);
        struct recording_reader *reader = open_recording();
        enum err_code code;
        ck_assert_uint_eq(read_back(reader, i, &code), sizes[i]);
        ck_assert_int_eq(code, OK);
        ck_assert(!recording_was_cut(reader));
        recording_rewind(reader);
        ck_assert_uint_eq(read_back(reader, i, &code), sizes[i]);
        recording_close(reader);
    }
}

TEST(facts_of_the_trailer_are_those_of_a_pass)
{
    /* Breaks when a plan is made of numbers that the file does not hold. */
    write_recording(3, 5000);
    struct recording_reader *reader = open_recording();
    const struct recording_facts *facts = recording_known_facts(reader);
    ck_assert_ptr_nonnull(facts);
    struct recording_facts told = *facts;
    recording_close(reader);
    ck_assert_uint_eq(told.entries, 5000);
    ck_assert_uint_eq(told.clients, 5);
    ck_assert_uint_eq(told.databases, 3);
    ck_assert_uint_eq(told.span_us, 4999ull * 4999);
    ck_assert_uint_eq(told.left_out, 1);
    ck_assert_uint_eq(told.command_count, 4);
    ck_assert(told.has_times && told.start_unix_us == 1700000000000000);

    size_t byte_count;
    unsigned char *bytes = read_file(&byte_count);
    write_file(bytes, byte_count - 1);
    free(bytes);
    reader = open_recording();
    ck_assert_ptr_null(recording_known_facts(reader));
    ck_assert_int_eq(recording_count(reader, &facts, &err), OK);
    ck_assert_ptr_eq(recording_known_facts(reader), facts);
    ck_assert(recording_was_cut(reader));
    struct recording_facts counted = *facts;
    counted.left_out = told.left_out;               /* only the trailer knows */
    counted.block_bytes_max = told.block_bytes_max; /* room, and not what there was */
    ck_assert_mem_eq(&counted, &told, sizeof told);
    recording_close(reader);
}

TEST(each_share_has_its_own_clients)
{
    /* Breaks when workers that share a file send a request twice, or one that nobody sends. */
    write_recording(4, 3000);
    uint64_t count = 0;
    for (uint32_t share = 0; share < 3; share++) {
        struct recording_reader *reader = open_recording();
        struct recording_entry entry;
        bool more;
        while (recording_next_of(reader, 3, share, &entry, &more, &err) == OK && more) {
            ck_assert_uint_eq(entry.client % 3, share);
            count++;
        }
        recording_close(reader);
    }
    ck_assert_int_eq(err.code, OK);
    ck_assert_uint_eq(count, 3000);
}

TEST(cut_at_every_byte)
{
    /* Breaks when a recording whose writer was killed yields rubbish, or passes for a whole one. */
    write_recording(5, 12);
    size_t byte_count;
    unsigned char *bytes = read_file(&byte_count);
    for (size_t cut = 0; cut < byte_count; cut++) {
        write_file(bytes, cut);
        struct recording_reader *reader;
        struct err own = {.code = OK};
        enum err_code code = recording_open(&reader, path, &own);
        if (cut < RECORDING_MAGIC_BYTES) {
            ck_assert_int_eq(code, E_DATA);
            ck_assert_ptr_null(reader);
            continue;
        }
        ck_assert_int_eq(code, OK);
        uint64_t count = read_back(reader, 5, &code);
        ck_assert_int_eq(code, OK);
        ck_assert(count == 0 || count == 12);
        ck_assert(recording_was_cut(reader));
        recording_close(reader);
    }
    free(bytes);
}

TEST(every_flipped_bit_is_found)
{
    /* Breaks when a damaged file is replayed as if it were what was recorded. */
    write_recording(6, 12);
    size_t byte_count;
    unsigned char *bytes = read_file(&byte_count);
    for (size_t bit = 0; bit < byte_count * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        write_file(bytes, byte_count);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        struct recording_reader *reader;
        struct err own = {.code = OK};
        enum err_code code = recording_open(&reader, path, &own);
        if (code == OK)
            read_back(reader, 6, &code);
        ck_assert_msg(code == E_DATA, "bit %zu of byte %zu: %d", bit % 8, bit / 8, code);
        recording_close(reader);
    }
    free(bytes);
}

TEST(an_existing_file_is_left_alone)
{
    /* Breaks when a recording overwrites what somebody has. */
    write_recording(7, 3);
    size_t before_bytes, after_bytes;
    unsigned char *before = read_file(&before_bytes);
    struct recording_writer *writer;
    ck_assert_int_eq(recording_create(&writer, path, true, 0, &err), E_USAGE);
    ck_assert_ptr_null(writer);
    ck_assert_ptr_nonnull(strstr(err.text, "exists"));
    unsigned char *after = read_file(&after_bytes);
    ck_assert_uint_eq(after_bytes, before_bytes);
    ck_assert_mem_eq(after, before, before_bytes);
    free(before);
    free(after);
}

TEST(large_requests)
{
    /* Breaks when a request larger than a block is lost, or one too large ends the recording. */
    static char large[3u << 20];
    memset(large, 'x', sizeof large);
    struct recording_writer *writer;
    ck_assert_int_eq(recording_create(&writer, path, false, 0, &err), OK);
    struct recording_argument arguments[] = {{"SET", 3}, {"key", 3}, {large, sizeof large}};
    struct recording_entry entry = {.argument_count = 3, .arguments = arguments};
    ck_assert_int_eq(recording_append(writer, &entry, &err), OK);
    struct recording_argument *many = calloc(30, sizeof *many);
    for (int i = 0; i < 30; i++)
        many[i] = arguments[2];
    struct recording_entry beyond = {.argument_count = 30, .arguments = many};
    ck_assert_int_eq(recording_append(writer, &beyond, &err), E_DATA);
    free(many);
    struct err own = {.code = OK};
    entry.argument_count = 2;
    ck_assert_int_eq(recording_append(writer, &entry, &own), OK);
    ck_assert_int_eq(recording_finish(writer, &own), OK);

    struct recording_reader *reader = open_recording();
    ck_assert(!recording_known_facts(reader)->has_times);
    bool more;
    ck_assert_int_eq(recording_next(reader, &entry, &more, &own), OK);
    ck_assert_uint_eq(entry.arguments[2].byte_count, sizeof large);
    ck_assert_mem_eq(entry.arguments[2].bytes, large, sizeof large);
    ck_assert_int_eq(recording_next(reader, &entry, &more, &own), OK);
    ck_assert(more && entry.argument_count == 2);
    ck_assert_int_eq(recording_next(reader, &entry, &more, &own), OK);
    ck_assert(!more);
    recording_close(reader);
}

TEST_SUITE_WITH(recording, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
