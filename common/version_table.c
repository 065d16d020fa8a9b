#include "common/version_table.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/rng.h"
#include "common/units.h"

#define FORMAT 1u
#define BYTE_ORDER_MARK 0x01020304u
static const char magic[16] = "volley versions";

static_assert(sizeof(struct version_header) <= VERSION_HEADER_BYTES, "the header has no room");
static_assert(sizeof(struct version_entry) == 16, "the layout of a file");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "entries are shared between processes");

/* ---- entries: state is current (32 bits), behind (16: how far the acknowledged version is behind it), in flight (16).
 * maybe is least (32), most (32).
 *
 * Read-modify-writes are acquire and release: whoever sees that a later version was taken sees the maybe word that
 * was written before the earlier one was given up. ---- */

#define IN_FLIGHT_MAX 0xffffu /* sticks: that many were never counted down one by one     */
#define BEHIND_MAX 0xffffu    /* sticks until the next one is taken: too far to be known  */

struct words {
    uint32_t current, behind, in_flight;
};

static struct words unpack(uint64_t state)
{
    return (struct words){.current = (uint32_t)(state >> 32),
                          .behind = (uint32_t)(state >> 16) & 0xffff,
                          .in_flight = (uint32_t)state & 0xffff};
}

static uint64_t pack(struct words words)
{
    return (uint64_t)words.current << 32 | (uint64_t)words.behind << 16 | words.in_flight;
}

static bool swap(struct version_entry *entry, uint64_t *seen, struct words words)
{
    return atomic_compare_exchange_weak_explicit(&entry->state, seen, pack(words),
                                                 memory_order_acq_rel, memory_order_acquire);
}

struct version_state version_look(const struct version_entry *entry)
{
    /* Acquire: partner is the release of swap. */
    const struct words words = unpack(atomic_load_explicit(&entry->state, memory_order_acquire));
    const uint64_t maybe = atomic_load_explicit(&entry->maybe, memory_order_acquire);
    return (struct version_state){.current = words.current,
                                  .acked =
                                      words.behind < BEHIND_MAX ? words.current - words.behind : 0,
                                  .in_flight = words.in_flight,
                                  .maybe_least = (uint32_t)(maybe >> 32),
                                  .maybe_most = (uint32_t)maybe};
}

uint32_t version_claim(struct version_entry *entry)
{
    uint64_t seen = atomic_load_explicit(&entry->state, memory_order_acquire);
    struct words words;
    do {
        words = unpack(seen);
        /* In which order the server takes them nobody knows: so they are the same. */
        if (words.in_flight == 0 && words.current < UINT32_MAX) {
            words.current++;
            words.behind += words.behind < BEHIND_MAX;
        }
        words.in_flight += words.in_flight < IN_FLIGHT_MAX;
    } while (!swap(entry, &seen, words));
    return words.current;
}

static void count_down(struct words *words)
{
    words->in_flight -= words->in_flight > 0 && words->in_flight < IN_FLIGHT_MAX;
}

void version_taken(struct version_entry *entry)
{
    uint64_t seen = atomic_load_explicit(&entry->state, memory_order_acquire);
    struct words words;
    do {
        words = unpack(seen);
        count_down(&words);
        words.behind = 0;
    } while (!swap(entry, &seen, words));
}

void version_refused(struct version_entry *entry)
{
    uint64_t seen = atomic_load_explicit(&entry->state, memory_order_acquire);
    struct words words;
    do {
        words = unpack(seen);
        count_down(&words);
    } while (!swap(entry, &seen, words));
}

void version_unsure(struct version_entry *entry)
{
    /* While it is in flight the version does not change. */
    const uint32_t version =
        unpack(atomic_load_explicit(&entry->state, memory_order_acquire)).current;
    uint64_t seen = atomic_load_explicit(&entry->maybe, memory_order_acquire), wanted;
    do {
        const uint32_t least = (uint32_t)(seen >> 32), most = (uint32_t)seen;
        wanted = (uint64_t)(least == 0 || version < least ? version : least) << 32 |
                 (version > most ? version : most);
    } while (!atomic_compare_exchange_weak_explicit(&entry->maybe, &seen, wanted,
                                                    memory_order_acq_rel, memory_order_acquire));
    version_refused(entry);
}

enum version_verdict version_judge(const struct version_entry *entry,
                                   const struct version_space *space, uint32_t acked,
                                   enum version_reading reading, uint32_t version)
{
    if (entry == NULL || acked == 0)
        return VERSION_UNKNOWN;
    if (reading == VALUE_MISSING)
        return (space->flags & VERSION_MAY_GO) != 0 ? VERSION_UNKNOWN : VERSION_OLD;
    const struct version_state now = version_look(entry);
    if (reading == VALUE_MALFORMED || version > now.current || version == 0)
        return VERSION_CORRUPTED;
    if (version >= acked || (now.maybe_least <= version && version <= now.maybe_most))
        return VERSION_RIGHT;
    return VERSION_OLD;
}

