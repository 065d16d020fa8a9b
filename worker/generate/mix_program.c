#include "worker/generate/mix_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/rng.h"
#include "common/suggest.h"
#include "common/units.h"
#include "worker/generate/brace.h"
#include "worker/generate/command_rules.h"
#include "worker/generate/mix_number.h"

#define REQUEST_MAX_BYTES (1ull << 30)
#define KNOWN_BYTES 160u

/* Texts name the key space or value that is the only one when they name none. */
struct compiler {
    struct mix_program *program;
    const struct mix_material *material;
    const struct workload_plan *plan;
    struct err *err;
    /* Labels of each key space: 1 + which of the request's keys it is; 0: not met yet. */
    uint32_t labels[PLAN_KEY_SPACES_MAX][BRACE_LABEL_MAX + 1];
    /* The key that stood last. */
    uint32_t last_space, last_key, last_argument;
    bool any_key;
};

static enum err_code out_of_memory(const struct compiler *compiler)
{
    return err_set(compiler->err, E_SYSTEM, "no memory for the requests of a class");
}

/* ---- steps ---- */

/* Room for so many bytes more. */
static enum err_code reserve_text(const struct compiler *compiler, size_t text_bytes)
{
    struct mix_program *program = compiler->program;
    if (program->text_bytes + text_bytes <= program->text_room)
        return OK;
    size_t room = (program->text_bytes + text_bytes) * 2 + 64;
    char *grown = realloc(program->text, room);
    if (grown == NULL)
        return out_of_memory(compiler);
    program->text = grown;
    program->text_room = room;
    return OK;
}

static enum err_code add_text(struct mix_step *step, const struct compiler *compiler,
                              const char *text, size_t text_bytes)
{
    struct mix_program *program = compiler->program;
    if (reserve_text(compiler, text_bytes) != OK)
        return compiler->err->code;
    *step = (struct mix_step){
        .kind = STEP_TEXT, .offset_bytes = program->text_bytes, .fixed_bytes = text_bytes};
    memcpy(program->text + program->text_bytes, text, text_bytes);
    program->text_bytes += text_bytes;
    return OK;
}

static enum err_code add_step(struct mix_argument *list, const struct compiler *compiler,
                              const struct mix_step *step)
{
    if (list->step_count == list->step_room) {
        uint32_t room = list->step_room * 2 + 8;
        struct mix_step *grown = realloc(list->steps, room * sizeof grown[0]);
        if (grown == NULL)
            return out_of_memory(compiler);
        memset(grown + list->step_room, 0, (room - list->step_room) * sizeof grown[0]);
        list->steps = grown;
        list->step_room = room;
    }
    if (list->step_count == MIX_STEPS_MAX)
        return err_set(compiler->err, E_CONFIG, "more than %u placeholders in one class",
                       MIX_STEPS_MAX);
    list->steps[list->step_count++] = *step;
    return OK;
}

/* Text that goes on where the last one ended is one step with it. */
static enum err_code add_to_program(const struct compiler *compiler, const struct mix_step *step)
{
    struct mix_program *program = compiler->program;
    struct mix_argument *list = &program->whole;
    struct mix_step *last = list->step_count > 0 ? &list->steps[list->step_count - 1] : NULL;
    program->fixed_bytes += step->fixed_bytes;
    if (step->kind == STEP_TEXT && step->fixed_bytes == 0)
        return OK;
    if (step->kind == STEP_TEXT && last != NULL && last->kind == STEP_TEXT &&
        last->offset_bytes + last->fixed_bytes == step->offset_bytes) {
        last->fixed_bytes += step->fixed_bytes;
        return OK;
    }
    if (step->kind != STEP_TEXT && step->fixed_bytes == 0)
        program->varies = true;
    return add_step(list, compiler, step);
}

static enum err_code add_program_text(const struct compiler *compiler, const char *text,
                                      size_t text_bytes)
{
    struct mix_step step = {.kind = STEP_TEXT};
    enum err_code code = add_text(&step, compiler, text, text_bytes);
    return code == OK ? add_to_program(compiler, &step) : code;
}

/* ---- placeholders ---- */

/* Names for a message, as far as there is room, and the nearest one to what was looked for. */
struct known {
    char list[KNOWN_BYTES];
    struct suggestion suggestion;
};

