#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/machine/local_ports.h"
#include "orchestrator/machine/system_file.h"
#include "orchestrator/server/managed_server.h"
#include "tests/support/check/canned_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct managed_server server;
static struct err err;

/* Temporary files go where the test can see what is left of them. */
static void make_tree(void)
{
    temp_tree_make(&tree);
    ck_assert_int_eq(setenv("TMPDIR", tree.path, 1), 0);
    memset(&err, 0, sizeof err);
}

static void remove_tree(void)
{
    temp_tree_remove(&tree);
}

/* NULL: not pinned. */
static void start(const uint32_t *cpu)
{
    const struct managed_server_setup setup = {.cpus = cpu, .cpu_count = cpu != NULL};
    ck_assert_msg(managed_server_start(&server, &setup, NULL, &err) == OK, "%s", err.text);
}

/* A program of this name is found first in PATH. */
static void put_program(const char *text)
{
    char path[4096];
    const char *before = getenv("PATH");
    temp_tree_write(&tree, "/bin/valkey-server", text, 0700);
    snprintf(path, sizeof path, "%s/bin:%s", tree.path, before != NULL ? before : "");
    ck_assert_int_eq(setenv("PATH", path, 1), 0);
}

/* Entries in TMPDIR besides the program that a test puts there: bin, bin/valkey-server. */
static int left_behind(bool with_program)
{
    return temp_tree_count(&tree) - (with_program ? 2 : 0);
}

TEST(serves_and_leaves_nothing)
{
    /* A server process, or its directory, left behind by every run. */
    start(NULL);
    ck_assert_int_gt(server.process.pid, 0);
    ck_assert_int_ne(server.port, 0);
    ck_assert_int_gt(left_behind(false), 0);
    server_say(server.port, "PING", "+PONG");
    server_say(server.port, "CONFIG GET save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
    server_say(server.port, "CONFIG GET appendonly", "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n");
    server_say(server.port, "CONFIG GET bind", "*2\r\n$4\r\nbind\r\n$9\r\n127.0.0.1\r\n");
    pid_t pid = server.process.pid;
    managed_server_stop(&server);
    ck_assert_int_eq(server.process.pid, 0);
    ck_assert(kill(pid, 0) == -1 && errno == ESRCH);
    ck_assert_int_eq(left_behind(false), 0);
    managed_server_stop(&server);
}

TEST(has_a_port_of_its_own)
{
    /* A connection takes the port of a server that is killed and started again: the system gives out the same. */
    static struct managed_server others[4];
    const struct managed_server_setup setup = {.cluster = true};
    struct local_ports ports;
    local_ports_read(&ports, "");
    const bool low = local_ports_for_servers(&ports, MANAGED_BUS_OFFSET) == 0;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(managed_server_launch(&others[i], &setup, &err), OK);
        ck_assert(low || others[i].port + MANAGED_BUS_OFFSET < ports.first);
        for (size_t before = 0; before < i; before++)
            ck_assert_int_ne(others[before].port, others[i].port);
    }
    for (size_t i = 0; i < 4; i++)
        managed_server_stop(&others[i]);
}

TEST(has_a_session_of_its_own)
{
    /* A Ctrl+C on the terminal stops the server before the run that measures it. */
    start(NULL);
    ck_assert_int_eq(getsid(server.process.pid), server.process.pid);
    ck_assert_int_ne(getsid(server.process.pid), getsid(0));
    managed_server_stop(&server);
}

TEST(is_pinned)
{
    /* The server wanders over the workers' CPUs. */
    static struct cpu_set_order order;
    cpu_set_t set;
    ck_assert_int_eq(cpu_order_discover(&order, "", NULL, &err), OK);
    uint32_t cpu = order.cpus[order.count - 1];
    start(&cpu);
    ck_assert_int_eq(sched_getaffinity(server.process.pid, sizeof set, &set), 0);
    ck_assert_int_eq(CPU_COUNT(&set), 1);
    ck_assert(CPU_ISSET(cpu, &set));
    managed_server_stop(&server);
}

