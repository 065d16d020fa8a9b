/* A plug-in for volley: requests of your own, written in C.
 *
 *   volley bench -t custom --custom-command-file requests.c --custom-command-args size=100
 *
 * A plug-in is a shared object (.so), or one C file, which volley compiles with the system's cc, that defines
 *
 *   const struct volley_plugin volley_plugin = {VOLLEY_PLUGIN_VERSION, .next = next};
 *
 * Each worker process has the plug-in to itself and calls it from one thread: first init, then next for each request and reply
 * for each answer, at last close. Nothing is called twice at a time, and no call may wait for anything: while it
 * does, no request is sent. What it writes to standard output or error goes where volley's does. Before a run volley
 * tries it out in a process of its own: init, a few times next, close.
 *
 * This header is all that a plug-in needs; it includes nothing of volley's, and what it says stays as it is within a version.
 * volley's own side of it is worker/generate/plugin.h. */
#ifndef VOLLEY_PLUGIN_H
#define VOLLEY_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VOLLEY_PLUGIN_VERSION 1u
#define VOLLEY_PLUGIN_CLASSES_MAX 16u
#define VOLLEY_PLUGIN_STRINGS_MAX 64u /* of one reply that are handed over */

/* What a run wants of its requests. Valid until close. */
struct volley_settings {
    const char *file;      /* of the plug-in, as --custom-command-file has it */
    const char *arguments; /* --custom-command-args; "" without */
    uint64_t seed;         /* --seed */
    uint64_t data_bytes;   /* -d */
    uint64_t key_count;    /* -r, or --sequential; 0: neither */
    uint64_t first_key;    /* --keyspace-offset */
    bool sequential;       /* --sequential */
    uint32_t worker;       /* 0, 1, ... */
    bool trial;            /* tried out before the run: nothing that is asked for will be sent */
};

/* What init says of the requests to come. Filled with zeros before. */
struct volley_setup {
    uint32_t class_count; /* 0: one, called after the plug-in's file */
    struct volley_class {
        const char *name;  /* letters, digits, . _ - ; valid until close */
        uint32_t commands; /* of each of its requests; 0: it differs */
    } classes[VOLLEY_PLUGIN_CLASSES_MAX];
    bool without_replies,
        without_delay; /* reply, delay_ms need not be called: as if they were NULL */
    char error[256];   /* why init failed, for the user */
};

/* The request that next makes. Its functions copy what they are given. */
struct volley_request {
    uint32_t class_index; /* set it where there are several classes; 0 before */
    /* Adds an argument to the command, the first being its name. */
    void (*add)(struct volley_request *request, const void *bytes, size_t byte_count);
    /* The same for a key: the first one decides about the node in a cluster. Without any it is the first command's second
     * argument. */
    void (*add_key)(struct volley_request *request, const void *bytes, size_t byte_count);
    /* What is added from now on is another command of the same request: all are sent together, and the request is done
     * with the last reply. */
    void (*begin_command)(struct volley_request *request);
    char error[256]; /* why next failed, for the user */
};

/* A reply to one command. Valid during the call. */
struct volley_reply {
    uint32_t class_index;
    uint32_t command; /* of the request: 0, 1, ... */
    char type;        /* its first byte: '+' '-' ':' '$' '*' and those of RESP3 */
    bool is_error, is_null;
    int64_t integer; /* the number; the length of a string; how many elements there are; -1: null */
    const char *text;  /* of a status, an error, a number or a string; not ended by a zero */
    size_t text_bytes; /* of a string at most 64 KiB: the rest is not kept */
    struct volley_string {
        const char *bytes; /* NULL: a null stands there */
        size_t byte_count;
    } strings
        [VOLLEY_PLUGIN_STRINGS_MAX]; /* bulk strings within an array, in their order, at whatever depth */
    uint32_t string_count;           /* of these; there may have been more */
};

struct volley_plugin {
    uint32_t version; /* VOLLEY_PLUGIN_VERSION */
    /* Once in each worker, before the first request. *state is handed to the other functions. false: the run does not begin,
     * and setup->error is shown. NULL: nothing is to be prepared. */
    bool (*init)(void **state, const struct volley_settings *settings, struct volley_setup *setup);
    /* The request of this ticket: tickets are numbers from 0 on that are shared out over workers. false: it cannot be
     * made, and the run ends with an error. Needed. */
    bool (*next)(void *state, uint64_t ticket, struct volley_request *request);
    /* A reply to a command of the request of this ticket. false: the request has failed, and is counted as an error
     * of the kind PLUGIN; an error reply is one anyhow. NULL: nobody looks at replies, which costs nothing. */
    bool (*reply)(void *state, uint64_t ticket, const struct volley_reply *reply);
    /* Milliseconds that a connection waits before its next request, asked when it has been answered; closed loop only.
     * NULL: it does not wait. */
    double (*delay_ms)(void *state);
    void (*close)(void *state);
};

extern const struct volley_plugin volley_plugin;

/* ---- Helpers, which a plug-in may use. */

static inline void volley_add_text(struct volley_request *request, const char *text)
{
    request->add(request, text, strlen(text));
}

/* In decimal, without an end: returns how many bytes were written, at most 20. Much quicker than snprintf. */
static inline size_t volley_write_number(char *text, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++)
        text[i] = digits[count - 1 - i];
    return count;
}

static inline void volley_add_number(struct volley_request *request, int64_t number)
{
    char text[24];
    text[0] = '-';
    const size_t sign = number < 0;
    const uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    request->add(request, text, sign + volley_write_number(text + sign, size));
}

static inline void volley_add_key_text(struct volley_request *request, const char *text)
{
    request->add_key(request, text, strlen(text));
}

/* The value of a name in arguments such as "operation=mset,batch_size=10", or `otherwise`: text, cut to byte_count - 1. */
static inline const char *volley_argument(char *text, size_t byte_count, const char *arguments,
                                          const char *name, const char *otherwise)
{
    const size_t name_bytes = strlen(name);
    for (const char *at = arguments; *at != '\0'; at += *at == ',') {
        const size_t bytes = strcspn(at, ",");
        if (bytes > name_bytes && strncmp(at, name, name_bytes) == 0 && at[name_bytes] == '=') {
            const size_t value_bytes = bytes - name_bytes - 1;
            const size_t kept = value_bytes < byte_count ? value_bytes : byte_count - 1;
            memcpy(text, at + name_bytes + 1, kept);
            text[kept] = '\0';
            return text;
        }
        at += bytes;
    }
    snprintf(text, byte_count, "%s", otherwise);
    return text;
}

static inline uint64_t volley_argument_number(const char *arguments, const char *name,
                                              uint64_t otherwise)
{
    char text[32];
    volley_argument(text, sizeof text, arguments, name, "");
    return text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

/* The first argument whose name is none of these, for a refusal that names it; NULL: there is none. Up to its comma. */
static inline const char *volley_argument_other_than(const char *arguments,
                                                     const char *const *names, size_t name_count)
{
    for (const char *at = arguments; *at != '\0'; at += *at == ',') {
        const size_t name_bytes = strcspn(at, "=,");
        bool known = name_bytes == 0 && *at == ',';
        for (size_t i = 0; i < name_count && !known; i++)
            known = strlen(names[i]) == name_bytes && memcmp(names[i], at, name_bytes) == 0;
        if (!known)
            return at;
        at += strcspn(at, ",");
    }
    return NULL;
}

#endif
