/* Slots that move from node to node with their keys, as cluster managers do it. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/secret.h"
#include "orchestrator/server/chaos_work.h"
#include "orchestrator/server/managed_node.h"

#define LAG_LIMIT_NS (5 * NS_PER_SECOND)
#define LAG_STEP_NS (50 * NS_PER_MS)
#define KEYS_AT_ONCE 100u
#define MIGRATE_TIMEOUT "5000" /* ms */
#define MIGRATE_WORDS_MAX 10u

/* Connections to all nodes that answer, and who is who. */
struct mover {
    const struct managed_cluster *cluster;
    struct control *controls[MANAGED_NODES_MAX]; /* NULL: it does not answer */
    struct cluster_nodes nodes;                  /* as one of them sees them */
    struct err *err;
};

static const struct cluster_node *node_of(const struct mover *mover, uint32_t number)
{
    return cluster_nodes_by_port(&mover->nodes, mover->cluster->nodes[number].port);
}

static void mover_close(struct mover *mover)
{
    for (uint32_t i = 0; i < mover->cluster->count; i++)
        control_close(mover->controls[i]);
    cluster_nodes_free(&mover->nodes);
}

/* Sees the cluster as the node does that matters. */
static enum err_code mover_open(struct mover *mover, const struct managed_cluster *cluster,
                                uint32_t viewer, struct err *err)
{
    *mover = (struct mover){.cluster = cluster, .err = err};
    for (uint32_t i = 0; i < cluster->count; i++) {
        struct err ignored = {.code = OK};
        if (managed_cluster_connect(&mover->controls[i], cluster, i, &ignored) != OK && i == viewer)
            return err_set(err, ignored.code, "%s", ignored.text);
    }
    return managed_node_cluster(&mover->nodes, mover->controls[viewer], err);
}

/* ---- the keys of a slot ---- */

static enum err_code migrate(const struct mover *mover, uint32_t from, uint32_t to,
                             const redisReply *keys)
{
    const char *password = mover->cluster->setup.password;
    char port[8];
    snprintf(port, sizeof port, "%u", mover->cluster->nodes[to].port);
    const char *words[MIGRATE_WORDS_MAX + KEYS_AT_ONCE] = {"MIGRATE", "127.0.0.1",     port,     "",
                                                           "0",       MIGRATE_TIMEOUT, "REPLACE"};
    size_t lengths[MIGRATE_WORDS_MAX + KEYS_AT_ONCE];
    int count = 7;
    redisReply *reply;
    if (password != NULL) {
        words[count++] = "AUTH";
        words[count++] = password;
    }
    words[count++] = "KEYS";
    for (int i = 0; i < count; i++)
        lengths[i] = strlen(words[i]);
    for (size_t i = 0; i < keys->elements && i < KEYS_AT_ONCE; i++) {
        words[count] = keys->element[i]->str;
        lengths[count++] = (size_t)keys->element[i]->len;
    }
    enum err_code code =
        control_command_bytes(mover->controls[from], &reply, count, words, lengths, mover->err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR) {
        secret_mask_reply(reply->str, password);
        code = err_set(mover->err, E_FAILED, "MIGRATE: %s", reply->str);
    }
    if (code == OK)
        freeReplyObject(reply);
    return code;
}

static enum err_code move_keys(const struct mover *mover, uint32_t from, uint32_t to, uint32_t slot)
{
    char slot_text[8], count_text[8];
    const char *const words[] = {"CLUSTER", "GETKEYSINSLOT", slot_text, count_text};
    snprintf(slot_text, sizeof slot_text, "%u", slot);
    snprintf(count_text, sizeof count_text, "%u", KEYS_AT_ONCE);
    for (;;) {
        redisReply *keys;
        enum err_code code = control_command(mover->controls[from], &keys, 4, words, mover->err);
        if (code != OK)
            return code;
        bool over = keys->type == REDIS_REPLY_ARRAY && keys->elements == 0;
        if (keys->type != REDIS_REPLY_ARRAY)
            code = err_set(mover->err, E_FAILED, "CLUSTER GETKEYSINSLOT: %s",
                           keys->str != NULL ? keys->str : "no list of keys");
        else if (!over)
            code = migrate(mover, from, to, keys);
        freeReplyObject(keys);
        if (code != OK || over)
            return code;
    }
}

