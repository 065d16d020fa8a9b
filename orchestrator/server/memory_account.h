/* What a server's memory is made of at one moment, as MEMORY STATS and INFO memory say it. Bytes are numbers that may be
 * NAN: not known. Pure; any reply is safe. */
#ifndef ORCHESTRATOR_SERVER_MEMORY_ACCOUNT_H
#define ORCHESTRATOR_SERVER_MEMORY_ACCOUNT_H

#include <stdbool.h>

struct redisReply;

/* Of used_memory. */
enum memory_part {
    MEMORY_DATASET,
    MEMORY_STARTUP,
    MEMORY_KEY_TABLES,
    MEMORY_EXPIRY_TABLES,
    MEMORY_CLIENTS,
    MEMORY_REPLICAS,
    MEMORY_BACKLOG,
    MEMORY_SYNC_BUFFER,
    MEMORY_CLUSTER_LINKS,
    MEMORY_SLOT_MOVES,
    MEMORY_AOF_BUFFER,
    MEMORY_SCRIPTS,
    MEMORY_FUNCTIONS,
    MEMORY_SCRIPT_MACHINES,
    MEMORY_PARTS
};
/* "key_tables" as in JSON, and "tables of keys" as people read it. */
const char *memory_part_name(enum memory_part part);
const char *memory_part_words(enum memory_part part);

/* Of the resident size, beside used_memory: what lies between neighbouring borders. */
enum memory_gap {
    GAP_BESIDE,        /* allocated, and not counted in used_memory  */
    GAP_FRAGMENTATION, /* active pages, less what is allocated       */
    GAP_ALLOCATOR,     /* resident pages of it, less active ones     */
    GAP_PROCESS,       /* resident size, less the allocator's        */
    MEMORY_GAPS
};
const char *memory_gap_name(enum memory_gap gap);
const char *memory_gap_words(enum memory_gap gap);

struct memory_account {
    bool from_stats; /* parts are of MEMORY STATS, else of INFO memory */
    double used;     /* of the moment that the parts are of */
    double parts[MEMORY_PARTS];
    double rest; /* used, less all known parts: may be below 0 */
    double keys; /* of all databases; NAN: only MEMORY STATS has it here */
    /* Of INFO memory. */
    double info_used, rss, peak, max, system, lazy_objects, scripts;
    double allocated, active, resident; /* of the allocator */
    char policy[32];                    /* maxmemory-policy; "" */
    char allocator[48];
};

/* All is NAN, and used by nobody. */
void memory_account_init(struct memory_account *account);
/* The text of INFO memory. False: it has no used_memory. In front of memory_account_stats. */
bool memory_account_info(struct memory_account *account, const char *info);
/* The reply of MEMORY STATS, whose parts replace those of INFO. False: it is no such list, and nothing is replaced. */
bool memory_account_stats(struct memory_account *account, const struct redisReply *reply);
/* Bytes of a gap; NAN: not known. */
double memory_account_gap(const struct memory_account *account, enum memory_gap gap);

#endif
