/* A note: something that was done or found out while a run was under way, with its time, its outcome, and
 * numbers if it has some. Whoever has one to tell, in whatever room, fills this struct and passes it on; the
 * timeline brings it to the sinks, and the journal keeps it. */
#ifndef ORCHESTRATOR_REPORT_NOTE_H
#define ORCHESTRATOR_REPORT_NOTE_H

#include <stdbool.h>
#include <stdint.h>

/* Who tells it: identifier, and name in outputs and journals. A new one is one more row. */
#define NOTE_SOURCE_TABLE(X)                                                                       \
    X(NOTE_CHAOS, "chaos")           /* by volley to its own target (--chaos)                  */  \
    X(NOTE_CTL, "ctl")               /* by somebody to the load: NOTE_BY says where            */  \
    X(NOTE_HAND, "note")             /* said by somebody, where NOTE_BY says: changes nothing  */  \
    X(NOTE_SAMPLE, "sample")         /* what the server says of itself (--extended-metrics)    */  \
    X(NOTE_SLOWLOG, "slowlog")       /* a command that its server calls slow               */      \
    X(NOTE_COMMANDLOG, "commandlog") /* a request or reply that its server calls large     */      \
    X(NOTE_LATENCY, "latency")       /* a stall that a server has noticed itself           */      \
    X(NOTE_SCRAPE, "scrape")         /* a series of another program's /metrics (--scrape)  */      \
    X(NOTE_ALERT, "alert")           /* a rule of --alerts or --kpis begins to fire, or ends */

/* What it may tell in whole numbers from 0 on: identifier, and name in journals, which is never used for
 * something else. A new one is one more row.
 * Lag of a primary: of the replica that is furthest behind, 0 without replicas. Of a replica: since it last
 * heard from its primary, not known while the link is down; bytes never are. */
#define NOTE_VALUE_TABLE(X)                                                                        \
    X(NOTE_KEYS, "keys")         /* in the run's database      */                                  \
    X(NOTE_REPLICA, "replica")   /* 1: the server is one; or 0 */                                  \
    X(NOTE_REPLICAS, "replicas") /* connected to it            */                                  \
    X(NOTE_LAG_SECONDS, "lag_seconds")                                                             \
    X(NOTE_LAG_BYTES, "lag_bytes")                                                                 \
    X(NOTE_NUMBER_HIGH, "number_high") /* the halves of a number of any kind: note_set_number */   \
    X(NOTE_NUMBER_LOW, "number_low")                                                               \
    X(NOTE_BY, "by") /* an enum note_by */

/* Where somebody steers, or takes a note: identifier, name, and the same in a sentence. Journals have the numbers. */
#define NOTE_BY_TABLE(X)                                                                           \
    X(NOTE_BY_SOCKET, "control socket", "over the control socket")                                 \
    X(NOTE_BY_PAGE, "page", "at the page")                                                         \
    X(NOTE_BY_TERMINAL, "terminal", "at the terminal")

#define NOTE_BY_ID(id, name, phrase) id,
enum note_by { NOTE_BY_TABLE(NOTE_BY_ID) NOTE_BY_COUNT };
#undef NOTE_BY_ID

#define NOTE_ID(id, name) id,
enum note_source { NOTE_SOURCE_TABLE(NOTE_ID) NOTE_SOURCES };
enum note_value { NOTE_VALUE_TABLE(NOTE_ID) NOTE_VALUES };
#undef NOTE_ID

#define NOTE_TEXT_BYTES 120u
struct note {
    enum note_source source;
    uint64_t at_ns;  /* when it began, since the common start of the run */
    uint64_t end_ns; /* when it was over                                 */
    bool ok;
    char text[NOTE_TEXT_BYTES]; /* what was done: "kill node 2", "rate 500/s"; "" of a sample */
    char cause[160];            /* why it failed; "" when ok                                 */
    uint32_t known;             /* of the values: a bit for each; use note_set and note_get  */
    int64_t values[NOTE_VALUES];
};

/* Who hears of notes, when they are over. */
struct note_listener {
    void (*hear)(void *state, const struct note *note);
    void *state;
};

/* A negative number is one that is not known. */
void note_set(struct note *note, enum note_value value, int64_t number);
int64_t note_get(const struct note *note, enum note_value value); /* -1: not known */
/* A number that may have a sign and a fraction; NAN: not known. */
void note_set_number(struct note *note, double number);
double note_get_number(const struct note *note);
const char *note_source_name(enum note_source source); /* "chaos"       */
const char *note_by_name(int64_t by);                  /* "page"; NULL: not known */
const char *note_by_phrase(int64_t by);                /* "at the page"; "by ctl": not known */
/* Its source for people: where the load was steered from, in place of "ctl". */
const char *note_teller(const struct note *note);
/* Its text for people who do not see the source: "rate 500/s (page)". */
#define NOTE_TOLD_BYTES (NOTE_TEXT_BYTES + 20u)
const char *note_told(char text[NOTE_TOLD_BYTES], const struct note *note);
const char *note_value_name(enum note_value value); /* "keys"        */

#endif
