
#include "orchestrator/server/reply_value.h"
#include "tests/support/check/suite.h"

static const char info[] = "# Server\r\nredis_version:7.0.15\r\nos:Linux 6.1 x86_64\r\n"
                           "executable:/usr/bin/redis-server\r\nconfig_file:\r\n\r\n"
                           "# Clients\r\nconnected_clients:12\r\nlast:x";

TEST(finds_whole_values)
{
    /* A value cut at a blank or a colon, or with the line's end in it. */
    char value[64];
    ck_assert(info_field(info, "redis_version", value, sizeof value));
    ck_assert_str_eq(value, "7.0.15");
    ck_assert(info_field(info, "os", value, sizeof value));
    ck_assert_str_eq(value, "Linux 6.1 x86_64");
    ck_assert(info_field(info, "connected_clients", value, sizeof value));
    ck_assert_str_eq(value, "12");
    ck_assert(info_field(info, "last", value, sizeof value));
    ck_assert_str_eq(value, "x");
}

TEST(matches_whole_names_only)
{
    /* "version" found inside "redis_version", or "connected" taken for "connected_clients". */
    char value[64] = "before";
    ck_assert(!info_field(info, "version", value, sizeof value));
    ck_assert_str_eq(value, "");
    ck_assert(!info_field(info, "connected", value, sizeof value));
    ck_assert(!info_field(info, "lastx", value, sizeof value));
    ck_assert(!info_field("", "os", value, sizeof value));
    ck_assert(!info_field("os", "os", value, sizeof value));
}

TEST(tells_empty_from_missing)
{
    /* An empty value taken for a missing field. */
    char value[64] = "before";
    ck_assert(info_field(info, "config_file", value, sizeof value));
    ck_assert_str_eq(value, "");
}

TEST(cuts_long_values)
{
    /* A long value written beyond its room, or the field not reported because of it. */
    char value[4];
    ck_assert(info_field(info, "redis_version", value, sizeof value));
    ck_assert_str_eq(value, "7.0");
}

TEST(takes_plain_line_feeds)
{
    /* A server that ends lines with LF alone. */
    char value[16];
    ck_assert(info_field("a:1\nb:2\n", "b", value, sizeof value));
    ck_assert_str_eq(value, "2");
}

TEST_SUITE(info_field)
