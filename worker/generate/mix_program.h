/* The requests of one class: a list of steps that write them, one after the other. A request's numbers (keys, sizes,
 * scores) are found first, since lengths stand in front of what they are of; then it is written. Private to worker/. */
#ifndef WORKER_GENERATE_MIX_PROGRAM_H
#define WORKER_GENERATE_MIX_PROGRAM_H

#include "common/err.h"
#include "common/stamp.h"
#include "worker/generate/command_rules.h"
#include "worker/generate/key_draw.h"
#include "worker/generate/size_draw.h"
#include "worker/generate/workload.h"
#include "worker/generate/workload_plan.h"

#define MIX_STEPS_MAX 1024u

/* ---- what programs draw from: of the whole mix */

struct mix_keys {
    const struct plan_key_space *plan;
    size_t prefix_bytes;
    struct key_draw draw;
    bool in_order;            /* each class goes through it from the beginning */
    uint64_t grown_per_block; /* keys that a block of tickets adds */
};

struct mix_value {
    struct size_draw size;
    bool size_by_key;
    char *pool; /* size_draw_most and MIX_POOL_SHIFT bytes; owned */
    bool letters;
};
#define MIX_POOL_SHIFT 4096u /* values begin at one of so many places of the pool */

struct mix_material {
    struct mix_keys keys[PLAN_KEY_SPACES_MAX];
    struct mix_value values[PLAN_VALUES_MAX];
    const struct plan_data *tables[PLAN_VALUES_MAX + 1]; /* the workload's data; those of values */
    uint32_t key_count, value_count;
    uint64_t seed;
};

/* ---- one class */

enum mix_step_kind {
    STEP_TEXT,
    STEP_LENGTH, /* "$n\r\n" of the steps behind it, as far as the argument goes */
    STEP_KEY,
    STEP_NEW_KEY,
    STEP_VALUE,
    STEP_INT,
    STEP_FLOAT,
    STEP_ZIPF,
    STEP_SEQ,
    STEP_TICKET,
    STEP_WORKER,
    STEP_RUN,
    STEP_NOW,
    STEP_UUID,
    STEP_CURSOR, /* the request's own: walk_generator.c */
    STEP_FIELD,
    STEP_VECTOR,
    STEP_STAMP
};

struct mix_step {
    enum mix_step_kind kind;
    /* Of a key: the space that draws its number, and the one whose prefix and digits it has. Of a value whose size
     * or row goes with the key in front of it: that key's. */
    uint32_t source, shape;
    uint32_t value;      /* VALUE, FIELD: which one                                           */
    uint32_t table;      /* FIELD: of which; 0: the workload's data, else 1 + the value       */
    bool by_key;         /* FIELD: the row goes with a key                                    */
    uint32_t key;        /* which of the request's keys of that space                         */
    uint32_t draw;       /* which of the request's random numbers; FIELD: of its table's rows  */
    uint32_t key_step;   /* of that key in front, where it is known; UINT32_MAX               */
    uint32_t step_count; /* LENGTH: steps of the argument                                     */
    uint32_t check;      /* VALUE that is checked when it is read: 1 + which check; 0: it is not */
    size_t offset_bytes; /* TEXT: in the program's text                                       */
    size_t fixed_bytes;  /* 0: it differs from request to request                             */
    int64_t from;        /* INT: the lowest; FLOAT: in millionths; VECTOR: dimensions         */
    uint64_t span;       /* INT and FLOAT: how many there are                                 */
    struct key_draw *zipf; /* owned by the argument */
};

/* One argument on its own. */
struct mix_argument {
    struct mix_step *steps;
    uint32_t step_count, step_room;
};
struct mix_command {
    uint32_t argument, argument_count; /* of the program's */
};

/* A key that a request writes, or reads, whose values are checked (check_plan.h). */
enum mix_check_kind {
    CHECK_WRITE,
    CHECK_WRITE_IF, /* written unless the reply is null, or the number 0 */
    CHECK_READ
};
struct mix_check {
    enum mix_check_kind kind;
    uint32_t reply;    /* to which part of the request                           */
    uint32_t key_step; /* of the program's steps                                 */
    uint32_t space;    /* of the version table                                   */
};

