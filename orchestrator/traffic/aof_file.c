/* An append-only file as traffic: requests in RESP, with no times and no clients. In several parts (since Redis 7) it is a
 * manifest, whose lines name a base and what was appended since. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/printable.h"
#include "orchestrator/traffic/traffic_source.h"

#define MANIFEST_LINE_BYTES 4096u
#define LENGTH_LINE_BYTES 32u
#define COMMENT_MAX_BYTES 1024u
/* A snapshot ends with this byte, and the sum of all bytes up to it. */
#define SNAPSHOT_END 0xffu
#define SNAPSHOT_CRC_BYTES 8u
#define SNAPSHOT_STEP_BYTES (64u << 10)

enum aof_step { AOF_TAKEN, AOF_CUT, AOF_DAMAGED, AOF_MEMORY };

/* The request under way. Its arguments are known by their places, since the buffer may move. */
struct aof_request {
    uint64_t from; /* offset in the file */
    size_t used;   /* bytes of it that were taken, while it is kept */
    bool dropped;  /* too large: it is passed over */
};

bool aof_is_snapshot(const char *bytes, size_t byte_count)
{
    return (byte_count >= 5 && memcmp(bytes, "REDIS", 5) == 0) ||
           (byte_count >= 6 && memcmp(bytes, "VALKEY", 6) == 0);
}

/* CRC-64 as snapshots have it ("Jones": polynomial ad93d23594c935a9, reflected, no inversion). */
static void make_crc_table(uint64_t table[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        uint64_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ UINT64_C(0x95ac9329ac4bc9b5) : crc >> 1;
        table[i] = crc;
    }
}

static uint64_t get_u64(const char *in)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | (unsigned char)in[i];
    return value;
}

bool aof_skip_snapshot(struct traffic_source *source)
{
    uint64_t table[256], crc = 0;
    struct file_input *input = &source->input;
    make_crc_table(table);
    for (;;) {
        size_t have = file_input_have(input, SNAPSHOT_STEP_BYTES);
        if (have <= SNAPSHOT_CRC_BYTES)
            return false;
        const char *bytes = input->buffer + input->start;
        for (size_t i = 0; i < have - SNAPSHOT_CRC_BYTES; i++) {
            crc = table[(crc ^ (unsigned char)bytes[i]) & 0xff] ^ crc >> 8;
            if ((unsigned char)bytes[i] != SNAPSHOT_END || get_u64(bytes + i + 1) != crc)
                continue;
            file_input_pass(input, i + 1 + SNAPSHOT_CRC_BYTES);
            snprintf(source->report->snapshot, TRAFFIC_PLACE_BYTES,
                     "%.180s, up to byte %" PRIu64 ",", PRINTABLE(source->path), input->offset);
            return true;
        }
        file_input_pass(input, have - SNAPSHOT_CRC_BYTES);
    }
}

/* A line "*3" or "$12" of this type, and what it says. */
static enum aof_step take_length(struct traffic_source *source, struct aof_request *request,
                                 char type, uint64_t *value)
{
    struct file_input *input = &source->input;
    size_t have = file_input_have(input, request->used + LENGTH_LINE_BYTES) - request->used;
    const char *line = input->buffer + input->start + request->used;
    const char *end = memchr(line, '\n', have);
    if (end == NULL)
        return have < LENGTH_LINE_BYTES ? AOF_CUT : AOF_DAMAGED;
    size_t digits = (size_t)(end - line) - 2;
    if (end - line < 3 || line[0] != type || end[-1] != '\r' || digits > 12)
        return AOF_DAMAGED;
    *value = 0;
    for (size_t i = 1; i <= digits; i++) {
        if (line[i] < '0' || line[i] > '9')
            return AOF_DAMAGED;
        *value = *value * 10 + (uint64_t)(line[i] - '0');
    }
    request->used += digits + 3;
    if (request->dropped) {
        file_input_pass(input, request->used);
        request->used = 0;
    }
    return AOF_TAKEN;
}

