/* Recorded traffic in volley's compact form: a file of requests with their times, clients and databases, read in
 * memory that does not grow with the file. What the bytes are: docs/design/recordings.md.
 *
 * Nothing in a file is believed before it was checked. A file that was cut (its writer was killed) is read up to the
 * cut; one that was damaged is an error with the place. Every request that comes out is RESP that a server can parse:
 * it is made anew of its arguments. Callable from any process; a reader or writer belongs to one thread at a time. */
#ifndef COMMON_RECORDING_H
#define COMMON_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "common/err.h"

#define RECORDING_MAGIC "volley.recording/1\n"
#define RECORDING_REQUEST_MAX_BYTES (64u << 20) /* of one request, as RESP */
#define RECORDING_ARGUMENTS_MAX (1u << 20)      /* of one request, its name among them */
#define RECORDING_COMMANDS_MAX 256u             /* names that are told apart */
#define RECORDING_COMMAND_BYTES 32u

struct recording_argument {
    const char *bytes; /* any bytes, not terminated */
    size_t byte_count;
};

/* Whether it is this word, whatever the case of its letters. */
static inline bool recording_argument_is(const struct recording_argument *argument,
                                         const char *word)
{
    const size_t length = strlen(word);
    return argument->byte_count == length && strncasecmp(argument->bytes, word, length) == 0;
}

struct recording_entry {
    uint64_t at_us;  /* since the first entry; never goes back; 0 where there are no times */
    uint32_t client; /* 0, 1, ...: in the order in which they were first seen */
    uint32_t database;
    uint32_t argument_count;                    /* at least 1: the command's name is the first */
    const struct recording_argument *arguments; /* they point into request */
    const char *request;                        /* RESP, ready to be sent */
    size_t request_bytes;
};

/* What a whole recording is. */
struct recording_facts {
    bool has_times;         /* false: of an append-only file, whose order is all that is known */
    uint64_t entries;       /* requests */
    uint64_t clients;       /* the highest number + 1 */
    uint64_t databases;     /* the same */
    uint64_t span_us;       /* from the first entry to the last */
    uint64_t request_bytes; /* of all requests as RESP */
    uint64_t start_unix_us; /* of the first entry; 0: not known */
    uint64_t left_out; /* requests that were seen and are not in the file (secrets, too long) */
    /* Of what it was imported from: lines that did not parse, whether a snapshot in front was passed over, and
     * whether it ended in the middle of a request. 0 in files from before that was kept. */
    uint64_t skipped_lines, snapshots, source_cuts;
    uint64_t request_bytes_max, arguments_max; /* of one request: what a reader has to hold */
    uint64_t block_bytes_max;
    uint32_t command_count;
    uint64_t other_commands; /* requests whose names found no room in `commands` */
    struct recording_command {
        char name[RECORDING_COMMAND_BYTES]; /* in upper case, printable, cut where it is too long */
        uint64_t count;
    } commands[RECORDING_COMMANDS_MAX]; /* in the order in which they were first seen */
};

struct recording_writer;
struct recording_reader;

/* Creates a file; one that exists is not touched: E_USAGE. What was written before a crash can be read, but for
 * the last block (64 KiB, or what recording_flush wrote last). */
MUST_USE enum err_code recording_create(struct recording_writer **writer, const char *path,
                                        bool has_times, uint64_t start_unix_us, struct err *err);
/* The same onto a file that is open and empty, and is closed in any case; path: for messages. */
MUST_USE enum err_code recording_create_on(struct recording_writer **writer, int fd,
                                           const char *path, bool has_times, uint64_t start_unix_us,
                                           struct err *err);
/* Adds an entry; its request is not read, its arguments are. A time before the last one's counts as the last
 * one's. E_DATA: more arguments or bytes than a recording takes; nothing was added then, and the next may be. */
MUST_USE enum err_code recording_append(struct recording_writer *writer,
                                        const struct recording_entry *entry, struct err *err);
/* One request was left out. */
void recording_leave_out(struct recording_writer *writer);
/* What became of the file that it is made of; before recording_finish. */
void recording_note_source(struct recording_writer *writer, uint64_t skipped_lines, bool snapshot,
                           bool cut);
/* Writes what is still in memory. */
MUST_USE enum err_code recording_flush(struct recording_writer *writer, struct err *err);
/* What the file takes so far, with what is in memory. */
uint64_t recording_size_bytes(const struct recording_writer *writer);
/* Valid until recording_finish. */
const struct recording_facts *recording_written(const struct recording_writer *writer);
/* Writes the trailer, closes the file and frees the writer, whatever comes of it. */
MUST_USE enum err_code recording_finish(struct recording_writer *writer, struct err *err);

/* True: the file begins as a recording does. */
bool recording_has_magic(const void *bytes, size_t byte_count);

/* Opens a regular file and allocates what its largest request needs, so that no later call allocates where the
 * facts are known. The place in the file is the reader's own: after a fork each process goes on by itself.
 * *reader is NULL on error. */
MUST_USE enum err_code recording_open(struct recording_reader **reader, const char *path,
                                      struct err *err);
/* The same of an open file, which stays the caller's; path: for messages. */
MUST_USE enum err_code recording_open_on(struct recording_reader **reader, int fd, const char *path,
                                         struct err *err);
/* The next entry; valid until the next call. *more false: the end. E_DATA: damaged, with the offset; every later
 * call says the same until the reader is rewound. */
MUST_USE enum err_code recording_next(struct recording_reader *reader,
                                      struct recording_entry *entry, bool *more, struct err *err);
/* The next entry of the clients whose number is `remainder` modulo `modulus`: others cost their head only. */
MUST_USE enum err_code recording_next_of(struct recording_reader *reader, uint32_t modulus,
                                         uint32_t remainder, struct recording_entry *entry,
                                         bool *more, struct err *err);
void recording_rewind(struct recording_reader *reader);
/* A reader of the same file goes on where another one is. False: no memory, which cannot be where the facts are known. */
MUST_USE bool recording_follow(struct recording_reader *reader,
                               const struct recording_reader *other);
/* Of the header: known at once. */
uint64_t recording_file_bytes(const struct recording_reader *reader);
bool recording_has_times(const struct recording_reader *reader);
uint64_t recording_start_unix_us(const struct recording_reader *reader);
/* The file ended before its end; true only after *more was false, or after a recording_count. */
bool recording_was_cut(const struct recording_reader *reader);
/* NULL: the file was cut and recording_count has not been called. Valid as long as the reader. */
const struct recording_facts *recording_known_facts(const struct recording_reader *reader);
/* The facts, by one pass over the file where they are not known yet; rewinds. */
MUST_USE enum err_code recording_count(struct recording_reader *reader,
                                       const struct recording_facts **facts, struct err *err);
/* NULL is fine. */
void recording_close(struct recording_reader *reader);

#endif