static void add_known(struct known *known, const char *name)
{
    char *const list = known->list;
    const size_t used = strlen(list);
    suggest_offer(&known->suggestion, name, strlen(name));
    if (used + strlen(name) + sizeof ", ..." < KNOWN_BYTES)
        snprintf(list + used, KNOWN_BYTES - used, "%s%s", used > 0 ? ", " : "", name);
    else if (used < 3 || strcmp(list + used - 3, "...") != 0)
        snprintf(list + used, KNOWN_BYTES - used, "%s...", used > 0 ? ", " : "");
}

/* Which one is meant: the name, or the only one there is. */
static enum err_code find_source(uint32_t *found, const struct compiler *compiler,
                                 const struct brace_piece *piece)
{
    const bool key = piece->kind != BRACE_VALUE;
    const struct workload_plan *plan = compiler->plan;
    const size_t count = key ? plan->key_space_count : plan->value_count;
    const char *kind = key ? "key space" : "value", *group = key ? "keys" : "values";
    struct known known = {
        .suggestion = {.wanted = piece->name, .wanted_bytes = strlen(piece->name)}};
    for (size_t i = 0; i < count; i++) {
        const char *name = key ? plan->key_spaces[i].name : plan->values[i].name;
        *found = (uint32_t)i;
        if (strcmp(piece->name, name) == 0 || (piece->name[0] == '\0' && count == 1))
            return OK;
        add_known(&known, name);
    }
    if (count == 0)
        return err_set(compiler->err, E_CONFIG, "a %s is asked for, and \"%s\" names none", kind,
                       group);
    if (piece->name[0] == '\0')
        return err_set(compiler->err, E_CONFIG,
                       "which %s is meant must be said, as in {%s:NAME}; there are %s", kind,
                       key ? "key" : "value", known.list);
    return err_set(compiler->err, E_CONFIG, "there is no %s \"%s\"%s%s%s; there are %s", kind,
                   piece->name, SUGGESTED(known.suggestion.best), known.list);
}

/* Tagged keys of different spaces are in one slot when they have one number: where they have one label, the space that
 * stood there first draws it for all. */
static enum err_code join_tagged(struct mix_step *step, const struct compiler *compiler,
                                 const struct brace_piece *piece)
{
    const struct plan_key_space *spaces = compiler->plan->key_spaces;
    const struct plan_key_space *own = &spaces[step->source];
    for (uint32_t i = 0; i < compiler->plan->key_space_count && own->tagged; i++) {
        const struct plan_key_space *other = &spaces[i];
        if (!other->tagged || compiler->labels[i][piece->label] == 0)
            continue;
        if (other->count != own->count || other->first != own->first)
            return err_set(compiler->err, E_CONFIG,
                           "tagged keys with one label have one number: %s and %s need the same "
                           "count and first",
                           other->name, own->name);
        step->source = i;
        return OK;
    }
    return OK;
}

static void key_step(struct mix_step *step, struct compiler *compiler,
                     const struct brace_piece *piece)
{
    struct mix_program *program = compiler->program;
    uint32_t *label = &compiler->labels[step->source][piece->label];
    step->kind = piece->kind == BRACE_NEW ? STEP_NEW_KEY : STEP_KEY;
    if (step->kind == STEP_NEW_KEY) {
        step->key = program->new_keys[step->source]++;
    } else if (piece->label > 0 && *label > 0) {
        step->key = *label - 1;
    } else {
        step->key = program->key_draws[step->source]++;
        *label = step->key + 1;
    }
    const struct mix_keys *keys = &compiler->material->keys[step->shape];
    step->fixed_bytes = mix_key_fixed_bytes(keys, step->kind == STEP_NEW_KEY);
    if (step->kind == STEP_KEY) {
        compiler->any_key = true;
        compiler->last_space = step->source;
        compiler->last_key = step->key;
    }
}