/* ---- keys ---- */

static unsigned decimal_digits(uint64_t number)
{
    unsigned digits = 1;
    for (; number > 9; number /= 10)
        digits++;
    return digits;
}

static size_t number_bytes(const struct version_space *space, uint64_t number)
{
    if ((space->flags & VERSION_BINARY) != 0)
        return sizeof number;
    const unsigned digits = decimal_digits(number);
    return digits < space->digits ? space->digits : digits;
}

size_t version_key_bytes(const struct version_space *space, uint64_t number)
{
    const size_t bytes = space->prefix_bytes + number_bytes(space, number) +
                         ((space->flags & VERSION_TAGGED) != 0 ? 2 : 0);
    return bytes < space->key_bytes ? space->key_bytes : bytes;
}

struct room {
    char *at, *end;
};

static void put(struct room *room, char byte)
{
    if (room->at < room->end)
        *room->at++ = byte;
}

void version_key_write(char *out, size_t room_bytes, const struct version_space *space,
                       uint64_t number)
{
    const size_t bytes = version_key_bytes(space, number);
    struct room room = {out, out + (room_bytes < bytes ? room_bytes : bytes)};
    for (uint32_t i = 0; i < space->prefix_bytes; i++)
        put(&room, space->prefix[i]);
    if ((space->flags & VERSION_TAGGED) != 0)
        put(&room, '{');
    const size_t digits = number_bytes(space, number);
    uint64_t unit = 1;
    for (size_t i = 1; i < digits && unit <= UINT64_MAX / 10; i++)
        unit *= 10;
    for (size_t i = digits; i > 0; i--) {
        if ((space->flags & VERSION_BINARY) != 0) {
            put(&room, (char)(number >> 8 * (i - 1) & 0xff));
        } else if (i > 20) {
            put(&room, '0');
        } else {
            put(&room, (char)('0' + number / unit % 10));
            unit /= unit > 1 ? 10 : 1;
        }
    }
    if ((space->flags & VERSION_TAGGED) != 0)
        put(&room, '}');
    while (room.at < room.end)
        *room.at++ = 'x';
}

uint64_t version_space_seed(const struct version_space *space, uint64_t seed)
{
    uint64_t hash = rng_mix(seed ^ (uint64_t)space->digits << 8 ^ space->flags % VERSION_MAY_GO);
    for (uint32_t i = 0; i < space->prefix_bytes; i++)
        hash = rng_at(hash, (unsigned char)space->prefix[i]);
    return hash;
}

/* ---- the table ---- */

static enum err_code failed(const char *path, struct err *err)
{
    return err_set_errno(err, E_SYSTEM, errno, "--verify: cannot keep versions of keys%s%s",
                         path != NULL ? " in " : "", path != NULL ? path : "");
}

/* A page of a file that finds no room kills whoever writes to it. */
static enum err_code check_room(const struct version_table *table, const char *path,
                                struct err *err)
{
    struct statvfs room;
    char needed[32], left[32];
    if (path == NULL || fstatvfs(table->fd, &room) != 0)
        return OK;
    const uint64_t bytes = (uint64_t)room.f_bavail * room.f_frsize;
    if (bytes >= table->byte_count)
        return OK;
    return err_set(err, E_USAGE,
                   "--verify: %s may take %s, and %s are left there: give fewer keys, or another "
                   "--out",
                   path, units_format_size(needed, sizeof needed, table->byte_count),
                   units_format_size(left, sizeof left, bytes));
}

static enum err_code map(struct version_table *table, const char *path, struct err *err)
{
    table->fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0664)
                             : memfd_create("volley-versions", MFD_CLOEXEC);
    if (table->fd < 0 || ftruncate(table->fd, (off_t)table->byte_count) != 0)
        return failed(path, err);
    if (check_room(table, path, err) != OK)
        return err->code;
    void *memory = mmap(NULL, table->byte_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                        table->fd, 0);
    if (memory == MAP_FAILED)
        return failed(path, err);
    table->header = memory;
    table->entries = (struct version_entry *)((char *)memory + VERSION_HEADER_BYTES);
    memory = mmap(NULL, sizeof *table->findings, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                  -1, 0);
    if (memory == MAP_FAILED)
        return failed(NULL, err);
    table->findings = memory;
    return OK;
}

enum err_code version_table_create(struct version_table *table, const struct version_space *spaces,
                                   uint32_t count, uint64_t seed, const char *path, struct err *err)
{
    uint64_t entries = 0;
    *table = (struct version_table){.fd = -1};
    assert(count <= VERSION_SPACES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (spaces[i].count > VERSION_ENTRIES_MAX - entries)
            return err_set(err, E_USAGE, "--verify keeps 16 bytes a key, of at most %llu keys",
                           VERSION_ENTRIES_MAX);
        entries += spaces[i].count;
    }
    table->byte_count = VERSION_HEADER_BYTES + entries * sizeof table->entries[0];
    enum err_code code = map(table, path, err);
    if (code != OK)
        return code;
    struct version_header *header = table->header;
    memcpy(header->magic, magic, sizeof magic);
    header->byte_order = BYTE_ORDER_MARK;
    header->format = FORMAT;
    header->seed = seed;
    header->entry_count = entries;
    header->space_count = count;
    entries = 0;
    for (uint32_t i = 0; i < count; i++) {
        header->spaces[i] = spaces[i];
        header->spaces[i].entry = entries;
        entries += spaces[i].count;
    }
    return OK;
}

