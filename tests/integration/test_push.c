/* `volley push`: records of suites into SQLite and PostgreSQL, each test with both. */
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/history_base.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define OTHER_COMMIT "89abcdef0123456789abcdef0123456789abcdef"
#define START "{\"timestamp\": \"2026-01-02T03:04:05+02:00\", \"commit\": \"" COMMIT "\", "
#define RECORD START "\"command\": \"SET\", \"data_size\": 16, \"rps\": 123456.5, \"tls\": false"

static struct temp_tree tree;
static struct history_base base;
static struct program program;

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void tear_down(void)
{
    history_base_stop(&base);
    temp_tree_remove(&tree);
}

/* Of the loop: 0 is SQLite. */
static void start(int loop)
{
    history_base_start(&base, loop == 1, tree.path);
}

static void write_records(const char *commit, const char *records)
{
    char name[200];
    snprintf(name, sizeof name, "/results/%s/metrics.json", commit);
    temp_tree_write(&tree, name, records, 0644);
}

static char *results(void)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/results", tree.path);
    return path;
}

/* The status has to be this one; what it printed stays in program until the next. */
static void push(int status, const char *option, const char *value)
{
    program_run_volley(&program, "push", "--results-dir", results(), "--db", base.address, option,
                       value, NULL);
    ck_assert_msg(program.exit_status == status, "status %d\n%s\n%s", program.exit_status,
                  program.out, program.err);
}

static void expect_said(const char *text)
{
    ck_assert_msg(strstr(program.out, text) != NULL || strstr(program.err, text) != NULL,
                  "\"%s\" is not in\n%s\n%s", text, program.out, program.err);
}

static const char *yes(void)
{
    return base.is_postgres ? "t" : "1";
}

LOOP_TEST(a_record_is_a_row_once, 2)
{
    /* Breaks when figures are other ones in the database, when a record is there twice after a second push, or one of two
     * equal runs is lost. */
    char wanted[300];
    start(_i);
    write_records(COMMIT,
                  "[" RECORD ", \"cluster_mode\": true, \"config_set\": {\"a\": \"1\"}}, " RECORD
                  "}, " RECORD "}]");
    push(0, NULL, NULL);
    expect_said("New table: benchmark_metrics");
    expect_said("Added new column: rps (DECIMAL(15,6))");
    expect_said("3 records pushed, 0 were there already, 0 left out");
    program_free(&program);
    history_base_expect(&base, "SELECT count(*), sum(rps), max(test_type) FROM benchmark_metrics",
                        base.is_postgres ? "3|370369.500000|core" : "3|370369.5|core");
    snprintf(wanted, sizeof wanted, "SET|16|%s|%s", yes(),
             base.is_postgres ? "1" : "{\"a\":\"1\"}");
    history_base_expect(
        &base, "SELECT DISTINCT timestamp = '2026-01-02T01:04:05Z' FROM benchmark_metrics", yes());
    push(0, NULL, NULL);
    expect_said("0 records pushed, 3 were there already");
    program_free(&program);
    history_base_expect(&base, "SELECT count(*) FROM benchmark_metrics", "3");
}

LOOP_TEST(columns_come_and_become_wider, 2)
{
    /* Breaks when a new key has no column, or a column stays too narrow for what comes later. */
    char longer[700] = "", records[1200];
    start(_i);
    write_records(COMMIT, "[" RECORD ", \"a\": 1, \"b\": \"short\", \"c\": 1, \"d\": null}]");
    push(0, NULL, NULL);
    program_free(&program);
    memset(longer, 'x', sizeof longer - 1);
    snprintf(records, sizeof records,
             "[" RECORD ", \"a\": 3000000000, \"b\": \"%s\", \"c\": 0.25, \"d\": 7, \"e\": [1]}]",
             longer);
    write_records(OTHER_COMMIT, records);
    push(0, NULL, NULL);
    expect_said("Added new column: e (TEXT)");
    program_free(&program);
    history_base_expect(
        &base, "SELECT a, length(b), c * 4 = 1, d, e FROM benchmark_metrics WHERE e IS NOT NULL",
        base.is_postgres ? "3000000000|699|t|7|[1]" : "3000000000|699|1|7|[1]");
}

