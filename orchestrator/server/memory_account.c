#include "orchestrator/server/memory_account.h"

#include <hiredis/hiredis.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "orchestrator/server/reply_value.h"

#define NUMBER_MOST (UINT64_C(1) << 60)

/* stats: keys of MEMORY STATS whose values come together; info: a field of INFO memory, NULL: there is none that means
 * the same. What a version does not have stays unknown. */
static const struct {
    const char *name, *words, *stats[2], *info;
} parts[MEMORY_PARTS] = {
    [MEMORY_DATASET] = {"dataset", "data", {"dataset.bytes"}, "used_memory_dataset"},
    [MEMORY_STARTUP] = {"startup",
                        "the server when it began",
                        {"startup.allocated"},
                        "used_memory_startup"},
    [MEMORY_KEY_TABLES] = {"key_tables", "tables of keys", {"overhead.hashtable.main"}, NULL},
    [MEMORY_EXPIRY_TABLES] = {"expiry_tables",
                              "tables of expiries",
                              {"overhead.hashtable.expires"},
                              NULL},
    [MEMORY_CLIENTS] = {"clients", "clients", {"clients.normal"}, "mem_clients_normal"},
    [MEMORY_REPLICAS] = {"replicas", "replicas' buffers", {"clients.slaves"}, "mem_clients_slaves"},
    [MEMORY_BACKLOG] = {"replication_backlog",
                        "replication backlog",
                        {"replication.backlog"},
                        "mem_replication_backlog"},
    [MEMORY_SYNC_BUFFER] = {"sync_buffer",
                            "buffer of a full sync",
                            {"replicas.repl.buffer", "replica.fullsync.buffer"},
                            NULL},
    [MEMORY_CLUSTER_LINKS] = {"cluster_links",
                              "links of the cluster",
                              {"cluster.links"},
                              "mem_cluster_links"},
    [MEMORY_SLOT_MOVES] = {"slot_moves",
                           "slots on their way",
                           {"cluster.slot_import", "cluster.slot_export"},
                           NULL},
    [MEMORY_AOF_BUFFER] = {"aof_buffer", "AOF buffer", {"aof.buffer"}, "mem_aof_buffer"},
    [MEMORY_SCRIPTS] = {"scripts", "scripts", {"lua.caches"}, "used_memory_scripts_eval"},
    [MEMORY_FUNCTIONS] = {"functions", "functions", {"functions.caches"}, "used_memory_functions"},
    [MEMORY_SCRIPT_MACHINES] = {"script_machines", "machines of scripts", {"script.VMs"}, NULL},
};

static const struct {
    const char *name, *words;
} gaps[MEMORY_GAPS] = {
    [GAP_BESIDE] = {"not_counted", "allocated, not counted"},
    [GAP_FRAGMENTATION] = {"fragmentation", "fragmentation"},
    [GAP_ALLOCATOR] = {"allocator_kept", "kept by the allocator"},
    [GAP_PROCESS] = {"process", "rest of the process"},
};

const char *memory_part_name(enum memory_part part)
{
    return parts[part].name;
}

const char *memory_part_words(enum memory_part part)
{
    return parts[part].words;
}

const char *memory_gap_name(enum memory_gap gap)
{
    return gaps[gap].name;
}

const char *memory_gap_words(enum memory_gap gap)
{
    return gaps[gap].words;
}

static void forget_parts(struct memory_account *account)
{
    for (int part = 0; part < MEMORY_PARTS; part++)
        account->parts[part] = NAN;
}

void memory_account_init(struct memory_account *account)
{
    *account = (struct memory_account){.used = NAN,
                                       .rest = NAN,
                                       .keys = NAN,
                                       .info_used = NAN,
                                       .rss = NAN,
                                       .peak = NAN,
                                       .max = NAN,
                                       .system = NAN,
                                       .lazy_objects = NAN,
                                       .scripts = NAN,
                                       .allocated = NAN,
                                       .active = NAN,
                                       .resident = NAN};
    forget_parts(account);
}