void version_table_destroy(struct version_table *table)
{
    if (table->header != NULL)
        munmap(table->header, table->byte_count);
    if (table->findings != NULL)
        munmap(table->findings, sizeof *table->findings);
    if (table->fd >= 0)
        close(table->fd);
    *table = (struct version_table){.fd = -1};
}

enum err_code version_table_forget(struct version_table *table, struct err *err)
{
    if (ftruncate(table->fd, VERSION_HEADER_BYTES) != 0 ||
        ftruncate(table->fd, (off_t)table->byte_count) != 0)
        return failed(NULL, err);
    return OK;
}

static enum err_code damaged(const char *what, struct err *err)
{
    return err_set(err, E_DATA, "the versions of keys are damaged: %s", what);
}

static enum err_code check_space(const struct version_space *space, uint64_t entry,
                                 uint64_t entry_count, struct err *err)
{
    if (space->entry != entry || space->count == 0 || space->count > entry_count - entry)
        return damaged("its entries do not follow each other", err);
    if (space->first > UINT64_MAX - space->count)
        return damaged("its numbers have no end", err);
    if (space->prefix_bytes > VERSION_PREFIX_BYTES || space->digits > 20 ||
        space->key_bytes > VERSION_KEY_BYTES_MAX)
        return damaged("its keys are too long", err);
    return OK;
}

enum err_code version_header_check(const struct version_header *header, uint64_t file_bytes,
                                   struct err *err)
{
    if (file_bytes < VERSION_HEADER_BYTES || memcmp(header->magic, magic, sizeof magic) != 0)
        return err_set(err, E_DATA, "it is no file of versions that --verify has kept");
    if (header->byte_order != BYTE_ORDER_MARK || header->format != FORMAT)
        return err_set(err, E_DATA,
                       "it was written by another version of volley, or on a machine of another "
                       "byte order");
    if (header->space_count == 0 || header->space_count > VERSION_SPACES_MAX ||
        header->entry_count > VERSION_ENTRIES_MAX)
        return damaged("it has too many keys, or none", err);
    if (file_bytes != VERSION_HEADER_BYTES + header->entry_count * sizeof(struct version_entry))
        return damaged("it is not as long as it should be", err);
    uint64_t entry = 0;
    for (uint32_t i = 0; i < header->space_count; i++) {
        if (check_space(&header->spaces[i], entry, header->entry_count, err) != OK)
            return err->code;
        entry += header->spaces[i].count;
    }
    return entry == header->entry_count ? OK : damaged("some entries are of no key", err);
}

/* ---- findings ---- */

/* A key that is read again and again would fill all places. */
static bool is_kept(const struct checked_findings *findings, const struct checked_finding *finding)
{
    const size_t bytes =
        finding->key_bytes < CHECKED_KEY_SHOWN ? finding->key_bytes : CHECKED_KEY_SHOWN;
    for (uint32_t i = 0; i < CHECKED_FINDINGS_MAX; i++)
        /* Acquire: partner is the release of checked_findings_add. */
        if (atomic_load_explicit(&findings->ready[i], memory_order_acquire) &&
            findings->items[i].kind == finding->kind &&
            findings->items[i].key_bytes == finding->key_bytes &&
            memcmp(findings->items[i].key, finding->key, bytes) == 0)
            return true;
    return false;
}

void checked_findings_add(struct checked_findings *findings, const struct checked_finding *finding)
{
    atomic_fetch_add_explicit(&findings->counts[finding->kind], 1, memory_order_relaxed);
    if (atomic_load_explicit(&findings->claimed, memory_order_relaxed) >= CHECKED_FINDINGS_MAX ||
        is_kept(findings, finding))
        return;
    const uint32_t at = atomic_fetch_add_explicit(&findings->claimed, 1, memory_order_relaxed);
    if (at >= CHECKED_FINDINGS_MAX)
        return;
    findings->items[at] = *finding;
    /* Release: partner is the acquire of whoever shows them, and of is_kept. */
    atomic_store_explicit(&findings->ready[at], true, memory_order_release);
}

void checked_findings_clear(struct checked_findings *findings)
{
    for (uint32_t i = 0; i < CHECKED_KINDS; i++)
        atomic_store_explicit(&findings->counts[i], 0, memory_order_relaxed);
    for (uint32_t i = 0; i < CHECKED_FINDINGS_MAX; i++)
        atomic_store_explicit(&findings->ready[i], false, memory_order_relaxed);
    atomic_store_explicit(&findings->claimed, 0, memory_order_relaxed);
}