LOOP_TEST(a_column_that_is_another_thing_is_refused, 2)
{
    /* Breaks when a text goes into a column of numbers, half of a directory is there, or the others are not. */
    start(_i);
    write_records(COMMIT, "[" RECORD ", \"speed\": 5}]");
    push(0, NULL, NULL);
    program_free(&program);
    write_records("1first", "[" RECORD ", \"new\": 1}, " RECORD ", \"speed\": \"fast\"}]");
    write_records("2second", "[" RECORD ", \"speed\": 6}]");
    push(4, NULL, NULL);
    expect_said(
        "\"speed\" is integer in the table benchmark_metrics, and VARCHAR(50) in these records");
    expect_said("1 records pushed");
    expect_said("1 of 3 directories could not be pushed");
    program_free(&program);
    history_base_expect(&base, "SELECT count(*), sum(speed) FROM benchmark_metrics", "2|11");
    char *columns = history_base_ask(&base, "SELECT * FROM benchmark_metrics LIMIT 1");
    free(columns);
    history_base_expect(
        &base,
        base.is_postgres
            ? "SELECT count(*) FROM information_schema.columns WHERE column_name = 'new'"
            : "SELECT count(*) FROM pragma_table_info('benchmark_metrics') "
              "WHERE name = 'new'",
        "0");
}

LOOP_TEST(records_that_cannot_be_rows_are_counted, 2)
{
    /* Breaks when what lacks a commit, a moment or a command gets into the table, or takes others with it. */
    start(_i);
    write_records(COMMIT,
                  "[" RECORD "}, {\"commit\": \"x\", \"command\": \"SET\"}, 5, "
                  "{\"timestamp\": \"yesterday\", \"commit\": \"x\", \"command\": \"SET\"}, "
                  "{\"timestamp\": \"2026-01-01\", \"commit\": \"x\", \"command\": 5}]");
    push(0, NULL, NULL);
    expect_said("record 2 is left out: timestamp or commit is missing");
    expect_said("record 3 is left out: it is no object");
    expect_said("record 4 is left out: its timestamp is no moment");
    expect_said("record 5 is left out: command is missing");
    expect_said("1 records pushed, 0 were there already, 4 left out");
    program_free(&program);
    history_base_expect(&base, "SELECT count(*) FROM benchmark_metrics", "1");
}

LOOP_TEST(no_text_is_a_statement, 2)
{
    /* Breaks when a key, a value or a directory's name gets into a statement as it is. */
    start(_i);
    write_records(
        "'; DROP TABLE benchmark_metrics; --",
        "[" RECORD ", \"x\\\"; DROP TABLE benchmark_metrics; --\": \"'); DROP TABLE "
        "benchmark_metrics; --\", \"'\": \"\\\\\\\"'\", \"select\": 1, \"group\": \"$1\"}]");
    push(0, "--test-type", "'); DROP TABLE benchmark_metrics; --");
    program_free(&program);
    history_base_expect(
        &base,
        "SELECT \"select\", \"group\", \"'\", \"x\"\"; DROP TABLE benchmark_metrics; "
        "--\", test_type FROM benchmark_metrics",
        "1|$1|\\\"'|'); DROP TABLE benchmark_metrics; --|'); DROP TABLE "
        "benchmark_metrics; --");
    push(2, "--table", "x; DROP TABLE benchmark_metrics");
    program_free(&program);
    push(0, "--table", "search");
    program_free(&program);
    history_base_expect(&base, "SELECT count(*) FROM benchmark_metrics_search", "1");
}