/* ---- slots ---- */

/* A node of valkey whose replicas lag takes no such order, and soon does again. */
static enum err_code set_slot(struct control *control, struct err *err, uint32_t slot,
                              const char *what, const char *id)
{
    const uint64_t end_ns = clock_now_ns() + LAG_LIMIT_NS;
    for (;;) {
        struct err refused = {.code = OK};
        enum err_code code =
            managed_node_order(control, &refused, "CLUSTER SETSLOT %u %s %s", slot, what, id);
        if (code == OK)
            return OK;
        if (code != E_FAILED || strstr(refused.text, ": NOREPLICAS ") == NULL ||
            clock_now_ns() >= end_ns)
            return err_set(err, code, "%s", refused.text);
        nanosleep(&(struct timespec){.tv_nsec = LAG_STEP_NS}, NULL);
    }
}

/* The old owner is told, unless it has heard already and, with its last slot gone, become a replica of
 * the new one: before the order came, or (Valkey 8) while its own replicas were being told of it. */
static enum err_code tell_old_owner(const struct mover *mover, uint32_t from, uint32_t slot,
                                    const char *to_id)
{
    struct err refused = {.code = OK};
    enum err_code code = set_slot(mover->controls[from], &refused, slot, "NODE", to_id);
    if (code == E_FAILED && (strstr(refused.text, "only with masters") != NULL ||
                             strstr(refused.text, ": UNBLOCKED ") != NULL))
        return OK;
    return code == OK ? OK : err_set(mover->err, code, "%s", refused.text);
}

/* Who gets a slot is told to the new owner first, so that there is one at any time, then to the old
 * one, then to the other primaries, which would hear of it soon. */
static enum err_code announce(const struct mover *mover, uint32_t from, uint32_t to, uint32_t slot,
                              const char *to_id)
{
    enum err_code code = set_slot(mover->controls[to], mover->err, slot, "NODE", to_id);
    if (code == OK)
        code = tell_old_owner(mover, from, slot, to_id);
    for (uint32_t i = 0; i < mover->cluster->count && code == OK; i++) {
        struct err ignored = {.code = OK};
        const struct cluster_node *other = node_of(mover, i);
        if (i == from || i == to || mover->controls[i] == NULL || other == NULL || !other->primary)
            continue;
        if (set_slot(mover->controls[i], &ignored, slot, "NODE", to_id) != OK)
            continue; /* gossip tells it */
    }
    return code;
}

static enum err_code move_slot(const struct mover *mover, uint32_t from, uint32_t to, uint32_t slot)
{
    const char *from_id = node_of(mover, from)->id, *to_id = node_of(mover, to)->id;
    enum err_code code = set_slot(mover->controls[to], mover->err, slot, "IMPORTING", from_id);
    if (code == OK)
        code = set_slot(mover->controls[from], mover->err, slot, "MIGRATING", to_id);
    if (code == OK)
        code = move_keys(mover, from, to, slot);
    return code == OK ? announce(mover, from, to, slot, to_id) : code;
}

static bool can_take_slots(const struct mover *mover, uint32_t number)
{
    const struct cluster_node *node = node_of(mover, number);
    return mover->controls[number] != NULL && node != NULL && node->primary && !node->failed;
}

/* The first slots of the node, in their order. */
static enum err_code move_slots(const struct mover *mover, uint32_t from, uint32_t to,
                                uint32_t first_slot, uint32_t count, uint32_t *next_slot)
{
    const struct cluster_node *node = node_of(mover, from);
    enum err_code code = OK;
    uint32_t moved = 0, slot = first_slot;
    for (; slot < SLOTS_COUNT && moved < count && code == OK; slot++) {
        if (!cluster_node_serves(node, slot))
            continue;
        code = move_slot(mover, from, to, slot);
        moved += code == OK;
    }
    *next_slot = slot;
    if (code != OK) {
        struct err why = *mover->err;
        *mover->err = (struct err){.code = OK};
        return err_set(mover->err, why.code, "after %u of %u slots: %s", moved, count, why.text);
    }
    return OK;
}

