/* The child that sends notifications: groups alerts, tries again, and tells what has become of them. Run by notifier.c, with whom
 * it shares the messages here; one process, whose memory ends with it. */
#ifndef ORCHESTRATOR_WATCH_NOTIFY_SENDER_H
#define ORCHESTRATOR_WATCH_NOTIFY_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/notify_driver.h"
#include "orchestrator/watch/alert_event.h"
#include "orchestrator/watch/notify_file.h"

/* To the child: one a packet, as long as its labels are many. */
struct notify_message {
    bool ends; /* no more comes: what waits is sent now, within the limit */
    uint64_t limit_ns;
    uint32_t label_count;
    struct alert_event event;
};
size_t notify_message_bytes(const struct notify_message *message);

enum notify_report_kind {
    NOTIFY_READY,   /* the first one; text: why not                 */
    NOTIFY_TROUBLE, /* of a channel: could not be told, the first time */
    NOTIFY_DRY,     /* of a channel: a line of what would be sent   */
    NOTIFY_SUM      /* of a channel, at the end                     */
};

#define NOTIFY_REPORT_TEXT_BYTES 8000u
/* Back: one a packet, text as long as it is. */
struct notify_report {
    enum notify_report_kind kind;
    uint32_t channel;
    uint64_t sent_count, failed_count;   /* messages */
    uint64_t lost_count;                 /* alerts that there was no room for */
    char text[NOTIFY_REPORT_TEXT_BYTES]; /* the problem, "": none */
};

struct notify_sender_setup {
    const struct notify_file *file;
    const char *module; /* its path; NULL: nothing is sent, and told instead (NOTIFY_DRY) */
    uint64_t
        channels; /* bits of those that are told of everything, whatever the routes; 0: by the routes */
};

/* Of the beginning of a line, as much as there is room for: no character is cut. What is longer is told in pieces. */
size_t notify_piece_bytes(const char *text, size_t line_bytes, size_t most_bytes);

/* For struct child_plan, and it talks; state: a struct notify_sender_setup. */
int notify_sender_run(void *state, int telling_fd);

#endif
