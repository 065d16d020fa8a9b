#include "orchestrator/suite/histogram_file.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/histogram_wire.h"
#include "common/printable.h"
#include "orchestrator/scenario/run_file.h"

#define FILE_BYTES_MAX (1024u << 20)
#define V2_HEADER_BYTES 40u
#define ENCODED_BYTES_MAX (V2_HEADER_BYTES + HISTOGRAM_WIRE_MAX_BYTES)
#define COMPRESSED_HEADER_BYTES 8u
/* What does not shrink takes little more than before, and a third more in base64; and the words in front of it. */
#define LINE_BYTES_MAX ((ENCODED_BYTES_MAX + ENCODED_BYTES_MAX / 100 + 1024) / 3 * 4 + 1024)
#define COOKIE_V2 0x1c849303u
#define COOKIE_V2_COMPRESSED 0x1c849304u
#define COOKIE_WIDTH 0xf0u /* of counts, which V2 does not need */
#define DIGITS 3u

struct place {
    uint64_t hash; /* of the tag */
    uint64_t offset_bytes;
    uint32_t number; /* of the line, from 1 */
};

struct histogram_file {
    FILE *file;
    char *path, *line;
    unsigned char *packed, *encoded;
    struct place *places; /* by hash and number */
    size_t count, room;
};

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static uint64_t hash_of(const char *text, size_t bytes)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash;
}

/* ---- where lines are ---- */

/* The tag of a line, and what follows it; false: it is none with a histogram. A line without a tag has "". */
static bool take_tag(const char **tag, size_t *tag_bytes, const char **rest, const char *line)
{
    if (line[0] == '#' || line[0] == '"' || line[0] == '\0')
        return false;
    *tag = "";
    *tag_bytes = 0;
    *rest = line;
    if (strncmp(line, "Tag=", 4) != 0)
        return true;
    *tag = line + 4;
    *tag_bytes = strcspn(*tag, ",");
    *rest = *tag + *tag_bytes + ((*tag)[*tag_bytes] == ',');
    return true;
}

static enum err_code no_memory(const struct histogram_file *file, struct err *err)
{
    return err_set(err, E_SYSTEM, "no memory for the histograms of %.300s", PRINTABLE(file->path));
}

static enum err_code keep_place(struct histogram_file *file, uint64_t hash, uint64_t offset_bytes,
                                uint32_t number, struct err *err)
{
    if (file->count == file->room) {
        const size_t room = file->room > 0 ? file->room * 2 : 64;
        struct place *places = realloc(file->places, room * sizeof *places);
        if (places == NULL)
            return no_memory(file, err);
        file->places = places;
        file->room = room;
    }
    file->places[file->count++] = (struct place){hash, offset_bytes, number};
    return OK;
}

/* Reads a line without its end. False: there is none, or it is too long. */
static bool read_line(struct histogram_file *file, size_t *bytes)
{
    if (fgets(file->line, LINE_BYTES_MAX, file->file) == NULL)
        return false;
    *bytes = strlen(file->line);
    const bool ends = *bytes > 0 && file->line[*bytes - 1] == '\n';
    if (!ends && *bytes + 1 >= LINE_BYTES_MAX)
        return false;
    file->line[strcspn(file->line, "\r\n")] = '\0';
    return true;
}

static enum err_code find_places(struct histogram_file *file, struct err *err)
{
    enum err_code code = OK;
    uint64_t offset_bytes = 0;
    uint32_t number = 0;
    size_t bytes;
    while (code == OK && read_line(file, &bytes)) {
        const char *tag, *rest;
        size_t tag_bytes;
        number++;
        if (number > HISTOGRAM_FILE_LINES_MAX)
            return err_set(err, E_DATA, "%.300s has more than %u lines", PRINTABLE(file->path),
                           HISTOGRAM_FILE_LINES_MAX);
        if (take_tag(&tag, &tag_bytes, &rest, file->line))
            code = keep_place(file, hash_of(tag, tag_bytes), offset_bytes, number, err);
        const long now = ftell(file->file);
        offset_bytes = now > 0 ? (uint64_t)now : 0;
    }
    if (code == OK && !feof(file->file))
        code = err_set(err, E_DATA, "%.300s:%u: the line is too long, or cannot be read",
                       PRINTABLE(file->path), number + 1);
    return code;
}

static int by_hash(const void *one, const void *other)
{
    const struct place *left = one, *right = other;
    if (left->hash != right->hash)
        return (left->hash > right->hash) - (left->hash < right->hash);
    return (left->number > right->number) - (left->number < right->number);
}

