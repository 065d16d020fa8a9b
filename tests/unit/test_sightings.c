/* What was seen of servers, as messages tell it. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/server/sightings.h"
#include "tests/support/check/suite.h"

static struct sightings seen;

static void see(const char *host, uint16_t port, bool coming, const char *state)
{
    struct sighting sighting = {.role = coming ? "replica" : "primary", .coming = coming};
    snprintf(sighting.name.host, sizeof sighting.name.host, "%s", host);
    sighting.name.port = port;
    snprintf(sighting.state, sizeof sighting.state, "%s", state);
    sightings_add(&seen, &sighting);
}

TEST(as_text)
{
    /* Breaks when a node is left out of a message, told twice, or tells the terminal what to do. */
    char text[200];
    see("10.0.0.1", 7000, false, "online");
    see("::1", 7003, true, "load\x1b[31ming");
    see("10.0.0.1", 7000, false, "fail");
    ck_assert_str_eq(sightings_text(text, sizeof text, &seen, false),
                     "10.0.0.1:7000 primary online, [::1]:7003 replica load?[31ming");
    ck_assert_str_eq(sightings_text(text, sizeof text, &seen, true),
                     "[::1]:7003 replica load?[31ming");
    ck_assert_uint_eq(sightings_coming(&seen), 1);
    sightings_forget(&seen);
    ck_assert_str_eq(sightings_text(text, sizeof text, &seen, false), "");
    sightings_free(&seen);
}

TEST(more_than_can_be)
{
    /* Breaks when a server can fill the memory, and take the time, with nodes that it makes up. */
    for (unsigned i = 0; i < SIGHTINGS_MAX + 10; i++) {
        char host[16];
        snprintf(host, sizeof host, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        see(host, 1, true, "loading");
    }
    ck_assert_uint_eq(seen.count, SIGHTINGS_MAX);
    sightings_free(&seen);
}

TEST(more_than_fit)
{
    /* Breaks when many nodes overrun a message, or those cut off are not counted. */
    char text[100];
    for (uint16_t port = 1; port <= 2000; port++)
        see("10.0.0.1", port, false, "online");
    for (size_t bytes = 30; bytes <= sizeof text; bytes++) {
        unsigned shown = 0, more = 0;
        memset(text, '#', sizeof text);
        sightings_text(text, bytes, &seen, false);
        ck_assert_ptr_nonnull(memchr(text, '\0', bytes));
        for (const char *at = text; (at = strstr(at, "online")) != NULL; at++)
            shown++;
        const char *rest = strstr(text, "and ");
        ck_assert_ptr_nonnull(rest);
        ck_assert_int_eq(sscanf(rest, "and %u more", &more), 1);
        ck_assert_uint_eq(shown + more, 2000);
    }
    sightings_free(&seen);
}

TEST_SUITE(sightings)
