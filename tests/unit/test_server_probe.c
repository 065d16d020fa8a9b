/* What an answer to the question whether a server serves means. */

#include "common/server_probe.h"
#include "tests/support/check/suite.h"

TEST(test_judgement)
{
    /* Breaks when a server that serves nobody passes for one that does, or one that merely does not know
     * the question for one that serves nobody. */
    static const struct {
        const char *text;
        enum server_probe_answer answer;
    } cases[] = {
        {"NOPERM this user has no permissions to run the 'ping' command", PROBE_ANSWERED},
        {"MOVED 3999 127.0.0.1:6381", PROBE_ANSWERED},
        {"CLUSTERDOWN Hash slot not served", PROBE_ANSWERED},
        {"LOADING server is loading the dataset in memory", PROBE_NOT_YET},
        {"NOAUTH Authentication required.", PROBE_BARRED},
        {"DENIED Redis is running in protected mode", PROBE_BARRED},
        {"MASTERDOWN Link with MASTER is down", PROBE_BARRED},
        {"ERR max number of clients reached", PROBE_BARRED},
        {"ERR max number of clients + cluster connections reached", PROBE_BARRED},
        {"ERR unknown command 'PING', with args beginning with: ", PROBE_UNKNOWN},
        {"ERR unknown command", PROBE_UNKNOWN},
        {"ERR unknown commander", PROBE_REFUSED},
        {"MOVEDNOT", PROBE_REFUSED},
        {"MISCONF Errors writing to the AOF file", PROBE_REFUSED},
        {"", PROBE_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(probe_judge(cases[i].text) == cases[i].answer, "%s", cases[i].text);
}

TEST(test_words)
{
    /* Breaks when a question is asked with too few words, or something is said where nothing may be. */
    static const struct {
        enum server_probe probe;
        const char *first;
        size_t count;
    } cases[] = {
        {PROBE_PING, "PING", 1}, {PROBE_GET, "GET", 2},   {PROBE_ECHO, "ECHO", 2},
        {PROBE_ANY, "PING", 1},  {PROBE_NONE, "PING", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *words[PROBE_WORDS_MAX];
        ck_assert_uint_eq(probe_words(words, cases[i].probe), cases[i].count);
        ck_assert_str_eq(words[0], cases[i].first);
    }
}

TEST_SUITE(server_probe)