static enum err_code value_step(struct mix_step *step, const struct compiler *compiler)
{
    const struct mix_value *value = &compiler->material->values[step->value];
    const struct plan_value *plan = &compiler->plan->values[step->value];
    const bool of_table = plan->table.field_count > 0;
    if (value->size_by_key && !compiler->any_key)
        return err_set(compiler->err, E_CONFIG,
                       "the %s of {value:%.40s} goes with its key, and no {key} stands in front "
                       "of it",
                       of_table ? "row" : "size", plan->name);
    step->source = compiler->last_space;
    step->key = compiler->last_key;
    if (of_table) {
        step->kind = STEP_FIELD;
        step->table = step->value + 1;
        step->value = plan->field;
        step->by_key = plan->size_by_key;
        step->draw = compiler->program->row_draws[step->table]++;
        return OK;
    }
    step->kind = STEP_VALUE;
    step->draw = compiler->program->draw_count++;
    if (value->size.wish.kind == SIZE_FIXED)
        step->fixed_bytes = value->size.wish.least_bytes;
    return OK;
}

static enum err_code zipf_step(struct mix_step *step, const struct compiler *compiler,
                               const struct brace_piece *piece)
{
    const struct key_order_wish wish = {.kind = ORDER_ZIPF, .exponent = piece->low};
    step->kind = STEP_ZIPF;
    step->draw = compiler->program->draw_count++;
    step->zipf = malloc(sizeof *step->zipf);
    if (step->zipf == NULL)
        return out_of_memory(compiler);
    if (piece->from > (int64_t)KEY_DRAW_COUNT_MAX)
        return err_set(compiler->err, E_CONFIG, "{zipf N}: N is at most %s",
                       UNITS_GROUPED(KEY_DRAW_COUNT_MAX));
    return key_draw_prepare(step->zipf, &wish, (uint64_t)piece->from, compiler->program->seed, 1,
                            compiler->err);
}

static void number_step(struct mix_step *step, const struct compiler *compiler,
                        const struct brace_piece *piece)
{
    struct mix_program *program = compiler->program;
    step->draw = program->draw_count++;
    if (piece->kind == BRACE_INT) {
        step->kind = STEP_INT;
        step->from = piece->from;
        step->span = (uint64_t)piece->to - (uint64_t)piece->from + 1;
        if (piece->from >= 0 &&
            mix_digits((uint64_t)piece->from) == mix_digits((uint64_t)piece->to))
            step->fixed_bytes = mix_digits((uint64_t)piece->from);
        return;
    }
    step->kind = STEP_FLOAT;
    step->from = (int64_t)(piece->low * MIX_FLOAT_PARTS);
    step->span = (uint64_t)((piece->high - piece->low) * MIX_FLOAT_PARTS);
    if (step->span == 0)
        step->span = 1;
    if (piece->low >= 0 && piece->high <= 10)
        step->fixed_bytes = 8;
}

static enum err_code field_step(struct mix_step *step, const struct compiler *compiler,
                                const struct brace_piece *piece)
{
    const struct plan_data *data = &compiler->plan->data;
    struct known known = {
        .suggestion = {.wanted = piece->name, .wanted_bytes = strlen(piece->name)}};
    step->kind = STEP_FIELD;
    for (uint32_t i = 0; i < data->field_count; i++) {
        step->value = i;
        if (strcmp(piece->name, data->names[i]) == 0)
            return OK;
        add_known(&known, data->names[i]);
    }
    return data->field_count == 0
               ? err_set(compiler->err, E_CONFIG,
                         "{field %s} asks for a field, and \"data\" names no file", piece->name)
               : err_set(compiler->err, E_CONFIG, "the data has no field %s%s%s%s; there are %s",
                         piece->name, SUGGESTED(known.suggestion.best), known.list);
}

/* The name that a server has for it, which never changes. */
static enum err_code script_step(struct mix_step *step, const struct compiler *compiler,
                                 const struct brace_piece *piece)
{
    const struct workload_plan *plan = compiler->plan;
    struct known known = {
        .suggestion = {.wanted = piece->name, .wanted_bytes = strlen(piece->name)}};
    for (size_t i = 0; i < plan->script_count; i++) {
        if (strcmp(piece->name, plan->scripts[i].name) == 0) {
            compiler->program->scripts |= 1ull << i;
            return add_text(step, compiler, plan->scripts[i].sha1, PLAN_SHA1_BYTES - 1);
        }
        add_known(&known, plan->scripts[i].name);
    }
    return plan->script_count == 0
               ? err_set(compiler->err, E_CONFIG,
                         "{script %s} asks for a script, and \"scripts\" names none", piece->name)
               : err_set(compiler->err, E_CONFIG, "there is no script %s%s%s%s; there are %s",
                         piece->name, SUGGESTED(known.suggestion.best), known.list);
}

