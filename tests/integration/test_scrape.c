/* --scrape: another program's series on the time axis of a run. The other program is a run that listens. */
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check/http_client.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program other, program;
static char directory[200], url[100];

static void set_up(void)
{
    temp_tree_make(&tree);
}

static void start_other(void)
{
    snprintf(directory, sizeof directory, "%s/run", tree.path);
    program_start_volley(&other, "bench", "--null", "-r", "100", "-t", "get", "--qps", "500",
                         "--duration", "50", "--interval", "200ms", "--listen", "0", NULL);
    program_wait_text(&other, PROGRAM_ERR, "the live page is at ");
    char *said = program_output(&other, PROGRAM_ERR);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/metrics", http_port_in(said));
    free(said);
}

static void tear_down(void)
{
    program_free(&other);
    program_free(&program);
    temp_tree_remove(&tree);
}

static json_t *scraped_of(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", path, error.text);
    const json_t *run = json_array_get(json_object_get(root, "runs"), 0);
    json_t *scraped = json_incref(json_object_get(run, "scraped"));
    json_decref(root);
    return scraped;
}

TEST(test_a_series_is_kept)
{
    /* Breaks when a series is not on the run's axis, or a report from the journal has lost it. */
    char scrape[400], path[300];
    start_other();
    snprintf(scrape, sizeof scrape,
             "%s#volley_target_rate,%s#volley_connections{op=\"GET\"},%s#volley_nothing", url, url,
             url);
    program_run_volley(&program, "bench", "--null", "-r", "100", "-t", "set", "--qps", "100",
                       "--duration", "3", "--out", directory, "--scrape", scrape, NULL);
    program_expect_status(&program, 0);
    program_expect_text(program.out, "Scraped:");
    program_expect_text(program.out, "volley_target_rate: mean 500");
    program_expect_text(program.err, "has no series volley_nothing");
    program_free(&program);
    for (int round = 0; round < 2; round++) {
        snprintf(path, sizeof path, "%s/run.json", directory);
        if (round == 1) {
            snprintf(path, sizeof path, "%s/again.json", tree.path);
            program_run_volley(&program, "report", directory, "--json", path, NULL);
            program_expect_status(&program, 0);
        }
        json_t *scraped = scraped_of(path);
        ck_assert_uint_eq(json_array_size(scraped), 2);
        const json_t *rate = json_array_get(scraped, 0);
        ck_assert_str_eq(json_string_value(json_object_get(rate, "name")), "volley_target_rate");
        ck_assert_double_eq(json_number_value(json_object_get(rate, "max")), 500);
        ck_assert_int_ge(json_integer_value(json_object_get(rate, "count")), 1);
        json_decref(scraped);
    }
}

TEST(test_nobody_answers)
{
    /* Breaks when an endpoint that is not there holds a run up, ends it, or is told of each second. */
    char scrape[100];
    const uint16_t port = support_free_port();
    snprintf(scrape, sizeof scrape, "http://127.0.0.1:%u/metrics#x", port);
    program_run_volley(&program, "bench", "--null", "-r", "100", "-t", "set", "--qps", "100",
                       "--duration", "3", "--scrape", scrape, NULL);
    program_expect_status(&program, 0);
    const char *said = strstr(program.err, "does not answer");
    ck_assert_msg(said != NULL, "%s", program.err);
    ck_assert_ptr_null(strstr(said + 1, "does not answer"));
}

/* Greets who connects with head, and goes on with a bit of the rest five times a second. */
static void drip(int listener, const char *head, const char *bit)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        ssize_t sent = fd >= 0 ? send(fd, head, strlen(head), MSG_NOSIGNAL) : -1;
        while (sent >= 0) {
            support_sleep_ms(200);
            sent = send(fd, bit, strlen(bit), MSG_NOSIGNAL);
        }
        if (fd >= 0)
            close(fd);
    }
}

static const struct {
    const char *head, *bit;
} drops[] = {
    {"HTTP/1.1 200 OK\r\nX-Long: ", "x"},
    {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", "x"},
};

#define DROPS (sizeof drops / sizeof drops[0])

TEST(test_an_answer_that_has_no_end)
{
    /* Breaks when an endpoint that sends a byte now and then is waited for for ever, and nobody is told, or each time. */
    char scrapes[DROPS][100], why[100];
    pid_t children[DROPS];
    uint16_t ports[DROPS];
    for (size_t i = 0; i < DROPS; i++) {
        const int listener = support_listen(&ports[i]);
        children[i] = fork();
        if (children[i] == 0)
            drip(listener, drops[i].head, drops[i].bit);
        ck_assert_int_gt(children[i], 0);
        close(listener);
        snprintf(scrapes[i], sizeof scrapes[i], "http://127.0.0.1:%u/metrics#x", ports[i]);
    }
    program_run_volley(&program, "bench", "--null", "-r", "100", "-t", "set", "--qps", "100",
                       "--duration", "14", "--scrape", scrapes[0], "--scrape", scrapes[1],
                       "--scrape", scrapes[2], NULL);
    for (size_t i = 0; i < DROPS; i++) {
        ck_assert_int_eq(kill(children[i], SIGKILL), 0);
        ck_assert_int_eq(waitpid(children[i], NULL, 0), children[i]);
    }
    program_expect_status(&program, 0);
    for (size_t i = 0; i < DROPS; i++) {
        snprintf(why, sizeof why, "http://127.0.0.1:%u/metrics has no whole answer within 5 s",
                 ports[i]);
        const char *said = strstr(program.err, why);
        ck_assert_msg(said != NULL, "%s: %s", why, program.err);
        ck_assert_ptr_null(strstr(said + 1, why));
    }
}

TEST_SUITE_WITH(scrape, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
