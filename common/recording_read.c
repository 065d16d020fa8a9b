/* Reads recordings, one block at a time. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/printable.h"
#include "common/recording_format.h"

#define READ_STEP_BYTES (1u << 20)
/* The least room for requests; a block of small ones needs no more. */
#define REQUEST_ROOM_BYTES (64u << 10)
#define ARGUMENT_ROOM 64u

enum block_status { BLOCK_READ, BLOCK_END, BLOCK_CUT, BLOCK_DAMAGED, BLOCK_FAILED };

struct recording_reader {
    int fd;
    char *path;          /* for messages */
    uint64_t file_bytes; /* when it was opened */
    bool has_times;
    uint64_t start_unix_us;
    uint64_t first_offset; /* of the first block of entries */
    struct recording_facts *facts;
    bool facts_known, was_cut;

    uint64_t offset; /* of the block that comes next */
    uint64_t block_offset;
    bool ended;
    struct err damage; /* what every later call says */
    unsigned char *block;
    size_t room_bytes;
    struct wire_cursor rest; /* of the block */
    bool block_begun;        /* the next entry's time counts from 0 */
    uint64_t last_us;        /* of the last entry */

    char *request;
    size_t request_room_bytes;
    struct recording_argument *arguments;
    size_t argument_room;
};

bool recording_has_magic(const void *bytes, size_t byte_count)
{
    return byte_count >= RECORDING_MAGIC_BYTES &&
           memcmp(bytes, RECORDING_MAGIC, RECORDING_MAGIC_BYTES) == 0;
}

/* ---- blocks */

/* All of it, or less where the file ends. -1: errno. */
static ssize_t read_at(const struct recording_reader *reader, unsigned char *out, size_t byte_count,
                       uint64_t offset)
{
    size_t have = 0;
    while (have < byte_count) {
        ssize_t now = pread(reader->fd, out + have, byte_count - have, (off_t)(offset + have));
        if (now < 0 && errno == EINTR)
            continue;
        if (now < 0)
            return -1;
        if (now == 0)
            break;
        have += (size_t)now;
    }
    return (ssize_t)have;
}

static bool make_room(void **room, size_t *room_count, size_t needed, size_t element_bytes)
{
    if (needed <= *room_count)
        return true;
    void *larger = realloc(*room, needed * element_bytes);
    if (larger == NULL)
        return false;
    *room = larger;
    *room_count = needed;
    return true;
}

static bool room_for_block(struct recording_reader *reader, size_t byte_count)
{
    void *room = reader->block;
    bool made = make_room(&room, &reader->room_bytes, byte_count, 1);
    reader->block = room;
    return made;
}

/* In steps, so that a wrong length costs no memory. */
static enum block_status read_body(struct recording_reader *reader, size_t byte_count)
{
    size_t wanted = byte_count + RECORDING_CRC_BYTES, have = 0;
    while (have < wanted) {
        size_t step = wanted - have < READ_STEP_BYTES ? wanted - have : READ_STEP_BYTES;
        if (!room_for_block(reader, have + step)) {
            errno = ENOMEM;
            return BLOCK_FAILED;
        }
        ssize_t now = read_at(reader, reader->block + have, step,
                              reader->offset + RECORDING_HEAD_BYTES + have);
        if (now < 0)
            return BLOCK_FAILED;
        have += (size_t)now;
        if ((size_t)now < step)
            return BLOCK_CUT;
    }
    uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), reader->block, (uInt)byte_count);
    return crc == recording_get_u32(reader->block + byte_count) ? BLOCK_READ : BLOCK_DAMAGED;
}

