/* A password is nowhere but on the wire: not in any output, any file, the process list or the
 * environment of any process. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/fake_server.h"
#include "tests/support/check/memory_scan.h"
#include "tests/support/check/run.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define PASSWORD "hunter2-Xq7-correct-horse"
#define BEGINNING "hunter2"
#define TIMEOUT_SECONDS 120
#define ARGS_MAX 40

static struct test_server server;
static char directory[64];
static struct program program;

static void set_up(void)
{
    snprintf(directory, sizeof directory, "/tmp/volley_secrets_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    test_server_start(&server, &(struct test_server_options){.password = PASSWORD});
    char *made = test_server_text(&server, "ACL SETUSER me on >%s ~* &* +@all", PASSWORD "-of-me");
    ck_assert_str_eq(made, "OK");
    free(made);
}

static void remove_tree(const char *path)
{
    DIR *entries = opendir(path);
    char name[512];
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (unlink(name) != 0)
            remove_tree(name);
    }
    if (entries != NULL)
        closedir(entries);
    rmdir(path);
}

static void tear_down(void)
{
    test_server_stop(&server);
    remove_tree(directory);
}

static void ck_silent(const char *what, const char *bytes, size_t byte_count)
{
    ck_assert_msg(memmem(bytes, byte_count, BEGINNING, strlen(BEGINNING)) == NULL,
                  "the password is in %s", what);
}

static void ck_silent_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char buffer[65536];
    size_t kept = 0;
    if (fd < 0)
        return; /* the process has ended */
    for (ssize_t got; (got = read(fd, buffer + kept, sizeof buffer - kept)) > 0;) {
        size_t have = kept + (size_t)got;
        ck_silent(path, buffer, have);
        kept = have < strlen(BEGINNING) ? have : strlen(BEGINNING) - 1;
        memmove(buffer, buffer + have - kept, kept);
    }
    close(fd);
}

/* Returns how many files there were. */
static int ck_silent_tree(const char *path)
{
    DIR *entries = opendir(path);
    char name[512];
    int files = 0;
    ck_assert_ptr_nonnull(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        struct stat status;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        ck_assert_int_eq(lstat(name, &status), 0);
        if (S_ISDIR(status.st_mode)) {
            files += ck_silent_tree(name);
        } else if (S_ISREG(status.st_mode)) {
            ck_silent_file(name);
            files++;
        }
    }
    closedir(entries);
    return files;
}

static void ck_silent_process(pid_t pid)
{
    static const char *const names[] = {"cmdline", "environ"};
    char path[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, names[i]);
        ck_silent_file(path);
    }
}

static void ck_silent_program(void)
{
    ck_silent("standard output", program.out, program.out_bytes);
    ck_silent("standard error", program.err, program.err_bytes);
}

/* A way to give the password. */
struct source {
    const char *args[4];
    const char *environment[2];
    const char *stdin_text;
    const char *config; /* the file of --config */
};

static char uri[160], uri_of_me[160];

static const struct source sources[] = {
    {.args = {"-a", PASSWORD}},
    {.args = {"-a" PASSWORD}},
    {.args = {"--password=" PASSWORD}},
    {.args = {"--user", "me", "-a", PASSWORD "-of-me"}},
    {.args = {"-u", uri}},
    {.args = {"--uri", uri_of_me}},
    {.environment = {"VOLLEY_AUTH=" PASSWORD}},
    {.args = {"--user", "me"}, .environment = {"VOLLEY_AUTH=" PASSWORD "-of-me"}},
    {.args = {"--password-fd", "0"}, .stdin_text = PASSWORD "\n"},
    {.config = "password: " PASSWORD "\n"},
    {.args = {"-3", "-a", PASSWORD}},
};
#define SOURCE_COUNT (sizeof sources / sizeof sources[0])

static const char *command = "bench";

static void start(const struct source *source, const char *const *more)
{
    const char *argv[ARGS_MAX] = {program_volley(), command, "-h",
                                  "127.0.0.1",      "-p",    server.port_text};
    static char config[128];
    size_t argc = 6;
    for (size_t i = 0; i < 4 && source->args[i] != NULL; i++)
        argv[argc++] = source->args[i];
    if (source->config != NULL) {
        snprintf(config, sizeof config, "%s.yaml", directory);
        FILE *file = fopen(config, "we");
        ck_assert_ptr_nonnull(file);
        fputs(source->config, file);
        fclose(file);
        argv[argc++] = "--config";
        argv[argc++] = config;
    }
    for (; *more != NULL; more++)
        argv[argc++] = *more;
    program_start(&program, &(struct program_options){.argv = argv,
                                                      .environment = source->environment,
                                                      .stdin_text = source->stdin_text});
}

static void finish(int exit_status)
{
    char config[128];
    program_wait(&program);
    ck_assert_msg(program.exit_status == exit_status, "status %d: %s", program.exit_status,
                  program.err);
    ck_silent_program();
    program_free(&program);
    snprintf(config, sizeof config, "%s.yaml", directory);
    unlink(config);
}