struct mix_program {
    char name[2 * PLAN_CLASS_NAME_BYTES]; /* of a follow-up "read:on_miss", "write:seen" */
    uint64_t seed;
    uint64_t
        key_index; /* where its draws of keys begin, of a follow-up those of the class that missed */
    char *text;
    size_t text_bytes, text_room;
    struct mix_argument whole; /* all steps of a request */
    struct mix_argument *arguments;
    uint32_t argument_count, argument_room;
    struct mix_command commands[PLAN_COMMANDS_MAX + 2];
    const char *command_names[PLAN_COMMANDS_MAX + 2]; /* first words, the plan's */
    uint32_t command_count;
    enum read_kind read_kinds[PLAN_COMMANDS_MAX + 2];             /* one a reply */
    uint64_t least[PLAN_COMMANDS_MAX + 2][COMMAND_LEAST_NUMBERS]; /* of READ_AT_LEAST */
    uint32_t replies;
    uint32_t draw_count;                     /* random numbers of a request    */
    uint32_t key_draws[PLAN_KEY_SPACES_MAX]; /* numbers of each key space in a request */
    uint32_t new_keys[PLAN_KEY_SPACES_MAX];  /* of these, added to it                */
    uint32_t row_draws[PLAN_VALUES_MAX + 1]; /* rows of each table in a request; 0: one, for all */
    size_t fixed_bytes;                      /* of the steps that do not differ        */
    size_t most_bytes;                       /* of one request */
    size_t key_bytes;                        /* of key_argument, at most */
    bool varies;                             /* in length */
    bool tells_time;                         /* has {now} */
    bool stamps;                             /* has {stamp} */
    size_t desk_bytes;     /* of the longest step that is neither text nor value */
    bool reads_only;       /* all of its commands; false while the keys are not known */
    uint32_t key_argument; /* decides about the slot; UINT32_MAX: none, or not known */
    uint32_t follow_up;    /* the class that follows a miss, or any answer; 0: none */
    bool follows_miss, until_hit;
    uint32_t cursor_count, cursor_argument; /* {cursor}: its requests are pages of walks */
    uint64_t scripts;                       /* a bit for each of the plan's that it names */
    char *load;                             /* as in request_class; mix_load.c's, owned */
    size_t load_bytes;
    uint32_t load_count;
    uint32_t first_part, part_count; /* as in request_class; mix.c's */
    bool is_transaction;
    struct mix_check *checks; /* in the order of the keys; NULL: there are none */
    uint32_t check_count;
};

/* number: of the class. E_CONFIG: the reason alone. mix_program_free in any case. */
MUST_USE enum err_code mix_program_compile(struct mix_program *program,
                                           const struct mix_material *material,
                                           const struct workload_plan *plan,
                                           const struct plan_class *class, uint32_t number,
                                           struct err *err);
void mix_program_free(struct mix_program *program);
/* What a server needs before it can answer one: where it is one command, which can be sent again. mix_load.c. */
MUST_USE enum err_code mix_program_add_load(struct mix_program *program,
                                            const struct workload_plan *plan, struct err *err);
/* Whether it is one command whose reply says of one key whether it is there. */
bool mix_program_finds(const struct mix_program *program);

/* ---- one request */

struct mix_written {
    uint64_t key; /* checked_value_key */
    uint32_t version;
};
struct mix_request {
    uint64_t ticket,
        rank; /* rank among the requests of its class; of a follow-up the ticket's own */
    uint32_t worker;
    uint64_t now_ms; /* since 1970 */
    uint64_t cursor;
    uint64_t run_us;                   /* likewise, when its process began with the run */
    const struct mix_written *written; /* for each check; NULL: values are not checked */
    const struct stamp *stamp;         /* as it is written; NULL: nobody sends it   */
};

/* Finds what its steps need: numbers has one for each step of the program. Returns its length. Hot path. */
size_t mix_request_numbers(uint64_t numbers[], const struct mix_program *program,
                           const struct mix_material *material, const struct mix_request *request);
/* Writes it, or bytes [from_byte, from_byte + byte_count) of it. desk: program->desk_bytes, for what stands only
 * partly in a part. */
void mix_request_write(char *out, const struct mix_program *program,
                       const struct mix_material *material, const struct mix_request *request,
                       const uint64_t numbers[]);
void mix_request_write_part(char *out, size_t from_byte, size_t byte_count, char *desk,
                            const struct mix_program *program, const struct mix_material *material,
                            const struct mix_request *request, const uint64_t numbers[]);
/* One argument on its own: its length and its text. */
size_t mix_argument_bytes(const struct mix_program *program, const struct mix_material *material,
                          uint32_t argument, const struct mix_request *request);
void mix_argument_write(char *out, const struct mix_program *program,
                        const struct mix_material *material, uint32_t argument,
                        const struct mix_request *request);

#endif