LOOP_TEST(keys_that_can_be_no_columns_are_refused, 2)
{
    /* Breaks when a key that the database would cut, or has itself, is taken. */
    static const struct {
        const char *records, *said;
    } cases[] = {
        {"[" RECORD ", \"id\": 1}]", "the key \"id\", which is a column of the database's own"},
        {"[" RECORD ", \"Row_Hash\": 1}]", "the key \"Row_Hash\""},
        {"[" RECORD ", \"\": 1}]", "\"\" can be no column's name"},
        {"[" RECORD ", \"RPS\": 1}]", "\"RPS\" and \"rps\" are one column's name"},
        {"[" RECORD ", "
         "\"x123456789x123456789x123456789x123456789x123456789x123456789x12345\": 1}]",
         "can be no column's name: allowed: 1 to 63 bytes"},
        {"{}", "is no list of records"},
        {"[", "metrics.json:"},
    };
    start(_i);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_records(COMMIT, cases[i].records);
        push(4, NULL, NULL);
        expect_said(cases[i].said);
        program_free(&program);
    }
}

TEST(two_pushes_at_once_leave_each_record_once)
{
    /* Breaks when a second process fails, or pushes what the first one has. */
    struct program both[2];
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    start(1);
    for (int i = 0; i < 500; i++)
        fprintf(out, "%s" RECORD ", \"run\": %d}", i > 0 ? ", " : "[", i);
    fprintf(out, "]");
    fclose(out);
    write_records(COMMIT, text);
    free(text);
    for (size_t i = 0; i < 2; i++)
        program_start_volley(&both[i], "push", "--results-dir", results(), "--db", base.address,
                             NULL);
    for (size_t i = 0; i < 2; i++) {
        program_wait(&both[i]);
        ck_assert_msg(both[i].exit_status == 0, "%s", both[i].err);
        program_free(&both[i]);
    }
    history_base_expect(&base, "SELECT count(*), count(DISTINCT run) FROM benchmark_metrics",
                        "500|500");
}

TEST(a_table_of_the_other_tool_is_gone_on_with)
{
    /* Breaks when what valkey-perf-benchmark has pushed is pushed once more, or its table is not taken as it is. */
    start(1);
    free(postgres_ask(
        &base.server,
        "CREATE TABLE benchmark_metrics (id SERIAL PRIMARY KEY, timestamp TIMESTAMPTZ NOT "
        "NULL, commit VARCHAR(40) NOT NULL, command VARCHAR(50) NOT NULL, data_size INTEGER, "
        "rps DECIMAL(12,2), tls BOOLEAN, created_at TIMESTAMPTZ DEFAULT NOW());"
        "INSERT INTO benchmark_metrics (timestamp, commit, command, data_size, rps, tls) "
        "VALUES ('2026-01-02T03:04:05+02:00', '" COMMIT "', 'SET', 16, 123456.50, false), "
        "('2026-01-02T03:04:05+02:00', '" COMMIT "', 'SET', 16, 777, false)"));
    write_records(COMMIT, "[" RECORD "}, " RECORD ", \"run\": 2}]");
    push(0, NULL, NULL);
    expect_said("1 records pushed, 1 were there already");
    program_free(&program);
    push(0, NULL, NULL);
    expect_said("0 records pushed, 2 were there already");
    program_free(&program);
    history_base_expect(&base, "SELECT count(*), count(row_hash) FROM benchmark_metrics", "3|2");
}