static void name_uris(const char *port)
{
    snprintf(uri, sizeof uri, "redis://:%s@127.0.0.1:%s", PASSWORD, port);
    snprintf(uri_of_me, sizeof uri_of_me, "valkey://me:%s-of-me@127.0.0.1:%s/0", PASSWORD, port);
}

LOOP_TEST(test_outputs_and_processes, SOURCE_COUNT)
{
    /* Breaks when any file or stream of a run, or /proc of any of its processes, holds the password. */
    const struct source *source = &sources[_i];
    char out[128], json[128], hdr[128];
    pid_t workers[2];
    name_uris(server.port_text);
    snprintf(out, sizeof out, "%s/run", directory);
    snprintf(json, sizeof json, "%s/run.json", directory);
    snprintf(hdr, sizeof hdr, "%s/run.hlog", directory);
    const char *const more[] = {"--duration",
                                "1s",
                                "--interval",
                                "100ms",
                                "-c",
                                "4",
                                "--processes",
                                "2",
                                "-t",
                                "get",
                                "--out",
                                out,
                                "--json",
                                json,
                                "--hdr",
                                hdr,
                                "--debug",
                                "--log-level",
                                "debug",
                                "--progress",
                                "--extended-metrics",
                                "--monitoring-interval",
                                "100ms",
                                NULL};
    start(source, more);
    program_wait_children(&program, workers, 2);
    ck_silent_process(program.pid);
    ck_silent_process(workers[0]);
    ck_silent_process(workers[1]);
    finish(0);
    ck_assert_int_ge(ck_silent_tree(directory), 6);
}

LOOP_TEST(test_core_dumps, SOURCE_COUNT)
{
    /* Breaks when a core dump of the orchestrator or a worker would hold the password. */
    static const char *const more[] = {
        "--duration", "3s", "-c", "4", "--processes", "1", "-t", "get", "--extended-metrics", NULL};
    pid_t worker;
    if (getenv("VOLLEY_SANITIZED") != NULL) /* keeps what was freed */
        return;
    name_uris(server.port_text);
    start(&sources[_i], more);
    program_wait_children(&program, &worker, 1);
    for (unsigned i = 0; i < 500 && test_server_calls(&server, "get") == 0; i++)
        support_sleep_ms(20);
    ck_assert_int_gt(test_server_calls(&server, "get"), 0); /* all have logged in */
    ck_assert_msg(!memory_scan_finds(program.pid, BEGINNING), "the orchestrator holds it");
    ck_assert_msg(!memory_scan_finds(worker, BEGINNING), "the worker holds it");
    finish(0);
}

LOOP_TEST(test_stdout_forms, SOURCE_COUNT)
{
    /* Breaks when a form of the report on standard output tells the password. */
    static const char *const forms[][4] = {
        {"--csv"}, {"--json", "-"}, {"--csv-interval", "100ms"}, {"--explain"}, {"-q"}};
    name_uris(server.port_text);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const char *more[8] = {"-n", "10", "-t", "get"};
        for (size_t k = 0; k < 2; k++)
            more[4 + k] = forms[i][k];
        start(&sources[_i], more);
        finish(0);
    }
}

LOOP_TEST(test_other_commands, SOURCE_COUNT)
{
    /* Breaks when a command other than bench keeps the password where bench does not. */
    static const char *const more[][14] = {
        {"--slo", "p99<1s", "--max-probes", "2", "--windows", "1", "--window", "1s", "-t", "get",
         "--json", "-"},
        {"--clients", "1,2", "--step-duration", "1s", "-t", "get", "--json", "-"},
        {"--users", "1,2", "--message-rate", "600", "--duration", "1s", "-t", "get", "--json",
         "-"}};
    static const char *const commands[] = {"find-max", "sweep", "load-test"};
    name_uris(server.port_text);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        pid_t worker;
        command = commands[i];
        start(&sources[_i], more[i]);
        program_wait_children(&program, &worker, 1);
        ck_silent_process(program.pid);
        ck_silent_process(worker);
        program_signal(&program, SIGINT);
        finish(130);
    }
}

TEST(test_failing_login)
{
    /* Breaks when an error about the login repeats the password. */
    static const char *const more[] = {"-n", "10", "-t", "get", "--debug", NULL};
    name_uris(server.port_text);
    char *changed = test_server_text(&server, "CONFIG SET requirepass another");
    ck_assert_str_eq(changed, "OK");
    free(changed);
    server.options.password = "another";
    free(test_server_text(&server, "ACL SETUSER me resetpass >another"));
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        start(&sources[i], more);
        finish(5);
    }
}

