/* Which version of each key was written last, and which of them the server has surely taken: for --verify. One
 * table in memory that all workers of a session share, kept from the first prefill to the last run; with --out it is
 * a file, DIR/versions, that outlives all of them.
 *
 * The orchestrator creates it before it forks, and destroys it. Workers change entries, any of them any entry, by
 * compare-and-swap; nobody waits. What the words mean, and why a check of them gives no false alarm:
 * docs/design/verification.md. */
#ifndef COMMON_VERSION_TABLE_H
#define COMMON_VERSION_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/checked_value.h"
#include "common/err.h"

#define VERSION_SPACES_MAX 32u
#define VERSION_PREFIX_BYTES 1024u
#define VERSION_KEY_BYTES_MAX (64u * 1024)
#define VERSION_ENTRIES_MAX (1ull << 32)
#define VERSION_NAME "versions" /* in the directory of a run */

enum version_space_flags {
    VERSION_BINARY = 1u << 0, /* numbers are 8 bytes, the highest first  */
    VERSION_TAGGED = 1u << 1, /* and stand in braces                     */
    VERSION_MAY_GO =
        1u << 2, /* keys end by themselves or are deleted: one that is not there tells nothing */
};

/* Keys whose values are checked, and what their names are made of. Lives in the file. */
struct version_space {
    uint64_t first, count;      /* numbers first .. first + count - 1 have an entry */
    uint64_t entry;             /* of the first one                                 */
    uint64_t digits, key_bytes; /* as in worker/generate/workload_plan.h */
    uint32_t flags, prefix_bytes;
    char prefix[VERSION_PREFIX_BYTES];
};

struct version_header {
    char magic[16];
    uint32_t byte_order, format;
    uint64_t seed, entry_count;
    uint32_t space_count, unused;
    struct version_space spaces[VERSION_SPACES_MAX];
};
#define VERSION_HEADER_BYTES (64u * 1024)

struct version_entry {
    _Atomic uint64_t state, maybe;
};

/* What an entry says at one moment. */
struct version_state {
    uint32_t current;   /* the newest version that was sent; 0: none                     */
    uint32_t acked;     /* the newest one that the server has surely taken; 0: not known */
    uint32_t in_flight; /* writes of the newest one without a reply                      */
    uint32_t maybe_least,
        maybe_most; /* versions among which are those whose writes may come late; 0: none */
};
struct version_state version_look(const struct version_entry *entry);

/* Writes. A claim says which version to send; one of the three others ends it. */
uint32_t version_claim(struct version_entry *entry);
void version_taken(struct version_entry *entry);   /* the server has said so                  */
void version_refused(struct version_entry *entry); /* ... that it has not, by a plain answer  */
void version_unsure(struct version_entry *entry);  /* it may have, or will                    */

/* What a read has found. */
enum version_reading {
    VALUE_MISSING,
    VALUE_MALFORMED, /* no value of this key */
    VALUE_WHOLE
};
enum version_verdict {
    VERSION_RIGHT,
    VERSION_UNKNOWN,   /* nothing is known of the key, or it may have gone        */
    VERSION_CORRUPTED, /* nobody wrote that                                       */
    VERSION_OLD        /* it is older than what was there when the read was sent, or is not there */
};
/* acked: of version_look when the read was sent. Call when its reply is there. entry NULL: unknown. */
enum version_verdict version_judge(const struct version_entry *entry,
                                   const struct version_space *space, uint32_t acked,
                                   enum version_reading reading, uint32_t version);

/* The table. */
struct version_table {
    struct version_header *header;
    struct version_entry *entries;
    struct checked_findings *findings; /* of the run under way; shared, too */
    int fd;
    size_t byte_count;
};

/* spaces: whose entry is not set yet. path: the file, made anew; NULL: memory alone. E_USAGE: too many keys,
 * or the file has no room; E_SYSTEM.
 * version_table_destroy in any case. */
MUST_USE enum err_code version_table_create(struct version_table *table,
                                            const struct version_space *spaces, uint32_t count,
                                            uint64_t seed, const char *path, struct err *err);
void version_table_destroy(struct version_table *table);
/* The server was emptied: nothing is known any more. While no worker lives. */
MUST_USE enum err_code version_table_forget(struct version_table *table, struct err *err);
/* NULL: the number has no entry. */
static inline struct version_entry *version_entry_of(const struct version_table *table,
                                                     const struct version_space *space,
                                                     uint64_t number)
{
    const uint64_t at = number - space->first;
    return at < space->count ? &table->entries[space->entry + at] : NULL;
}

/* A header that was read from a file of file_bytes: E_DATA names what is wrong with it. */
MUST_USE enum err_code version_header_check(const struct version_header *header,
                                            uint64_t file_bytes, struct err *err);

/* For checked_value_key. */
uint64_t version_space_seed(const struct version_space *space, uint64_t seed);
/* A key's length, and its bytes, of which at most room are written. */
size_t version_key_bytes(const struct version_space *space, uint64_t number);
void version_key_write(char *out, size_t room, const struct version_space *space, uint64_t number);

/* ---- what was found, the first ten: shared memory, filled by workers. */

#define CHECKED_FINDINGS_MAX 10u
#define CHECKED_KEY_SHOWN 100u

enum checked_kind { CHECKED_CORRUPTED, CHECKED_STALE, CHECKED_LOST, CHECKED_KINDS };

struct checked_finding {
    enum checked_kind kind;
    char key[CHECKED_KEY_SHOWN]; /* as far as it goes */
    uint32_t key_bytes;          /* of the whole      */
    /* What would have been right: a version of expected_least .. expected_most. */
    uint32_t expected_least, expected_most;
    enum version_reading reading;
    uint32_t version;         /* VALUE_WHOLE                                      */
    uint64_t value_bytes;     /* unless it is missing                            */
    enum checked_fault fault; /* VALUE_MALFORMED; CHECKED_RIGHT: it was no string */
    uint64_t fault_at;
    unsigned char expected, got;
};

struct checked_findings {
    _Atomic uint64_t counts[CHECKED_KINDS];
    _Atomic uint32_t claimed;
    _Atomic bool ready[CHECKED_FINDINGS_MAX];
    struct checked_finding items[CHECKED_FINDINGS_MAX];
};

/* Counts it, and keeps it among the first, unless its key is there with the same kind. Any worker. */
void checked_findings_add(struct checked_findings *findings, const struct checked_finding *finding);
/* Before a run; while no worker lives. */
void checked_findings_clear(struct checked_findings *findings);

#endif
