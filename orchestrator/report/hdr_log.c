/* HdrHistogram log, format 1.3 (written from the project's public description of it: hdrhistogram.org):
 * comment lines, a legend, then lines "Tag=<tag>,<start>,<length>,<max>,<base64>", where the last
 * field is a zlib stream of the V2 encoding behind an eight-byte header. */
#include <inttypes.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "common/clock.h"
#include "common/histogram_wire.h"
#include "common/printable.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/sinks.h"

/* 0x10: the word size bits of the cookie say that counts are ZigZag LEB128. */
#define COOKIE_V2 (0x1c849303u | 0x10u)
#define COOKIE_V2_COMPRESSED (0x1c849304u | 0x10u)
#define V2_HEADER_BYTES 40u
#define COMPRESSED_HEADER_BYTES 8u
#define SIGNIFICANT_DIGITS 3u
#define MAX_UNIT_NS 1e6 /* the log's maximum column is in milliseconds */

struct hdr_log {
    struct output out;
    bool silent; /* a prefill run */
    bool open_loop;
    bool header_printed;
    uint64_t base_wall_ns; /* StartTime of the file */
    double run_seconds;    /* start of the run under way, since StartTime */
    char tag[sizeof((struct run_facts *)NULL)->name];
    uint32_t class_count; /* 0: one */
    char class_tags[CLASSES_MAX][CLASS_NAME_BYTES];
    uint32_t part_count;
    struct {
        bool consumes;
        char tag[CLASS_NAME_BYTES];
    } parts[PARTS_MAX];
    struct histogram of_coarse; /* what consumers waited, in the log's buckets */
    uint64_t window_start_ns;   /* of classes; UINT64_MAX: with the next row */
    unsigned char encoded[V2_HEADER_BYTES + HISTOGRAM_WIRE_MAX_BYTES]; /* V2 header and payload */
    unsigned char *packed; /* compressed header and zlib stream */
    uLong packed_max_bytes;
    char *base64;
};

static unsigned char *put_u32(unsigned char *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *out++ = (unsigned char)(value >> shift);
    return out;
}

static unsigned char *put_u64(unsigned char *out, uint64_t value)
{
    return put_u32(put_u32(out, (uint32_t)(value >> 32)), (uint32_t)value);
}

/* Returns the bytes of the V2 encoding in log->encoded. */
static size_t encode(struct hdr_log *log, const struct histogram *histogram)
{
    const double ratio = 1.0;
    uint64_t ratio_bits;
    memcpy(&ratio_bits, &ratio, sizeof ratio_bits);
    size_t payload_bytes = histogram_payload_encode(log->encoded + V2_HEADER_BYTES, histogram);
    unsigned char *at = put_u32(log->encoded, COOKIE_V2);
    at = put_u32(at, (uint32_t)payload_bytes);
    at = put_u32(at, 0); /* normalizing index offset */
    at = put_u32(at, SIGNIFICANT_DIGITS);
    at = put_u64(at, 1); /* lowest discernible value */
    at = put_u64(at, HISTOGRAM_HIGHEST_NS);
    put_u64(at, ratio_bits);
    return V2_HEADER_BYTES + payload_bytes;
}

/* class: "" of all requests. */
static enum err_code print_line(struct hdr_log *log, const char *class, const char *kind,
                                uint64_t start_ns, uint64_t end_ns,
                                const struct histogram *histogram, struct err *err)
{
    size_t encoded_bytes = encode(log, histogram);
    uLongf stream_bytes = log->packed_max_bytes - COMPRESSED_HEADER_BYTES;
    int zlib = compress(log->packed + COMPRESSED_HEADER_BYTES, &stream_bytes, log->encoded,
                        (uLong)encoded_bytes);
    if (zlib != Z_OK)
        return err_set(err, E_SYSTEM, "cannot compress a histogram: zlib says %d", zlib);
    put_u32(put_u32(log->packed, COOKIE_V2_COMPRESSED), (uint32_t)stream_bytes);
    EVP_EncodeBlock((unsigned char *)log->base64, log->packed,
                    (int)(COMPRESSED_HEADER_BYTES + stream_bytes));
    output_printf(&log->out, "Tag=%s-%s%s%s,%.3f,%.3f,%.3f,%s\n", log->tag, class,
                  class[0] != '\0' ? "-" : "", kind, log->run_seconds + clock_seconds(start_ns),
                  clock_seconds(end_ns - start_ns), (double)histogram->max_ns / MAX_UNIT_NS,
                  log->base64);
    return OK;
}

/* Tags end at a comma, and some readers trip over blanks. */
static void set_tag(char *tag, size_t tag_bytes, const char *name)
{
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < tag_bytes; i++) {
        unsigned char byte = (unsigned char)name[i];
        tag[i] = byte == ' ' || byte == ',' ? '_' : name[i];
    }
    tag[i] = '\0';
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct hdr_log *log = state;
    log->silent = run->prefill;
    log->open_loop = run->open_loop;
    if (log->silent)
        return OK;
    set_tag(log->tag, sizeof log->tag, PRINTABLE(run->name));
    log->class_count = run->class_count;
    log->window_start_ns = UINT64_MAX;
    for (uint32_t i = 0; i < run->class_count; i++)
        set_tag(log->class_tags[i], sizeof log->class_tags[i], PRINTABLE(run->class_names[i]));
    log->part_count = run->part_count;
    for (uint32_t i = 0; i < run->part_count; i++) {
        log->parts[i].consumes = run->parts[i].consumes;
        set_tag(log->parts[i].tag, sizeof log->parts[i].tag, PRINTABLE(run->parts[i].name));
    }
    if (!log->header_printed) {
        char when[64];
        struct tm utc;
        time_t second = (time_t)(run->started_wall_ns / NS_PER_SECOND);
        gmtime_r(&second, &utc);
        strftime(when, sizeof when, "%a %b %d %H:%M:%S UTC %Y", &utc);
        log->header_printed = true;
        log->base_wall_ns = run->started_wall_ns;
        output_printf(&log->out, "#[Histogram log format version 1.3]\n");
        output_printf(&log->out, "#[StartTime: %.3f (seconds since epoch), %s]\n",
                      clock_seconds(run->started_wall_ns), when);
        output_printf(&log->out, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                                 "\"Interval_Compressed_Histogram\"\n");
    }
    log->run_seconds =
        ((double)run->started_wall_ns - (double)log->base_wall_ns) / (double)NS_PER_SECOND;
    return output_status(&log->out, err);
}

