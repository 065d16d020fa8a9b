/* Writes recordings, and keeps account of what is in them. */
#include "common/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/printable.h"
#include "common/recording_format.h"

struct recording_writer {
    int fd;
    char *path; /* for messages */
    struct recording_facts facts;
    uint64_t last_us; /* of the last entry */
    uint64_t file_bytes;
    unsigned char *block; /* head, and the entries that are still in memory */
    size_t room_bytes, used_bytes;
    bool broken; /* a write failed: nothing more is written behind the tear */
};

static void put_u32(unsigned char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

uint32_t recording_get_u32(const unsigned char *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

size_t recording_seal(unsigned char *block, enum recording_block kind, size_t byte_count)
{
    put_u32(block, (uint32_t)kind);
    put_u32(block + 4, (uint32_t)byte_count);
    put_u32(block + 8, (uint32_t)crc32(crc32(0, NULL, 0), block, 8));
    unsigned char *bytes = block + RECORDING_HEAD_BYTES;
    put_u32(bytes + byte_count, (uint32_t)crc32(crc32(0, NULL, 0), bytes, (uInt)byte_count));
    return RECORDING_HEAD_BYTES + byte_count + RECORDING_CRC_BYTES;
}

size_t recording_bulk_bytes(size_t byte_count)
{
    size_t digits = 1;
    for (size_t rest = byte_count; rest >= 10; rest /= 10)
        digits++;
    return 1 + digits + 2 + byte_count + 2;
}

/* ---- facts */

static void count_command(struct recording_facts *facts, const struct recording_argument *argument)
{
    char name[RECORDING_COMMAND_BYTES] = {0};
    for (size_t i = 0; i < argument->byte_count && i < sizeof name - 1; i++) {
        char byte = argument->bytes[i];
        bool lower = byte >= 'a' && byte <= 'z';
        name[i] = byte <= ' ' || byte > '~' ? '?' : (char)(lower ? byte - 'a' + 'A' : byte);
    }
    for (uint32_t i = 0; i < facts->command_count; i++) {
        if (memcmp(facts->commands[i].name, name, sizeof name) == 0) {
            facts->commands[i].count++;
            return;
        }
    }
    if (facts->command_count == RECORDING_COMMANDS_MAX) {
        facts->other_commands++;
        return;
    }
    struct recording_command *command = &facts->commands[facts->command_count++];
    memcpy(command->name, name, sizeof name);
    command->count = 1;
}

static void raise(uint64_t *highest, uint64_t value)
{
    *highest = value > *highest ? value : *highest;
}

void recording_facts_add(struct recording_facts *facts, const struct recording_entry *entry)
{
    facts->entries++;
    facts->request_bytes += entry->request_bytes;
    raise(&facts->clients, (uint64_t)entry->client + 1);
    raise(&facts->databases, (uint64_t)entry->database + 1);
    raise(&facts->span_us, entry->at_us);
    raise(&facts->request_bytes_max, entry->request_bytes);
    raise(&facts->arguments_max, entry->argument_count);
    count_command(facts, &entry->arguments[0]);
}

/* The numbers of a trailer, in their order. New ones go to the end, behind the commands. */
#define TRAILER_NUMBERS(X)                                                                         \
    X(entries)                                                                                     \
    X(clients)                                                                                     \
    X(databases)                                                                                   \
    X(span_us)                                                                                     \
    X(request_bytes)                                                                               \
    X(left_out)                                                                                    \
    X(request_bytes_max)                                                                           \
    X(arguments_max)                                                                               \
    X(block_bytes_max)                                                                             \
    X(other_commands)
/* Those behind the commands; a file from before them ends there. */
#define TRAILER_LATER_NUMBERS(X)                                                                   \
    X(skipped_lines)                                                                               \
    X(snapshots)                                                                                   \
    X(source_cuts)

size_t recording_trailer_encode(unsigned char *out, const struct recording_facts *facts)
{
    size_t bytes = 0;
#define PUT_NUMBER(member) bytes += varint_encode(out + bytes, facts->member);
    TRAILER_NUMBERS(PUT_NUMBER)
    bytes += varint_encode(out + bytes, facts->command_count);
    for (uint32_t i = 0; i < facts->command_count; i++) {
        const struct recording_command *command = &facts->commands[i];
        size_t name_bytes = strlen(command->name);
        bytes += varint_encode(out + bytes, name_bytes);
        memcpy(out + bytes, command->name, name_bytes);
        bytes += name_bytes;
        bytes += varint_encode(out + bytes, command->count);
    }
    TRAILER_LATER_NUMBERS(PUT_NUMBER)
#undef PUT_NUMBER
    return bytes;
}

static bool decode_command(struct recording_command *command, struct wire_cursor *cursor)
{
    struct wire_cursor name = wire_entry(cursor);
    command->count = wire_number(cursor);
    if (cursor->cut || name.left_bytes >= sizeof command->name)
        return false;
    for (size_t i = 0; i < name.left_bytes; i++) {
        if (name.in[i] <= ' ' || name.in[i] > '~')
            return false;
        command->name[i] = (char)name.in[i];
    }
    return true;
}

bool recording_trailer_decode(struct recording_facts *facts, const unsigned char *in,
                              size_t in_bytes)
{
    struct wire_cursor cursor = {.in = in, .left_bytes = in_bytes};
#define GET_NUMBER(member) facts->member = wire_number(&cursor);
    TRAILER_NUMBERS(GET_NUMBER)
    uint64_t commands = wire_number(&cursor);
    if (cursor.cut || commands > RECORDING_COMMANDS_MAX ||
        facts->request_bytes_max > RECORDING_REQUEST_MAX_BYTES ||
        facts->arguments_max > RECORDING_ARGUMENTS_MAX ||
        facts->block_bytes_max > RECORDING_BLOCK_MAX_BYTES || facts->clients > UINT32_MAX)
        return false;
    facts->command_count = (uint32_t)commands;
    for (uint32_t i = 0; i < facts->command_count; i++) {
        if (!decode_command(&facts->commands[i], &cursor))
            return false;
    }
    if (cursor.left_bytes == 0)
        return true;
    TRAILER_LATER_NUMBERS(GET_NUMBER)
#undef GET_NUMBER
    return !cursor.cut;
}

/* ---- the writer */

static enum err_code write_all(struct recording_writer *writer, const unsigned char *bytes,
                               size_t byte_count, struct err *err)
{
    for (size_t written = 0; written < byte_count && !writer->broken;) {
        ssize_t now = write(writer->fd, bytes + written, byte_count - written);
        if (now < 0 && errno == EINTR)
            continue;
        if (now > 0) {
            written += (size_t)now;
            continue;
        }
        int cause = now < 0 ? errno : ENOSPC;
        writer->broken = true;
        /* Take back the torn block. When even that fails, a reader ends at the tear by itself. */
        if (ftruncate(writer->fd, (off_t)writer->file_bytes) != 0)
            cause = errno;
        return err_set_errno(err, E_SYSTEM, cause, "cannot write %s", PRINTABLE(writer->path));
    }
    if (writer->broken)
        return err_set(err, E_SYSTEM, "cannot write %s", PRINTABLE(writer->path));
    writer->file_bytes += byte_count;
    return OK;
}

static enum err_code reserve(struct recording_writer *writer, size_t byte_count, struct err *err)
{
    size_t needed = writer->used_bytes + byte_count + RECORDING_CRC_BYTES;
    if (needed <= writer->room_bytes)
        return OK;
    unsigned char *larger = realloc(writer->block, needed);
    if (larger == NULL)
        return err_set(err, E_SYSTEM, "no memory for a request of %zu bytes", byte_count);
    writer->block = larger;
    writer->room_bytes = needed;
    return OK;
}

static void discard(struct recording_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->path);
    free(writer->block);
    free(writer);
}

static enum err_code write_header(struct recording_writer *writer, struct err *err)
{
    unsigned char start[RECORDING_MAGIC_BYTES + RECORDING_HEAD_BYTES + 2 * VARINT_MAX_BYTES +
                        RECORDING_CRC_BYTES];
    memcpy(start, RECORDING_MAGIC, RECORDING_MAGIC_BYTES);
    unsigned char *block = start + RECORDING_MAGIC_BYTES;
    size_t bytes = varint_encode(block + RECORDING_HEAD_BYTES, writer->facts.has_times);
    bytes += varint_encode(block + RECORDING_HEAD_BYTES + bytes, writer->facts.start_unix_us);
    return write_all(writer, start,
                     RECORDING_MAGIC_BYTES + recording_seal(block, RECORDING_HEADER, bytes), err);
}

enum err_code recording_create(struct recording_writer **writer, const char *path, bool has_times,
                               uint64_t start_unix_us, struct err *err)
{
    *writer = NULL;
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return err_set(err, E_USAGE,
                       "%s exists, and a recording is never written over another "
                       "file; name one that does not exist",
                       PRINTABLE(path));
    if (fd < 0)
        return err_set_errno(err, E_USAGE, errno, "cannot create %s", PRINTABLE(path));
    return recording_create_on(writer, fd, path, has_times, start_unix_us, err);
}

enum err_code recording_create_on(struct recording_writer **writer, int fd, const char *path,
                                  bool has_times, uint64_t start_unix_us, struct err *err)
{
    *writer = NULL;
    struct recording_writer *created = calloc(1, sizeof *created);
    if (created == NULL) {
        close(fd);
        return err_set(err, E_SYSTEM, "no memory to write a recording");
    }
    created->fd = fd;
    created->facts.has_times = has_times;
    created->facts.start_unix_us = start_unix_us;
    created->room_bytes =
        RECORDING_HEAD_BYTES + RECORDING_BLOCK_BYTES + RECORDING_TRAILER_MAX_BYTES;
    created->used_bytes = RECORDING_HEAD_BYTES;
    created->path = strdup(path);
    created->block = malloc(created->room_bytes);
    enum err_code code = created->path != NULL && created->block != NULL
                             ? write_header(created, err)
                             : err_set(err, E_SYSTEM, "no memory to write a recording");
    if (code != OK)
        discard(created);
    else
        *writer = created;
    return code;
}

enum err_code recording_flush(struct recording_writer *writer, struct err *err)
{
    size_t bytes = writer->used_bytes - RECORDING_HEAD_BYTES;
    if (bytes == 0)
        return OK;
    raise(&writer->facts.block_bytes_max, bytes);
    writer->used_bytes = RECORDING_HEAD_BYTES;
    return write_all(writer, writer->block, recording_seal(writer->block, RECORDING_ENTRIES, bytes),
                     err);
}

/* The bytes that an entry takes as RESP, and in *packed_bytes those of its arguments in a block; 0: too long. */
static size_t measure(const struct recording_entry *entry, size_t *packed_bytes)
{
    if (entry->argument_count == 0 || entry->argument_count > RECORDING_ARGUMENTS_MAX)
        return 0;
    size_t resp_bytes = recording_bulk_bytes(entry->argument_count) - 2 - entry->argument_count;
    *packed_bytes = 0;
    for (uint32_t i = 0; i < entry->argument_count; i++) {
        size_t byte_count = entry->arguments[i].byte_count;
        if (byte_count > RECORDING_REQUEST_MAX_BYTES)
            return 0;
        unsigned char length[VARINT_MAX_BYTES];
        *packed_bytes += varint_encode(length, byte_count) + byte_count;
        resp_bytes += recording_bulk_bytes(byte_count);
        if (resp_bytes > RECORDING_REQUEST_MAX_BYTES)
            return 0;
    }
    return resp_bytes;
}

static void pack(struct recording_writer *writer, const struct recording_entry *entry,
                 uint64_t since_us, size_t packed_bytes)
{
    unsigned char *out = writer->block + writer->used_bytes;
    out += varint_encode(out, since_us);
    out += varint_encode(out, entry->client);
    out += varint_encode(out, entry->database);
    out += varint_encode(out, entry->argument_count);
    out += varint_encode(out, packed_bytes);
    for (uint32_t i = 0; i < entry->argument_count; i++) {
        const struct recording_argument *argument = &entry->arguments[i];
        out += varint_encode(out, argument->byte_count);
        if (argument->byte_count > 0)
            memcpy(out, argument->bytes, argument->byte_count);
        out += argument->byte_count;
    }
    writer->used_bytes = (size_t)(out - writer->block);
}

enum err_code recording_append(struct recording_writer *writer, const struct recording_entry *entry,
                               struct err *err)
{
    size_t packed_bytes = 0;
    size_t resp_bytes = measure(entry, &packed_bytes);
    if (resp_bytes == 0)
        return err_set(err, E_DATA, "a request of %u arguments is larger than a recording takes",
                       entry->argument_count);
    if (entry->client == UINT32_MAX)
        return err_set(err, E_DATA, "more clients than a recording can tell apart");
    if (reserve(writer, RECORDING_ENTRY_HEAD_BYTES + packed_bytes, err) != OK)
        return err->code;
    struct recording_entry kept = *entry;
    kept.request_bytes = resp_bytes;
    kept.at_us = entry->at_us > writer->last_us ? entry->at_us : writer->last_us;
    /* A block counts its times from 0 of the recording, so that it can be read by itself. */
    bool first = writer->used_bytes == RECORDING_HEAD_BYTES;
    pack(writer, &kept, kept.at_us - (first ? 0 : writer->last_us), packed_bytes);
    writer->last_us = kept.at_us;
    recording_facts_add(&writer->facts, &kept);
    return writer->used_bytes < RECORDING_HEAD_BYTES + RECORDING_BLOCK_BYTES
               ? OK
               : recording_flush(writer, err);
}

void recording_leave_out(struct recording_writer *writer)
{
    writer->facts.left_out++;
}

void recording_note_source(struct recording_writer *writer, uint64_t skipped_lines, bool snapshot,
                           bool cut)
{
    writer->facts.skipped_lines = skipped_lines;
    writer->facts.snapshots = snapshot;
    writer->facts.source_cuts = cut;
}

uint64_t recording_size_bytes(const struct recording_writer *writer)
{
    return writer->file_bytes + writer->used_bytes + RECORDING_CRC_BYTES;
}

const struct recording_facts *recording_written(const struct recording_writer *writer)
{
    return &writer->facts;
}

enum err_code recording_finish(struct recording_writer *writer, struct err *err)
{
    enum err_code code = recording_flush(writer, err);
    if (code == OK) {
        size_t bytes =
            recording_trailer_encode(writer->block + RECORDING_HEAD_BYTES, &writer->facts);
        size_t block_bytes = recording_seal(writer->block, RECORDING_TRAILER, bytes);
        put_u32(writer->block + block_bytes, (uint32_t)block_bytes);
        memcpy(writer->block + block_bytes + 4, RECORDING_END_MARK, RECORDING_END_BYTES - 4);
        code = write_all(writer, writer->block, block_bytes + RECORDING_END_BYTES, err);
    }
    if (close(writer->fd) != 0 && code == OK)
        code = err_set_errno(err, E_SYSTEM, errno, "cannot write %s", PRINTABLE(writer->path));
    writer->fd = -1;
    discard(writer);
    return code;
}
