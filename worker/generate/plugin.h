/* volley's side of volley_plugin.h: a plug-in that makes the requests of a run, its trial, and what one of its
 * requests is made into. Its code runs in workers and in the child that tries it out, never in the orchestrator. What
 * it hands over is bounded here. */
#ifndef WORKER_GENERATE_PLUGIN_H
#define WORKER_GENERATE_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/lane.h"
#include "common/volley_plugin.h"

#define PLUGIN_ARGUMENTS_MAX 1048576u /* of one command: what servers take */
#define PLUGIN_COMMANDS_MAX 1024u     /* of one request */
#define PLUGIN_REQUEST_MAX_BYTES                                                                   \
    (512u << 20) /* of one request: what servers take of one argument */
#define PLUGIN_SAMPLE_BYTES 400u

/* What its trial found out. Plain: it goes through a pipe. */
struct plugin_found {
    uint32_t class_count; /* 1 and more */
    struct plugin_class {
        char name[CLASS_NAME_BYTES];
        uint32_t commands; /* of each request; 0: it differs */
    } classes[VOLLEY_PLUGIN_CLASSES_MAX];
    bool looks, delays;    /* it has reply, delay_ms */
    uint32_t sample_bytes; /* of its first request, the beginning */
    char sample[PLUGIN_SAMPLE_BYTES];
};

/* Constant from the fork on; texts live as long. */
struct plugin_source {
    const char *title; /* its file without folder and ending */
    const char *
        library; /* the shared object: the file itself, what was compiled of it, or the module that reads it */
    struct volley_settings settings; /* but for worker and trial */
    bool routed;                     /* slots of keys are wanted */
    struct plugin_found found;
};

/* One that has been opened. plugin_close in any case. */
struct plugin {
    void *library;
    const struct volley_plugin *table;
    void *state;
    bool begun;
};
/* E_CONFIG: it cannot be loaded, has no volley_plugin, is of another version, has nothing that makes requests, or its init
 * refuses; the plug-in and the reason. */
MUST_USE enum err_code plugin_open(struct plugin *plugin, struct plugin_found *found,
                                   const struct plugin_source *source, uint32_t worker, bool trial,
                                   struct err *err);
void plugin_close(struct plugin *plugin);

/* Where a plug-in's code runs: stored before each call, so that who dies in there is known. 0: nowhere. */
enum plugin_call {
    PLUGIN_NOWHERE,
    PLUGIN_INIT,
    PLUGIN_NEXT,
    PLUGIN_REPLY,
    PLUGIN_DELAY,
    PLUGIN_CLOSE
};
#define PLUGIN_AT(call, ticket) ((uint64_t)(call) | (uint64_t)(ticket) << 3)
/* "in next, of ticket 5". Returns text. */
const char *plugin_describe_call(char *text, size_t text_bytes, uint64_t at);

/* Opens, makes a few requests, closes. In a child of its own: it may crash, or never return. tell: is told before each
 * call. Errors as plugin_open, and those of plugin_next. */
MUST_USE enum err_code plugin_try(struct plugin_found *found, const struct plugin_source *source,
                                  void (*tell)(void *context, uint64_t at), void *context,
                                  struct err *err);

/* ---- one request */

/* plugin_request_begin makes it. Grows while next is called; the memory is kept for the next one, until plugin_request_free. */
struct plugin_request {
    struct volley_request request; /* first: what next is given */
    char *bytes;                   /* owned */
    size_t room_bytes;
    size_t first_byte, end_byte;  /* where the request stands in these */
    size_t command_byte;          /* where the command under way begins */
    uint32_t commands, arguments; /* ... how many there are before it; of it */
    bool routed, has_slot;
    uint16_t slot;
    uint64_t grown;    /* how often memory was asked for */
    const char *wrong; /* why it is none; NULL */
};
/* routed: slots of keys are wanted. */
void plugin_request_begin(struct plugin_request *request, bool routed);
/* Makes room ahead. False: no memory. */
bool plugin_request_reserve(struct plugin_request *request, size_t room_bytes);
void plugin_request_free(struct plugin_request *request);
/* The request of a ticket. E_CONFIG: next says that it cannot be made, or made what is none. */
MUST_USE enum err_code plugin_next(struct plugin_request *request, const struct plugin *plugin,
                                   const struct plugin_source *source,
                                   const struct plugin_found *found, uint64_t ticket,
                                   struct err *err);

#endif
