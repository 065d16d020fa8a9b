/* What a plug-in adds becomes RESP, whatever it adds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/slots.h"
#include "tests/support/check/suite.h"
#include "worker/generate/plugin.h"

#define COMMANDS_MAX 5u
#define ARGUMENTS_MAX 12u

/* What `next` below adds for a ticket: all of it is a function of that. */
static uint32_t commands_of(uint64_t ticket)
{
    return 1 + (uint32_t)(rng_at(1, ticket) % COMMANDS_MAX);
}

static uint32_t arguments_of(uint64_t ticket, uint32_t command)
{
    return 1 + (uint32_t)(rng_at(ticket, command) % ARGUMENTS_MAX);
}

/* Mostly short, now and then longer than the room there is. */
static size_t bytes_of(uint64_t ticket, uint32_t command, uint32_t argument)
{
    const uint64_t random = rng_at(ticket * 31 + command, argument);
    return random % 50 == 0 ? random >> 40 & 0xffff : random >> 40 & 31;
}

static char byte_of(uint64_t ticket, uint32_t argument, size_t at)
{
    return (char)rng_at(ticket + argument, at);
}

static bool next(void *state, uint64_t ticket, struct volley_request *request)
{
    static char bytes[65536];
    (void)state;
    for (uint32_t command = 0; command < commands_of(ticket); command++) {
        if (command > 0)
            request->begin_command(request);
        for (uint32_t argument = 0; argument < arguments_of(ticket, command); argument++) {
            const size_t byte_count = bytes_of(ticket, command, argument);
            for (size_t i = 0; i < byte_count; i++)
                bytes[i] = byte_of(ticket, argument, i);
            request->add(request, bytes, byte_count);
        }
    }
    return true;
}

/* A number behind this sign, and the line's end. */
static size_t take_length(const char **at, char sign)
{
    char *end;
    ck_assert_int_eq(**at, sign);
    ck_assert(sign == '$' || (*at)[1] != '0'); /* servers take no zeros in front */
    const size_t number = strtoul(*at + 1, &end, 10);
    ck_assert(end[0] == '\r' && end[1] == '\n');
    *at = end + 2;
    return number;
}

TEST(requests_are_resp)
{
    /* Breaks when an argument is cut or moved, a length does not fit, or memory that has grown is not copied. */
    const struct volley_plugin table = {VOLLEY_PLUGIN_VERSION, .next = next};
    const struct plugin plugin = {.table = &table};
    const struct plugin_source source = {.settings = {.file = "made.c"}};
    const struct plugin_found found = {.class_count = 1};
    struct plugin_request request;
    struct err err = {.code = OK};
    plugin_request_begin(&request, source.routed);
    for (uint64_t ticket = 0; ticket < 3000; ticket++) {
        ck_assert_msg(plugin_next(&request, &plugin, &source, &found, ticket, &err) == OK, "%s",
                      err.text);
        ck_assert_uint_eq(request.commands, commands_of(ticket));
        const char *at = request.bytes + request.first_byte;
        for (uint32_t command = 0; command < commands_of(ticket); command++) {
            ck_assert_uint_eq(take_length(&at, '*'), arguments_of(ticket, command));
            for (uint32_t argument = 0; argument < arguments_of(ticket, command); argument++) {
                const size_t byte_count = take_length(&at, '$');
                bool same = byte_count == bytes_of(ticket, command, argument);
                for (size_t i = 0; i < byte_count && same; i++)
                    same = at[i] == byte_of(ticket, argument, i);
                ck_assert(same);
                at += byte_count + 2;
            }
        }
        ck_assert_ptr_eq(at, request.bytes + request.end_byte);
    }
    plugin_request_free(&request);
}

static bool with_keys(void *state, uint64_t ticket, struct volley_request *request)
{
    (void)state;
    volley_add_text(request, "EVAL");
    volley_add_text(request, "script");
    if (ticket == 1)
        volley_add_key_text(request, "{a}1");
    if (ticket == 1)
        volley_add_key_text(request, "{b}1");
    if (ticket == 2) {
        request->begin_command(request);
        volley_add_text(request, "GET");
        volley_add_key_text(request, "{c}");
    }
    return true;
}

TEST(slots_of_keys)
{
    /* Breaks when another argument than the first key decides about the node. */
    static const char *const keys[] = {"script", "a", "c"};
    const struct volley_plugin table = {VOLLEY_PLUGIN_VERSION, .next = with_keys};
    const struct plugin plugin = {.table = &table};
    const struct plugin_source source = {.settings = {.file = "made.c"}, .routed = true};
    const struct plugin_found found = {.class_count = 1};
    struct plugin_request request;
    struct err err = {.code = OK};
    plugin_request_begin(&request, source.routed);
    for (uint64_t ticket = 0; ticket < 3; ticket++) {
        ck_assert_int_eq(plugin_next(&request, &plugin, &source, &found, ticket, &err), OK);
        ck_assert_uint_eq(request.slot, slots_of_key(keys[ticket], strlen(keys[ticket])));
    }
    plugin_request_free(&request);
}

TEST(arguments_of_a_plugin)
{
    /* Breaks when a name is found within another one, a value is not ended, or a missing one is not replaced. */
    char text[8];
    ck_assert_str_eq(volley_argument(text, sizeof text, "asize=1,size=2", "size", "0"), "2");
    ck_assert_str_eq(volley_argument(text, sizeof text, "size=123456789", "size", "0"), "1234567");
    ck_assert_str_eq(volley_argument(text, sizeof text, "size,x=,y", "size", "none"), "none");
    ck_assert_str_eq(volley_argument(text, sizeof text, "x=,y", "x", "none"), "");
    ck_assert_uint_eq(volley_argument_number("", "n", 7), 7);
    ck_assert_uint_eq(volley_argument_number("n=12", "n", 7), 12);
}

static bool with_numbers(void *state, uint64_t ticket, struct volley_request *request)
{
    (void)state;
    (void)ticket;
    volley_add_number(request, 0);
    volley_add_number(request, INT64_MIN);
    volley_add_number(request, INT64_MAX);
    return true;
}

TEST(numbers)
{
    /* Breaks when a number loses its sign, or its last digits. */
    static const char expected[] =
        "*3\r\n$1\r\n0\r\n$20\r\n-9223372036854775808\r\n$19\r\n9223372036854775807\r\n";
    const struct volley_plugin table = {VOLLEY_PLUGIN_VERSION, .next = with_numbers};
    const struct plugin plugin = {.table = &table};
    const struct plugin_source source = {.settings = {.file = "made.c"}};
    const struct plugin_found found = {.class_count = 1};
    struct plugin_request request;
    struct err err = {.code = OK};
    plugin_request_begin(&request, source.routed);
    ck_assert_int_eq(plugin_next(&request, &plugin, &source, &found, 0, &err), OK);
    ck_assert_uint_eq(request.end_byte - request.first_byte, sizeof expected - 1);
    ck_assert_mem_eq(request.bytes + request.first_byte, expected, sizeof expected - 1);
    plugin_request_free(&request);
}

TEST_SUITE(plugin)
