/* A workload from inside. Private to worker/workload*.c. */
#ifndef WORKER_GENERATE_WORKLOAD_STATE_H
#define WORKER_GENERATE_WORKLOAD_STATE_H

#include "worker/generate/key_slot.h"
#include "worker/generate/template.h"
#include "worker/generate/workload.h"

struct workload_part {
    enum read_kind read_kind;
};

/* One command of the sequence, however many times it is repeated. */
struct workload_command {
    struct workload_range *arguments; /* where they stand the first time */
    size_t argument_count;
    size_t request_bytes; /* of one time */
    uint32_t repeat;
    size_t *key_arguments; /* indices into arguments */
    size_t key_count;
};

struct workload {
    const struct workload_test *test;
    const struct plugin_source *plugin;
    struct mix *mix;   /* of a file; then what is below is empty, but for the title */
    struct live *live; /* of a phase of a scenario; likewise */
    const struct replay_plan *replay; /* whose requests are sent in its place; NULL */
    char title[128];
    struct template template;
    struct workload_part *parts; /* one a reply: a repeated command has one for each repeat */
    uint32_t part_count;
    struct workload_command *commands;
    uint32_t command_count;
    bool cluster;    /* all keys of a request must be in one slot */
    bool keys_known; /* workload_set_keys has been called         */
    bool reads_only;
    struct key_slot key_slot;
    char *null_reply;
    size_t null_reply_bytes;
};

/* The keys of a row of the table, whose commands are compiled. As workload_set_keys. */
MUST_USE enum err_code workload_set_test_keys(struct workload *workload, struct err *err);

#endif