static bool note_place(struct traffic_source *source, uint64_t index, size_t begin, size_t length)
{
    if (index >= source->end_room) {
        size_t room = source->end_room == 0 ? 64 : source->end_room * 2;
        size_t *larger = realloc(source->ends, room * 2 * sizeof *larger);
        if (larger == NULL)
            return false;
        source->ends = larger;
        source->end_room = room;
    }
    source->ends[2 * index] = begin;
    source->ends[2 * index + 1] = length;
    return true;
}

static enum aof_step take_argument(struct traffic_source *source, struct aof_request *request,
                                   uint64_t index)
{
    uint64_t length = 0;
    struct file_input *input = &source->input;
    enum aof_step step = take_length(source, request, '$', &length);
    if (step != AOF_TAKEN)
        return step;
    if (!request->dropped && request->used + length + 2 > RECORDING_REQUEST_MAX_BYTES) {
        request->dropped = true;
        file_input_pass(input, request->used);
        request->used = 0;
    }
    if (request->dropped) {
        if (file_input_skip(input, length) < length)
            return AOF_CUT;
        if (file_input_have(input, 2) < 2)
            return AOF_CUT;
        bool ended = memcmp(input->buffer + input->start, "\r\n", 2) == 0;
        file_input_pass(input, 2);
        return ended ? AOF_TAKEN : AOF_DAMAGED;
    }
    size_t wanted = request->used + (size_t)length + 2;
    if (file_input_have(input, wanted) < wanted)
        return AOF_CUT;
    if (memcmp(input->buffer + input->start + wanted - 2, "\r\n", 2) != 0)
        return AOF_DAMAGED;
    if (!note_place(source, index, request->used, (size_t)length))
        return AOF_MEMORY;
    request->used = wanted;
    return AOF_TAKEN;
}

/* A request, passed over when it was dropped; kept ones stand in the buffer until they are passed. */
static enum aof_step take_request(struct traffic_source *source, struct aof_request *request)
{
    uint64_t count = 0;
    enum aof_step step = take_length(source, request, '*', &count);
    if (step == AOF_TAKEN && (count == 0 || count > RECORDING_ARGUMENTS_MAX))
        return AOF_DAMAGED;
    for (uint64_t i = 0; i < count && step == AOF_TAKEN; i++)
        step = take_argument(source, request, i);
    if (step != AOF_TAKEN || request->dropped)
        return step;
    source->arguments.count = 0;
    const char *bytes = source->input.buffer + source->input.start;
    for (uint64_t i = 0; i < count; i++) {
        if (!argument_list_add(&source->arguments, bytes + source->ends[2 * i],
                               source->ends[2 * i + 1]))
            return AOF_MEMORY;
    }
    /* The bytes stay where they are until more are asked for. */
    file_input_pass(&source->input, request->used);
    return AOF_TAKEN;
}

/* SELECT is the file's own: who wrote it says so which database the next request goes to. */
static bool take_select(struct traffic_source *source)
{
    const struct recording_argument *arguments = source->arguments.items;
    if (source->arguments.count != 2 || !recording_argument_is(&arguments[0], "SELECT") ||
        arguments[1].byte_count == 0 || arguments[1].byte_count > 9)
        return false;
    uint32_t database = 0;
    for (size_t i = 0; i < arguments[1].byte_count; i++) {
        if (arguments[1].bytes[i] < '0' || arguments[1].bytes[i] > '9')
            return false;
        database = database * 10 + (uint32_t)(arguments[1].bytes[i] - '0');
    }
    source->database = database;
    return true;
}

static enum err_code open_part(struct traffic_source *source, struct err *err)
{
    while (source->next_part < source->part_count) {
        const char *path = source->parts[source->next_part++];
        char *name = strdup(path);
        if (name == NULL)
            return err_set(err, E_SYSTEM, "no memory for the parts of an append-only file");
        free(source->path);
        source->path = name;
        source->database = 0;
        file_input_close(&source->input);
        if (file_input_open(&source->input, path, err) != OK)
            return err->code;
        size_t have = file_input_have(&source->input, 6);
        if (!aof_is_snapshot(source->input.buffer + source->input.start, have))
            return OK;
        snprintf(source->report->snapshot, TRAFFIC_PLACE_BYTES, "%s", PRINTABLE(path));
        source->input.start = source->input.end;
        source->input.ended = true;
    }
    return OK;
}

