#include <string.h>

#include "common/redirect.h"
#include "tests/support/check/suite.h"

#define LONG_127                                                                                   \
    "a2345678901234567890123456789012345678901234567890123456789012"                               \
    "34567890123456789012345678901234567890123456789012345678901234567"

static const struct {
    const char *text;
    struct redirect wanted;
} good[] = {
    {"MOVED 3999 127.0.0.1:6381", {REDIRECT_MOVED, 3999, 6381, "127.0.0.1"}},
    {"ASK 0 127.0.0.1:1", {REDIRECT_ASK, 0, 1, "127.0.0.1"}},
    {"MOVED 16383 ::1:65535", {REDIRECT_MOVED, 16383, 65535, "::1"}},
    {"MOVED 1 2001:db8::7:7000", {REDIRECT_MOVED, 1, 7000, "2001:db8::7"}},
    {"ASK 1 [2001:db8::7]:7000", {REDIRECT_ASK, 1, 7000, "2001:db8::7"}},
    {"MOVED 1 node-3.example.com:7000", {REDIRECT_MOVED, 1, 7000, "node-3.example.com"}},
    {"MOVED 3999 :6381", {REDIRECT_MOVED, 3999, 6381, ""}},
    {"MOVED 3999 ?:6381", {REDIRECT_MOVED, 3999, 6381, ""}},
    {"MOVED 5 " LONG_127 ":6381", {REDIRECT_MOVED, 5, 6381, LONG_127}},
    {"TRYAGAIN Multiple keys request during rehashing of slot", {.kind = REDIRECT_TRYAGAIN}},
    {"TRYAGAIN", {.kind = REDIRECT_TRYAGAIN}},
    {"CLUSTERDOWN The cluster is down", {.kind = REDIRECT_CLUSTERDOWN}},
    {"CLUSTERDOWN Hash slot not served", {.kind = REDIRECT_CLUSTERDOWN}},
};

LOOP_TEST(what_servers_write, sizeof good / sizeof good[0])
{
    /* Breaks when a request is sent on to another place than the server named. */
    struct redirect redirect;
    memset(&redirect, 0xA5, sizeof redirect);
    const struct redirect *wanted = &good[_i].wanted;
    ck_assert_int_eq(redirect_parse(&redirect, good[_i].text, strlen(good[_i].text)), wanted->kind);
    ck_assert_int_eq(redirect.kind, wanted->kind);
    ck_assert_uint_eq(redirect.slot, wanted->slot);
    ck_assert_uint_eq(redirect.port, wanted->port);
    ck_assert_str_eq(redirect.host, wanted->host);
}

static const char *const rubbish[] = {
    "",
    "MOVED",
    "MOVED ",
    "MOVED 1",
    "MOVED 1 ",
    "MOVED 1 host",
    "MOVED 1 host:",
    "MOVED 1 host:0",
    "MOVED 1 host:65536",
    "MOVED 1 host:99999999999999999999",
    "MOVED 1 host:7000 and more",
    "MOVED 1 host:7000\r\n",
    "MOVED 1 two hosts:7000",
    "MOVED 1 \x01:7000",
    "MOVED 16384 host:7000",
    "MOVED -1 host:7000",
    "MOVED +1 host:7000",
    "MOVED x host:7000",
    "MOVED  host:7000",
    ("MOVED 1 " LONG_127 "8:6381"),
    "moved 1 host:7000",
    "MOVEDx 1 host:7000",
    "ASKING 1 host:7000",
    "TRYAGAINx",
    "ERR MOVED 1 host:7000",
    " MOVED 1 host:7000",
};

LOOP_TEST(what_makes_no_sense, sizeof rubbish / sizeof rubbish[0])
{
    /* Breaks when an error that is no redirect, or half of one, is followed. */
    struct redirect redirect;
    ck_assert_int_eq(redirect_parse(&redirect, rubbish[_i], strlen(rubbish[_i])), REDIRECT_NONE);
    ck_assert_int_eq(redirect.kind, REDIRECT_NONE);
}

TEST(reads_no_further)
{
    /* Breaks when what stands behind the reply in the buffer is read as part of it. */
    struct redirect redirect;
    const char text[] = "MOVED 3999 127.0.0.1:63810";
    ck_assert_int_eq(redirect_parse(&redirect, text, strlen(text) - 1), REDIRECT_MOVED);
    ck_assert_uint_eq(redirect.port, 6381);
    for (size_t cut = 0; cut < strlen("MOVED 3999 127.0.0.1:6"); cut++)
        ck_assert_int_eq(redirect_parse(&redirect, text, cut), REDIRECT_NONE);
}

TEST_SUITE(redirect)