/* Reads the block at the reader's offset, and moves behind it. */
static enum block_status read_block(struct recording_reader *reader, uint32_t *kind,
                                    size_t *byte_count)
{
    unsigned char head[RECORDING_HEAD_BYTES];
    ssize_t have = read_at(reader, head, sizeof head, reader->offset);
    if (have < 0)
        return BLOCK_FAILED;
    if (have < (ssize_t)sizeof head)
        return have == 0 ? BLOCK_END : BLOCK_CUT;
    *kind = recording_get_u32(head);
    *byte_count = recording_get_u32(head + 4);
    if (recording_get_u32(head + 8) != (uint32_t)crc32(crc32(0, NULL, 0), head, 8) ||
        *byte_count > RECORDING_BLOCK_MAX_BYTES)
        return BLOCK_DAMAGED;
    enum block_status status = read_body(reader, *byte_count);
    reader->block_offset = reader->offset;
    if (status == BLOCK_READ)
        reader->offset += RECORDING_HEAD_BYTES + *byte_count + RECORDING_CRC_BYTES;
    return status;
}

static enum err_code say_damaged(struct recording_reader *reader, uint64_t offset, const char *what)
{
    return err_set(&reader->damage, E_DATA,
                   "%s is damaged at byte %" PRIu64 ": %s; what stands before it can be read",
                   PRINTABLE(reader->path), offset, what);
}

static enum err_code say_failed(struct recording_reader *reader)
{
    return err_set_errno(&reader->damage, E_SYSTEM, errno, "cannot read %s",
                         PRINTABLE(reader->path));
}

/* Behind a trailer there are its length and the mark, and nothing more. */
static enum err_code end_with_trailer(struct recording_reader *reader, size_t byte_count)
{
    unsigned char end[RECORDING_END_BYTES + 1];
    size_t trailer_bytes = RECORDING_HEAD_BYTES + byte_count + RECORDING_CRC_BYTES;
    ssize_t have = read_at(reader, end, sizeof end, reader->offset);
    if (have < 0)
        return say_failed(reader);
    if (have > (ssize_t)RECORDING_END_BYTES ||
        (have == (ssize_t)RECORDING_END_BYTES &&
         (recording_get_u32(end) != trailer_bytes ||
          memcmp(end + 4, RECORDING_END_MARK, RECORDING_END_BYTES - 4) != 0)))
        return say_damaged(reader, reader->offset, "it does not end as a recording does");
    reader->was_cut = have < (ssize_t)RECORDING_END_BYTES;
    reader->ended = true;
    return OK;
}

/* Loads the next block of entries, or ends. */
static enum err_code next_block(struct recording_reader *reader)
{
    uint32_t kind = 0;
    size_t byte_count = 0;
    enum block_status status = read_block(reader, &kind, &byte_count);
    if (status == BLOCK_FAILED)
        return say_failed(reader);
    if (status == BLOCK_DAMAGED)
        return say_damaged(reader, reader->offset, "a checksum does not fit");
    if (status == BLOCK_END || status == BLOCK_CUT) {
        reader->was_cut = true;
        reader->ended = true;
        return OK;
    }
    if (kind == RECORDING_TRAILER)
        return end_with_trailer(reader, byte_count);
    if (kind != RECORDING_ENTRIES)
        return say_damaged(reader, reader->block_offset, "a block of a kind that is not known");
    reader->rest = (struct wire_cursor){.in = reader->block, .left_bytes = byte_count};
    reader->block_begun = true;
    return OK;
}

/* ---- entries */

static size_t put_length(char *out, char type, size_t value)
{
    char digits[24];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    out[0] = type;
    for (size_t i = 0; i < count; i++)
        out[1 + i] = digits[count - 1 - i];
    memcpy(out + 1 + count, "\r\n", 2);
    return count + 3;
}

/* What the arguments in a block take as RESP; 0: they are not in order. */
static size_t measure(struct wire_cursor packed, uint32_t argument_count)
{
    size_t bytes = recording_bulk_bytes(argument_count) - 2 - argument_count;
    for (uint32_t i = 0; i < argument_count; i++) {
        struct wire_cursor argument = wire_entry(&packed);
        bytes += recording_bulk_bytes(argument.left_bytes);
        if (packed.cut || bytes > RECORDING_REQUEST_MAX_BYTES)
            return 0;
    }
    return packed.left_bytes == 0 ? bytes : 0;
}

