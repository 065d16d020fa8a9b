/* What a journal is made of, shared by the writer (journal.c) and the reader (journal_replay.c).
 *
 * The file: the magic line, then records {u32 type, u32 length, bytes, u32 crc}, little endian; the
 * crc is zlib's CRC-32 of type, length and bytes.
 *
 *   session      JSON: command, label, percentiles, spec, environment
 *   run begin    JSON: struct run_facts
 *   error kind   "word\0text\0"; the next number of the run under way
 *   interval     interval_row_encode; up to number 3, as journal_legacy.h knows it
 *   run end      JSON: seconds, status, workers, evidence, verdict, and what the warm-up came to
 *   session end  empty: the journal is complete
 *   note         JSON: struct note, its values by name
 *
 * Not written any more, but read: sample, an answer to --extended-metrics, and event, a note without values. */
#ifndef ORCHESTRATOR_REPORT_JOURNAL_FORMAT_H
#define ORCHESTRATOR_REPORT_JOURNAL_FORMAT_H

#include <jansson.h>
#include <stdint.h>

#include "orchestrator/report/timeline.h"

#define JOURNAL_FILE_NAME "journal"
/* The number is that of the framing: records may get more members, sections and types under the same one
 * (docs/design/records.md). */
#define JOURNAL_KIND "volley.journal/"
#define JOURNAL_NUMBER 4u
#define JOURNAL_MAGIC JOURNAL_KIND "4\n"
#define JOURNAL_MAGIC_BYTES (sizeof JOURNAL_MAGIC - 1)
#define JOURNAL_HEAD_BYTES 8u
#define JOURNAL_CRC_BYTES 4u
enum journal_record {
    JOURNAL_SESSION = 1,
    JOURNAL_RUN_BEGIN,
    JOURNAL_ERROR_KIND,
    JOURNAL_INTERVAL,
    JOURNAL_RUN_END,
    JOURNAL_SESSION_END,
    JOURNAL_SAMPLE,
    JOURNAL_EVENT,
    JOURNAL_NOTE
};
#define JOURNAL_RECORD_LAST JOURNAL_NOTE

/* How long a record of this type, which may be one that is not known, is at most, by what a run can be: none is written that is longer, and
 * none read. JSON takes up to twenty times its length in memory while it is read. */
uint32_t journal_record_max_bytes(uint32_t type);

static inline void journal_put_u32(unsigned char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

static inline uint32_t journal_get_u32(const unsigned char *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

/* To JSON: new references, NULL when memory is exhausted. From JSON: E_DATA when a member is missing,
 * of another type, or out of range. */
json_t *journal_session_to_json(const struct session_facts *session);
json_t *journal_facts_to_json(const struct run_facts *run);
json_t *journal_result_to_json(const struct run_result *result);
json_t *journal_note_to_json(const struct note *note);
/* Requests per second from then on, as far as its text has the digits. -1: the note does not tell. */
double journal_note_rate(const struct note *note);

/* percentiles has SPEC_PERCENTILES_MAX; the session points into it and into json. */
MUST_USE enum err_code journal_session_from_json(struct session_facts *session, double *percentiles,
                                                 struct objective_list *checks, const json_t *json,
                                                 struct err *err);
MUST_USE enum err_code journal_facts_from_json(struct run_facts *run, const json_t *json,
                                               struct err *err);
MUST_USE enum err_code journal_sample_from_json(struct note *note, const json_t *json,
                                                struct err *err);
/* Of a note or an event. A source that is not known is NOTE_SOURCES; *unknown: of its values. */
MUST_USE enum err_code journal_note_from_json(struct note *note, bool *unknown, json_t *json,
                                              struct err *err);
/* The nodes of run_facts; false: they are not in order. */
MUST_USE bool journal_nodes_from_json(struct run_facts *run, const json_t *json);
/* Leaves what the timeline completes alone, but for due_seconds. warmup_ns: of the run's facts, which
 * with --steady auto were written before it was known. */
MUST_USE enum err_code journal_result_from_json(struct run_result *result, uint64_t *warmup_ns,
                                                const json_t *json, struct err *err);

#endif
