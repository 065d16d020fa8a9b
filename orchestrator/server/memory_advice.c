#include "orchestrator/server/memory_advice.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"

#define MB 1048576.0
#define LARGE_BYTES (5 * MB) /* ratios of what is smaller say nothing */
#define WASTE_BYTES (10 * MB)
#define WASTE_RATIO 1.4
#define SWAP_RATIO 0.9
#define FULL_SHARE 0.9
#define SYSTEM_SHARE 0.5
#define PEAK_RATIO 1.5
#define BUFFER_SHARE 0.1
#define TABLE_SHARE 0.5 /* of data */
#define SCRIPTS_MANY 1000.0
#define LAZY_MANY 1000.0

char *memory_size_format(char text[MEMORY_SIZE_BYTES], double bytes)
{
    char size[MEMORY_SIZE_BYTES];
    if (isnan(bytes))
        snprintf(text, MEMORY_SIZE_BYTES, "unknown");
    else
        snprintf(text, MEMORY_SIZE_BYTES, "%s%.25s", bytes < 0 ? "-" : "",
                 units_format_size(size, sizeof size, units_whole(fabs(bytes))));
    return text;
}

struct look {
    const struct memory_account *account;
    const struct memory_growths *growths; /* NULL: none */
    char *evidence;
};

static bool is_large(const struct memory_account *account)
{
    return account->used >= LARGE_BYTES;
}

/* Bytes of a gap where it is wasted: more than WASTE_RATIO, and enough to be worth a word. */
static bool is_waste(const struct memory_account *account, double bytes, double of)
{
    return is_large(account) && bytes > WASTE_BYTES && of > 0 && bytes > (WASTE_RATIO - 1) * of;
}

/* ---- what the server as a whole comes to ---- */

static bool is_full(const struct look *look)
{
    const struct memory_account *account = look->account;
    if (!(account->max > 0) || account->info_used < FULL_SHARE * account->max)
        return false;
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES, "%s of maxmemory %s are used, policy %s",
             MEMORY_SIZE(account->info_used), MEMORY_SIZE(account->max), account->policy);
    return true;
}

static bool is_unlimited(const struct look *look)
{
    const struct memory_account *account = look->account;
    if (account->max != 0 || !(account->system > 0) ||
        account->info_used < SYSTEM_SHARE * account->system)
        return false;
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES,
             "%s are used of the machine's %s, and maxmemory is not set",
             MEMORY_SIZE(account->info_used), MEMORY_SIZE(account->system));
    return true;
}

static bool is_swapped(const struct look *look)
{
    const struct memory_account *account = look->account;
    if (!is_large(account) || !(account->rss > 0) ||
        account->rss >= SWAP_RATIO * account->info_used)
        return false;
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES, "%s are used, and only %s are resident",
             MEMORY_SIZE(account->info_used), MEMORY_SIZE(account->rss));
    return true;
}

static bool had_peak(const struct look *look)
{
    const struct memory_account *account = look->account;
    if (!is_large(account) || account->peak - account->info_used < WASTE_BYTES ||
        account->peak < PEAK_RATIO * account->info_used)
        return false;
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES, "the peak was %s, and %s are used now",
             MEMORY_SIZE(account->peak), MEMORY_SIZE(account->info_used));
    return true;
}

static bool is_fragmented(const struct look *look)
{
    const double bytes = memory_account_gap(look->account, GAP_FRAGMENTATION);
    if (!is_waste(look->account, bytes, look->account->allocated))
        return false;
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES,
             "pages of %s hold %s: %s lie between what is allocated",
             MEMORY_SIZE(look->account->active), MEMORY_SIZE(look->account->allocated),
             MEMORY_SIZE(bytes));
    return true;
}

static bool is_kept(const struct look *look)
{
    const double bytes = memory_account_gap(look->account, GAP_ALLOCATOR);
    if (!is_waste(look->account, bytes, look->account->active))
        return false;
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES,
             "the allocator keeps %s that are free, beside %s in use", MEMORY_SIZE(bytes),
             MEMORY_SIZE(look->account->active));
    return true;
}

/* ---- its parts ---- */

static bool part_above(const struct look *look, enum memory_part part, double share)
{
    const double bytes = look->account->parts[part];
    if (!is_large(look->account) || !(bytes > share * look->account->used))
        return false;
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES, "%s take %s, %.1f %% of what is used",
             memory_part_words(part), MEMORY_SIZE(bytes), 100 * bytes / look->account->used);
    return true;
}

static bool clients_are_large(const struct look *look)
{
    return part_above(look, MEMORY_CLIENTS, BUFFER_SHARE);
}

static bool replicas_are_large(const struct look *look)
{
    return part_above(look, MEMORY_REPLICAS, BUFFER_SHARE) ||
           part_above(look, MEMORY_SYNC_BUFFER, BUFFER_SHARE);
}

static bool backlog_is_large(const struct look *look)
{
    return part_above(look, MEMORY_BACKLOG, BUFFER_SHARE);
}

static bool aof_is_large(const struct look *look)
{
    return part_above(look, MEMORY_AOF_BUFFER, BUFFER_SHARE);
}

static bool scripts_are_many(const struct look *look)
{
    if (!(look->account->scripts > SCRIPTS_MANY))
        return part_above(look, MEMORY_SCRIPTS, BUFFER_SHARE);
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES, "%.0f scripts are kept, in %s",
             look->account->scripts, MEMORY_SIZE(look->account->parts[MEMORY_SCRIPTS]));
    return true;
}

