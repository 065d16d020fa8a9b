/* What `volley load-test` has found: one run for each number of users, or two of them, with a buffer and without. Filled by
 * the command; told here. */
#ifndef ORCHESTRATOR_CAPACITY_LOAD_TEST_H
#define ORCHESTRATOR_CAPACITY_LOAD_TEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/capacity/degradation.h"
#include "orchestrator/capacity/mishap.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

#define LOAD_TEST_USERS_MAX 64 /* numbers of them */
#define LOAD_TEST_ROWS_MAX (2 * LOAD_TEST_USERS_MAX)
#define LOAD_TEST_SECONDS_IN_A_MINUTE 60.0

enum load_test_mode { LOAD_TEST_BUFFER, LOAD_TEST_BYPASS };

struct load_test_row {
    uint64_t users;
    enum load_test_mode mode;
    double seconds, rate; /* rate: messages per second that were answered without an error   */
    double offered;       /* messages per second that fell due; below 0: replies decided     */
    /* Response times, or service times of a closed loop; the mean is of those that were answered, below 0: none was. */
    double mean_ns;
    struct figure_percentile p95;
    double error_share; /* of the messages that ended                        */
    /* The most memory of each worker, and the orchestrator's at the end; below 0: unknown. */
    double client_bytes;
    double buffer_bytes; /* writes that the buffers of all workers hold when they are full  */
    double server_bytes; /* used_memory at its most; below 0: unknown                        */
    bool has_rate;       /* the loop is open: a schedule says when messages are due          */
    bool open_loop;      /* latencies are response times, of users of a buffer, too          */
    uint32_t worker_count;
    struct verdict verdict;
    unsigned notes; /* enum degradation_note, among the rows of its mode; set by load_test_judge */
    const char *why_degraded, *why_broken;
    char mishap[MISHAP_TEXT_BYTES]; /* mishap_find; not "": the row is no peak */
};

struct load_test {
    double message_rate; /* a minute, of each user; 0: the next is sent when one is answered */
    bool buffered;       /* the load is that of a client that buffers, in the one mode or in both */
    bool both_modes;     /* rows of the same users follow one another */
    const char *buffer_name; /* NULL: none */
    struct load_test_row rows[LOAD_TEST_ROWS_MAX];
    uint32_t count;   /* of runs that were made */
    uint32_t planned; /* of those asked for     */
    bool interrupted;
    char error[ERR_TEXT_BYTES]; /* that ended it; "": none did */
};

/* Figures of the run that has just ended; users, mode and server_bytes are the caller's. orchestrator_bytes: of this
 * process; below 0: not known. */
void load_test_read(struct load_test_row *row, const struct run_result *result,
                    double orchestrator_bytes);

/* Marks baseline, degradation point and breaking point of each mode (degradation.h). With a rate of messages users are not expected
 * to get more answers than they ask for. A row with a mishap marks nothing. Pure. */
void load_test_judge(struct load_test *test);
/* The row of a mode with this note; NULL: there is none. */
const struct load_test_row *load_test_noted(const struct load_test *test, enum load_test_mode mode,
                                            enum degradation_note note);

/* The row with the most answered messages, of those without a mishap; NULL: there is none. */
const struct load_test_row *load_test_peak(const struct load_test *test);

#define LOAD_TEST_NOTE_BYTES (MISHAP_TEXT_BYTES + 256)
/* "baseline", "degradation point (less than 10 % more throughput)" and so on, joined, or "not judged: " and the mishap; "" when
 * there is none. Returns text. */
char *load_test_format_note(char text[LOAD_TEST_NOTE_BYTES], const struct load_test_row *row);

/* "buffer", "bypass". */
const char *load_test_mode_name(enum load_test_mode mode);

/* Of rows in both modes: what the buffer costs or saves in volley's memory at so many users. */
struct load_test_memory {
    uint64_t users;
    double enabled_bytes, bypass_bytes; /* below 0: not known */
    double expected_bytes;              /* of their difference: all that full buffers hold */
};
/* Row `index` of them, 0 on; false: there are no more, as of a test of one mode. */
bool load_test_memory_at(struct load_test_memory *memory, const struct load_test *test,
                         uint32_t index);

void load_test_write_text(struct output *out, const struct load_test *test);
void load_test_write_markdown(struct output *out, const struct load_test *test);
void load_test_write_csv(struct output *out, const struct load_test *test);
/* volley.load-test/1 (docs/schema): a new reference; capacity_json_write writes it. run NULL: nothing ran. NULL: no memory. */
json_t *load_test_document(const struct load_test *test, const struct session_facts *session,
                           const struct run_facts *run);

#endif