TEST(a_lost_connection_leaves_nothing_half)
{
    /* Breaks when a push whose server ends in the middle leaves some of a directory's records, or hangs. */
    struct program pushing;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    start(1);
    write_records("1first", "[" RECORD "}]");
    push(0, NULL, NULL);
    program_free(&program);
    for (int i = 0; i < 20000; i++)
        fprintf(out, "%s" RECORD ", \"run\": %d}", i > 0 ? ", " : "[", i);
    fprintf(out, "]");
    fclose(out);
    write_records(COMMIT, text);
    free(text);
    program_start_volley(&pushing, "push", "--results-dir", results(), "--db", base.address, NULL);
    for (char *busy = NULL; busy == NULL || strcmp(busy, "t") != 0;) {
        free(busy);
        ck_assert_msg(!program_wait_at_most(&pushing, 0), "%s", pushing.err);
        busy = postgres_ask(&base.server,
                            "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                            "application_name = 'volley' AND query LIKE 'INSERT%'");
        if (strcmp(busy, "t") == 0) {
            free(busy);
            break;
        }
    }
    program_wait(&pushing);
    ck_assert_msg(pushing.exit_status == 5, "%d: %s", pushing.exit_status, pushing.err);
    program_free(&pushing);
    history_base_expect(&base, "SELECT count(*) FROM benchmark_metrics", "1");
}

TEST(a_server_that_lets_nobody_in)
{
    /* Breaks when a refused password is in what is said, another status comes of it, or PGPASSWORD does not count. */
    struct program asked;
    base = (struct history_base){.is_postgres = true};
    postgres_start(&base.server, "secret-of-mine");
    write_records(COMMIT, "[" RECORD "}]");
    const char *const wrong[] = {
        program_volley(), "push",   "--results-dir",       results(),    "--host",
        "127.0.0.1",      "--port", base.server.port_text, "--database", "postgres",
        "--username",     "volley", "--password",          "wrong-one",  NULL};
    program_run(&asked, &(struct program_options){.argv = wrong});
    ck_assert_int_eq(asked.exit_status, 5);
    ck_assert_ptr_nonnull(strstr(asked.err, "password authentication failed"));
    ck_assert_ptr_nonnull(strstr(asked.err, "PGPASSWORD"));
    ck_assert_ptr_null(strstr(asked.err, "wrong-one"));
    program_free(&asked);
    const char *const right[] = {program_volley(),    "push", "--results-dir", results(), "--db",
                                 base.server.address, NULL};
    program_run(&asked, &(struct program_options){.argv = right,
                                                  .environment = (const char *const[]){
                                                      "PGPASSWORD=secret-of-mine", NULL}});
    ck_assert_msg(asked.exit_status == 0, "%s", asked.err);
    program_free(&asked);
}

/* The arguments of a process have to be without the password while it waits for a server that says nothing. */
static void expect_hidden(const char *const *argv)
{
    char path[64], line[4096] = "";
    program_start(&program, &(struct program_options){.argv = argv});
    ssize_t got = 0; /* nothing is there while the program is about to begin */
    for (int i = 0; i < 500 && (got == 0 || memmem(line, sizeof line, "secret", 6) != NULL); i++) {
        memset(line, 0, sizeof line);
        snprintf(path, sizeof path, "/proc/%d/cmdline", (int)program.pid);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        got = read(fd, line, sizeof line - 1);
        ck_assert_int_ge(got, 0);
        close(fd);
        support_sleep_ms(10);
    }
    ck_assert_int_gt(got, 0);
    ck_assert_msg(memmem(line, sizeof line, "secret", 6) == NULL, "%s %s", argv[1], argv[2]);
    program_signal(&program, SIGKILL);
    program_wait(&program);
    ck_assert_ptr_null(strstr(program.err, "secret"));
    program_free(&program);
}

TEST(a_password_is_not_to_be_seen)
{
    /* Breaks when a password given as an argument, wherever it stands, is in the list of processes for as long as the command lasts, or
     * in what it says. */
    char port_text[8], address[100], other[100];
    uint16_t port = 0;
    const int listening = support_listen(&port);
    snprintf(port_text, sizeof port_text, "%u", port);
    snprintf(address, sizeof address, "postgresql://u:secret@127.0.0.1:%u/x", port);
    snprintf(other, sizeof other, "postgresql://u:a?secret@127.0.0.1:%u/x?sslpassword=secret",
             port);
    write_records(COMMIT, "[" RECORD "}]");
    const char *const lines[][12] = {
        {program_volley(), "push", "--results-dir", results(), "--host", "127.0.0.1", "--port",
         port_text, "--password", "secret", NULL},
        {program_volley(), "track", "query", "--host", "127.0.0.1", "--port", port_text,
         "--password", "secret", NULL},
        {program_volley(), "track", "query", "--db", address, NULL},
        {program_volley(), "history", "--db", address, NULL},
        {program_volley(), "history", "--db", other, NULL},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_hidden(lines[i]);
    close(listening);
}

LOOP_TEST(an_address_that_may_hold_a_password_is_not_repeated, 5)
{
    /* Breaks when what is no file and no address is taken as a file's name, or told with the password in it. */
    static const char *const bad[] = {"service=x password=secret", "host=h password=secret",
                                      "postgresql+psycopg2://u:secret@h/x",
                                      "PostgreSQL://u:secret@h/x", ":memory:"};
    snprintf(base.address, sizeof base.address, "%s", bad[_i]);
    write_records(COMMIT, "[" RECORD "}]");
    push(2, NULL, NULL);
    expect_said("is expected");
    ck_assert_ptr_null(strstr(program.err, "secret"));
    program_free(&program);
}

TEST(a_record_may_have_what_the_push_adds)
{
    /* Breaks when a first push of records with a test_type of their own fails, or when a column that differs by case ends all. */
    start(0);
    write_records("1first", "[" RECORD ", \"test_type\": \"own\", \"speed\": 1}]");
    push(0, NULL, NULL);
    program_free(&program);
    history_base_expect(&base, "SELECT test_type FROM benchmark_metrics", "core");
    write_records("2second", "[" RECORD ", \"Speed\": 5}]");
    write_records("3third", "[" RECORD ", \"run\": 3}]");
    push(4, NULL, NULL);
    expect_said("differ by case alone");
    program_free(&program);
    history_base_expect(&base, "SELECT count(*) FROM benchmark_metrics", "2");
}

TEST(databases_that_cannot_be_written_to)
{
    /* Breaks when a locked, read-only, foreign, newer or missing database is not told as what it is. */
    sqlite3 *other = NULL;
    start(0);
    write_records(COMMIT, "[" RECORD "}]");
    push(0, NULL, NULL);
    program_free(&program);
    ck_assert_int_eq(sqlite3_open(base.address, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    push(5, NULL, NULL);
    expect_said("another process holds it");
    program_free(&program);
    ck_assert_int_eq(
        sqlite3_exec(other, "ROLLBACK; INSERT INTO volley_schema VALUES (99)", NULL, NULL, NULL),
        SQLITE_OK);
    push(2, NULL, NULL);
    expect_said("a newer volley has made its tables (version 99");
    program_free(&program);
    sqlite3_close(other);
    temp_tree_write(&tree, "/history.db", "no database at all, but a text of some length", 0644);
    push(5, NULL, NULL);
    expect_said("file is not a database");
    program_free(&program);
    snprintf(base.address, sizeof base.address, "%s/no/such/folder/x.db", tree.path);
    push(2, NULL, NULL);
    expect_said("its folder cannot be made");
    program_free(&program);
    snprintf(base.address, sizeof base.address, "postgresql://volley:hidden@127.0.0.1:1/x");
    push(5, NULL, NULL);
    expect_said("refused");
    ck_assert_ptr_null(strstr(program.err, "hidden"));
    program_free(&program);
}

TEST(a_dry_run_needs_no_database)
{
    /* Breaks when --dry-run makes a file, or does not say what would be pushed. */
    start(0);
    write_records(COMMIT, "[" RECORD "}]");
    push(0, "--dry-run", NULL);
    expect_said("Would push 1 records with 6 columns into benchmark_metrics");
    expect_said("rps DECIMAL(15,6)");
    program_free(&program);
    ck_assert_int_ne(access(base.address, F_OK), 0);
}

TEST_SUITE_WITH(push, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
