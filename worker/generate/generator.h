/* Which request is ticket k. A kind of requests is one table of functions; the template of a workload is the
 * first (workload_generator.c), tests have another.
 *
 * Called by the worker from its loop; nothing allocates after open. A generator that is pure gives the same
 * bytes for a ticket again at any time. One that is not keeps what it has drawn for a slot until its last reply
 * has come, or drop: the rest of a half-written request, and a request that a node sent elsewhere,
 * are rendered anew. */
#ifndef WORKER_GENERATE_GENERATOR_H
#define WORKER_GENERATE_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/lane.h"
#include "common/resp.h"
#include "common/stamp.h"
#include "worker/generate/command_rules.h"
#include "worker/generate/plugin.h"
#include "worker/generate/workload.h"
#include "worker/slot_list.h"

/* Requests that are told apart; there are at most CLASSES_MAX. */
struct request_class {
    const char *name;
    uint32_t replies; /* to each request, 1 or more */
    uint32_t
        behind; /* so many of the last ones have no key: a request goes elsewhere by those ahead of them */
    uint32_t on_miss,
        then; /* the class of the request that follows a miss; any answer that is no error; 0: none does */
    bool until_hit; /* is asked again until it finds something */
    /* Commands of one request that have figures of their own: so many from that number on, one a reply. Of a
     * transaction the results come with its last reply, and the first one is MULTI's. */
    uint32_t first_part, part_count;
    bool is_transaction;
    bool follows_only; /* no ticket is of it */
    bool reads_only;   /* all of its commands, as far as that is known: a replica can serve it */
    uint32_t feeds;    /* a bit for each consumer that gets its messages (consume_plan.h) */
    /* Commands that give a server what a request needs, sent ahead of one that was refused for want of it, and their
     * replies, which are passed over; load_count 0: there is nothing of the kind. */
    const char *load;
    size_t load_bytes;
    uint32_t load_count;
    /* What reply `index` to a request of this class says about hits and misses. */
    enum read_kind (*read_kind)(const void *state, uint32_t class, uint32_t index);
    const uint64_t (
        *least)[COMMAND_LEAST_NUMBERS]; /* by reply: of READ_AT_LEAST, what was asked for */
};

/* Of a class of a file's mix all but read_kind, for the generators of mixes. */
struct mix;
struct request_class mix_request_class(const struct mix *mix, uint32_t class);

/* What the replies to a request came to, where somebody looks at their strings; the counters of an interval in their
 * order. */
enum check_count {
    CHECK_VERIFIED,
    CHECK_UNVERIFIED,
    CHECK_CORRUPTED,
    CHECK_STALE,
    CHECK_LOST,
    CHECK_WALKS, /* that came to their end */
    CHECK_COUNTS
};

/* What goes out in front of a request whose slot says so (asking): room for it. */
#define GENERATOR_AHEAD_BYTES 64u