static const char *const class_kinds[CLASS_TIMES] = {
    [CLASS_SERVICE] = "service", [CLASS_RESPONSE] = "response"};

/* Their windows, which may be of several intervals. */
static enum err_code print_classes(struct hdr_log *log, const struct interval_row *row,
                                   struct err *err)
{
    enum err_code code = OK;
    if (log->window_start_ns == UINT64_MAX)
        log->window_start_ns = row->header.start_ns;
    if (!row->window_ends)
        return OK;
    for (uint32_t i = 0; i < log->class_count && i < row->class_count; i++)
        for (int k = log->open_loop ? CLASS_RESPONSE : CLASS_SERVICE; k >= 0 && code == OK; k--)
            code = print_line(log, log->class_tags[i], class_kinds[k], log->window_start_ns,
                              row->header.end_ns,
                              &row->class_windows[i * CLASS_TIMES + (uint32_t)k], err);
    log->window_start_ns = row->header.end_ns;
    return code;
}

/* The log's buckets of what is known to 3.2 %: each value is the highest of its step. */
static const struct histogram *from_coarse(struct hdr_log *log, const struct coarse_times *times)
{
    histogram_reset(&log->of_coarse);
    for (uint32_t step = 0; step < COARSE_COUNTS; step++) {
        const uint64_t highest_ns = coarse_highest(step);
        if (times->counts[step] > 0)
            histogram_record_n(&log->of_coarse,
                               highest_ns < times->max_ns ? highest_ns : times->max_ns,
                               times->counts[step]);
    }
    return &log->of_coarse;
}

static enum err_code print_consumers(struct hdr_log *log, const struct interval_row *row,
                                     struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = 0; i < log->part_count && i < row->part_count; i++)
        for (int k = log->open_loop ? CLASS_RESPONSE : CLASS_SERVICE;
             k >= 0 && code == OK && log->parts[i].consumes; k--)
            code = print_line(log, log->parts[i].tag, class_kinds[k], row->header.start_ns,
                              row->header.end_ns, from_coarse(log, &row->parts[i].times[k]), err);
    return code;
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    static const struct {
        const char *kind;
        enum interval_histogram_kind histogram;
        bool open_loop;  /* not in a closed loop */
        bool when_there; /* not when it is empty */
    } lines[] = {{"response", HISTOGRAM_RESPONSE_OK, true, false},
                 {"service", HISTOGRAM_SERVICE_OK, false, false},
                 {"wait", HISTOGRAM_WAIT, true, false},
                 {"slip", HISTOGRAM_SLIP, true, false},
                 {"response_unanswered", HISTOGRAM_RESPONSE_UNANSWERED, true, true},
                 {"service_unanswered", HISTOGRAM_SERVICE_UNANSWERED, false, true},
                 {"error", HISTOGRAM_SERVICE_ERROR, false, true}};
    struct hdr_log *log = state;
    (void)error_kinds;
    if (log->silent || row->header.flags & INTERVAL_WARMUP)
        return OK;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const struct histogram *histogram = &row->histograms[lines[i].histogram];
        if ((lines[i].open_loop && !log->open_loop) ||
            (lines[i].when_there && histogram->count == 0))
            continue;
        if (print_line(log, "", lines[i].kind, row->header.start_ns, row->header.end_ns, histogram,
                       err) != OK)
            return err->code;
    }
    if (print_classes(log, row, err) != OK || print_consumers(log, row, err) != OK)
        return err->code;
    return output_status(&log->out, err);
}

static enum err_code session_end(void *state, struct err *err)
{
    struct hdr_log *log = state;
    return output_commit(&log->out, err);
}

static void destroy(void *state)
{
    struct hdr_log *log = state;
    output_discard(&log->out);
    free(log->packed);
    free(log->base64);
    free(log);
}

enum err_code sink_hdr_log(struct sink *sink, const char *path, enum output_naming naming,
                           struct err *err)
{
    struct hdr_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return err_set(err, E_SYSTEM, "no memory for the histogram log");
    histogram_init_zeroed(&log->of_coarse);
    log->packed_max_bytes = COMPRESSED_HEADER_BYTES + compressBound(sizeof log->encoded);
    log->packed = malloc(log->packed_max_bytes);
    log->base64 = malloc((log->packed_max_bytes + 2) / 3 * 4 + 1);
    enum err_code code = log->packed != NULL && log->base64 != NULL
                             ? output_create(&log->out, path, naming, err)
                             : err_set(err, E_SYSTEM, "no memory for the histogram log");
    if (code != OK) {
        destroy(log);
        return code;
    }
    *sink = (struct sink){.name = "histogram log",
                          .state = log,
                          .run_begin = run_begin,
                          .interval = interval,
                          .session_end = session_end,
                          .destroy = destroy};
    return OK;
}
