/* What a user asks of the servers that volley starts: their program, their arguments, their CPUs. And what
 * is left of them. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "orchestrator/server/private_directory.h"
#include "tests/support/check/run.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;

static void set_up(void)
{
    temp_tree_make(&tree);
    ck_assert_int_eq(setenv("TMPDIR", tree.path, 1), 0);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
}

/* The whole of a file, terminated; the caller frees. */
static char *text_of(const char *path)
{
    size_t bytes = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    char *text = support_read_file(fd, &bytes);
    close(fd);
    return text;
}

static void expect_err(int status, const char *part)
{
    ck_assert_msg(program.exit_status == status, "%d: %s", program.exit_status, program.err);
    ck_assert_msg(strstr(program.err, part) != NULL, "'%s' is not in: %s", part, program.err);
    program_free(&program);
    memset(&program, 0, sizeof program);
}

/* ---- program and arguments ---- */

TEST(arguments_reach_every_server)
{
    /* Breaks when --managed-args, --managed-program or --io-threads are lost on the way to a server, lose
     * against volley's own, or are missing from the echo. */
    char script[600], path[200], json_path[200];
    snprintf(script, sizeof script,
             "#!/bin/sh\nprintf '%%s|' \"$@\" >>'%s/seen'\necho >>'%s/seen'\n"
             "for s in valkey-server redis-server; do command -v $s >/dev/null && exec $s \"$@\"; "
             "done\n",
             tree.path, tree.path);
    temp_tree_write(&tree, "/anything", script, 0700);
    snprintf(path, sizeof path, "%s/anything", tree.path);
    snprintf(json_path, sizeof json_path, "%s/run.json", tree.path);
    program_run_volley(&program, "bench", "--managed", "replicas=1", "--managed-program", path,
                       "--managed-args", "--maxclients 123 --proc-title-template 'a b $HOME'",
                       "--io-threads", "2", "-n", "100", "-c", "2", "--json", json_path,
                       (char *)NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    snprintf(path, sizeof path, "%s/seen", tree.path);
    char *seen = text_of(path);
    unsigned lines = 0;
    for (char *state = NULL, *line = strtok_r(seen, "\n", &state); line != NULL;
         line = strtok_r(NULL, "\n", &state)) {
        const char *end =
            strstr(line, "|--io-threads|2|--maxclients|123|--proc-title-template|a b $HOME|");
        lines += strcmp(line, "--version|") != 0;
        ck_assert_msg(strcmp(line, "--version|") == 0 || (end != NULL && strchr(end, '\n') == NULL),
                      "%s", line);
    }
    ck_assert_uint_eq(lines, 2);
    free(seen);
    char *text = text_of(json_path);
    ck_assert_ptr_nonnull(strstr(text, "\"managed-args\": \"--maxclients 123"));
    ck_assert_ptr_nonnull(strstr(text, "\"io-threads\": 2"));
    ck_assert_ptr_nonnull(strstr(text, "\"managed-program\": "));
    free(text);
}

TEST(programs_that_are_none)
{
    /* Breaks when something that is no server is started, or the name decides. */
    char path[200];
    temp_tree_write(&tree, "/valkey-server", "#!/bin/sh\necho hello\n", 0700);
    temp_tree_write(&tree, "/plain", "no program", 0600);
    snprintf(path, sizeof path, "%s/valkey-server", tree.path);
    program_run_volley(&program, "bench", "--managed", "--managed-program", path, (char *)NULL);
    expect_err(2, "with --version it does not say that it is a server: hello");
    snprintf(path, sizeof path, "%s/nothing", tree.path);
    program_run_volley(&program, "bench", "--managed", "--managed-program", path, (char *)NULL);
    expect_err(2, "No such file or directory");
    program_run_volley(&program, "bench", "--managed", "--managed-program", tree.path,
                       (char *)NULL);
    expect_err(2, "that is no file");
    if (geteuid() != 0) {
        snprintf(path, sizeof path, "%s/plain", tree.path);
        program_run_volley(&program, "bench", "--managed", "--managed-program", path, (char *)NULL);
        expect_err(2, "it may not be executed");
    }
    program_free(&program);
    temp_tree_write(&tree, "/wrapper", "#!/bin/sh\nvalkey-server \"$@\" || redis-server \"$@\"\n",
                    0700);
    snprintf(path, sizeof path, "%s/wrapper", tree.path);
    program_run_volley(&program, "bench", "--managed", "--managed-program", path, "-n", "10", "-r",
                       "10", "--json", "-", (char *)NULL);
    ck_assert_int_eq(program.exit_status, 0);
    const char *id = strstr(program.out, "\"process_id\": ");
    ck_assert_ptr_nonnull(id); /* of the server, not of the script: neither may be left */
    ck_assert(support_process_gone((pid_t)strtol(strchr(id, ':') + 1, NULL, 10), 5000));
    program_free(&program);
    program_run_volley(&program, "bench", "--managed-program", "/bin/sh", (char *)NULL);
    expect_err(2, "--managed-program says how volley starts a server itself: it needs --managed");
    program_run_volley(&program, "bench", "--managed", "--managed-args", "--port 1", (char *)NULL);
    expect_err(2, "--managed-args: --port cannot be set: volley chooses the port");
    program_run_volley(&program, "bench", "--managed", "--managed-args", "--unixsocket /dev/null",
                       (char *)NULL);
    expect_err(2, "something stands there, and the server would remove it");
}

/* ---- what is left ---- */

/* The one entry of the test's directory of this prefix; false: none. */
static bool find_entry(char path[300], const char *prefix)
{
    char command[400];
    snprintf(command, sizeof command, "ls -d %s/%s-?????? 2>/dev/null", tree.path, prefix);
    FILE *list = popen(command, "r");
    bool found = list != NULL && fgets(path, 300, list) != NULL;
    if (list != NULL)
        pclose(list);
    if (found)
        path[strcspn(path, "\n")] = '\0';
    return found;
}

TEST(swept_after_kill)
{
    /* Breaks when what a killed run leaves stays for ever, or the directory of one that lives is taken. */
    char path[300];
    struct program other = {.pid = 0};
    program_start_volley(&program, "bench", "--managed", "tls", "-t", "ping", "--duration", "60",
                         (char *)NULL);
    for (const uint64_t end_ms = support_now_ms() + 20000; !find_entry(path, "volley-server");) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(10);
    }
    program_run_volley(&other, "bench", "--managed", "-n", "10", "-c", "1", (char *)NULL);
    ck_assert_msg(other.exit_status == 0, "%s", other.err);
    program_free(&other);
    ck_assert(find_entry(path, "volley-server"));
    ck_assert(find_entry(path, "volley-tls"));
    program_signal(&program, SIGKILL);
    program_wait(&program);
    /* its workers, which hold the lock too, die with it */
    for (const uint64_t end_ms = support_now_ms() + 20000;
         private_directory_sweep("volley-server") == 0;) {
        ck_assert_uint_lt(support_now_ms(), end_ms);
        support_sleep_ms(10);
    }
    ck_assert_uint_eq(private_directory_sweep("volley-tls"), 1);
    ck_assert(!find_entry(path, "volley-server"));
    ck_assert(!find_entry(path, "volley-tls"));
}