static bool room_for_request(struct recording_reader *reader, size_t byte_count, size_t arguments)
{
    void *request = reader->request, *places = reader->arguments;
    bool made = make_room(&request, &reader->request_room_bytes, byte_count, 1);
    reader->request = request;
    made =
        make_room(&places, &reader->argument_room, arguments, sizeof reader->arguments[0]) && made;
    reader->arguments = places;
    return made;
}

static enum err_code make_request(struct recording_reader *reader, struct wire_cursor packed,
                                  struct recording_entry *entry)
{
    entry->request_bytes = measure(packed, entry->argument_count);
    if (entry->request_bytes == 0)
        return say_damaged(reader, reader->block_offset, "a request is not in order");
    if (!room_for_request(reader, entry->request_bytes, entry->argument_count))
        return err_set(&reader->damage, E_SYSTEM, "no memory for a request of %zu bytes",
                       entry->request_bytes);
    char *out = reader->request;
    out += put_length(out, '*', entry->argument_count);
    for (uint32_t i = 0; i < entry->argument_count; i++) {
        struct wire_cursor argument = wire_entry(&packed);
        out += put_length(out, '$', argument.left_bytes);
        memcpy(out, argument.in, argument.left_bytes);
        reader->arguments[i] =
            (struct recording_argument){.bytes = out, .byte_count = argument.left_bytes};
        out += argument.left_bytes;
        memcpy(out, "\r\n", 2);
        out += 2;
    }
    entry->request = reader->request;
    entry->arguments = reader->arguments;
    return OK;
}

/* The numbers of an entry, and where its arguments stand. */
static enum err_code take_head(struct recording_reader *reader, struct recording_entry *entry,
                               struct wire_cursor *packed)
{
    struct wire_cursor *rest = &reader->rest;
    uint64_t since_us = wire_number(rest);
    uint64_t client = wire_number(rest);
    uint64_t database = wire_number(rest);
    uint64_t arguments = wire_number(rest);
    *packed = wire_entry(rest);
    uint64_t from_us = reader->block_begun ? 0 : reader->last_us;
    uint64_t at_us = from_us + since_us;
    if (rest->cut || client >= UINT32_MAX || database > UINT32_MAX || arguments == 0 ||
        arguments > RECORDING_ARGUMENTS_MAX || at_us < from_us || at_us < reader->last_us)
        return say_damaged(reader, reader->block_offset, "an entry is not in order");
    reader->block_begun = false;
    reader->last_us = at_us;
    *entry = (struct recording_entry){.at_us = at_us,
                                      .client = (uint32_t)client,
                                      .database = (uint32_t)database,
                                      .argument_count = (uint32_t)arguments};
    return OK;
}

enum err_code recording_next_of(struct recording_reader *reader, uint32_t modulus,
                                uint32_t remainder, struct recording_entry *entry, bool *more,
                                struct err *err)
{
    *more = false;
    struct wire_cursor packed;
    while (reader->damage.code == OK && !reader->ended) {
        if (reader->rest.left_bytes == 0) {
            if (next_block(reader) != OK)
                break;
            continue;
        }
        if (take_head(reader, entry, &packed) != OK)
            break;
        if (entry->client % modulus != remainder)
            continue;
        if (make_request(reader, packed, entry) != OK)
            break;
        *more = true;
        return OK;
    }
    return reader->damage.code == OK ? OK
                                     : err_set(err, reader->damage.code, "%s", reader->damage.text);
}

enum err_code recording_next(struct recording_reader *reader, struct recording_entry *entry,
                             bool *more, struct err *err)
{
    return recording_next_of(reader, 1, 0, entry, more, err);
}

