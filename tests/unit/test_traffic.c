/* Recorded traffic of other forms: text of MONITOR and append-only files become the requests that they tell, and what
 * does not parse is named. */
#include "orchestrator/traffic/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/rng.h"
#include "orchestrator/traffic/client_numbers.h"
#include "orchestrator/traffic/monitor_line.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static char from[256], to[256];
static struct err err;
static struct traffic_report report;
static struct argument_list arguments;
static struct monitor_line line;
static const char *reason;
static char text[4096];

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(from, sizeof from, "%s/from", tree.path);
    snprintf(to, sizeof to, "%s/to", tree.path);
    err = (struct err){.code = OK};
    report = (struct traffic_report){0};
}

static void tear_down(void)
{
    free(arguments.items);
    arguments = (struct argument_list){0};
    temp_tree_remove(&tree);
}

static void write_file(const char *path, const char *bytes, size_t byte_count)
{
    FILE *out = fopen(path, "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, byte_count, out), byte_count);
    ck_assert_int_eq(fclose(out), 0);
}

static void write_part(const char *name, const char *content)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    write_file(path, content, strlen(content));
}

static enum err_code import_text(const char *content, bool strict)
{
    write_file(from, content, strlen(content));
    unlink(to);
    err = (struct err){.code = OK};
    report = (struct traffic_report){0};
    return recording_import(from, to, strict, &report, &err);
}

/* All entries of the imported file as text: "at client database: arguments;" */
static void expect_entries(const char *expected)
{
    static char told[65536];
    struct recording_reader *reader;
    struct recording_entry entry;
    bool more;
    size_t used = 0;
    ck_assert_msg(recording_open(&reader, to, &err) == OK, "%s", err.text);
    while (recording_next(reader, &entry, &more, &err) == OK && more) {
        used += (size_t)snprintf(told + used, sizeof told - used,
                                 "%llu %u %u:", (unsigned long long)entry.at_us, entry.client,
                                 entry.database);
        for (uint32_t i = 0; i < entry.argument_count; i++)
            used += (size_t)snprintf(told + used, sizeof told - used, " %.*s",
                                     (int)entry.arguments[i].byte_count, entry.arguments[i].bytes);
        used += (size_t)snprintf(told + used, sizeof told - used, ";");
    }
    ck_assert_int_eq(err.code, OK);
    recording_close(reader);
    ck_assert_str_eq(told, expected);
}

static enum monitor_status read_line(const char *content)
{
    snprintf(text, sizeof text, "%s", content);
    return monitor_line_read(&line, &arguments, text, strlen(text), &reason);
}

static void expect_line(const char *content, uint64_t unix_us, uint32_t database,
                        const char *client, uint32_t count)
{
    ck_assert_msg(read_line(content) == MONITOR_REQUEST, "%s: %s", content, reason);
    ck_assert_uint_eq(line.unix_us, unix_us);
    ck_assert_uint_eq(line.database, database);
    ck_assert_uint_eq(line.client_bytes, strlen(client));
    ck_assert_mem_eq(line.client, client, strlen(client));
    ck_assert_uint_eq(arguments.count, count);
}

TEST(lines_of_every_age)
{
    /* Breaks when a recording of an old or a new server cannot be read. */
    expect_line("1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"\r\n", 1339518083107412, 0,
                "127.0.0.1:60866", 2);
    expect_line("+1339518083.107412 [15 [::1]:60866] \"get\" \"k\"", 1339518083107412, 15,
                "[::1]:60866", 2);
    expect_line("1339518083.107412 [0 unix:/tmp/a b.sock] \"ping\"\n", 1339518083107412, 0,
                "unix:/tmp/a b.sock", 1);
    expect_line("1339518083.107412 \"set\" \"k\" \"v\"", 1339518083107412, 0, "", 3);
    expect_line("1339518083.107412 (db 3) \"set\" \"k\" \"v\"", 1339518083107412, 3, "", 3);
    expect_line("1339518083.5 [0 a:1] \"set\" \"\"", 1339518083500000, 0, "a:1", 2);
    ck_assert_int_eq(read_line("1339518083.107412 [0 lua] \"get\" \"k\""), MONITOR_SCRIPT);
    ck_assert_int_eq(read_line("OK\n"), MONITOR_NOTHING);
    ck_assert_int_eq(read_line("+OK\r\n"), MONITOR_NOTHING);
    ck_assert_int_eq(read_line("\n"), MONITOR_NOTHING);
}

