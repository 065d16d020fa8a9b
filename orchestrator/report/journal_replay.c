/* Reads a journal back. Nothing in the file is believed before it was checked: it may have been cut
 * anywhere, or be another file altogether. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "orchestrator/report/journal_format.h"
#include "orchestrator/report/journal_legacy.h"
#include "orchestrator/report/sinks.h"

#define READ_CHUNK_BYTES 65536u

enum read_status { READ_RECORD, READ_END, READ_CUT, READ_DAMAGED };

struct replay {
    FILE *in;
    struct timeline *timeline;
    unsigned number;        /* of the journal */
    unsigned char *legacy;  /* room for JOURNAL_LEGACY_MAX_BYTES; NULL: of this number */
    uint64_t unknown_types; /* bit type % 64, and bit 0 for the values of notes */
    uint64_t unknown_figures[INTERVAL_UNKNOWNS]; /* bit id % 64 */
    struct err untrusted; /* the first identity that did not hold; the replay goes on */
    bool session_open, session_ended, run_open;

    json_t *session_json;
    struct session_facts session;
    double percentiles[SPEC_PERCENTILES_MAX];
    struct objective_list checks;
    struct interval_row *row;
    struct run_result *result;
    double steered_rate; /* of the run under way, by the last ctl that told one */

    uint32_t type, length;
    unsigned char *bytes; /* of the record under way, with room for a crc behind them */
    size_t room_bytes;
};

/* Reads what the head announced, in steps, so that a wrong length costs no memory. */
static enum read_status read_body(struct replay *replay)
{
    size_t wanted = (size_t)replay->length + JOURNAL_CRC_BYTES, have = 0;
    while (have < wanted) {
        size_t step = wanted - have < READ_CHUNK_BYTES ? wanted - have : READ_CHUNK_BYTES;
        if (have + step > replay->room_bytes) {
            unsigned char *larger = realloc(replay->bytes, (have + step) * 2);
            if (larger == NULL)
                return READ_DAMAGED;
            replay->bytes = larger;
            replay->room_bytes = (have + step) * 2;
        }
        size_t now = fread(replay->bytes + have, 1, step, replay->in);
        have += now;
        if (now < step)
            return READ_CUT;
    }
    return READ_RECORD;
}

static enum read_status read_record(struct replay *replay)
{
    unsigned char head[JOURNAL_HEAD_BYTES];
    size_t have = fread(head, 1, sizeof head, replay->in);
    if (have < sizeof head)
        return have == 0 ? READ_END : READ_CUT;
    replay->type = journal_get_u32(head);
    replay->length = journal_get_u32(head + 4);
    if (replay->type < JOURNAL_SESSION || replay->length > journal_record_max_bytes(replay->type))
        return READ_DAMAGED;
    enum read_status status = read_body(replay);
    if (status != READ_RECORD)
        return status;
    uLong crc = crc32(crc32(0, NULL, 0), head, sizeof head);
    if (replay->length > 0) /* a null pointer would ask zlib for the initial value */
        crc = crc32(crc, replay->bytes, replay->length);
    return (uint32_t)crc == journal_get_u32(replay->bytes + replay->length) ? READ_RECORD
                                                                            : READ_DAMAGED;
}

static json_t *parse(const struct replay *replay, struct err *err)
{
    json_error_t json_err;
    json_t *json =
        json_loadb((const char *)replay->bytes, replay->length, JSON_REJECT_DUPLICATES, &json_err);
    if (json == NULL)
        err_set(err, E_DATA, "a record is not JSON: %s", json_err.text);
    return json;
}

static enum err_code take_session(struct replay *replay, struct err *err)
{
    if (replay->session_json != NULL)
        return err_set(err, E_DATA, "a second session record");
    replay->session_json = parse(replay, err);
    if (replay->session_json == NULL ||
        journal_session_from_json(&replay->session, replay->percentiles, &replay->checks,
                                  replay->session_json, err) != OK)
        return err->code;
    if (replay->timeline->percentile_count > 0) {
        replay->session.percentiles = replay->timeline->percentiles;
        replay->session.percentile_count = replay->timeline->percentile_count;
    }
    replay->session.cut = replay->timeline->cut;
    replay->session_open = true;
    timeline_session_begin(replay->timeline, &replay->session);
    return OK;
}

static enum err_code take_run_begin(struct replay *replay, struct err *err)
{
    struct run_facts *facts = malloc(sizeof *facts);
    json_t *json = facts != NULL ? parse(replay, err) : NULL;
    if (facts == NULL)
        err_set(err, E_SYSTEM, "no memory to replay a journal");
    enum err_code code = json != NULL ? journal_facts_from_json(facts, json, err) : err->code;
    json_decref(json);
    if (code == OK) {
        replay->run_open = true;
        replay->steered_rate = 0;
        timeline_run_begin(replay->timeline, facts);
    }
    free(facts);
    return code;
}

