/* lua: what a request and a reply cost that a file of Lua makes and reads.
 *
 *   lua MODULE [FILE.lua...]
 *
 * Loads volley-lua.so as volley does, with a host that only counts what it is given. Prints "FILE request: N ns" and
 * "FILE reply: N ns": the best of nine rounds of 200,000. Figures only; nothing here passes or fails. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/volley_plugin.h"

#define CALLS 200000u
#define ROUNDS 9

static uint64_t bytes_given;

static void count_bytes(struct volley_request *request, const void *bytes, size_t byte_count)
{
    (void)request;
    (void)bytes;
    bytes_given += byte_count;
}

static void begin_command(struct volley_request *request)
{
    (void)request;
}

static double request_ns(const struct volley_plugin *plugin, void *state, uint64_t *ticket)
{
    const uint64_t began_ns = clock_now_ns();
    for (unsigned i = 0; i < CALLS; i++) {
        struct volley_request request = {
            .add = count_bytes, .add_key = count_bytes, .begin_command = begin_command};
        if (!plugin->next(state, (*ticket)++, &request)) {
            fprintf(stderr, "lua: %s\n", request.error);
            exit(EXIT_FAILURE);
        }
    }
    return (double)(clock_now_ns() - began_ns) / CALLS;
}

static double reply_ns(const struct volley_plugin *plugin, void *state)
{
    static const struct volley_reply reply = {
        .type = '+', .text = "OK", .text_bytes = 2, .integer = 2};
    const uint64_t began_ns = clock_now_ns();
    for (unsigned i = 0; i < CALLS; i++)
        (void)plugin->reply(state, i, &reply);
    return (double)(clock_now_ns() - began_ns) / CALLS;
}

static void measure(const struct volley_plugin *plugin, const char *file)
{
    const struct volley_settings settings = {
        .file = file, .arguments = "", .seed = 1, .data_bytes = 16, .key_count = 1000000};
    struct volley_setup setup = {.class_count = 0};
    void *state = NULL;
    if (!plugin->init(&state, &settings, &setup)) {
        fprintf(stderr, "lua: %s\n", setup.error);
        exit(EXIT_FAILURE);
    }
    double request = 0, reply = 0;
    uint64_t ticket = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const double one = request_ns(plugin, state, &ticket), other = reply_ns(plugin, state);
        request = round == 0 || one < request ? one : request;
        reply = round == 0 || other < reply ? other : reply;
    }
    printf("%s request: %.0f ns\n", file, request);
    if (!setup.without_replies)
        printf("%s reply: %.0f ns\n", file, reply);
    plugin->close(state);
}

int main(int argc, char **argv)
{
    void *module = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    const struct volley_plugin *plugin =
        module != NULL ? (const struct volley_plugin *)dlsym(module, "volley_plugin") : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "lua: %s\n", argc > 1 ? dlerror() : "which module?");
        return EXIT_FAILURE;
    }
    for (int i = 2; i < argc; i++)
        measure(plugin, argv[i]);
    return EXIT_SUCCESS;
}
