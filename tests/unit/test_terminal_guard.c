/* What is printed behind a screen, and what is left of it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "orchestrator/watch/terminal_guard.h"
#include "tests/support/check/suite.h"

static int master = -1, screen_fd = -1, kept_stdout = -1;
static char printed[8192];

/* Standard output leads to a terminal of the test's own. */
static void set_up(void)
{
    struct err err = {.code = OK};
    struct termios plain;
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(terminal, 0);
    ck_assert_int_eq(tcgetattr(terminal, &plain), 0);
    plain.c_oflag &= ~(tcflag_t)OPOST;
    ck_assert_int_eq(tcsetattr(terminal, TCSANOW, &plain), 0);
    fflush(stdout);
    kept_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ck_assert_int_ge(dup2(terminal, STDOUT_FILENO), 0);
    close(terminal);
    ck_assert_msg(terminal_guard_begin(&screen_fd, 1000, &err) == OK, "%s", err.text);
}

static void tear_down(void)
{
    close(kept_stdout);
    close(master);
}

/* What the terminal was written, once the screen is gone. */
static const char *end(void)
{
    size_t used = 0;
    terminal_guard_end();
    ck_assert_int_ge(dup2(kept_stdout, STDOUT_FILENO), 0);
    (void)fcntl(master, F_SETFL, O_NONBLOCK);
    for (ssize_t count; used + 1 < sizeof printed &&
                        (count = read(master, printed + used, sizeof printed - used - 1)) > 0;)
        used += (size_t)count;
    printed[used] = '\0';
    return printed;
}

static void print_lines(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        printf("line %04u\n", i); /* 10 bytes */
    fflush(stdout);
}

TEST(what_fits_is_kept)
{
    /* breaks when lines are left out that had room, or something is said of none */
    print_lines(0, 100);
    terminal_guard_trim();
    const char *all = end();
    ck_assert_uint_eq(strlen(all), 1000);
    ck_assert_int_eq(strncmp(all, "line 0000\n", 10), 0);
}

TEST(the_newest_lines_are_kept)
{
    /* breaks when what is kept grows with time, an old line stays in place of a new one, or their number is wrong */
    for (unsigned i = 0; i < 500; i++) {
        print_lines(i * 10, i * 10 + 10);
        terminal_guard_trim();
    }
    print_lines(5000, 5003); /* after the last time */
    const char *all = end();
    static const char said[] = "volley: 4903 older lines that were printed behind the screen are "
                               "left out\nline 4903\n";
    ck_assert_msg(strncmp(all, said, sizeof said - 1) == 0, "%.200s", all);
    ck_assert_uint_eq(strlen(all), sizeof said - 1 - 10 + 100 * 10);
    ck_assert_ptr_nonnull(strstr(all, "line 5002\n"));
}

TEST(memory_is_given_back)
{
    /* breaks when lines that are left out still take memory */
    struct stat kept;
    for (unsigned i = 0; i < 100; i++) {
        print_lines(0, 1000);
        terminal_guard_trim();
    }
    ck_assert_int_eq(fstat(STDOUT_FILENO, &kept), 0);
    ck_assert_int_eq(kept.st_size, 1000000);
    ck_assert_int_le(kept.st_blocks * 512, 16384);
    (void)end();
}

TEST(a_line_without_an_end)
{
    /* breaks when one endless line is kept whole, or lost */
    for (unsigned i = 0; i < 500; i++)
        printf("0123456789");
    fflush(stdout);
    terminal_guard_trim();
    const char *all = end();
    ck_assert_uint_eq(strlen(all), 1000);
}

TEST_SUITE_WITH(terminal_guard, .set_up = set_up, .tear_down = tear_down)
