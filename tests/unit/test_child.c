/* Children of the orchestrator: what they begin with, what they tell, and that none is left. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/machine/child.h"
#include "tests/support/check/suite.h"

#define LONG_NS (30 * NS_PER_SECOND)

static struct child child;
static char words[1024];
static size_t heard_bytes;

static void start(const struct child_plan *plan)
{
    ck_assert_msg(child_start(&child, plan), "%s", strerror(errno));
}

static enum child_heard hear(uint64_t limit_ns)
{
    enum child_heard heard =
        child_hear(&child, words, sizeof words - 1, &heard_bytes, limit_ns, NULL);
    words[heard_bytes] = '\0';
    return heard;
}

/* Hears all of it, and waits for its end, which has to be of this kind. */
static void expect_end(enum child_end end, int number)
{
    ck_assert_int_eq(hear(LONG_NS), CHILD_HEARD_END);
    ck_assert(child_gone_within(&child, LONG_NS));
    ck_assert_int_eq(child.end, end);
    ck_assert_int_eq(child.number, number);
    child_end(&child);
    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int kept_fd, other_fd;

static int tell_surroundings(void *state, int telling_fd)
{
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    dprintf(telling_fd, "%s: %d kept, %d other, %d blocked, %d deaf, %d mourning, %d leading",
            (const char *)state, is_open(kept_fd), is_open(other_fd),
            sigismember(&blocked, SIGUSR1), signal(SIGINT, SIG_DFL) == SIG_IGN,
            signal(SIGCHLD, SIG_IGN) == SIG_DFL, getsid(0) == getpid());
    return 7;
}

/* What a child may inherit by mistake. */
static void make_a_mess(void)
{
    sigset_t all;
    kept_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    other_fd = open("/dev/null", O_RDONLY);
    ck_assert_int_gt(kept_fd, 2);
    ck_assert_int_gt(other_fd, 2);
    sigfillset(&all);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
    ck_assert(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
}

TEST(a_function)
{
    /* Breaks when a file or a socket of the orchestrator lives on in a child, when Ctrl+C ends a child before
     * the orchestrator has stopped the load, or its state does not reach it. */
    char state[] = "state";
    make_a_mess();
    const int keep_fds[] = {-1, kept_fd};
    start(&(struct child_plan){.run = tell_surroundings,
                               .state = state,
                               .heard = true,
                               .keep_fds = keep_fds,
                               .keep_count = 2});
    expect_end(CHILD_EXITED, 7);
    ck_assert_str_eq(words, "state: 1 kept, 0 other, 0 blocked, 1 deaf, 1 mourning, 0 leading");
}

TEST(a_program)
{
    /* Breaks when a program gets volley's terminal, a file that is not its own, a signal that it never hears, or
     * not the file that it is to read. */
    char script[400];
    make_a_mess();
    snprintf(script, sizeof script,
             "[ -e /proc/self/fd/%d ] && echo kept; [ -e /proc/self/fd/%d ] || echo shut; "
             "[ $(cut -d ' ' -f 6 /proc/self/stat) = $$ ] && echo leads; "
             "read x || echo no input; "
             "for mask in $(grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f 2); do "
             "echo $((0x$mask & 0x7fffffff)); done; exit 3", /* 32 and 33 are the C library's */
             kept_fd, other_fd);
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    start(&(struct child_plan){.argv = argv, .heard = true, .keep_fds = &kept_fd, .keep_count = 1});
    expect_end(CHILD_EXITED, 3);
    ck_assert_str_eq(words, "kept\nshut\nleads\nno input\n0\n0\n");
}

TEST(an_environment_of_its_own)
{
    /* Breaks when a program gets a variable that was not meant for it, or this process loses one. */
    const char *const argv[] = {"/bin/sh", "-c", "echo \"$CHILD_A ${CHILD_B-none} $CHILD_C\"",
                                NULL};
    const char *const environment[] = {"CHILD_A=given", "CHILD_B", NULL};
    setenv("CHILD_A", "before", 1);
    setenv("CHILD_B", "before", 1);
    setenv("CHILD_C", "stays", 1);
    start(&(struct child_plan){.argv = argv, .environment = environment, .heard = true});
    expect_end(CHILD_EXITED, 0);
    ck_assert_str_eq(words, "given none stays\n");
    ck_assert_str_eq(getenv("CHILD_A"), "before");
    ck_assert_str_eq(getenv("CHILD_B"), "before");
}

TEST(cannot_begin)
{
    /* Breaks when the cause is lost between fork and exec. */
    static const uint32_t cpu = CPU_SETSIZE - 1;
    const char *const argv[] = {"/nowhere/to/be/found", NULL};
    struct child_plan plan = {.argv = argv, .name = "the thing", .heard = true};
    start(&plan);
    expect_end(CHILD_EXITED, CHILD_STATUS_NO_PROGRAM);
    ck_assert_str_eq(words, "cannot run /nowhere/to/be/found: No such file or directory\n");
    plan.cpus = &cpu;
    plan.cpu_count = 1;
    start(&plan);
    expect_end(CHILD_EXITED, CHILD_STATUS_UNFIT);
    ck_assert_str_eq(words, "cannot pin the thing to CPU 1023: Invalid argument\n");
}

static int wait_for_ever(void *state, int telling_fd)
{
    (void)state;
    (void)!write(telling_fd, "here", 4);
    while (pause() < 0)
        continue;
    return 0;
}

TEST(a_limit)
{
    /* Breaks when a child that does not end is waited for in spite of the limit, or of Ctrl+C, or is left. */
    const volatile int interrupted = 1;
    char how[40];
    start(&(struct child_plan){.run = wait_for_ever, .heard = true});
    ck_assert_int_eq(child_hear(&child, words, 4, &heard_bytes, LONG_NS, NULL), CHILD_HEARD_ALL);
    ck_assert_int_eq(hear(0), CHILD_HEARD_LATE);
    ck_assert_uint_eq(heard_bytes, 0);
    ck_assert_int_eq(child_hear(&child, words, sizeof words, &heard_bytes, LONG_NS, &interrupted),
                     CHILD_INTERRUPTED);
    ck_assert(!child_gone(&child));
    ck_assert(!child_gone_within(&child, 0));
    child_tell(&child, SIGKILL);
    expect_end(CHILD_KILLED, SIGKILL);
    ck_assert_str_eq(child_describe(how, sizeof how, &child), "was killed by signal 9");
}

static int hold_memory(void *state, int telling_fd)
{
    const size_t *byte_count = state;
    char *bytes = malloc(*byte_count);
    (void)telling_fd;
    if (bytes == NULL)
        return 1;
    memset(bytes, 'x', *byte_count);
    const int status = bytes[*byte_count / 2] != 'x';
    free(bytes);
    return status;
}

TEST(what_it_held)
{
    /* Breaks when the most memory that a child held is not known once it has ended, or is that of another one. */
    size_t many = 64u << 20, few = 1;
    start(&(struct child_plan){.run = hold_memory, .state = &many, .heard = true});
    expect_end(CHILD_EXITED, 0);
    const uint64_t much_bytes = child.rss_peak_bytes;
    ck_assert_uint_ge(much_bytes, many);
    start(&(struct child_plan){.run = hold_memory, .state = &few, .heard = true});
    expect_end(CHILD_EXITED, 0);
    ck_assert_uint_gt(child.rss_peak_bytes, 0);
    ck_assert_uint_lt(child.rss_peak_bytes, much_bytes - many / 2);
}

/* Each packet comes back as it is, until there is nobody any more. */
static int talk_back(void *state, int telling_fd)
{
    char packet[64];
    ssize_t bytes = 0;
    (void)state;
    while ((bytes = read(telling_fd, packet, sizeof packet)) > 0)
        (void)!write(telling_fd, packet, (size_t)bytes);
    return bytes == 0 ? 7 : 8;
}

TEST(one_that_talks)
{
    /* Breaks when a child that is told things gets parts of them, or does not see that nobody is there any more. */
    start(&(struct child_plan){.run = talk_back, .talks = true});
    ck_assert_int_eq(send(child.hearing_fd, "one", 3, MSG_NOSIGNAL), 3);
    ck_assert_int_eq(send(child.hearing_fd, "another", 7, MSG_NOSIGNAL), 7);
    ck_assert_int_eq(read(child.hearing_fd, words, sizeof words), 3);
    ck_assert_int_eq(child_hear(&child, words, 7, &heard_bytes, LONG_NS, NULL), CHILD_HEARD_ALL);
    ck_assert(memcmp(words, "another", 7) == 0);
    child_hang_up(&child);
    ck_assert(child_gone_within(&child, LONG_NS));
    ck_assert_int_eq(child.number, 7);
    child_end(&child);
}

TEST(ends_with_what_it_started)
{
    /* Breaks when what a script has started lives on when volley ends the script: it has the pipe, too. */
    const char *const argv[] = {"/bin/sh", "-c", "sleep 1000 & echo x; wait", NULL};
    start(&(struct child_plan){.argv = argv, .heard = true});
    ck_assert_int_eq(child_hear(&child, words, 2, &heard_bytes, LONG_NS, NULL), CHILD_HEARD_ALL);
    child_tell(&child, SIGTERM);
    expect_end(CHILD_KILLED, SIGTERM);
}

static int start_and_die(void *state, int telling_fd)
{
    struct child grandchild;
    (void)state;
    if (!child_start(
            &grandchild,
            &(struct child_plan){.run = wait_for_ever, .keep_fds = &telling_fd, .keep_count = 1}))
        return 1;
    raise(SIGKILL);
    return 0;
}

TEST(dies_with_its_parent)
{
    /* Breaks when kill -9 leaves a child for ever: the pipe that it holds never ends. */
    start(&(struct child_plan){.run = start_and_die, .heard = true});
    expect_end(CHILD_KILLED, SIGKILL);
}

TEST_SUITE(child)