static enum err_code placeholder_step(struct mix_step *step, struct compiler *compiler,
                                      const struct brace_piece *piece)
{
    *step = (struct mix_step){.key_step = UINT32_MAX};
    enum err_code code = OK;
    switch (piece->kind) {
    case BRACE_TEXT:
        return add_text(step, compiler, piece->text, piece->text_bytes);
    case BRACE_KEY:
    case BRACE_NEW:
        code = find_source(&step->source, compiler, piece);
        step->shape = step->source;
        if (code == OK && piece->kind == BRACE_KEY && piece->label > 0)
            code = join_tagged(step, compiler, piece);
        if (code == OK)
            key_step(step, compiler, piece);
        return code;
    case BRACE_VALUE:
        code = find_source(&step->value, compiler, piece);
        return code == OK ? value_step(step, compiler) : code;
    case BRACE_INT:
    case BRACE_FLOAT:
        number_step(step, compiler, piece);
        return OK;
    case BRACE_ZIPF:
        return zipf_step(step, compiler, piece);
    case BRACE_SEQ:
        step->kind = STEP_SEQ;
        return OK;
    case BRACE_TICKET:
        step->kind = STEP_TICKET;
        return OK;
    case BRACE_WORKER:
        step->kind = STEP_WORKER;
        return OK;
    case BRACE_RUN:
        step->kind = STEP_RUN;
        step->fixed_bytes = MIX_RUN_DIGITS;
        return OK;
    case BRACE_NOW:
        step->kind = STEP_NOW;
        step->fixed_bytes = MIX_NOW_DIGITS;
        compiler->program->tells_time = true;
        return OK;
    case BRACE_UUID:
        step->kind = STEP_UUID;
        step->draw = compiler->program->draw_count;
        step->fixed_bytes = MIX_UUID_BYTES;
        compiler->program->draw_count += 2;
        return OK;
    case BRACE_CURSOR:
        step->kind = STEP_CURSOR;
        compiler->program->cursor_count++;
        compiler->program->cursor_argument = compiler->program->argument_count - 1;
        return OK;
    case BRACE_SCRIPT:
        return script_step(step, compiler, piece);
    case BRACE_FIELD:
        return field_step(step, compiler, piece);
    case BRACE_STAMP:
        step->kind = STEP_STAMP;
        step->fixed_bytes = (size_t)piece->from;
        compiler->program->stamps = true;
        return OK;
    case BRACE_VECTOR:
        break;
    }
    step->kind = STEP_VECTOR;
    step->draw = compiler->program->draw_count++;
    step->from = piece->from;
    step->fixed_bytes = (size_t)piece->from * sizeof(float);
    return OK;
}

/* ---- arguments and commands ---- */

static enum err_code new_argument(struct mix_argument **added, const struct compiler *compiler)
{
    struct mix_program *program = compiler->program;
    if (program->argument_count == program->argument_room) {
        uint32_t room = program->argument_room * 2 + 16;
        struct mix_argument *grown = realloc(program->arguments, room * sizeof grown[0]);
        if (grown == NULL)
            return out_of_memory(compiler);
        program->arguments = grown;
        program->argument_room = room;
    }
    *added = &program->arguments[program->argument_count++];
    **added = (struct mix_argument){.steps = NULL};
    return OK;
}

/* Where in the program the key stands that a value's size goes with: it is in the same request, or else an argument
 * of it. */
static uint32_t find_key_step(const struct mix_program *program, const struct mix_step *value)
{
    for (uint32_t i = program->whole.step_count; i > 0; i--) {
        const struct mix_step *step = &program->whole.steps[i - 1];
        if (step->kind == STEP_KEY && step->source == value->source && step->key == value->key)
            return i - 1;
    }
    return UINT32_MAX;
}

