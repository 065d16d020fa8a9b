#include "tests/support/check/combination.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/support.h"

#define WAIT_MS 60000
#define WORDS_BYTES 1024
#define USER "alice"
#define USER_PASSWORD "pw-of-alice"

struct combination combination;

/* The servers ----------------------------------------------------------------------------------- */

static void make_users(void)
{
    for (uint32_t i = 0; i < combination.servers.node_count; i++) {
        char *made = test_server_text(&combination.servers.nodes[i],
                                      "ACL SETUSER " USER " on >" USER_PASSWORD " ~* &* +@all");
        ck_assert_str_eq(made, "OK");
        free(made);
    }
}

static void make_words(void)
{
    char authority[192], certificate[192], key[192];
    const struct test_server *first = &combination.servers.nodes[0];
    const struct test_certificates *certificates = &combination.certificates;
    memcpy(combination.port, first->tls_port_text, sizeof combination.port);
    int bytes = snprintf(combination.words, sizeof combination.words,
                         "--cluster --tls --cacert %s --cert %s --key %s --user " USER
                         " -a " USER_PASSWORD " ",
                         test_certificate(authority, sizeof authority, certificates, "ca"),
                         test_certificate(certificate, sizeof certificate, certificates, "client"),
                         test_certificate_key(key, sizeof key, certificates, "client"));
    ck_assert_uint_lt((size_t)bytes, sizeof combination.words);
}

void combination_set_up(uint32_t primaries, uint32_t replicas)
{
    memset(&combination, 0, sizeof combination);
    temp_tree_make(&combination.tree);
    test_certificates_make(&combination.certificates, combination.tree.path);
    test_cluster_start(&combination.servers, primaries, replicas,
                       &(struct test_server_options){.certificates = &combination.certificates,
                                                     .asks_for_certificate = true,
                                                     .password = "admin"});
    make_users();
    make_words();
}

static void free_call(void)
{
    if (combination.call.directory[0] != '\0')
        call_free(&combination.call);
    memset(&combination.call, 0, sizeof combination.call);
}

void combination_tear_down(void)
{
    free_call();
    test_cluster_stop(&combination.servers);
    temp_tree_remove(&combination.tree);
}

/* The runs -------------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 0))) static void start(const char *format, va_list args)
{
    char words[WORDS_BYTES];
    const struct bench_setting setting = {.port = combination.port};
    free_call();
    int bytes = vsnprintf(words, sizeof words, format, args);
    ck_assert(bytes > 0 && (size_t)bytes < sizeof words);
    call_start(&combination.call, &setting, "--connection-timeout 20s %s%s", combination.words,
               words);
}

void combination_start(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    start(format, args);
    va_end(args);
}

void combination_end(int exit_status)
{
    const struct program *program = &combination.call.program;
    call_finish(&combination.call);
    ck_assert_msg(program->exit_status == exit_status, "%s: exit status %d, signal %d\n%s%s",
                  program->name, program->exit_status, program->exit_signal, program->out,
                  program->err);
}

void combination_run(int exit_status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    start(format, args);
    va_end(args);
    combination_end(exit_status);
}

void combination_interrupt(void)
{
    program_signal(&combination.call.program, SIGINT);
    combination_end(130);
}

void combination_kill_worker(void)
{
    pid_t children[64], last = 0;
    size_t count = support_children(combination.call.program.pid, children, 64);
    for (size_t i = 0; i < count && i < 64; i++)
        last = children[i] > last ? children[i] : last; /* the scout comes before the workers */
    ck_assert_int_gt(last, 0);
    ck_assert_int_eq(kill(last, SIGKILL), 0);
}

char *combination_read(const char *path)
{
    size_t byte_count;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    char *text = support_read_file(fd, &byte_count);
    close(fd);
    return text;
}

/* The books of both sides ----------------------------------------------------------------------- */

static bool runs(const struct test_server *server)
{
    return server->pid != 0 && !server->stopped;
}

long long combination_calls(const char *command)
{
    long long calls = 0;
    for (uint32_t i = 0; i < combination.servers.node_count; i++)
        if (runs(&combination.servers.nodes[i]))
            calls += test_server_calls(&combination.servers.nodes[i], command);
    return calls;
}

void combination_forget(void)
{
    for (uint32_t i = 0; i < combination.servers.node_count; i++)
        if (runs(&combination.servers.nodes[i]))
            free(test_server_text(&combination.servers.nodes[i], "CONFIG RESETSTAT"));
}

void combination_await(const char *command, long long more)
{
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    const long long wanted = combination_calls(command) + more;
    while (combination_calls(command) < wanted) {
        ck_assert_msg(support_now_ms() < end_ms, "%s: the servers do not see %lld more of %s",
                      combination.call.program.name, more, command);
        support_sleep_ms(5);
    }
}

long long combination_count(size_t index, const char *path)
{
    return run_json_count_or_zero(&combination.call, index, path);
}

void combination_expect_no_harm(size_t index)
{
    static const char *const harms[] = {
        "requests.errors",    "requests.timed_out",   "requests.lost",    "requests.shed",
        "shed_by_cause.node", "shed_by_cause.worker", "connections.lost", "connections.failed"};
    char told[512] = "";
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++)
        if (combination_count(index, harms[i]) != 0)
            snprintf(told + strlen(told), sizeof told - strlen(told), ", %s %lld", harms[i],
                     combination_count(index, harms[i]));
    ck_assert_msg(told[0] == '\0', "%s: run %zu has%s\n%.2000s", combination.call.program.name,
                  index, told, combination.call.program.err);
}

void combination_expect_same(size_t index, const char *command)
{
    const long long answered =
        combination_count(index, "requests.ok") + combination_count(index, "requests.errors");
    const long long executed = combination_calls(command);
    ck_assert_msg(answered == executed, "%s: volley had %lld answers, the servers executed %lld",
                  combination.call.program.name, answered, executed);
}