static void settle_rest(struct memory_account *account)
{
    account->rest = account->used;
    for (int part = 0; part < MEMORY_PARTS; part++)
        if (!isnan(account->parts[part]))
            account->rest -= account->parts[part];
}

/* ---- INFO memory ---- */

static double number_in(const char *info, const char *field)
{
    uint64_t number;
    return info_number(&number, info, field, NUMBER_MOST) ? (double)number : (double)NAN;
}

bool memory_account_info(struct memory_account *account, const char *info)
{
    const double used = number_in(info, "used_memory");
    if (isnan(used))
        return false;
    account->from_stats = false;
    account->used = account->info_used = used;
    account->rss = number_in(info, "used_memory_rss");
    account->peak = number_in(info, "used_memory_peak");
    account->max = number_in(info, "maxmemory");
    account->system = number_in(info, "total_system_memory");
    account->lazy_objects = number_in(info, "lazyfree_pending_objects");
    account->scripts = number_in(info, "number_of_cached_scripts");
    account->allocated = number_in(info, "allocator_allocated");
    account->active = number_in(info, "allocator_active");
    account->resident = number_in(info, "allocator_resident");
    (void)info_field(info, "maxmemory_policy", account->policy, sizeof account->policy);
    (void)info_field(info, "mem_allocator", account->allocator, sizeof account->allocator);
    forget_parts(account);
    for (int part = 0; part < MEMORY_PARTS; part++)
        if (parts[part].info != NULL)
            account->parts[part] = number_in(info, parts[part].info);
    settle_rest(account);
    return true;
}

/* ---- MEMORY STATS ---- */

static double number_of(const redisReply *value)
{
    int64_t number;
    return reply_integer(&number, value, 0, (int64_t)NUMBER_MOST) ? (double)number : (double)NAN;
}

static void add(double *sum, double number)
{
    if (!isnan(number))
        *sum = isnan(*sum) ? number : *sum + number;
}

/* A name with its number. Names of a database stand in a list of its own. */
static void take(struct memory_account *account, const char *name, const redisReply *value)
{
    for (int part = 0; part < MEMORY_PARTS; part++)
        for (int i = 0; i < 2; i++)
            if (parts[part].stats[i] != NULL && strcmp(parts[part].stats[i], name) == 0)
                add(&account->parts[part], number_of(value));
    if (strcmp(name, "keys.count") == 0)
        account->keys = number_of(value);
}

static void take_list(struct memory_account *account, const redisReply *list, bool databases)
{
    for (size_t i = 0; i + 1 < list->elements; i += 2) {
        const char *name = reply_text(list->element[i]);
        const redisReply *value = list->element[i + 1];
        if (name == NULL)
            continue;
        if (databases && strncmp(name, "db.", 3) == 0 && value->type == REDIS_REPLY_ARRAY)
            take_list(account, value, false);
        else
            take(account, name, value);
    }
}

static double find(const redisReply *list, const char *wanted)
{
    for (size_t i = 0; i + 1 < list->elements; i += 2) {
        const char *name = reply_text(list->element[i]);
        if (name != NULL && strcmp(name, wanted) == 0)
            return number_of(list->element[i + 1]);
    }
    return NAN;
}

bool memory_account_stats(struct memory_account *account, const redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
        return false;
    const double used = find(reply, "total.allocated");
    if (isnan(used))
        return false;
    account->from_stats = true;
    account->used = used;
    forget_parts(account);
    take_list(account, reply, true);
    settle_rest(account);
    const double allocated = find(reply, "allocator.allocated"),
                 active = find(reply, "allocator.active"),
                 resident = find(reply, "allocator.resident");
    if (!isnan(allocated) && !isnan(active) && !isnan(resident)) {
        account->allocated = allocated;
        account->active = active;
        account->resident = resident;
    }
    return true;
}

double memory_account_gap(const struct memory_account *account, enum memory_gap gap)
{
    switch (gap) {
    case GAP_BESIDE:
        return account->allocated - account->used;
    case GAP_FRAGMENTATION:
        return account->active - account->allocated;
    case GAP_ALLOCATOR:
        return account->resident - account->active;
    default:
        return account->rss - account->resident;
    }
}