TEST(cannot_be_pinned_there)
{
    /* A CPU that does not exist quietly ignored: the figures are of a server that wanders. */
    const uint32_t cpu = SPEC_CPUS_MAX - 1;
    ck_assert_int_eq(
        managed_server_start(&server, &(struct managed_server_setup){.cpus = &cpu, .cpu_count = 1},
                             NULL, &err),
        E_CONNECT);
    ck_assert_msg(strstr(err.text, "cannot pin the server to CPU 4095") != NULL, "%s", err.text);
    ck_assert_int_eq(left_behind(false), 0);
}

TEST(inherits_nothing)
{
    /* The server holds a result file or a socket of volley open, or is deaf to SIGTERM. */
    char marker[160], path[320], link[320], status[4096];
    snprintf(marker, sizeof marker, "%s/marker", tree.path);
    int fd = open(marker, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    sigset_t blocked;
    sigfillset(&blocked);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
    ck_assert(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
    start(NULL);

    snprintf(path, sizeof path, "/proc/%d/fd", (int)server.process.pid);
    DIR *open_files = opendir(path);
    ck_assert_ptr_nonnull(open_files);
    int seen = 0;
    for (const struct dirent *entry; (entry = readdir(open_files)) != NULL;) {
        ssize_t bytes = readlinkat(dirfd(open_files), entry->d_name, link, sizeof link - 1);
        link[bytes > 0 ? bytes : 0] = '\0';
        seen += bytes > 0;
        ck_assert_str_ne(link, marker);
    }
    closedir(open_files);
    ck_assert_int_gt(seen, 2);

    ck_assert(system_file_read(status, sizeof status, "/proc/%d/status", (int)server.process.pid));
    const char *mask = strstr(status, "SigBlk:");
    const char *ignored = strstr(status, "SigIgn:");
    ck_assert_ptr_nonnull(mask);
    ck_assert_ptr_nonnull(ignored);
    ck_assert_uint_eq(strtoull(mask + 7, NULL, 16), 0);
    ck_assert_uint_eq(strtoull(ignored + 7, NULL, 16) & (1ull << (SIGUSR1 - 1)), 0);
    close(fd);
    managed_server_stop(&server);
}

TEST(dies_with_its_parent)
{
    /* kill -9 on volley leaves a server running for ever. */
    int pipe_fds[2];
    pid_t server_pid = 0;
    int status;
    ck_assert_int_eq(pipe(pipe_fds), 0);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t parent = fork();
    ck_assert_int_ge(parent, 0);
    if (parent == 0) {
        if (managed_server_start(&server, &(struct managed_server_setup){.cpu_count = 0}, NULL,
                                 &err) != OK ||
            write(pipe_fds[1], &server.process.pid, sizeof server.process.pid) !=
                (ssize_t)sizeof server.process.pid)
            _exit(1);
        (void)kill(getpid(), SIGKILL);
    }
    close(pipe_fds[1]);
    ck_assert_int_eq(read(pipe_fds[0], &server_pid, sizeof server_pid), (ssize_t)sizeof server_pid);
    close(pipe_fds[0]);
    ck_assert_int_eq(waitpid(parent, &status, 0), parent);
    ck_assert(WIFSIGNALED(status));
    /* Returns when the server is dead; the test's time is its bound. */
    ck_assert_int_eq(waitpid(server_pid, &status, 0), server_pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}

TEST(program_that_fails_tells_why)
{
    /* "Cannot start" without a reason, or the first lines of a long log instead of the last. */
    put_program("#!/bin/sh\ni=0\nwhile [ $i -lt 500 ]; do echo line $i of a long log; "
                "i=$((i+1)); done\necho cannot open config >&2\necho giving up\nexit 3\n");
    ck_assert_int_eq(
        managed_server_start(&server, &(struct managed_server_setup){.cpu_count = 0}, NULL, &err),
        E_CONNECT);
    ck_assert_msg(strstr(err.text, "ended with status 3") != NULL, "%s", err.text);
    ck_assert_msg(strstr(err.text, "line 499 of a long log|cannot open config|giving up") != NULL,
                  "%s", err.text);
    ck_assert_int_eq(server.process.pid, 0);
    ck_assert_int_eq(left_behind(true), 0);
}

TEST(program_that_cannot_run)
{
    /* A file that is no program for this machine: the cause is lost between fork and exec. */
    put_program("not a program");
    ck_assert_int_eq(
        managed_server_start(&server, &(struct managed_server_setup){.cpu_count = 0}, NULL, &err),
        E_CONNECT);
    ck_assert_msg(strstr(err.text, "Exec format error") != NULL, "%s", err.text);
    ck_assert_int_eq(left_behind(true), 0);
}

TEST(program_that_crashes)
{
    /* A server killed by the kernel reported as "status 0". */
    put_program("#!/bin/sh\nkill -SEGV $$\n");
    ck_assert_int_eq(
        managed_server_start(&server, &(struct managed_server_setup){.cpu_count = 0}, NULL, &err),
        E_CONNECT);
    ck_assert_msg(strstr(err.text, "killed by signal 11") != NULL, "%s", err.text);
    ck_assert_int_eq(left_behind(true), 0);
}

TEST(port_taken_in_between)
{
    /* Another program takes the port before the server does, and the run fails for nothing. */
    char program[512];
    snprintf(program, sizeof program,
             "#!/bin/sh\nif [ ! -e '%s/tried' ]; then : > '%s/tried'; "
             "echo 'bind: Address already in use'; exit 1; fi\nexec redis-server \"$@\"\n",
             tree.path, tree.path);
    put_program(program);
    start(NULL);
    server_say(server.port, "PING", "+PONG");
    managed_server_stop(&server);
    ck_assert_int_eq(left_behind(true), 1); /* the marker */
}

TEST(port_always_taken)
{
    /* An endless loop over ports. */
    put_program("#!/bin/sh\necho 'bind: Address already in use'\nexit 1\n");
    ck_assert_int_eq(
        managed_server_start(&server, &(struct managed_server_setup){.cpu_count = 0}, NULL, &err),
        E_CONNECT);
    ck_assert_msg(strstr(err.text, "Address already in use") != NULL, "%s", err.text);
    ck_assert_int_eq(left_behind(true), 0);
}

static volatile int interrupted;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    interrupted++;
}

TEST(interrupt_while_starting)
{
    /* Ctrl+C without effect for 30 s while a server does not come up, or its process forgotten. */
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval soon = {.it_value.tv_usec = 100000};
    put_program("#!/bin/sh\nexec sleep 3600\n");
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    ck_assert_int_eq(managed_server_start(&server, &(struct managed_server_setup){.cpu_count = 0},
                                          &interrupted, &err),
                     E_INTERRUPTED);
    ck_assert_int_eq(server.process.pid, 0);
    ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    ck_assert_int_eq(left_behind(true), 0);
}

TEST(server_that_died_meanwhile)
{
    /* Stopping a server that is gone waits for it, or kills whoever has its number now. */
    start(NULL);
    ck_assert_int_eq(kill(server.process.pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(server.process.pid, NULL, 0), server.process.pid);
    managed_server_stop(&server);
    ck_assert_int_eq(server.process.pid, 0);
    ck_assert_int_eq(left_behind(false), 0);
}

TEST(what_it_prints_is_bounded)
{
    /* A server that prints without end fills the disk of temporary files, or its last words are lost over that. */
    char text[640], path[300], output[2 << 20] = "";
    struct stat about;
    put_program("#!/bin/bash\nhead -c 100000000 /dev/zero | tr '\\0' x\n"
                "echo\necho its last words\nexec redis-server \"$@\"\n");
    start(NULL);
    ck_assert(!managed_server_died(&server, text, sizeof text));
    snprintf(path, sizeof path, "%s/" SERVER_OUTPUT_NAME, server.directory.path);
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_int_lt(512 * about.st_blocks, MANAGED_OUTPUT_BYTES_MAX);
    FILE *file = fmemopen(output, sizeof output - 1, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(managed_server_copy_log(&server, file, &err), OK);
    (void)fclose(file);
    ck_assert_ptr_nonnull(strstr(output, "x\nits last words\n"));
    managed_server_stop(&server);
    ck_assert_int_eq(left_behind(true), 0);
}

TEST_SUITE_WITH(managed_server, .set_up = make_tree, .tear_down = remove_tree)