/* Sessions of about so many days, and the two that a certificate holds longer. */
static const struct {
    const char *words[10];
    int days;
} sessions[] = {
    {{"bench", "--duration", "60"}, 2},
    {{"bench", "-n", "864000", "--qps", "1"}, 12},
    {{"sweep", "--clients", "1,2,3", "--step-duration", "24h"}, 5},
    {{"find-max", "--slo", "p99<1s", "--window", "600s", "--windows", "24", "--max-probes", "60"},
     12},
};

LOOP_TEST(keys_stand_in_no_file, sizeof sessions / sizeof sessions[0])
{
    /* Breaks when a run that is killed leaves a key, or a certificate that holds for long; or when one is
     * over before the runs are that it was made for. */
    char path[300], command[400], line[300];
    int days = 0, seconds = 0;
    static const char *const common[] = {"--managed",   "tls",  "-t", "get",
                                         "--log-level", "info", NULL};
    const char *argv[20] = {program_volley()};
    size_t argc = 1;
    for (const char *const *word = sessions[_i].words; *word != NULL; word++)
        argv[argc++] = *word;
    memcpy(argv + argc, common, sizeof common);
    program_start(&program, &(struct program_options){.argv = argv});
    program_wait_text(&program, PROGRAM_ERR, " answers");
    program_signal(&program, SIGKILL);
    program_wait(&program);
    ck_assert(find_entry(path, "volley-tls"));
    snprintf(command, sizeof command, "grep -rl 'PRIVATE KEY' '%s'", tree.path);
    FILE *found = popen(command, "r");
    ck_assert_ptr_null(fgets(line, sizeof line, found));
    pclose(found);
    snprintf(line, sizeof line, "%.200s/volley-server.pem", path);
    FILE *file = fopen(line, "re");
    ck_assert_ptr_nonnull(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    ck_assert_ptr_nonnull(certificate);
    ck_assert_int_eq(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)), 1);
    X509_free(certificate);
    ck_assert_msg(days >= sessions[_i].days - 1 && days <= sessions[_i].days, "%d days", days);
}

