/* The file of --chaos, JSON or YAML: what to do to a managed target, and when. It holds a list; an
 * entry is a map or a sentence, which mean the same:
 *
 *   - {at: 10s, do: kill, node: 2}
 *   - at 10s: kill node 2
 *   - "at 10s: kill node 2"
 *
 * Times count from the start of measuring; a number without a unit is seconds. Case does not matter
 * in sentences, and a blank may stand for a hyphen: "CLIENT KILL". The actions:
 *
 *   kill            SIGKILL; node
 *   pause           SIGSTOP, and SIGCONT after `for`; node, for
 *   restart         SIGTERM where it runs, and a start; node
 *   bgsave          BGSAVE; node, without one on all of them
 *   aof-rewrite     BGREWRITEAOF; likewise
 *   flushall        FLUSHALL ASYNC; likewise, on all primaries
 *   full-sync       a replica fetches all data anew; node, without one the first replica
 *   client-kill     CLIENT KILL TYPE normal; node, without one on all of them
 *   failover        a replica of the node's primary takes over; node, without one 0
 *   reshard         moves slots with their keys; slots, from (0), to (1)
 *   add-node        an empty primary joins the cluster; it gets the next number
 *   remove-node     its slots go to the others, and the cluster forgets it; node
 *   cache-clear     near caches of the client forget what they hold; also written {at: 10s, cache: clear}
 *
 * Nodes are numbered from 0: the primaries, then the replicas, then those that were added. */
#ifndef ORCHESTRATOR_OPTIONS_CHAOS_PLAN_H
#define ORCHESTRATOR_OPTIONS_CHAOS_PLAN_H

#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "orchestrator/options/file_reader.h"

enum chaos_kind {
    CHAOS_KILL,
    CHAOS_PAUSE,
    CHAOS_RESTART,
    CHAOS_BGSAVE,
    CHAOS_AOF_REWRITE,
    CHAOS_FLUSHALL,
    CHAOS_FULL_SYNC,
    CHAOS_CLIENT_KILL,
    CHAOS_FAILOVER,
    CHAOS_RESHARD,
    CHAOS_ADD_NODE,
    CHAOS_REMOVE_NODE,
    CHAOS_CACHE_CLEAR,
    CHAOS_KIND_COUNT
};

#define CHAOS_ALL_NODES UINT32_MAX
#define CHAOS_ACTIONS_MAX 256u

struct chaos_action {
    enum chaos_kind kind;
    uint64_t at_ns;   /* since the start of measuring */
    uint64_t for_ns;  /* CHAOS_PAUSE */
    uint32_t node;    /* or CHAOS_ALL_NODES; CHAOS_RESHARD: from; CHAOS_ADD_NODE: the new one */
    uint32_t to_node; /* CHAOS_RESHARD */
    uint32_t slots;   /* CHAOS_RESHARD */
    char text[64];    /* "kill node 2" */
};

/* What a file says of one, before it is known whether such a target can do it. */
struct chaos_wish {
    struct file_place place;
    uint64_t at_ns, for_ns;
    uint64_t node, slots, from, to;
    struct chaos_action action; /* what becomes of it */
};
struct chaos_wishes {
    struct chaos_wish *items;
    size_t count;
};
/* An element of a list of them within another kind of file: file_reader.h. */
extern const struct file_field chaos_wish_field;

struct chaos_plan {
    struct chaos_action *actions; /* owned; in the order of their times */
    uint32_t count;
    uint32_t nodes_added;
};

extern const struct file_kind chaos_plan_kind;

/* The plan for the managed target that the spec describes. E_CONFIG, as "name:line:column: what is
 * wrong": what is no list of actions, a time that is missing or after the end of the run, an unknown
 * action, an unknown key or one that the action has no use for, a node that there is not at that time, an
 * action that such a target cannot do. chaos_plan_free in any case. */
MUST_USE enum err_code chaos_plan_read(struct chaos_plan *plan, const struct file_source *source,
                                       const struct spec *spec, struct err *err);
/* The same, of a list that a file of another kind had in it. It puts the wishes in order, and may be called again with
 * them. */
MUST_USE enum err_code chaos_plan_make(struct chaos_plan *plan, const struct chaos_wishes *wishes,
                                       const struct file *file, const struct spec *spec,
                                       struct err *err);
void chaos_plan_free(struct chaos_plan *plan);

/* Whether it is done to a server; else to the client. */
bool chaos_is_of_servers(enum chaos_kind kind);
/* Servers that the spec's managed target begins with. */
uint32_t chaos_plan_nodes(const struct spec *spec);

/* An action as a sentence, "at 10s: kill node 2", rewritten as the map that it stands for. The words are those
 * of the table of actions: their names, where case does not matter and a blank counts as a hyphen, and their
 * keys; a value without a key is of the action's first one.
 *
 * For file_object.rewrite. A sentence is a text, or, in YAML without quotes, a map of one entry. */
enum err_code chaos_sentence_rewrite(const struct file_object *actions, struct config_node *node,
                                     struct err *reason);

#endif
