/* Where a password comes from, and that it is out of sight afterwards. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "orchestrator/options/credentials.h"
#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define WAIT_MS 10000

static const struct spec *const spec = &line_request.spec;

static void tear_down(void)
{
    line_teardown();
    unsetenv("VOLLEY_AUTH");
}

/* A descriptor from which this text can be read; its number as text. */
static int fd_with(const char *bytes, size_t byte_count)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], bytes, byte_count), (ssize_t)byte_count);
    close(ends[1]);
    return ends[0];
}

static const char *line_with_fd(const char *text)
{
    static char line[256];
    int fd = fd_with(text, strlen(text));
    snprintf(line, sizeof line, "--password-fd %d", fd);
    return line;
}

TEST(test_precedence)
{
    /* Breaks when another password is sent than the one the user gave last: in rising order of weight
     * the environment, the config file, the command line. */
    line_quiet("-p 1");
    ck_assert_ptr_null(spec->endpoint.password);
    setenv("VOLLEY_AUTH", "from-environment", 1);
    line_quiet("--user me");
    ck_assert_str_eq(spec->endpoint.password, "from-environment");
    setenv("VOLLEY_AUTH", "from-environment", 1);
    line_quiet("-a given");
    ck_assert_str_eq(spec->endpoint.password, "given");
    setenv("VOLLEY_AUTH", "from-environment", 1);
    line_quiet("-u redis://:from-uri@h");
    ck_assert_str_eq(spec->endpoint.password, "from-uri");
    setenv("VOLLEY_AUTH", "from-environment", 1);
    line_quiet(line_with_fd("from-fd\nrest"));
    ck_assert_str_eq(spec->endpoint.password, "from-fd");
    line_parses_with_config("password: from-config\n", line_with_fd("from-fd\n"));
    ck_assert_str_eq(spec->endpoint.password, "from-fd");
    line_parses_with_config("uri: redis://:from-config@h\n", line_with_fd("from-fd\n"));
    ck_assert_str_eq(spec->endpoint.password, "from-fd");
    ck_assert_str_eq(spec->endpoint.host, "h");
    line_parses_with_config("askpass: true\n", "-a given");
    ck_assert_str_eq(spec->endpoint.password, "given");
}