static void make_entry(const char *name, mode_t mode, bool with_lock)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    if (with_lock) {
        snprintf(path, sizeof path, "/%s/volley.lock", name);
        temp_tree_write(&tree, path, "", 0600);
    }
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static bool is_there(const char *name)
{
    char path[300];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    return lstat(path, &status) == 0;
}

TEST(not_where_others_rule)
{
    /* Breaks when a server runs in a directory that another user can put one of their own in the place of, with
     * settings of theirs. */
    struct private_directory directory;
    struct err err = {.code = OK};
    for (int step = 0; step < 3; step++) {
        if (step == 2 && geteuid() != 0)
            continue;
        ck_assert_int_eq(chmod(tree.path, step == 1 ? 0777 : 0755), 0);
        if (step == 2)
            ck_assert_int_eq(chown(tree.path, 12345, 12345), 0);
        ck_assert_int_eq(private_directory_make(&directory, "volley-server", "a test", &err), OK);
        ck_assert_int_eq(strncmp(directory.path, tree.path, strlen(tree.path)) == 0, step == 0);
        private_directory_remove(&directory);
    }
}

TEST(only_what_is_ours)
{
    /* Breaks when the sweep takes a directory that volley has not made, that is in use, or that a link
     * leads to. */
    char path[300], target[300];
    make_entry("volley-server-abc123", 0700, true);
    make_entry("volley-server-abc12", 0700, true);
    make_entry("volley-server-abc1234", 0700, true);
    make_entry("volley-server-abc.23", 0700, true);
    make_entry("volley-server-open00", 0755, true);
    make_entry("volley-server-nolock", 0700, false);
    make_entry("volley-server-locked", 0700, true);
    make_entry("elsewhere", 0700, true);
    temp_tree_write(&tree, "/elsewhere/precious", "x", 0600);
    temp_tree_write(&tree, "/volley-server-plain0", "x", 0600);
    snprintf(target, sizeof target, "%s/elsewhere", tree.path);
    snprintf(path, sizeof path, "%s/volley-server-linked", tree.path);
    ck_assert_int_eq(symlink(target, path), 0);
    snprintf(path, sizeof path, "%s/volley-server-abc123/link", tree.path);
    ck_assert_int_eq(symlink(target, path), 0);
    snprintf(path, sizeof path, "%s/volley-server-abc123/inner", tree.path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    temp_tree_write(&tree, "/volley-server-abc123/inner/file", "x", 0600);
    snprintf(path, sizeof path, "%s/volley-server-locked/volley.lock", tree.path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    if (geteuid() == 0) {
        make_entry("volley-server-others", 0700, true);
        snprintf(path, sizeof path, "%s/volley-server-others", tree.path);
        ck_assert_int_eq(chown(path, 12345, 12345), 0);
    }
    ck_assert_uint_eq(private_directory_sweep("volley-server"), 1);
    ck_assert(!is_there("volley-server-abc123"));
    ck_assert(is_there("volley-server-abc12") && is_there("volley-server-abc1234") &&
              is_there("volley-server-abc.23") && is_there("volley-server-open00") &&
              is_there("volley-server-nolock") && is_there("volley-server-locked") &&
              is_there("volley-server-linked") && is_there("volley-server-plain0") &&
              is_there("elsewhere/precious") && is_there("elsewhere/volley.lock"));
    ck_assert(geteuid() != 0 || is_there("volley-server-others"));
    close(fd);
    ck_assert_uint_eq(private_directory_sweep("volley-server"), 1);
    ck_assert(!is_there("volley-server-locked"));
}

static void make_old(const char *name)
{
    char path[300];
    const struct timespec times[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

TEST(killed_before_the_lock)
{
    /* Breaks when what is left of a volley that was killed before it had locked its directory stays for
     * ever, or one that is being made, or has files in it, is taken for such. */
    make_entry("volley-server-new000", 0700, false);
    make_entry("volley-server-old000", 0700, false);
    make_entry("volley-server-half00", 0700, false);
    make_entry("volley-server-files0", 0700, false);
    temp_tree_write(&tree, "/volley-server-half00/volley.lock.new", "", 0600);
    temp_tree_write(&tree, "/volley-server-files0/file", "x", 0600);
    make_old("volley-server-old000");
    make_old("volley-server-half00");
    make_old("volley-server-files0");
    ck_assert_uint_eq(private_directory_sweep("volley-server"), 2);
    ck_assert(!is_there("volley-server-old000") && !is_there("volley-server-half00"));
    ck_assert(is_there("volley-server-new000") && is_there("volley-server-files0/file"));
}

/* ---- CPUs of a server that others have started ---- */

static void pin(pid_t pid, const cpu_set_t *set)
{
    ck_assert_int_eq(sched_setaffinity(pid, sizeof *set, set), 0);
}

static void expect_processes(const struct test_server *server, const char *line)
{
    program_run_volley(&program, "bench", "-p", server->port_text, "-n", "100", "-c", "4", "-t",
                       "ping", (char *)NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    ck_assert_msg(strstr(program.out, line) != NULL, "'%s' is not in: %s", line, program.out);
    program_free(&program);
    memset(&program, 0, sizeof program);
}

TEST(beside_a_pinned_server)
{
    /* Breaks when a worker shares the CPU that a local server is pinned to while another one is free. */
    cpu_set_t all, one;
    struct test_server server;
    char line[64];
    uint32_t cpus[2], count = 0;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++)
        if (CPU_ISSET(cpu, &all))
            cpus[count++] = cpu;
    if (count < 2)
        return; /* there is no other CPU to be on */
    CPU_ZERO(&one);
    CPU_SET(cpus[0], &one);
    CPU_SET(cpus[1], &one);
    pin(0, &one); /* volley has two CPUs here */
    test_server_start(&server, NULL);
    for (uint32_t i = 0; i < 2; i++) {
        CPU_ZERO(&one);
        CPU_SET(cpus[i], &one);
        pin(server.pid, &one);
        snprintf(line, sizeof line, "Processes: 1 (CPU %u)", cpus[1 - i]);
        expect_processes(&server, line);
    }
    CPU_SET(cpus[0], &one);
    pin(server.pid, &one); /* on both: one is left to it */
    expect_processes(&server, "Processes: 1 (CPU ");
    CPU_ZERO(&one);
    CPU_SET(cpus[1], &one);
    pin(0, &one); /* one CPU for volley, and the server is on it, too */
    snprintf(line, sizeof line, "Processes: 1 (CPU %u)", cpus[1]);
    expect_processes(&server, line);
    test_server_stop(&server);
}

TEST_SUITE_WITH(managed_options, .set_up = set_up, .tear_down = tear_down)
