#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/support/check/suite.h"

#define FULL_BYTES 65536

/* stderr goes to a file for the time of a test; Check forks for each. */
static char stderr_path[] = "/tmp/volley-test-log-stderr-XXXXXX";
static char file_path[] = "/tmp/volley-test-log-file-XXXXXX";

static void set_up(void)
{
    int fd = mkstemp(stderr_path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    close(fd);
    fd = mkstemp(file_path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static int make_fifo(const char *unused, const char *path)
{
    (void)unused;
    return mkfifo(path, 0600);
}

static void tear_down(void)
{
    unlink(stderr_path);
    unlink(file_path);
}

static const char *content_of(const char *path)
{
    static char content[8192];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
    return content;
}

TEST(levels)
{
    /* Breaks when a warning is hidden, or a quiet run talks. */
    log_line(LOG_WARNING, "seen %d", 1);
    log_line(LOG_INFO, "not seen");
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "seen %d", 2);
    log_set_level(LOG_ERROR);
    log_line(LOG_WARNING, "not seen");
    log_line(LOG_ERROR, "seen %d", 3);
    ck_assert_str_eq(content_of(stderr_path), "volley: seen 1\nvolley: seen 2\nvolley: seen 3\n");
}

TEST(file_gets_everything)
{
    /* Breaks when volley.log lacks what a later question needs: all levels, with time and level. */
    struct err err = {OK, ""};
    for (unsigned round = 0; round < 2; round++) {
        ck_assert_int_eq(log_to_file(file_path, &err), OK);
        log_line(LOG_DEBUG, "detail %u", round);
        ck_assert_int_eq(log_to_file(NULL, &err), OK);
        log_line(LOG_DEBUG, "after the end");
    }
    unsigned year = 0;
    unsigned found[2] = {9, 9};
    ck_assert_int_eq(sscanf(content_of(file_path),
                            "%4u-%*2u-%*2uT%*2u:%*2u:%*2uZ [DEBUG] detail %u\n"
                            "%*4u-%*2u-%*2uT%*2u:%*2u:%*2uZ [DEBUG] detail %u\n",
                            &year, &found[0], &found[1]),
                     3);
    ck_assert_uint_ge(year, 2024);
    ck_assert_uint_eq(found[0], 0);
    ck_assert_uint_eq(found[1], 1);
    ck_assert_ptr_null(strstr(content_of(file_path), "after the end"));
    ck_assert_str_eq(content_of(stderr_path), "");
}

TEST(unopenable_file_is_an_error)
{
    /* Breaks when an unwritable --out is noticed only after the run. */
    struct err err = {OK, ""};
    ck_assert_int_eq(log_to_file("/nonexistent/volley.log", &err), E_SYSTEM);
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/volley.log"));
    log_line(LOG_ERROR, "still said");
    ck_assert_str_eq(content_of(stderr_path), "volley: still said\n");
}

TEST(only_a_file_of_its_own)
{
    /* Breaks when somebody else's link or fifo under the log's name is written to, or waited for. */
    char path[sizeof file_path + sizeof "-link"];
    struct err err = {OK, ""};
    snprintf(path, sizeof path, "%s-link", file_path);
    int (*const makers[])(const char *target, const char *link) = {symlink, link, make_fifo};
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        ck_assert_int_eq(makers[i](file_path, path), 0);
        ck_assert_int_eq(log_to_file(path, &err), E_USAGE);
        unlink(path);
        log_line(LOG_INFO, "not in it");
        ck_assert_str_eq(content_of(file_path), "");
    }
}

TEST(full_disk_ends_the_file_once)
{
    /* Breaks when a full disk stops the run or is said at every line. */
    struct err err = {OK, ""};
    /* The limit of a file's size is that full disk: the log has come to it, and stderr has not. */
    struct rlimit limit = {FULL_BYTES, RLIM_INFINITY};
    ck_assert_int_eq(truncate(file_path, FULL_BYTES), 0);
    ck_assert_int_eq(log_to_file(file_path, &err), OK);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    log_line(LOG_INFO, "one");
    log_line(LOG_INFO, "two");
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    const char *said = content_of(stderr_path);
    ck_assert_ptr_nonnull(strstr(said, "log file"));
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
}

TEST(progress_line_is_ended_first)
{
    /* Breaks when a warning is glued to the progress line on the terminal. */
    log_progress_line(40);
    log_line(LOG_INFO, "below the level: the progress line stays");
    log_line(LOG_WARNING, "first");
    log_line(LOG_WARNING, "second");
    log_progress_line(40);
    log_progress_line(0);
    log_line(LOG_WARNING, "third");
    ck_assert_str_eq(content_of(stderr_path), "\nvolley: first\nvolley: second\nvolley: third\n");
}

TEST(one_message_is_one_line)
{
    /* Breaks when a server's error text forges log lines or moves the terminal's cursor. */
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    log_line(LOG_ERROR, "a\nb\x1b[2Jc\r");
    ck_assert_str_eq(content_of(stderr_path), "volley: a b [2Jc \n");
    log_line(LOG_ERROR, "%s", long_text);
    ck_assert_uint_gt(strlen(content_of(stderr_path)), 1000);
}

TEST(level_names)
{
    /* Breaks when --log-level takes a word for another level. */
    static const struct {
        const char *text;
        enum log_level level;
    } good[] = {{"error", LOG_ERROR},
                {"CRITICAL", LOG_ERROR},
                {"Warning", LOG_WARNING},
                {"info", LOG_INFO},
                {"DEBUG", LOG_DEBUG}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        enum log_level level = good[i].level == LOG_ERROR ? LOG_DEBUG : LOG_ERROR;
        ck_assert(log_level_parse(&level, good[i].text));
        ck_assert_int_eq(level, good[i].level);
    }
    static const char *const bad[] = {"", "err", "errors", " info", "verbose", "3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum log_level level = LOG_INFO;
        ck_assert_msg(!log_level_parse(&level, bad[i]), "%s", bad[i]);
        ck_assert_int_eq(level, LOG_INFO);
    }
}

TEST_SUITE_WITH(log, .set_up = set_up, .tear_down = tear_down)
