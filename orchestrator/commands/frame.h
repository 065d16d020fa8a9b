/* What every command with a table of its own does around its story: parse, hide secrets among argv, print help, say notices
 * and errors, give the exit status. */
#ifndef ORCHESTRATOR_COMMANDS_FRAME_H
#define ORCHESTRATOR_COMMANDS_FRAME_H

#include "orchestrator/options/bench_options.h"

#define COMMAND_WORDS_MAX 260u /* track mark, and the commits */

/* What stands beside the options: in front of all of them, or behind. */
struct command_words {
    const char *items[COMMAND_WORDS_MAX];
    size_t count;
};

struct command_frame {
    const struct option_table *table;
    void *target;                 /* zeroed: what the options are stored in  */
    struct option_values *values; /* of it                                   */
    const bool *help;             /* of it                                   */
    struct command_words
        *words; /* of it; NULL: the command has a parse of its own that knows its words */
    bool
        words_everywhere; /* also behind options, and options behind them: mark COMMIT --status complete */
    /* Of command_frame_run_bench: what is not zero at the beginning; NULL. */
    void (*prepare)(void *target, int argc, const char *const *argv);
    /* In place of options_parse; NULL: that, and words. */
    enum err_code (*parse)(void *target, int argc, const char *const *argv, struct err *err);
    /* Of a command that puts load on a server: its notices are said; NULL. */
    struct bench_request *load;
    enum err_code (*run)(void *target, struct err *err);
    void (*destroy)(void *target); /* in any case; NULL: options_free(values) */
};

/* Of a command whose words stand everywhere, and whose struct has values, words and help. */
#define WORDS_FRAME(table_, request_, run_)                                                        \
    {                                                                                              \
        .table = &(table_), .target = &(request_), .values = &(request_).values,                   \
        .help = &(request_).help, .words = &(request_).words, .words_everywhere = true,            \
        .run = run_                                                                                \
    }

/* Returns the exit status. The text of an error that run returns is logged. */
int command_frame_run(const struct command_frame *frame, int argc, const char *const *argv);
/* The same for a command whose target, of so many bytes, begins with a struct bench_request, and has its words at words_at. It is
 * made here, and freed; the options of bench are given their defaults. target, values, help, words and load are set here. */
int command_frame_run_bench(const struct command_frame *frame, size_t request_bytes,
                            size_t words_at, int argc, const char *const *argv);

#endif