TEST(lines_that_do_not_parse)
{
    /* Breaks when rubbish becomes a request. */
    static const char *const lines[] = {
        "1339518083.107412",
        "1339518083.107412 ",
        "1339518083 [0 a:1] \"get\"",
        "13395180831.107412 [0 a:1] \"get\"",
        "1339518083.1074123 [0 a:1] \"get\"",
        "1339518083.107412 [0 a:1] get",
        "1339518083.107412 [0 a:1 \"get\"",
        "1339518083.107412 [x a:1] \"get\"",
        "1339518083.107412 [0 a:1] \"get",
        "1339518083.107412 [0 a:1] \"get\\\"",
        "1339518083.107412 [0 a:1] \"get\\x1\"",
        "1339518083.107412 [0 a:1] \"get\\xzz\"",
        "1339518083.107412 [0 a:1] \"get\"\"k\"",
        "1339518083.107412 [0 a:1] \"get\" ",
        "1339518083.107412 (db x) \"get\"",
        "hello",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ck_assert_msg(read_line(lines[i]) == MONITOR_BAD, "%s", lines[i]);
        ck_assert_ptr_nonnull(reason);
    }
}

TEST(any_bytes_come_back_from_a_line)
{
    /* Breaks when a value with quotes, line ends or zeros is recorded as another one. */
    for (uint64_t round = 0; round < 200; round++) {
        char value[300] = {0}, again[300];
        size_t byte_count = (size_t)rng_bounded(rng_at(1, round), sizeof value);
        for (size_t i = 0; i < byte_count; i++)
            value[i] = (char)rng_at(round, i);
        memcpy(again, value, byte_count);
        arguments.count = 0;
        ck_assert(argument_list_add(&arguments, "SET", 3));
        ck_assert(argument_list_add(&arguments, value, byte_count));
        line = (struct monitor_line){
            .unix_us = 1700000000000001 + round, .database = 2, .client = "h:1", .client_bytes = 3};
        size_t written = monitor_line_write(text, sizeof text, &line, &arguments);
        ck_assert_uint_le(written, sizeof text);
        ck_assert_int_eq(monitor_line_read(&line, &arguments, text, written, &reason),
                         MONITOR_REQUEST);
        ck_assert_uint_eq(line.unix_us, 1700000000000001 + round);
        ck_assert_uint_eq(arguments.items[1].byte_count, byte_count);
        ck_assert_mem_eq(arguments.items[1].bytes, again, byte_count);
    }
}

TEST(text_of_monitor_becomes_entries)
{
    /* Breaks when clients, databases, times or the order are not those of the text, or a bad line is passed over in
     * silence. */
    const char *content = "OK\n"
                          "100.000005 [0 a:1] \"SET\" \"k\" \"v\\x00\"\n"
                          "100.000007 [1 a:2] \"GET\" \"k\"\n"
                          "nonsense\n"
                          "100.000006 [0 a:1] \"GET\" \"\\\"q\\\"\"\n"
                          "100.000008 [0 lua] \"GET\" \"inner\"\n"
                          "100.000009 [0 a:3] \"AUTH\" \"secret\"\n"
                          "100.000010 [0 a:2] \"DEL\" \"k\"";
    ck_assert_msg(import_text(content, false) == OK, "%s", err.text);
    expect_entries("0 0 0: SET k v;2 1 1: GET k;2 0 0: GET \"q\";5 1 0: DEL k;");
    ck_assert_int_eq(report.form, TRAFFIC_MONITOR);
    ck_assert_uint_eq(report.entries, 4);
    ck_assert_uint_eq(report.skipped, 1);
    ck_assert_uint_eq(report.from_scripts, 1);
    ck_assert_uint_eq(report.secrets, 1);
    ck_assert_uint_eq(report.went_back, 1);
    ck_assert_ptr_nonnull(strstr(report.places[0], "/from:4: it does not begin with a time"));

    ck_assert_int_eq(import_text(content, true), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "/from:4: "));
    ck_assert_msg(access(to, F_OK) != 0, "a file was left behind");
}

TEST(a_recording_is_read_like_the_rest)
{
    /* Breaks when the compact form, made of text, is not the same traffic when it is read again. */
    char again[300];
    ck_assert_int_eq(
        import_text("100.5 [0 a:1] \"GET\" \"k\"\n101.5 [3 a:2] \"GET\" \"m\"\n", true), OK);
    snprintf(again, sizeof again, "%s-again", to);
    report = (struct traffic_report){0};
    ck_assert_int_eq(recording_import(to, again, true, &report, &err), OK);
    ck_assert_int_eq(report.form, TRAFFIC_COMPACT);
    ck_assert_int_eq(rename(again, to), 0);
    expect_entries("0 0 0: GET k;1000000 1 3: GET m;");
}

#define AOF_SELECT "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
#define AOF_SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nv\n\r\n"
#define AOF_DEL "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n"