static enum err_code take_error_kind(struct replay *replay, struct err *err)
{
    struct error_kinds *kinds = &replay->timeline->error_kinds;
    const char *word = (const char *)replay->bytes;
    const char *end = word + replay->length;
    const char *text = replay->length > 0 ? memchr(word, '\0', replay->length) : NULL;
    if (text == NULL || ++text == end || end[-1] != '\0' || kinds->count == ERROR_KINDS_MAX)
        return err_set(err, E_DATA, "an error kind's record is not in order");
    struct ipc_error_kind *kind = &kinds->kinds[kinds->count++];
    snprintf(kind->word, sizeof kind->word, "%s", word);
    snprintf(kind->text, sizeof kind->text, "%s", text);
    return OK;
}

static enum err_code take_interval(struct replay *replay, struct err *err)
{
    struct interval_row *row = replay->row;
    const unsigned char *record = replay->bytes;
    size_t byte_count = replay->length;
    if (replay->legacy != NULL) {
        byte_count = journal_legacy_interval(replay->legacy, replay->number, record, byte_count);
        record = replay->legacy;
    }
    interval_row_reset(row);
    if (interval_decode_header(&row->header, record, byte_count, err) != OK ||
        interval_decode_add(row, record, byte_count, NULL, err) != OK)
        return err->code;
    for (unsigned i = 0; i < INTERVAL_UNKNOWNS; i++)
        replay->unknown_figures[i] |= row->unknown[i];
    if (row->header.end_ns < row->header.start_ns || row->header.last < row->header.first)
        return err_set(err, E_DATA, "an interval ends before it begins");
    struct err broken = {.code = OK};
    if (timeline_interval(replay->timeline, row, &broken) != OK && replay->untrusted.code == OK)
        replay->untrusted = broken;
    return OK;
}

/* A note, or a record of the two kinds that there were before. */
static enum err_code take_note(struct replay *replay, struct err *err)
{
    struct note note = {0};
    bool unknown_values = false;
    json_t *json = parse(replay, err);
    enum err_code code = json == NULL ? err->code
                         : replay->type == JOURNAL_SAMPLE
                             ? journal_sample_from_json(&note, json, err)
                             : journal_note_from_json(&note, &unknown_values, json, err);
    json_decref(json);
    if (code != OK)
        return code;
    replay->unknown_types |= unknown_values;
    if (note.source == NOTE_SOURCES) {
        replay->unknown_types |= 1ull << JOURNAL_NOTE;
        return OK;
    }
    const double rate = note.source == NOTE_CTL ? journal_note_rate(&note) : -1;
    if (rate >= 0)
        replay->steered_rate = rate;
    timeline_note(replay->timeline, &note);
    return OK;
}

static void end_run(struct replay *replay)
{
    struct run_result *result = replay->result;
    replay->run_open = false;
    timeline_run_end(replay->timeline, result);
    if (result->status == E_UNTRUSTED)
        err_set(&replay->untrusted, E_UNTRUSTED, "%s", result->status_text);
}

static enum err_code take_run_end(struct replay *replay, struct err *err)
{
    json_t *json = parse(replay, err);
    uint64_t warmup_ns = 0;
    enum err_code code =
        json != NULL ? journal_result_from_json(replay->result, &warmup_ns, json, err) : err->code;
    if (code == OK &&
        !journal_nodes_from_json(&replay->timeline->run, json_object_get(json, "nodes")))
        code = err_set(err, E_DATA, "a run's last record has nodes that are not in order");
    json_decref(json);
    if (code == OK) {
        replay->timeline->run.warmup_ns = warmup_ns;
        end_run(replay);
    }
    return code;
}

/* The end that a killed orchestrator could not write. */
static void end_what_is_open(struct replay *replay)
{
    if (replay->run_open) {
        struct run_result *result = replay->result;
        memset(result, 0, sizeof *result);
        result->interrupted = true;
        result->status = E_INTERRUPTED;
        snprintf(result->status_text, sizeof result->status_text,
                 "the journal ends before the run does");
        result->target_rate = replay->steered_rate;
        result->rate_changes = (uint32_t)replay->timeline->notes.all[NOTE_CTL];
        result->evidence.steal_share = -1;
        result->evidence.server_cpu_share = result->evidence.server_delay_share = -1;
        end_run(replay);
    }
    if (replay->session_open) {
        replay->session_open = false;
        timeline_session_end(replay->timeline);
    }
    replay->timeline->session = NULL; /* it pointed into this replay */
}