static enum err_code append_argument(const struct compiler *compiler,
                                     const struct mix_argument *argument)
{
    char head[32];
    bool fixed = true;
    size_t bytes = 0;
    struct mix_program *program = compiler->program;
    for (uint32_t i = 0; i < argument->step_count; i++) {
        const struct mix_step *step = &argument->steps[i];
        fixed &= step->fixed_bytes > 0 || step->kind == STEP_TEXT;
        bytes += step->fixed_bytes;
    }
    enum err_code code = OK;
    if (fixed)
        code = add_program_text(compiler, head,
                                (size_t)snprintf(head, sizeof head, "$%zu\r\n", bytes));
    else
        code = add_to_program(
            compiler, &(struct mix_step){.kind = STEP_LENGTH, .step_count = argument->step_count});
    for (uint32_t i = 0; i < argument->step_count && code == OK; i++) {
        struct mix_step step = argument->steps[i];
        if (step.kind == STEP_VALUE || step.by_key)
            step.key_step = find_key_step(program, &step);
        /* Where the length is told, steps are counted: none is joined with another. */
        if (fixed && step.kind == STEP_TEXT) {
            code = reserve_text(compiler, step.fixed_bytes);
            if (code == OK)
                code =
                    add_program_text(compiler, program->text + step.offset_bytes, step.fixed_bytes);
        } else if (fixed)
            code = add_to_program(compiler, &step);
        else {
            program->fixed_bytes += step.fixed_bytes;
            code = add_step(&program->whole, compiler, &step);
        }
    }
    if (code != OK || fixed)
        return code == OK ? add_program_text(compiler, "\r\n", 2) : code;
    /* Not joined with a text that ends the argument, whose length is told. */
    struct mix_step end;
    code = add_text(&end, compiler, "\r\n", 2);
    program->fixed_bytes += 2;
    return code == OK ? add_step(&program->whole, compiler, &end) : code;
}

static enum err_code append_word(struct compiler *compiler, const char *word)
{
    struct mix_argument *argument = NULL;
    struct brace_piece piece = {.kind = BRACE_TEXT};
    size_t word_bytes = strlen(word);
    enum err_code code = new_argument(&argument, compiler);
    for (size_t i = 0; i < word_bytes && argument != NULL && code == OK; i += piece.used_bytes) {
        struct mix_step step = {.kind = STEP_TEXT};
        code = brace_next(&piece, word + i, word_bytes - i, compiler->err);
        if (code == OK)
            code = placeholder_step(&step, compiler, &piece);
        if (code == OK)
            code = add_step(argument, compiler, &step);
        else if (step.kind == STEP_ZIPF)
            free(step.zipf);
    }
    return code == OK && argument != NULL ? append_argument(compiler, argument) : code;
}

static enum err_code append_command(struct compiler *compiler, const struct plan_command *plan)
{
    struct mix_program *program = compiler->program;
    char head[32];
    if (plan->word_count == 0 || plan->words[0][0] == '\0')
        return err_set(compiler->err, E_CONFIG, "a command is needed, and there is none");
    struct err refused = {.code = OK};
    if (command_refuse_unsuitable(plan->words, plan->word_count, &refused) != OK)
        return err_set(compiler->err, E_CONFIG, "%s", refused.text);
    program->command_names[program->command_count] = plan->words[0];
    program->commands[program->command_count++] = (struct mix_command){
        .argument = program->argument_count, .argument_count = (uint32_t)plan->word_count};
    bool asks = false;
    enum err_code code = command_least(program->least[program->replies], &asks, plan->words,
                                       plan->word_count, compiler->err);
    program->read_kinds[program->replies++] =
        asks ? READ_AT_LEAST : command_read_kind(plan->words[0]);
    if (code == OK)
        code = add_program_text(compiler, head,
                                (size_t)snprintf(head, sizeof head, "*%zu\r\n", plan->word_count));
    for (size_t i = 0; i < plan->word_count && code == OK; i++)
        code = append_word(compiler, plan->words[i]);
    return code;
}

static enum err_code append_commands(struct compiler *compiler, const struct plan_class *class)
{
    static const char *const multi[] = {"MULTI"}, *const exec[] = {"EXEC"};
    static const struct plan_command begin = {multi, 1}, end = {exec, 1};
    const bool transaction = class->unit == UNIT_TRANSACTION;
    struct mix_program *program = compiler->program;
    if (class->command_count > PLAN_COMMANDS_MAX)
        return err_set(compiler->err, E_CONFIG, "more than %u commands in one class",
                       PLAN_COMMANDS_MAX);
    enum err_code code = transaction ? append_command(compiler, &begin) : OK;
    for (size_t i = 0; i < class->command_count && code == OK; i++)
        code = append_command(compiler, &class->commands[i]);
    if (code == OK && transaction) {
        code = append_command(compiler, &end);
        /* Until EXEC, replies say QUEUED. */
        for (uint32_t i = 0; i < program->replies; i++)
            program->read_kinds[i] = READ_NONE;
    }
    return code;
}