TEST(append_only_file)
{
    /* Breaks when an AOF is not the requests that it holds, in their databases. */
    ck_assert_msg(import_text("#TS:1628217470\r\n" AOF_SET AOF_SELECT AOF_DEL, true) == OK, "%s",
                  err.text);
    expect_entries("0 0 0: SET k v\n;0 0 3: DEL k;");
    ck_assert_int_eq(report.form, TRAFFIC_AOF);
    ck_assert(!report.has_times);
}

TEST(append_only_file_cut_at_every_byte)
{
    /* Breaks when a file that a crash cut is refused, ends too early, or is not said to be cut. */
    const char whole[] = AOF_SET AOF_DEL AOF_SELECT AOF_SET;
    size_t ends[] = {sizeof AOF_SET - 1, sizeof AOF_DEL - 1, sizeof AOF_SELECT - 1,
                     sizeof AOF_SET - 1};
    for (size_t cut = ends[0]; cut < sizeof whole; cut++) {
        char part[sizeof whole];
        memcpy(part, whole, cut);
        part[cut] = '\0';
        size_t at = 0, requests = 0, next = 0;
        while (next < 4 && at + ends[next] <= cut) {
            at += ends[next];
            requests += next != 2;
            next++;
        }
        ck_assert_msg(import_text(part, false) == OK, "cut at %zu: %s", cut, err.text);
        ck_assert_uint_eq(report.entries, requests);
        ck_assert_msg((report.cut[0] != '\0') == (at < cut), "cut at %zu", cut);
        ck_assert_int_eq(import_text(part, true), at < cut ? E_DATA : OK);
    }
}

TEST(directory_of_an_append_only_file)
{
    /* Breaks when the wrong one of several manifests is taken, or that which a server had begun to write. */
    write_part("a.incr.aof", AOF_SET);
    write_part("a.manifest", "file a.incr.aof seq 1 type i\n");
    write_part("temp-a.manifest", "file b.incr.aof seq 1 type i\n");
    ck_assert_msg(recording_import(tree.path, to, true, &report, &err) == OK, "%s", err.text);
    ck_assert_uint_eq(report.entries, 1);
    unlink(to);
    write_part("b.manifest", "file a.incr.aof seq 1 type i\n");
    ck_assert_int_eq(recording_import(tree.path, to, true, &report, &err), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "several manifests"));
}

TEST(a_recording_tells_what_its_source_held_besides)
{
    /* Breaks when what was left out by an import is known only to who watched it. */
    struct recording_reader *reader;
    ck_assert_int_eq(
        import_text("1.5 [0 a:1] \"GET\" \"k\"\n1.6 [0 a:1] \"GET\n1.7 [0 a:1] \"AUTH\" \"x\"\n",
                    false),
        OK);
    ck_assert_int_eq(recording_open(&reader, to, &err), OK);
    const struct recording_facts *facts = recording_known_facts(reader);
    ck_assert_uint_eq(facts->skipped_lines, 1);
    ck_assert_uint_eq(facts->left_out, 1);
    ck_assert_uint_eq(facts->source_cuts + facts->snapshots, 0);
    recording_close(reader);
    ck_assert_int_eq(import_text(AOF_SET "*2\r\n$3", false), OK);
    ck_assert_int_eq(recording_open(&reader, to, &err), OK);
    ck_assert_uint_eq(recording_known_facts(reader)->source_cuts, 1);
    recording_close(reader);
}

TEST(damaged_append_only_file)
{
    /* Breaks when what stands behind a damage is taken for requests, or is left out in silence. */
    ck_assert_int_eq(import_text(AOF_SET "*2\r\n$3\r\nDELL\r\n$1\r\nk\r\n", false), E_DATA);
    ck_assert_msg(strstr(err.text, "begins at byte 28") != NULL, "%s", err.text);
    ck_assert_int_eq(import_text(AOF_SET "*0\r\n", false), E_DATA);
    ck_assert_int_eq(import_text(AOF_SET "*99999999\r\n", false), E_DATA);
    ck_assert_int_eq(import_text(AOF_SET "*1\r\n$-1\r\n", false), E_DATA);
    ck_assert_msg(access(to, F_OK) != 0, "a file was left behind");
}

TEST(append_only_file_in_parts)
{
    /* Breaks when parts are read in a wrong order, a base in RDB is read as requests, or it is not said. */
    write_part("a.1.base.rdb", "REDIS0011\xfa\x09rubbish*1\r\n$4\r\nPING\r\n");
    write_part("a.1.incr.aof", AOF_SELECT AOF_SET);
    write_part("a.2.incr.aof", AOF_DEL);
    ck_assert_msg(import_text("file a.1.base.rdb seq 1 type b\n"
                              "file a.0.incr.aof seq 0 type h\n"
                              "file a.1.incr.aof seq 1 type i\n"
                              "file \"a.2.incr.aof\" seq 2 type i\n",
                              true) == OK,
                  "%s", err.text);
    expect_entries("0 0 3: SET k v\n;0 0 0: DEL k;");
    ck_assert_ptr_nonnull(strstr(report.snapshot, "a.1.base.rdb"));
    ck_assert_int_eq(import_text("file ../a.1.incr.aof seq 1 type i\n", false), E_DATA);
    ck_assert_int_eq(import_text("file missing seq 1 type i\n", false), E_CONFIG);
    ck_assert_int_eq(import_text("file a.1.incr.aof seq\n", false), E_DATA);
}