static enum err_code take(struct replay *replay, struct err *err)
{
    enum journal_record type = replay->type;
    if (replay->type > JOURNAL_RECORD_LAST) {
        replay->unknown_types |= 1ull << replay->type % 64;
        return OK;
    }
    bool in_place = type == JOURNAL_SESSION ? !replay->session_open && !replay->session_ended
                    : type == JOURNAL_RUN_BEGIN || type == JOURNAL_SESSION_END
                        ? replay->session_open && !replay->run_open
                        : replay->run_open;
    if (!in_place)
        return err_set(err, E_DATA, "a record of type %d is out of place", (int)type);
    switch (type) {
    case JOURNAL_SESSION:
        return take_session(replay, err);
    case JOURNAL_RUN_BEGIN:
        return take_run_begin(replay, err);
    case JOURNAL_ERROR_KIND:
        return take_error_kind(replay, err);
    case JOURNAL_INTERVAL:
        return take_interval(replay, err);
    case JOURNAL_SAMPLE:
    case JOURNAL_EVENT:
    case JOURNAL_NOTE:
        return take_note(replay, err);
    case JOURNAL_RUN_END:
        return take_run_end(replay, err);
    case JOURNAL_SESSION_END:
        replay->session_ended = true;
        end_what_is_open(replay);
        return OK;
    }
    return err_set(err, E_DATA, "a record of an unknown type");
}

/* All records up to the first that cannot be used. */
static enum err_code take_all(struct replay *replay, const char *name, struct err *err)
{
    for (uint64_t number = 1;; number++) {
        switch (read_record(replay)) {
        case READ_RECORD: {
            struct err cause = {.code = OK};
            if (take(replay, &cause) != OK)
                return err_set(err, cause.code, "%s: record %llu: %s", name,
                               (unsigned long long)number, cause.text);
            break;
        }
        case READ_DAMAGED:
            return err_set(err, E_DATA,
                           "%s: record %llu is damaged; only what stands before it "
                           "can be used",
                           name, (unsigned long long)number);
        case READ_END:
        case READ_CUT:
            if (ferror(replay->in))
                return err_set_errno(err, E_DATA, errno, "cannot read %s", name);
            return OK;
        }
    }
}

static void count_unknown(const struct replay *replay)
{
    int kinds = __builtin_popcountll(replay->unknown_types);
    for (unsigned i = 0; i < INTERVAL_UNKNOWNS; i++)
        kinds += __builtin_popcountll(replay->unknown_figures[i]);
    replay->timeline->unknown_kinds = (uint32_t)kinds;
}

enum err_code journal_replay_stream(FILE *in, const char *name, struct timeline *timeline,
                                    bool *complete, struct err *err)
{
    char magic[JOURNAL_MAGIC_BYTES] = "";
    *complete = false;
    bool read = fread(magic, 1, sizeof magic, in) == sizeof magic;
    if (memcmp(magic, JOURNAL_KIND, sizeof JOURNAL_KIND - 1) != 0)
        return err_set(err, E_DATA, "%s is not a journal of volley", name);
    unsigned number = (unsigned)magic[sizeof JOURNAL_KIND - 1] - '0';
    if (!read || magic[sizeof magic - 1] != '\n' || number < 1 || number > JOURNAL_NUMBER)
        return err_set(err, E_DATA,
                       "%s was written by a newer volley, as a file of another form: report it "
                       "with that version",
                       name);
    struct replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL)
        return err_set(err, E_SYSTEM, "no memory to replay a journal");
    replay->in = in;
    replay->timeline = timeline;
    replay->number = number;
    replay->legacy = number < JOURNAL_NUMBER ? malloc(JOURNAL_LEGACY_MAX_BYTES) : NULL;
    replay->row = interval_row_create();
    replay->result = calloc(1, sizeof *replay->result);
    enum err_code code = OK;
    if (replay->row == NULL || replay->result == NULL ||
        (replay->legacy == NULL && number < JOURNAL_NUMBER)) {
        code = err_set(err, E_SYSTEM, "no memory to replay a journal");
    } else {
        code = take_all(replay, name, err);
        *complete = code == OK && replay->session_ended;
        end_what_is_open(replay);
        count_unknown(replay);
        if (code == OK && replay->untrusted.code != OK)
            code = err_set(err, E_UNTRUSTED, "%s: %s", name, replay->untrusted.text);
    }
    json_decref(replay->session_json);
    free(replay->row);
    free(replay->legacy);
    free(replay->result);
    free(replay->bytes);
    free(replay);
    return code;
}

/* Nothing else under that name is waited for, as a fifo would be, or read without an end. */
static enum err_code open_regular(FILE **in, const char *path, struct err *err)
{
    struct stat status;
    *in = NULL;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        return err_set(err, E_DATA, "%s is not a regular file, as a journal is", path);
    }
    *in = fd >= 0 ? fdopen(fd, "r") : NULL;
    return *in != NULL ? OK : err_set_errno(err, E_DATA, errno, "cannot read %s", path);
}

enum err_code journal_replay(const char *directory, struct timeline *timeline, bool *complete,
                             struct err *err)
{
    char *path;
    *complete = false;
    if (asprintf(&path, "%s/" JOURNAL_FILE_NAME, directory) < 0)
        return err_set(err, E_SYSTEM, "no memory to replay a journal");
    FILE *in;
    enum err_code code = open_regular(&in, path, err);
    if (code == OK) {
        code = journal_replay_stream(in, path, timeline, complete, err);
        fclose(in);
    }
    free(path);
    return code;
}