enum err_code histogram_file_open(struct histogram_file **opened, const char *path, struct err *err)
{
    struct histogram_file *file = calloc(1, sizeof *file);
    uint64_t bytes = 0;
    *opened = NULL;
    if (file == NULL)
        return err_set(err, E_SYSTEM, "no memory for histograms");
    file->path = strdup(path);
    file->line = malloc(LINE_BYTES_MAX);
    file->packed = malloc(LINE_BYTES_MAX);
    file->encoded = malloc(ENCODED_BYTES_MAX);
    enum err_code code = file->path == NULL ? err_set(err, E_SYSTEM, "no memory for histograms")
                         : file->line == NULL || file->packed == NULL || file->encoded == NULL
                             ? no_memory(file, err)
                             : run_file_open(&file->file, &bytes, path, err);
    if (code == OK && bytes > FILE_BYTES_MAX)
        code = err_set(err, E_DATA, "%.300s has more than %u MB", PRINTABLE(path),
                       FILE_BYTES_MAX >> 20);
    if (code == OK)
        code = find_places(file, err);
    if (code != OK) {
        histogram_file_close(file);
        return code;
    }
    if (file->count > 0)
        qsort(file->places, file->count, sizeof *file->places, by_hash);
    *opened = file;
    return OK;
}

void histogram_file_close(struct histogram_file *file)
{
    if (file == NULL)
        return;
    if (file->file != NULL)
        (void)fclose(file->file);
    free(file->path);
    free(file->line);
    free(file->packed);
    free(file->encoded);
    free(file->places);
    free(file);
}

/* ---- what is in them ---- */

static uint32_t get_u32(const unsigned char *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* Start, length and maximum stand before the histogram. NULL: they do not. */
static const char *find_base64(const char *rest)
{
    for (int i = 0; i < 3 && rest != NULL; i++) {
        rest = strchr(rest, ',');
        rest = rest != NULL ? rest + 1 : NULL;
    }
    return rest;
}

/* The buckets that volley has, too: their number may differ. */
static bool is_alike(const unsigned char *encoded)
{
    return (get_u32(encoded) & ~COOKIE_WIDTH) == (COOKIE_V2 & ~COOKIE_WIDTH) &&
           get_u32(encoded + 8) == 0 && get_u32(encoded + 12) == DIGITS &&
           get_u32(encoded + 16) == 0 && get_u32(encoded + 20) == 1;
}

/* NULL: it was added; else what is wrong with it. */
static const char *decode_add(struct histogram *into, struct histogram_file *file,
                              const char *base64, struct err *err)
{
    const size_t letters = strlen(base64);
    if (letters % 4 != 0 || letters < 12)
        return "it is cut short";
    const int packed_bytes =
        EVP_DecodeBlock(file->packed, (const unsigned char *)base64, (int)letters);
    if (packed_bytes < (int)COMPRESSED_HEADER_BYTES + 1)
        return "it is no base64";
    const uint32_t stream_bytes = get_u32(file->packed + 4);
    if ((get_u32(file->packed) & ~COOKIE_WIDTH) != (COOKIE_V2_COMPRESSED & ~COOKIE_WIDTH))
        return "it has another encoding than V2, compressed";
    uLongf bytes = ENCODED_BYTES_MAX;
    if (stream_bytes > (uint32_t)packed_bytes - COMPRESSED_HEADER_BYTES ||
        uncompress(file->encoded, &bytes, file->packed + COMPRESSED_HEADER_BYTES, stream_bytes) !=
            Z_OK ||
        bytes < V2_HEADER_BYTES || get_u32(file->encoded + 4) > bytes - V2_HEADER_BYTES)
        return "it cannot be unpacked";
    if (!is_alike(file->encoded))
        return "its buckets are not those of three digits from 1 on";
    return histogram_payload_decode_add(into, file->encoded + V2_HEADER_BYTES,
                                        get_u32(file->encoded + 4), err) == OK
               ? NULL
               : err->text;
}

static enum err_code add_line(struct histogram *into, size_t *lines, struct histogram_file *file,
                              const struct place *place, const char *wanted, struct err *err)
{
    const char *tag, *rest, *base64;
    struct err reason = {.code = OK};
    size_t tag_bytes, bytes;
    if (fseek(file->file, (long)place->offset_bytes, SEEK_SET) != 0 || !read_line(file, &bytes) ||
        !take_tag(&tag, &tag_bytes, &rest, file->line))
        return err_set(err, E_DATA, "%.300s:%u: the line cannot be read again",
                       PRINTABLE(file->path), place->number);
    if (strlen(wanted) != tag_bytes || strncmp(wanted, tag, tag_bytes) != 0)
        return OK; /* of the same hash */
    base64 = find_base64(rest);
    const char *wrong =
        base64 == NULL ? "it has too few members" : decode_add(into, file, base64, &reason);
    if (wrong != NULL)
        return err_set(err, E_DATA, "%.300s:%u: no histogram: %s", PRINTABLE(file->path),
                       place->number, wrong);
    (*lines)++;
    return OK;
}

enum err_code histogram_file_add(struct histogram *into, size_t *lines, struct histogram_file *file,
                                 const char *tag, struct err *err)
{
    const uint64_t hash = hash_of(tag, strlen(tag));
    size_t first = 0, end = file->count;
    enum err_code code = OK;
    *lines = 0;
    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (file->places[middle].hash < hash)
            first = middle + 1;
        else
            end = middle;
    }
    for (size_t i = first; i < file->count && file->places[i].hash == hash && code == OK; i++)
        code = add_line(into, lines, file, &file->places[i], tag, err);
    return code;
}