static bool tables_are_large(const struct look *look)
{
    const struct memory_account *account = look->account;
    const double tables = account->parts[MEMORY_KEY_TABLES];
    if (!is_large(account) || !(tables > TABLE_SHARE * account->parts[MEMORY_DATASET]))
        return false;
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES,
             "tables of keys take %s beside %s of data, %.0f bytes a key", MEMORY_SIZE(tables),
             MEMORY_SIZE(account->parts[MEMORY_DATASET]),
             account->keys > 0 ? tables / account->keys : 0);
    return true;
}

static bool frees_late(const struct look *look)
{
    if (!(look->account->lazy_objects > LAZY_MANY))
        return false;
    snprintf(look->evidence, MEMORY_EVIDENCE_BYTES, "%.0f objects wait to be freed",
             look->account->lazy_objects);
    return true;
}

/* ---- what grows ---- */

static bool series_grows(const struct look *look, unsigned first, unsigned last)
{
    for (unsigned series = first; look->growths != NULL && series <= last; series++) {
        const struct memory_growth *growth = &look->growths->series[series];
        if (!growth->grows)
            continue;
        snprintf(look->evidence, MEMORY_EVIDENCE_BYTES, "%s: from %s to %s, %s an hour",
                 memory_growth_words(series), MEMORY_SIZE(growth->first), MEMORY_SIZE(growth->last),
                 MEMORY_SIZE(growth->slope_per_hour));
        return true;
    }
    return false;
}

static bool values_grow(const struct look *look)
{
    return series_grows(look, MEMORY_DATASET, MEMORY_DATASET);
}

static bool buffers_grow(const struct look *look)
{
    return series_grows(look, MEMORY_CLIENTS, MEMORY_AOF_BUFFER);
}

static bool scripts_grow(const struct look *look)
{
    return series_grows(look, MEMORY_SCRIPTS, MEMORY_SCRIPT_MACHINES);
}

static bool fragments_grow(const struct look *look)
{
    return series_grows(look, GROWTH_FRAGMENTATION, GROWTH_FRAGMENTATION);
}

static bool rest_grows(const struct look *look)
{
    return series_grows(look, GROWTH_REST, GROWTH_REST);
}

/* clang-format off: a row reads best as a few short lines */
static const struct {
    const char *name;
    bool (*holds)(const struct look *look);
    const char *suggestion;
} rules[] = {
    {"near_maxmemory", is_full,
     "raise maxmemory, or let fewer data stay: with noeviction writes are refused from there on, "
     "else keys are evicted"},
    {"no_maxmemory", is_unlimited,
     "set maxmemory, so that the system does not end the server, with room for a copy while it "
     "saves"},
    {"swapped", is_swapped, "look whether the machine swaps: pages on a disk make requests wait"},
    {"old_peak", had_peak,
     "expect the resident size to stay near the peak; MEMORY PURGE gives free pages back to the "
     "system"},
    {"fragmentation", is_fragmented,
     "CONFIG SET activedefrag yes moves data together while the server works, or restart it in a "
     "quiet hour"},
    {"allocator_kept", is_kept, "MEMORY PURGE gives free pages back to the system"},
    {"clients", clients_are_large,
     "look for clients that do not read their replies (CLIENT LIST: omem, tot-mem), and limit "
     "them: client-output-buffer-limit, maxmemory-clients"},
    {"replicas", replicas_are_large,
     "a replica reads more slowly than the server writes: look at its network and at "
     "client-output-buffer-limit replica"},
    {"backlog", backlog_is_large,
     "repl-backlog-size can be smaller, as far as replicas are never away for longer than it "
     "lasts"},
    {"aof_buffer", aof_is_large,
     "the disk takes the AOF more slowly than it is written: a faster one, or appendfsync "
     "everysec"},
    {"scripts", scripts_are_many,
     "give scripts their values as KEYS and ARGV, not in their text: each new text is kept; SCRIPT "
     "FLUSH forgets them"},
    {"key_tables", tables_are_large,
     "many small keys cost more than their values: shorter keys, or hashes of several values"},
    {"freed_late", frees_late,
     "what was deleted is still on its way: expect more memory soon, or look for very large keys "
     "that are unlinked"},
    {"values_grow", values_grow,
     "values grow while keys do not: look for lists, streams and sets without a limit (MEMORY "
     "USAGE of the largest keys; LTRIM, XADD MAXLEN)"},
    {"buffers_grow", buffers_grow,
     "somebody reads more slowly than the server writes: CLIENT LIST tells who (omem, tot-mem), "
     "INFO replication of replicas"},
    {"scripts_grow", scripts_grow,
     "new scripts keep coming: give them their values as KEYS and ARGV, not in their text"},
    {"fragmentation_grows", fragments_grow,
     "CONFIG SET activedefrag yes moves data together while the server works"},
    {"left_over_grows", rest_grows,
     "something grows that this server does not name: look at modules, and at its version's list "
     "of known leaks"},
};
/* clang-format on */
_Static_assert(sizeof rules / sizeof rules[0] <= MEMORY_ADVICE_MOST, "no room for all advice");

size_t memory_advice_find(struct memory_advice advice[MEMORY_ADVICE_MOST],
                          const struct memory_account *account,
                          const struct memory_growths *growths)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct memory_advice *one = &advice[count];
        *one = (struct memory_advice){.name = rules[i].name, .suggestion = rules[i].suggestion};
        const struct look look = {
            .account = account, .growths = growths, .evidence = one->evidence};
        count += rules[i].holds(&look);
    }
    return count;
}