enum err_code chaos_reshard(const struct managed_cluster *cluster, uint32_t from, uint32_t to,
                            uint32_t slots, struct err *err)
{
    struct mover mover;
    uint32_t next_slot;
    enum err_code code = mover_open(&mover, cluster, from, err);
    if (code == OK && !can_take_slots(&mover, to))
        code = err_set(err, E_FAILED, "node %u is no primary that answers", to);
    if (code == OK && (node_of(&mover, from) == NULL || node_of(&mover, from)->slot_count < slots))
        code = err_set(err, E_FAILED, "node %u serves %u slots", from,
                       node_of(&mover, from) != NULL ? node_of(&mover, from)->slot_count : 0);
    if (code == OK)
        code = move_slots(&mover, from, to, 0, slots, &next_slot);
    mover_close(&mover);
    return code;
}

/* ---- a node that goes ---- */

/* In even parts to the other primaries. */
static enum err_code empty_node(const struct mover *mover, uint32_t node)
{
    uint32_t others = 0, next_slot = 0;
    uint32_t left = node_of(mover, node)->slot_count;
    enum err_code code = OK;
    for (uint32_t i = 0; i < mover->cluster->count; i++)
        others += i != node && can_take_slots(mover, i);
    if (left > 0 && others == 0)
        return err_set(mover->err, E_FAILED, "there is no other primary for its slots");
    for (uint32_t i = 0; i < mover->cluster->count && code == OK && left > 0; i++) {
        if (i == node || !can_take_slots(mover, i))
            continue;
        uint32_t share = left / others--;
        code = move_slots(mover, node, i, next_slot, share, &next_slot);
        left -= share;
    }
    return code;
}

/* Its replicas, if it has any, follow the first other primary. */
static enum err_code rehome_replicas(const struct mover *mover, uint32_t node)
{
    const char *id = node_of(mover, node)->id;
    uint32_t home = 0;
    enum err_code code = OK;
    while (home < mover->cluster->count && (home == node || !can_take_slots(mover, home)))
        home++;
    for (uint32_t i = 0; i < mover->cluster->count && code == OK; i++) {
        const struct cluster_node *replica = node_of(mover, i);
        if (mover->controls[i] == NULL || replica == NULL || replica->primary ||
            strcmp(replica->primary_id, id) != 0 || home == mover->cluster->count)
            continue;
        code = managed_node_order(mover->controls[i], mover->err, "CLUSTER REPLICATE %s",
                                  node_of(mover, home)->id);
    }
    return code;
}

/* A replica of its own may refuse until it knows that it has moved. */
static enum err_code forget(const struct mover *mover, uint32_t node)
{
    const char *id = node_of(mover, node)->id;
    enum err_code code = OK;
    for (uint32_t i = 0; i < mover->cluster->count && code == OK; i++) {
        if (i == node || mover->controls[i] == NULL)
            continue;
        uint64_t deadline_ns = clock_now_ns() + 5 * NS_PER_SECOND;
        for (;;) {
            struct err refused = {.code = OK};
            code = managed_node_order(mover->controls[i], &refused, "CLUSTER FORGET %s", id);
            if (code == OK || strstr(refused.text, "Unknown node") != NULL)
                break;
            if (code != E_FAILED || clock_now_ns() >= deadline_ns)
                return err_set(mover->err, code, "%s", refused.text);
            code = managed_node_wait(deadline_ns, NULL, "a node did not forget it", mover->err);
            if (code != OK)
                return code;
        }
        code = OK;
    }
    return code;
}

enum err_code chaos_remove_node(const struct managed_cluster *cluster, uint32_t node,
                                struct err *err)
{
    struct mover mover;
    enum err_code code = mover_open(&mover, cluster, node, err);
    if (code == OK && node_of(&mover, node) == NULL)
        code = err_set(err, E_FAILED, "node %u is not part of the cluster", node);
    if (code == OK && node_of(&mover, node)->primary)
        code = empty_node(&mover, node);
    if (code == OK)
        code = rehome_replicas(&mover, node);
    if (code == OK)
        code = forget(&mover, node);
    mover_close(&mover);
    return code;
}