TEST(snapshot_in_front_of_requests)
{
    /* Breaks when the file of a server before Redis 7 cannot be read, or its snapshot is taken for requests. */
    const char snapshot[] = "REDIS0009\xfa\x03key*1\r\n\xff\xff", requests[] = AOF_SET AOF_DEL;
    char whole[256];
    size_t bytes = sizeof snapshot - 1;
    memcpy(whole, snapshot, bytes);
    uint64_t crc = 0;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= (unsigned char)snapshot[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ UINT64_C(0x95ac9329ac4bc9b5) : crc >> 1;
    }
    for (int i = 0; i < 8; i++)
        whole[bytes++] = (char)(crc >> (8 * i));
    memcpy(whole + bytes, requests, sizeof requests - 1);
    write_file(from, whole, bytes + sizeof requests - 1);
    ck_assert_msg(recording_import(from, to, true, &report, &err) == OK, "%s", err.text);
    expect_entries("0 0 0: SET k v\n;0 0 0: DEL k;");
    ck_assert_ptr_nonnull(strstr(report.snapshot, "up to byte 28,"));
}

TEST(what_is_no_traffic_is_refused)
{
    /* Breaks when any file passes for a recording. */
    ck_assert_int_eq(import_text("REDIS0011\xfa", false), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "snapshot"));
    ck_assert_int_eq(import_text("", false), E_DATA);
    ck_assert_int_eq(import_text("name: visible\n", false), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "neither"));
    ck_assert_int_eq(import_text("version 1.2 \"x\"\n", false), E_DATA);
    unlink(from);
    err = (struct err){.code = OK};
    ck_assert_int_eq(recording_import(from, to, false, &report, &err), E_CONFIG);
}

static bool secret(const char *content)
{
    ck_assert_int_eq(read_line(content), MONITOR_REQUEST);
    return arguments_are_secret(arguments.items, arguments.count);
}

#define LINE(words) "100.5 [0 a:1] " words

TEST(secrets_are_seen)
{
    /* Breaks when a password stands in a file that somebody passes on. */
    ck_assert(secret(LINE("\"auth\" \"x\"")));
    ck_assert(secret(LINE("\"HELLO\" \"3\" \"auth\" \"u\" \"p\"")));
    ck_assert(secret(LINE("\"acl\" \"setuser\" \"u\" \">p\"")));
    ck_assert(secret(LINE("\"config\" \"set\" \"requirepass\" \"x\"")));
    ck_assert(secret(LINE("\"config\" \"set\" \"maxmemory\" \"1\" \"masterauth\" \"x\"")));
    ck_assert(secret(LINE("\"config\" \"set\" \"tls-key-file-pass\" \"x\"")));
    ck_assert(secret(LINE("\"migrate\" \"h\" \"1\" \"k\" \"0\" \"9\" \"AUTH2\" \"u\" \"p\"")));
    ck_assert(secret(LINE("\"sentinel\" \"set\" \"m\" \"auth-pass\" \"x\"")));
    ck_assert(secret(LINE("\"set\" \"k\" \"(redacted)\"")));
    ck_assert(!secret(LINE("\"hello\" \"3\"")));
    ck_assert(!secret(LINE("\"config\" \"get\" \"maxmemory\"")));
    ck_assert(!secret(LINE("\"set\" \"auth\" \"password\"")));
}

TEST(clients_are_numbered_as_they_come)
{
    /* Breaks when two clients fall together, or memory grows with every connection there ever was. */
    struct client_numbers numbers = {0};
    char name[32];
    uint32_t number = 0, wrong = 0;
    for (uint32_t i = 0; i < CLIENT_NUMBERS_MAX + 1000; i++) {
        size_t length = (size_t)snprintf(name, sizeof name, "10.0.%u.%u", i / 50000, i);
        wrong += !client_numbers_find(&numbers, name, length, &number);
        wrong += i < CLIENT_NUMBERS_MAX ? number != i : number >= CLIENT_NUMBERS_MAX;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(numbers.shared, 1000);
    ck_assert(client_numbers_find(&numbers, "10.0.0.7", 8, &number));
    ck_assert_uint_eq(number, 7);
    client_numbers_free(&numbers);
}

TEST_SUITE_WITH(traffic, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