/* "#TS:1628217470", of a server that writes times of a second into its file. */
static enum err_code pass_comment(struct traffic_source *source, struct err *err)
{
    char *text;
    size_t text_bytes;
    if (file_input_line(&source->input, COMMENT_MAX_BYTES, &text, &text_bytes) ==
        FILE_LINE_TOO_LONG)
        return err_set(err, E_DATA, "%s is damaged at byte %" PRIu64 ": a comment without an end",
                       PRINTABLE(source->path), source->input.offset);
    return OK;
}

static enum err_code say_end(struct traffic_source *source, enum aof_step step,
                             const struct aof_request *request, struct err *err)
{
    if (source->input.failed != 0)
        return err_set_errno(err, E_SYSTEM, source->input.failed, "cannot read %s",
                             PRINTABLE(source->path));
    if (step == AOF_MEMORY)
        return err_set(err, E_SYSTEM, "no memory for a request of %s", PRINTABLE(source->path));
    if (step == AOF_DAMAGED)
        return err_set(err, E_DATA,
                       "%s is damaged in the request that begins at byte %" PRIu64
                       ": it is no array of strings in RESP",
                       PRINTABLE(source->path), request->from);
    snprintf(source->report->cut, TRAFFIC_PLACE_BYTES,
             "%.180s ends within the request that begins at byte %" PRIu64, PRINTABLE(source->path),
             request->from);
    if (source->strict)
        return err_set(err, E_DATA, "%s", source->report->cut);
    source->input.start = source->input.end;
    source->input.ended = true;
    return OK;
}

enum err_code aof_next(struct traffic_source *source, struct recording_entry *entry, bool *found,
                       bool *more, struct err *err)
{
    struct aof_request request = {.from = source->input.offset};
    size_t have = file_input_have(&source->input, 1);
    *found = false;
    *more = true;
    if (source->input.failed != 0)
        return say_end(source, AOF_CUT, &request, err);
    if (have == 0) {
        *more = source->next_part < source->part_count;
        return open_part(source, err);
    }
    if (source->input.buffer[source->input.start] == '#')
        return pass_comment(source, err);
    enum aof_step step = take_request(source, &request);
    if (step != AOF_TAKEN)
        return say_end(source, step, &request, err);
    source->report->too_large += request.dropped;
    *found = !request.dropped && !take_select(source);
    *entry = (struct recording_entry){.database = source->database,
                                      .argument_count = source->arguments.count,
                                      .arguments = source->arguments.items};
    return OK;
}

/* ---- the manifest */

/* Not one that a server was writing when it died. */
static bool is_manifest(const char *name)
{
    static const char end[] = ".manifest";
    const size_t bytes = strlen(name);
    return bytes > sizeof end - 1 && strcmp(name + bytes - (sizeof end - 1), end) == 0 &&
           strncmp(name, "temp-", 5) != 0;
}

static enum err_code find_in_directory(char **found, DIR *directory, const char *path,
                                       struct err *err)
{
    enum err_code code = OK;
    for (const struct dirent *entry; code == OK && (entry = readdir(directory)) != NULL;) {
        if (!is_manifest(entry->d_name))
            continue;
        if (*found != NULL)
            code = err_set(err, E_DATA, "%s has several manifests (*.manifest); name one of them",
                           PRINTABLE(path));
        else if (asprintf(found, "%s/%s", path, entry->d_name) < 0) {
            *found = NULL;
            code = err_set(err, E_SYSTEM, "no memory to read %s", PRINTABLE(path));
        }
    }
    if (code == OK && *found == NULL)
        code = err_set(err, E_CONFIG,
                       "%s is a directory without a manifest (*.manifest) of an append-only file; "
                       "name the one that the server calls appenddirname, or a file",
                       PRINTABLE(path));
    if (code != OK) {
        free(*found);
        *found = NULL;
    }
    return code;
}