void recording_rewind(struct recording_reader *reader)
{
    reader->offset = reader->first_offset;
    reader->rest = (struct wire_cursor){.in = reader->block};
    reader->last_us = 0;
    reader->ended = false;
    reader->damage = (struct err){.code = OK};
}

bool recording_follow(struct recording_reader *reader, const struct recording_reader *other)
{
    const size_t at = (size_t)(other->rest.in - other->block), left = other->rest.left_bytes;
    if (!room_for_block(reader, at + left))
        return false;
    if (left > 0)
        memcpy(reader->block + at, other->rest.in, left);
    reader->rest = (struct wire_cursor){.in = reader->block + at, .left_bytes = left};
    reader->offset = other->offset;
    reader->block_offset = other->block_offset;
    reader->block_begun = other->block_begun;
    reader->last_us = other->last_us;
    reader->ended = other->ended;
    reader->damage = other->damage;
    return true;
}

uint64_t recording_file_bytes(const struct recording_reader *reader)
{
    return reader->file_bytes;
}

bool recording_has_times(const struct recording_reader *reader)
{
    return reader->has_times;
}

uint64_t recording_start_unix_us(const struct recording_reader *reader)
{
    return reader->start_unix_us;
}

bool recording_was_cut(const struct recording_reader *reader)
{
    return reader->was_cut;
}

/* ---- facts */

static void begin_facts(struct recording_reader *reader)
{
    *reader->facts = (struct recording_facts){.has_times = reader->has_times,
                                              .start_unix_us = reader->start_unix_us};
}

/* Whether the file ends as one that was finished; then its facts are those of its trailer. */
static void look_for_trailer(struct recording_reader *reader, uint64_t file_bytes)
{
    unsigned char end[RECORDING_END_BYTES];
    if (file_bytes < reader->first_offset + sizeof end ||
        read_at(reader, end, sizeof end, file_bytes - sizeof end) != (ssize_t)sizeof end ||
        memcmp(end + 4, RECORDING_END_MARK, sizeof end - 4) != 0)
        return;
    uint64_t trailer_bytes = recording_get_u32(end);
    if (trailer_bytes > file_bytes - sizeof end - reader->first_offset)
        return;
    uint32_t kind = 0;
    size_t byte_count = 0;
    reader->offset = file_bytes - sizeof end - trailer_bytes;
    reader->facts_known = read_block(reader, &kind, &byte_count) == BLOCK_READ &&
                          kind == RECORDING_TRAILER && reader->offset + sizeof end == file_bytes &&
                          recording_trailer_decode(reader->facts, reader->block, byte_count) &&
                          reader->facts->block_bytes_max <= file_bytes &&
                          /* an empty argument takes one byte of the file, and six as RESP */
                          reader->facts->arguments_max <= file_bytes &&
                          reader->facts->request_bytes_max <= 8 * file_bytes;
    if (!reader->facts_known)
        begin_facts(reader);
}

const struct recording_facts *recording_known_facts(const struct recording_reader *reader)
{
    return reader->facts_known ? reader->facts : NULL;
}

enum err_code recording_count(struct recording_reader *reader, const struct recording_facts **facts,
                              struct err *err)
{
    *facts = reader->facts;
    if (reader->facts_known)
        return OK;
    recording_rewind(reader);
    begin_facts(reader);
    struct recording_entry entry;
    bool more = true;
    enum err_code code;
    while ((code = recording_next(reader, &entry, &more, err)) == OK && more)
        recording_facts_add(reader->facts, &entry);
    if (code != OK)
        return code;
    reader->facts->block_bytes_max = reader->room_bytes;
    reader->facts_known = true;
    recording_rewind(reader);
    return OK;
}

/* ---- open and close */