TEST(test_echoing_server)
{
    /* Breaks when a server that repeats the arguments of commands it does not know gives the password
     * away, to the control connection or to a worker. */
    static const char echo[] =
        "-ERR unknown command `AUTH`, with args beginning with: `" PASSWORD "`, \r\n";
    static const char *const more[] = {"-n", "10", "-t", "get", "--debug", NULL};
    for (unsigned skip = 0; skip < 2; skip++) {
        const struct fake_rule rules[] = {
            {.command = "AUTH", .action = FAKE_REPLY, .bytes = echo, .skip = skip},
            {.command = "HELLO", .action = FAKE_REPLY, .bytes = echo, .skip = skip}};
        struct fake_server fake;
        struct test_server real = server;
        fake_server_start(&fake, &(struct fake_script){.rules = rules, .rule_count = 2});
        snprintf(server.port_text, sizeof server.port_text, "%s", fake.port_text);
        name_uris(fake.port_text);
        for (size_t i = 0; i < SOURCE_COUNT - 1; i++) {
            start(&sources[i], more);
            finish(5);
            if (skip > 0)
                break; /* the first login was skipped: all later ones are echoed */
        }
        server = real;
        fake_server_free(&fake);
    }
}

TEST(test_errors_with_parts)
{
    /* Breaks when an ordinary error that holds the password, or a part of it, in another case, stands in the
     * report, run.json, the journal or the log. */
    static const char error[] =
        "-ERR-Q7-CORRECT-HORSE HuNtEr2-XQ7-correct-horse and q7-CorREct\r\n";
    static const char *const parts[] = {"CORRECT", "HuNtEr2", "q7-CorREct"};
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_REPLY, .bytes = error},
        {.command = "INFO", .action = FAKE_REPLY, .bytes = error},
    };
    char out[128], path[192];
    struct fake_server fake;
    struct test_server real = server;
    snprintf(out, sizeof out, "%s/run", directory);
    const char *const more[] = {
        "-n", "10", "-t", "get", "--debug", "--out", out, "--extended-metrics", NULL};
    fake_server_start(&fake, &(struct fake_script){.rules = rules, .rule_count = 2});
    snprintf(server.port_text, sizeof server.port_text, "%s", fake.port_text);
    start(&sources[0], more);
    program_wait(&program);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        ck_assert_msg(strstr(program.out, parts[i]) == NULL, "%s", program.out);
        ck_assert_msg(strstr(program.err, parts[i]) == NULL, "%s", program.err);
    }
    ck_assert_msg(strstr(program.out, "ERR-***") != NULL, "%s", program.out);
    program_free(&program);
    static const char *const files[] = {"run.json", "journal", "volley.log"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", out, files[i]);
        size_t byte_count;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        char *bytes = support_read_file(fd, &byte_count);
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
            ck_assert_msg(memmem(bytes, byte_count, parts[k], strlen(parts[k])) == NULL,
                          "%s holds %s", files[i], parts[k]);
        free(bytes);
    }
    server = real;
    fake_server_free(&fake);
}

TEST(test_uri_for_a_host)
{
    /* Breaks when a URI that was given where a plain address belongs is repeated. */
    static const char with_login[] = "redis://me:" PASSWORD "@127.0.0.1:1";
    static const char *const calls[][6] = {
        {"bench", "-h", with_login},
        {"bench", "-h", "me:" PASSWORD "@127.0.0.1"},
        {"bench", "--sentinel", with_login, "--master", "m"},
        {"bench", "-h", with_login, "--explain"},
        {"find-max", "-h", with_login, "--slo", "p99<1ms"},
        {"sweep", "--sentinel", with_login, "--clients", "1,2"},
        {"sweep", with_login},
        {"find-max", with_login},
        {"bench", with_login},
        {"report", "/nowhere", with_login},
        {"ctl", "/nowhere", with_login},
        {"valkey-benchmark", "-h", with_login},
        {with_login},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        program_run_volley(&program, calls[i][0], calls[i][1], calls[i][2], calls[i][3],
                           calls[i][4], calls[i][5], NULL);
        ck_assert_msg(program.exit_status != 0, "call %zu: %s", i, program.out);
        ck_silent_program();
        program_free(&program);
    }
    program_run_volley(&program, "bench", "-h", with_login, NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_msg(strstr(program.err, "a URI is given with --uri") != NULL, "%s", program.err);
    program_free(&program);
}

TEST(test_mistakes)
{
    /* Breaks when a usage error repeats the password. */
    static const char *const mistakes[][3] = {
        {"--bogus"}, {"-c", "none"}, {"--askpass"}, {"-u", "redis://:" BEGINNING "-x@h:none"}};
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        start(&sources[0], mistakes[i]);
        finish(2);
    }
    static const char *const other[] = {"--password", BEGINNING "-other", NULL};
    start(&sources[0], other); /* the last one counts, and is wrong */
    finish(5);
}

TEST_SUITE_WITH(secrets, .set_up = set_up, .tear_down = tear_down,
                .timeout_seconds = TIMEOUT_SECONDS)