/* ---- the whole ---- */

/* Its reply must have the cursor as its first string, and nothing else may depend on that. */
static enum err_code check_cursor(const struct mix_program *program, struct err *err)
{
    if (program->cursor_count == 0)
        return OK;
    const uint32_t place = command_cursor_place(program->command_names[0]);
    const uint32_t argument = program->cursor_argument;
    return program->replies == 1 && program->cursor_count == 1 && place > 0 && argument == place &&
                   program->arguments[argument].step_count == 1
               ? OK
               : err_set(err, E_CONFIG,
                         "{cursor} is the cursor of one command that has one, as in SCAN {cursor} "
                         "COUNT 100, or HSCAN {key} {cursor}");
}

bool mix_program_finds(const struct mix_program *program)
{
    return program->replies == 1 && program->read_kinds[0] == READ_VALUE;
}

static size_t longest_cell(const struct plan_data *data, uint32_t field)
{
    size_t longest = 0;
    for (uint64_t row = 0; row < data->row_count; row++) {
        const size_t bytes = data->cells[row * data->field_count + field].byte_count;
        longest = bytes > longest ? bytes : longest;
    }
    return longest;
}

static size_t most_bytes_of(const struct mix_step *step, const struct mix_material *material)
{
    if (step->fixed_bytes > 0)
        return step->fixed_bytes;
    switch (step->kind) {
    case STEP_TEXT:
        return 0;
    case STEP_KEY:
    case STEP_NEW_KEY:
        return mix_key_most_bytes(&material->keys[step->shape]);
    case STEP_VALUE:
        return size_draw_most(&material->values[step->value].size);
    case STEP_FIELD:
        return longest_cell(material->tables[step->table], step->value);
    default:
        return MIX_NUMBER_MOST_BYTES;
    }
}

static enum err_code measure(struct mix_program *program, const struct mix_material *material,
                             struct err *err)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < program->whole.step_count; i++) {
        const struct mix_step *step = &program->whole.steps[i];
        const size_t most_bytes = most_bytes_of(step, material);
        bytes += most_bytes;
        if (step->kind != STEP_TEXT && step->kind != STEP_VALUE && step->kind != STEP_FIELD &&
            most_bytes > program->desk_bytes)
            program->desk_bytes = most_bytes;
    }
    program->most_bytes = bytes;
    return bytes <= REQUEST_MAX_BYTES
               ? OK
               : err_set(err, E_CONFIG, "a request of up to %s bytes; at most %s are possible",
                         UNITS_GROUPED(bytes), UNITS_GROUPED(REQUEST_MAX_BYTES));
}

enum err_code mix_program_compile(struct mix_program *program, const struct mix_material *material,
                                  const struct workload_plan *plan, const struct plan_class *class,
                                  uint32_t number, struct err *err)
{
    *program = (struct mix_program){
        .seed = rng_mix(material->seed ^ (number + 1ull) << 32),
        .key_index = number * MIX_KEY_STRIDE,
        .key_argument = UINT32_MAX,
        .until_hit = class->until_hit,
        .is_transaction = class->unit == UNIT_TRANSACTION,
    };
    struct compiler compiler = {.program = program, .material = material, .plan = plan, .err = err};
    snprintf(program->name, sizeof program->name, "%s", class->name);
    enum err_code code = append_commands(&compiler, class);
    if (code == OK && class->until_hit && !mix_program_finds(program))
        code = err_set(err, E_CONFIG,
                       "until: hit goes with one command that reads one key and says whether it is "
                       "there, such as GET or HGETALL");
    if (code == OK)
        code = check_cursor(program, err);
    if (code == OK)
        code = mix_program_add_load(program, plan, err);
    return code == OK ? measure(program, material, err) : code;
}

void mix_program_free(struct mix_program *program)
{
    for (uint32_t i = 0; i < program->argument_count; i++) {
        struct mix_argument *argument = &program->arguments[i];
        for (uint32_t step = 0; step < argument->step_count; step++)
            free(argument->steps[step].zipf);
        free(argument->steps);
    }
    free(program->arguments);
    free(program->whole.steps);
    free(program->checks);
    free(program->load);
    free(program->text);
    *program = (struct mix_program){.text = NULL};
}