struct generator {
    const char *name;
    /* Once in each worker, after the fork. source: what the run gave it; state: handed to all others. */
    enum err_code (*open)(void **state, const void *source, uint32_t worker, struct err *err);
    void (*close)(void *state);
    const struct request_class *(*classes)(const void *state, uint32_t *count);
    size_t (*most_bytes)(const void *state); /* of one request */
    /* Of slot->ticket: slot->bytes and slot->class. NULL: all have class 0 and most_bytes; slots do not say so. */
    void (*draw)(void *state, struct request_slot *slot);
    /* Of a request that follows a miss, whose class the slot says: slot->bytes. NULL: there are none. */
    void (*measure)(void *state, struct request_slot *slot);
    /* Whether requests carry stamps; then this one, which is filled in before each is rendered. Once, before the start.
     * NULL: none does. */
    bool (*use_stamp)(void *state, const struct stamp *stamp);
    /* The hash slot of its first key; where there are nodes. */
    uint16_t (*key_slot)(const void *state, const struct request_slot *slot);
    /* Its slot->bytes bytes, or a part of them. Hot path. */
    void (*render)(const void *state, const struct request_slot *slot, char *out);
    void (*render_part)(const void *state, const struct request_slot *slot, size_t from_byte,
                        size_t byte_count, char *out);
    /* The command in front of it, whose reply is passed over. NULL: ASKING. */
    size_t (*ahead)(const void *state, const struct request_slot *slot,
                    char text[GENERATOR_AHEAD_BYTES]);
    /* Of a request whose class says that it differs (replies 0): how many there will be. NULL: there are none. */
    uint32_t (*replies)(const void *state, const struct request_slot *slot);
    /* Reply `index` to it has come. False: the request has failed, whatever the server says. NULL: nobody looks at
     * replies, and that costs nothing. */
    bool (*reply)(void *state, const struct request_slot *slot, uint32_t index,
                  const struct resp_reply *reply);
    const char *
        refusal; /* what a failure by reply is called among the errors, a word and a text; NULL: a plug-in's */
    /* It has its last reply. For who keeps what was drawn and does not look at replies; NULL: nothing is kept, or reply
     * tells. */
    void (*answered)(void *state, const struct request_slot *slot);
    /* Room for so many requests that are drawn and have neither their last reply nor been dropped. Once, before the
     * start. NULL: none is needed. */
    enum err_code (*reserve)(void *state, uint64_t requests, struct err *err);
    /* With these, the strings of reply `index` are looked at as they come: how long one is (-1: a null in its place),
     * and its bytes, ahead of the reply. And once all replies are there, ahead of whatever follows: what that came to,
     * which is added to counts. All three or none; nothing else costs anything without them. */
    void (*string)(void *state, const struct request_slot *slot, uint32_t index,
                   int64_t byte_count);
    void (*bytes)(void *state, const struct request_slot *slot, const char *bytes,
                  size_t byte_count);
    void (*settle)(void *state, const struct request_slot *slot, bool from_replica,
                   uint64_t counts[CHECK_COUNTS]);
    /* No (further) reply will come to it, or it never was sent. NULL: nothing is kept. */
    void (*drop)(void *state, const struct request_slot *slot);
    /* Why it can make no more requests, which ends the run: asked at each tick; until then those it makes mean nothing.
     * NULL: it always can. */
    enum err_code (*failed)(const void *state, struct err *err);
    /* Allocations that code of the user's brought about, which may. NULL: none. */
    uint64_t (*grown)(const void *state);
    /* Whether connections of a closed loop wait before their next request; then, each time, for how long. NULL: as
     * --think-time says. */
    bool (*delays)(const void *state);
    uint64_t (*delay_ns)(void *state);
};

/* Their source is a compiled workload: of one template, or of a file; the last one's requests are of one class and
 * one length. */
extern const struct generator workload_generator, mix_generator, mix_alike_generator;
/* Of a workload of a file that has walks (mix_walks). */
extern const struct generator walk_generator;
/* Of a workload of a file whose values are checked; its source is a struct check_source (check_plan.h). */
extern const struct generator check_generator;
/* Of a workload of a live plan; the second one checks values. */
extern const struct generator live_generator, live_checking_generator;
/* Of a plug-in; the second one looks at replies. */
struct plugin_desk_source {
    const struct plugin_source *plugin;
    _Atomic uint64_t *inside; /* PLUGIN_AT, while its code runs */
    uint64_t *
        stop_at_ns; /* set to now when it can make no more requests: nothing is sent from then on */
};
extern const struct generator plugin_generator, plugin_looking_generator;
const struct generator *generator_of(const struct workload *workload);

/* What a worker makes its requests with. */
struct generation {
    const struct generator *kind;
    void *state;
    const struct request_class *classes;
    uint32_t class_count;
    uint32_t weighted_count;  /* classes of tickets; those behind them follow others */
    uint32_t part_count;      /* of all classes, at most PARTS_MAX */
    uint32_t bytes;           /* of every request; 0: they differ */
    size_t most_bytes;        /* of one request                   */
    bool one_reply;           /* one class, and one reply to each */
    enum read_kind read_kind; /* of that one */
    /* Several classes: a bit for each that has one reply, which nobody looks at, and nothing follows; and what that
     * one says of hits. */
    uint32_t usual_classes;
    enum read_kind usual_kinds[CLASSES_MAX];
};

MUST_USE enum err_code generation_open(struct generation *generation, const struct generator *kind,
                                       const void *source, uint32_t worker, struct err *err);
void generation_close(struct generation *generation);

/* A slot has its ticket: now it is known what the request is. Hot path. */
static inline void generation_draw(const struct generation *generation, struct request_slot *slot)
{
    if (__builtin_expect(generation->bytes == 0, 0))
        generation->kind->draw(generation->state, slot);
}

static inline void generation_drop(const struct generation *generation,
                                   const struct request_slot *slot)
{
    if (generation->kind->drop != NULL)
        generation->kind->drop(generation->state, slot);
}

#endif