enum err_code aof_find_manifest(char **found, const char *path, struct err *err)
{
    struct stat status;
    *found = NULL;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        *found = strdup(path); /* what is wrong with it is said by who opens it */
        return *found != NULL ? OK
                              : err_set(err, E_SYSTEM, "no memory to read %s", PRINTABLE(path));
    }
    DIR *directory = opendir(path);
    if (directory == NULL)
        return err_set_errno(err, E_CONFIG, errno, "cannot read %s", PRINTABLE(path));
    enum err_code code = find_in_directory(found, directory, path, err);
    closedir(directory);
    return code;
}

/* The words of "file NAME seq N type T"; the name may stand within quotes. */
static bool read_manifest_line(char *line, char **name, char *type)
{
    char *word[3] = {0}, *rest = line;
    for (char *key = strtok_r(rest, " \t\r\n", &rest); key != NULL;
         key = strtok_r(NULL, " \t\r\n", &rest)) {
        char *value = strtok_r(NULL, " \t\r\n", &rest);
        if (value == NULL)
            return false;
        word[0] = strcmp(key, "file") == 0 ? value : word[0];
        word[1] = strcmp(key, "type") == 0 ? value : word[1];
    }
    if (word[0] == NULL || word[1] == NULL || strlen(word[1]) != 1)
        return false;
    size_t length = strlen(word[0]);
    if (length > 2 && word[0][0] == '"' && word[0][length - 1] == '"') {
        word[0][length - 1] = '\0';
        word[0]++;
    }
    *name = word[0];
    *type = word[1][0];
    return true;
}

static enum err_code add_part(struct traffic_source *source, const char *name, struct err *err)
{
    /* Its parts are beside it: a name that leads elsewhere is none that a server writes. */
    if (strchr(name, '/') != NULL || name[0] == '\0')
        return err_set(err, E_DATA, "%s names %.100s, which is no file beside it",
                       PRINTABLE(source->path), PRINTABLE(name));
    if (source->part_count == AOF_PARTS_MAX)
        return err_set(err, E_DATA, "%s names more than %u parts", PRINTABLE(source->path),
                       AOF_PARTS_MAX);
    const char *slash = strrchr(source->path, '/');
    size_t directory_bytes = slash != NULL ? (size_t)(slash + 1 - source->path) : 0;
    char *path = malloc(directory_bytes + strlen(name) + 1);
    if (path == NULL)
        return err_set(err, E_SYSTEM, "no memory for the parts of an append-only file");
    memcpy(path, source->path, directory_bytes);
    memcpy(path + directory_bytes, name, strlen(name) + 1);
    source->parts[source->part_count++] = path;
    return OK;
}

enum err_code aof_open_manifest(struct traffic_source *source, struct err *err)
{
    char *text;
    size_t text_bytes;
    enum err_code code = OK;
    source->parts = calloc(AOF_PARTS_MAX, sizeof *source->parts);
    if (source->parts == NULL)
        return err_set(err, E_SYSTEM, "no memory for the parts of an append-only file");
    for (uint64_t number = 1; code == OK; number++) {
        enum file_line kind =
            file_input_line(&source->input, MANIFEST_LINE_BYTES - 1, &text, &text_bytes);
        if (kind == FILE_LINE_END)
            break;
        char line[MANIFEST_LINE_BYTES], *name, type;
        size_t kept = kind == FILE_LINE ? text_bytes : 0;
        memcpy(line, text, kept);
        line[kept] = '\0';
        if (kind == FILE_LINE && (line[0] == '#' || line[strspn(line, "\r\n")] == '\0'))
            continue;
        if (kind != FILE_LINE || !read_manifest_line(line, &name, &type))
            code = err_set(err, E_DATA, "%s:%" PRIu64 ": no line of a manifest",
                           PRINTABLE(source->path), number);
        else if (type == 'b' || type == 'i') /* 'h': what a rewrite has replaced */
            code = add_part(source, name, err);
    }
    if (code == OK && source->part_count == 0)
        code = err_set(err, E_DATA, "%s names no parts", PRINTABLE(source->path));
    return code == OK ? open_part(source, err) : code;
}