TEST(test_contradictions)
{
    /* Breaks when one of two passwords is silently ignored. */
    static const struct line_refusal refusals[] = {
        {"-a x --password-fd 0", "--password and --password-fd exclude each other"},
        {"-a x --askpass", "--password and --askpass exclude each other"},
        {"--askpass --password-fd 0", "--password-fd and --askpass exclude each other"},
        {"-u redis://:x@h --askpass", "as one in the URI does"},
        {"-u redis://:x@h --password-fd 0", "as one in the URI does"},
        {"-u redis://:x@h -a y", "--uri and --password contradict each other"},
        {"--managed --password-fd 0", "--managed and --password-fd exclude each other"},
        {"--managed --askpass", "--managed and --askpass exclude each other"},
        {"--user me", "--user me needs a password"},
        {"--password-fd -1", "--password-fd"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(test_environment)
{
    /* Breaks when children inherit the password, or /proc shows it. */
    setenv("VOLLEY_AUTH", "hunter2", 1);
    const char *bytes = getenv("VOLLEY_AUTH");
    line_quiet("-p 1");
    ck_assert_str_eq(spec->endpoint.password, "hunter2");
    ck_assert_ptr_null(getenv("VOLLEY_AUTH"));
    ck_assert_str_eq(bytes, "*******");
    char value[64];
    int row = options_row(bench_option_table(), "password");
    ck_assert_str_eq(options_format_value(value, sizeof value, &line_request.values, (size_t)row),
                     "***");
    ck_assert_str_eq(options_origin(&line_request.values, "password")->given, "VOLLEY_AUTH");
    setenv("VOLLEY_AUTH", "hunter2", 1);
    line_quiet("--managed"); /* its own, which nobody knows */
    ck_assert_str_ne(spec->endpoint.password, "hunter2");
    ck_assert_uint_eq(strlen(spec->endpoint.password), 32);
    ck_assert_ptr_null(getenv("VOLLEY_AUTH"));
    setenv("VOLLEY_AUTH", "", 1);
    line_quiet("-p 1");
    ck_assert_ptr_null(spec->endpoint.password);
}

TEST(test_descriptor)
{
    /* Breaks when more than the first line is taken, or nonsense is sent as a password. */
    char password[CREDENTIALS_PASSWORD_BYTES], longest[CREDENTIALS_PASSWORD_BYTES + 1], rest[8];
    struct err err = {.code = OK};
    memset(longest, 'x', sizeof longest);
    int fd = fd_with("secret\nrest", 11);
    int copy = dup(fd);
    ck_assert_int_eq(credentials_read_fd(password, fd, &err), OK);
    ck_assert_str_eq(password, "secret");
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_int_eq(read(copy, rest, sizeof rest), 4);
    close(copy);
    ck_assert_int_eq(credentials_read_fd(password, fd_with("no newline", 10), &err), OK);
    ck_assert_str_eq(password, "no newline");
    ck_assert_int_eq(
        credentials_read_fd(password, fd_with(longest, CREDENTIALS_PASSWORD_BYTES - 1), &err), OK);
    ck_assert_uint_eq(strlen(password), CREDENTIALS_PASSWORD_BYTES - 1);
    const struct {
        const char *bytes;
        size_t byte_count;
        const char *text;
    } refused[] = {
        {"", 0, "the password is empty"},
        {"\nx", 2, "the password is empty"},
        {"a\0b", 3, "holds a NUL byte"},
        {longest, CREDENTIALS_PASSWORD_BYTES, "longer than 1023 bytes"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        err = (struct err){.code = OK};
        ck_assert_int_eq(
            credentials_read_fd(password, fd_with(refused[i].bytes, refused[i].byte_count), &err),
            E_USAGE);
        ck_assert_msg(strstr(err.text, refused[i].text) != NULL, "%s", err.text);
    }
    err = (struct err){.code = OK};
    ck_assert_int_eq(credentials_read_fd(password, 1000, &err), E_USAGE);
    ck_assert_msg(strstr(err.text, "--password-fd 1000: cannot read") != NULL, "%s", err.text);
}

/* Arguments in writable memory, as main has them. */
static void ck_hidden(const char *given, const char *shown)
{
    static char bytes[16][64];
    const char *argv[17] = {NULL};
    int argc = 0;
    const char *at = given;
    for (; *at != '\0'; argc++) {
        size_t count = strcspn(at, " ");
        snprintf(bytes[argc], sizeof bytes[argc], "%.*s", (int)count, at);
        argv[argc] = bytes[argc];
        at += count;
        at += *at == ' ';
    }
    credentials_hide_arguments(bench_option_table(), argc, argv);
    char text[256] = "";
    for (int i = 0; i < argc; i++) {
        strncat(text, i > 0 ? " " : "", sizeof text - strlen(text) - 1);
        strncat(text, argv[i], sizeof text - strlen(text) - 1);
    }
    ck_assert_str_eq(text, shown);
}

TEST(test_arguments)
{
    /* Breaks when a password stays in the process list, or its length does. */
    ck_hidden("volley -a hunter2 -p 1", "volley -a *** -p 1");
    ck_hidden("volley -ahunter2 -q", "volley -a*** -q");
    ck_hidden("volley -qa x", "volley -qa *");
    ck_hidden("volley --password=hunter2 get x", "volley --password=*** get x");
    ck_hidden("volley --pass hunter2", "volley --pass ***");
    ck_hidden("volley -u redis://me:pw:@h:1/2", "volley -u redis://***@h:1/2");
    ck_hidden("volley --uri=valkey://a@b@h/0", "volley --uri=valkey://***@h/0");
    ck_hidden("volley -u redis://h:1", "volley -u redis://h:1");
    ck_hidden("volley -u hunter2@h", "volley -u ***");
    ck_hidden("volley -h redis://me:pw@h -p 1", "volley -h *** -p 1");
    ck_hidden("volley --sentinel=a,me:pw@h --master m", "volley --sentinel=*** --master m");
    ck_hidden("volley -h a,b:7001", "volley -h a,b:7001");
    ck_hidden("volley -a hunter2 --bogus", "volley -a *** --bogus");
    ck_hidden("volley -p 1 -- auth -a hunter2", "volley -p 1 -- auth -a hunter2");
}

/* The terminal --------------------------------------------------------------------------------- */

struct asked {
    int terminal; /* the other side of it */
    pid_t pid;
};

/* A process whose controlling terminal is ours, and that asks on it. It ends with 0 when it has read
 * "hunter2", with 1 otherwise. */
static struct asked ask(void)
{
    struct asked asked = {.terminal = posix_openpt(O_RDWR | O_NOCTTY)};
    char name[64];
    ck_assert_int_ge(asked.terminal, 0);
    ck_assert_int_eq(grantpt(asked.terminal), 0);
    ck_assert_int_eq(unlockpt(asked.terminal), 0);
    ck_assert_int_eq(ptsname_r(asked.terminal, name, sizeof name), 0);
    asked.pid = support_fork();
    if (asked.pid == 0) {
        char password[CREDENTIALS_PASSWORD_BYTES];
        struct err err = {.code = OK};
        setsid();
        int fd = open(name, O_RDWR);
        if (fd < 0)
            _exit(2);
        enum err_code code = credentials_ask(password, "me", &err);
        _exit(code == OK && strcmp(password, "hunter2") == 0 ? 0 : 1);
    }
    return asked;
}

static void read_until(const struct asked *asked, const char *text)
{
    char seen[512] = "";
    size_t used = 0;
    for (uint64_t end_ms = support_now_ms() + WAIT_MS; strstr(seen, text) == NULL;) {
        int waiting = 0;
        ck_assert_msg(support_now_ms() < end_ms, "\"%s\" did not come, but: %s", text, seen);
        if (ioctl(asked->terminal, FIONREAD, &waiting) != 0 || waiting == 0) {
            support_sleep_ms(1);
            continue;
        }
        ssize_t got = read(asked->terminal, seen + used, sizeof seen - 1 - used);
        ck_assert_int_gt(got, 0);
        used += (size_t)got;
        seen[used] = '\0';
        ck_assert_msg(strstr(seen, "hunter2") == NULL, "echoed: %s", seen);
    }
}

static bool echo_is_on(const struct asked *asked)
{
    struct termios now;
    ck_assert_int_eq(tcgetattr(asked->terminal, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

static void type(const struct asked *asked, const char *text)
{
    ck_assert_int_eq(write(asked->terminal, text, strlen(text)), (ssize_t)strlen(text));
}

TEST(test_asks_without_echo)
{
    /* Breaks when a password is shown while it is typed, or echo stays off afterwards. */
    struct asked asked = ask();
    int status = -1;
    read_until(&asked, "Password for me: ");
    ck_assert(!echo_is_on(&asked));
    type(&asked, "hunter2\n");
    read_until(&asked, "\n");
    ck_assert(support_reap(asked.pid, WAIT_MS, &status));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert(echo_is_on(&asked));
    close(asked.terminal);
}

TEST(test_signals_bring_echo_back)
{
    /* Breaks when Ctrl+C, or a kill, at the question leaves a terminal that shows nothing. */
    static const int numbers[] = {SIGTERM, SIGHUP, 0};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct asked asked = ask();
        int status = -1;
        read_until(&asked, "Password for me: ");
        if (numbers[i] == 0)
            type(&asked, "\003"); /* Ctrl+C */
        else
            kill(asked.pid, numbers[i]);
        ck_assert(support_reap(asked.pid, WAIT_MS, &status));
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), numbers[i] == 0 ? SIGINT : numbers[i]);
        ck_assert(echo_is_on(&asked));
        close(asked.terminal);
    }
}

TEST(test_no_terminal)
{
    /* Breaks when a script that has no terminal waits for ever. */
    pid_t pid = support_fork();
    int status = -1;
    if (pid == 0) {
        char password[CREDENTIALS_PASSWORD_BYTES];
        struct err err = {.code = OK};
        setsid();
        enum err_code code = credentials_ask(password, NULL, &err);
        _exit(code == E_USAGE && strstr(err.text, "there is no terminal") != NULL ? 0 : 1);
    }
    ck_assert(support_reap(pid, WAIT_MS, &status));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

TEST_SUITE_WITH(credentials, .tear_down = tear_down)