static enum err_code read_header(struct recording_reader *reader, struct err *err)
{
    unsigned char magic[RECORDING_MAGIC_BYTES];
    if (read_at(reader, magic, sizeof magic, 0) != (ssize_t)sizeof magic ||
        !recording_has_magic(magic, sizeof magic))
        return err_set(err, E_DATA, "%s is not a recording of volley (it does not begin with %.*s)",
                       PRINTABLE(reader->path), (int)RECORDING_MAGIC_BYTES - 1, RECORDING_MAGIC);
    uint32_t kind = 0;
    size_t byte_count = 0;
    reader->offset = sizeof magic;
    enum block_status status = read_block(reader, &kind, &byte_count);
    if (status == BLOCK_FAILED)
        return err_set_errno(err, E_SYSTEM, errno, "cannot read %s", PRINTABLE(reader->path));
    if (status == BLOCK_END || status == BLOCK_CUT) {
        /* Cut before the first request. */
        reader->first_offset = reader->offset;
        return OK;
    }
    struct wire_cursor header = {.in = reader->block, .left_bytes = byte_count};
    reader->has_times = wire_number(&header) != 0;
    reader->start_unix_us = wire_number(&header);
    if (status != BLOCK_READ || kind != RECORDING_HEADER || header.cut)
        return err_set(err, E_DATA, "%s is damaged in its header", PRINTABLE(reader->path));
    reader->first_offset = reader->offset;
    return OK;
}

static enum err_code prepare(struct recording_reader *reader, const char *path, struct err *err)
{
    struct stat status;
    if (reader->fd < 0 || fstat(reader->fd, &status) != 0)
        return err_set_errno(err, E_CONFIG, errno, "cannot read %s", PRINTABLE(path));
    if (!S_ISREG(status.st_mode))
        return err_set(err, E_CONFIG, "%s is not a regular file: a recording is read several times",
                       PRINTABLE(path));
    if (!room_for_block(reader, RECORDING_BLOCK_BYTES * 2) || read_header(reader, err) != OK)
        return err_set(err, E_SYSTEM, "no memory to read a recording");
    begin_facts(reader);
    reader->file_bytes = (uint64_t)status.st_size;
    look_for_trailer(reader, reader->file_bytes);
    const struct recording_facts *facts = reader->facts;
    size_t block_bytes = (size_t)facts->block_bytes_max + RECORDING_CRC_BYTES;
    size_t request_bytes = (size_t)facts->request_bytes_max + REQUEST_ROOM_BYTES;
    if (!room_for_block(reader, block_bytes) ||
        !room_for_request(reader, request_bytes, (size_t)facts->arguments_max + ARGUMENT_ROOM))
        return err_set(err, E_SYSTEM, "no memory to read a recording");
    recording_rewind(reader);
    return OK;
}

/* fd is taken over; below 0: errno says why. */
static enum err_code open_reader(struct recording_reader **reader, int fd, const char *path,
                                 struct err *err)
{
    const int cause = errno;
    *reader = NULL;
    struct recording_reader *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        if (fd >= 0)
            close(fd);
        return err_set(err, E_SYSTEM, "no memory to read a recording");
    }
    opened->fd = fd;
    opened->path = strdup(path);
    opened->facts = calloc(1, sizeof *opened->facts);
    errno = cause;
    enum err_code code = opened->path != NULL && opened->facts != NULL
                             ? prepare(opened, path, err)
                             : err_set(err, E_SYSTEM, "no memory to read a recording");
    if (code != OK)
        recording_close(opened);
    else
        *reader = opened;
    return code;
}

enum err_code recording_open(struct recording_reader **reader, const char *path, struct err *err)
{
    return open_reader(reader, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), path, err);
}

enum err_code recording_open_on(struct recording_reader **reader, int fd, const char *path,
                                struct err *err)
{
    return open_reader(reader, fcntl(fd, F_DUPFD_CLOEXEC, 0), path, err);
}

void recording_close(struct recording_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader->path);
    free(reader->facts);
    free(reader->block);
    free(reader->request);
    free(reader->arguments);
    free(reader);
}
