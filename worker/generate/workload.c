#include "worker/generate/workload.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/units.h"
#include "worker/generate/command_rules.h"
#include "worker/generate/live.h"
#include "worker/generate/plugin.h"
#include "worker/generate/replay_plan.h"
#include "worker/generate/workload_mix.h"
#include "worker/generate/workload_state.h"

/* Above this a request would need more memory than any server takes in one command. */
#define REQUEST_MAX_BYTES ((4ull << 30) - 1) /* 32 bits hold it: request_slot.bytes */
#define REPEAT_MAX 10000u

/* Arguments of one command of a sequence. */
struct command {
    const char *const *argv;
    const size_t *argv_bytes; /* NULL: terminated strings */
    size_t argc;
    bool last_verbatim;
    uint32_t repeat;
};

static size_t argument_bytes(const struct command *command, size_t index)
{
    return command->argv_bytes != NULL ? command->argv_bytes[index] : strlen(command->argv[index]);
}

static enum err_code append_text(struct template *template, struct err *err, const char *format,
                                 ...) PRINTF_LIKE(3, 4);
static enum err_code append_text(struct template *template, struct err *err, const char *format,
                                 ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return template_append(template, text, (size_t)bytes, err);
}

/* What an argument adds to a request. */
static enum err_code rendered(size_t *bytes, const struct workload *workload,
                              const struct command *command, size_t index, struct err *err)
{
    *bytes = argument_bytes(command, index);
    if (command->last_verbatim && index + 1 == command->argc)
        return OK;
    return template_argument_bytes(&workload->template, command->argv[index], *bytes, bytes, err);
}

/* Before any of it is put together: that would take seconds, and all of the memory. */
static enum err_code refuse_long(const struct workload *workload, const struct command *command,
                                 struct err *err)
{
    uint64_t total_bytes = 0;
    enum err_code code = OK;
    for (size_t i = 0; i < command->argc && code == OK; i++) {
        size_t bytes = 0;
        code = rendered(&bytes, workload, command, i, err);
        total_bytes += bytes;
    }
    const uint64_t taken_bytes = workload->template.byte_count;
    const uint64_t room_bytes =
        taken_bytes < REQUEST_MAX_BYTES ? REQUEST_MAX_BYTES - taken_bytes : 0;
    if (code == OK && total_bytes > room_bytes / command->repeat)
        return err_set(err, E_USAGE,
                       "a request of more than %llu bytes is too long: %s with its arguments has "
                       "%llu; give less --datasize, or fewer elements",
                       REQUEST_MAX_BYTES, command->argv[0], (unsigned long long)total_bytes);
    return code;
}

/* places: of the arguments, or NULL. */
static enum err_code append_command(struct workload *workload, const struct command *command,
                                    struct workload_range *places, struct err *err)
{
    struct template *template = &workload->template;
    enum err_code code = append_text(template, err, "*%zu\r\n", command->argc);
    for (size_t i = 0; i < command->argc && code == OK; i++) {
        const char *argument = command->argv[i];
        const bool verbatim = command->last_verbatim && i + 1 == command->argc;
        size_t given_bytes = argument_bytes(command, i), rendered_bytes;
        code = rendered(&rendered_bytes, workload, command, i, err);
        if (code == OK)
            code = append_text(template, err, "$%zu\r\n", rendered_bytes);
        if (places != NULL)
            places[i] = (struct workload_range){template->byte_count, rendered_bytes};
        if (code == OK)
            code = verbatim ? template_append(template, argument, given_bytes, err)
                            : template_append_argument(template, argument, given_bytes, err);
        if (code == OK)
            code = template_append(template, "\r\n", 2, err);
    }
    return code;
}

/* A new command of the sequence, with room for the places of its arguments. */
static enum err_code add_command(struct workload *workload, struct workload_command **added,
                                 size_t argument_count, uint32_t repeat, struct err *err)
{
    struct workload_command *grown =
        realloc(workload->commands, (workload->command_count + 1u) * sizeof grown[0]);
    if (grown != NULL)
        workload->commands = grown;
    struct workload_range *arguments = calloc(argument_count + 1, sizeof arguments[0]);
    if (grown == NULL || arguments == NULL) {
        free(arguments);
        return err_set(err, E_SYSTEM, "cannot allocate a sequence of %u commands",
                       workload->command_count);
    }
    *added = &workload->commands[workload->command_count++];
    **added = (struct workload_command){
        .arguments = arguments, .argument_count = argument_count, .repeat = repeat};
    return OK;
}

static enum err_code append_part(struct workload *workload, const struct command *command,
                                 struct err *err)
{
    struct workload_command *added = NULL;
    if (command->argc == 0)
        return err_set(err, E_USAGE, "an empty command stands before or behind a ';'");
    enum err_code code = command_refuse_unsuitable(command->argv, command->argc, err);
    if (code == OK)
        code = refuse_long(workload, command, err);
    if (code == OK)
        code = add_command(workload, &added, command->argc, command->repeat, err);
    for (uint32_t i = 0; code == OK && added != NULL && i < command->repeat; i++) {
        struct workload_part *grown =
            realloc(workload->parts, (workload->part_count + 1u) * sizeof workload->parts[0]);
        if (grown == NULL)
            return err_set(err, E_SYSTEM, "cannot allocate a sequence of %u commands",
                           workload->part_count);
        workload->parts = grown;
        workload->parts[workload->part_count++].read_kind = command_read_kind(command->argv[0]);
        size_t begin = workload->template.byte_count;
        code = append_command(workload, command, i == 0 ? added->arguments : NULL, err);
        added->request_bytes = workload->template.byte_count - begin;
    }
    return code;
}

/* A number before a command of a sequence repeats it, as valkey-benchmark has it. */
static enum err_code take_repeat(struct command *command, struct err *err)
{
    command->repeat = 1;
    if (command->argc == 0)
        return OK;
    const char *text = command->argv[0];
    if (*text == '\0')
        return err_set(err, E_USAGE, "a command is needed, and its first word is empty");
    for (const char *c = text; *c != '\0'; c++)
        if (!isdigit((unsigned char)*c))
            return OK;
    errno = 0;
    unsigned long repeat = strtoul(text, NULL, 10);
    if (errno != 0 || repeat == 0 || repeat > REPEAT_MAX)
        return err_set(err, E_USAGE,
                       "a command cannot be repeated \"%.40s\" times; 1 to %s are possible", text,
                       UNITS_GROUPED(REPEAT_MAX));
    if (command->argc == 1)
        return err_set(err, E_USAGE,
                       "%.40s is a number, which repeats the command behind it, and none follows",
                       text);
    command->repeat = (uint32_t)repeat;
    command->argv++;
    command->argc--;
    if (command->argv_bytes != NULL)
        command->argv_bytes++;
    return OK;
}

/* Whether the argument ends a command of the sequence. */
static bool is_separator(const struct workload_source *source, size_t index)
{
    return strcmp(source->argv[index], ";") == 0 &&
           (source->argv_bytes == NULL || source->argv_bytes[index] == 1) &&
           !(source->last_verbatim && index + 1 == source->argc);
}

static enum err_code append_sequence(struct workload *workload,
                                     const struct workload_source *source, struct err *err)
{
    enum err_code code = OK;
    for (size_t from = 0; from <= source->argc && code == OK;) {
        size_t to = from;
        while (to < source->argc && !is_separator(source, to))
            to++;
        struct command command = {
            .argv = source->argv + from,
            .argv_bytes = source->argv_bytes != NULL ? source->argv_bytes + from : NULL,
            .argc = to - from,
            .last_verbatim = source->last_verbatim && to == source->argc,
        };
        code = take_repeat(&command, err);
        if (code == OK)
            code = append_part(workload, &command, err);
        from = to + 1;
    }
    return code;
}

static enum err_code append_inline(struct workload *workload, const char *line, struct err *err)
{
    struct workload_command *added;
    workload->parts = calloc(1, sizeof workload->parts[0]);
    if (workload->parts == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate a command");
    workload->part_count = 1;
    enum err_code code = add_command(workload, &added, 0, 1, err);
    return code == OK ? append_text(&workload->template, err, "%s\r\n", line) : code;
}

/* The arguments of a row of the table: its own and what follows from the spec. */
struct test_arguments {
    char *library;
    char (*texts)[WORKLOAD_TEST_ARG_BYTES]; /* one an argument, for those that are made here */
    const char **argv;
    size_t argc;
};

static void test_arguments_free(struct test_arguments *arguments)
{
    free(arguments->library);
    free(arguments->texts);
    free((void *)(uintptr_t)arguments->argv);
}

static enum err_code test_arguments_make(struct test_arguments *arguments,
                                         const struct workload_test *test, const struct spec *spec,
                                         struct err *err)
{
    const size_t keys = test->more == MORE_KEYS ? spec->load.function_keys : 0;
    const size_t room = WORKLOAD_TEST_ARGS_MAX + 2 + keys;
    *arguments = (struct test_arguments){.texts = calloc(room, sizeof arguments->texts[0]),
                                         .argv = calloc(room, sizeof arguments->argv[0])};
    if (arguments->texts == NULL || arguments->argv == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate the %zu arguments of a test", room);
    /* A score must be a number. */
    const bool fixed = spec->load.placeholders == PLACEHOLDERS_BENCHMARK_FIXED;
    for (; test->argv[arguments->argc] != NULL; arguments->argc++) {
        const char *argument = test->argv[arguments->argc];
        arguments->argv[arguments->argc] =
            fixed && strcmp(argument, "__rand_int__") == 0 ? "0" : argument;
    }
    if (test->more == MORE_LIBRARY) {
        arguments->library = workload_function_library(spec->load.function_count, false, err);
        if (arguments->library == NULL)
            return err->code;
        arguments->argv[arguments->argc++] = arguments->library;
    }
    for (size_t key = 0; test->more == MORE_KEYS && key <= keys; key++) {
        char *text = arguments->texts[arguments->argc];
        if (key == 0)
            snprintf(text, sizeof arguments->texts[0], "%zu", keys);
        else
            snprintf(text, sizeof arguments->texts[0], "key%zu:{tag}", key);
        arguments->argv[arguments->argc++] = text;
    }
    return OK;
}

/* The rows of the table have :{tag} in their keys; where it is not wanted, it is left out. */
static void leave_out_tags(struct test_arguments *arguments)
{
    for (size_t i = 0; i < arguments->argc; i++) {
        char without[WORKLOAD_TEST_ARG_BYTES];
        if (arguments->argv[i] == arguments->library)
            continue;
        workload_test_untagged(without, arguments->argv[i]);
        memcpy(arguments->texts[i], without, sizeof without);
        arguments->argv[i] = arguments->texts[i];
    }
}

static enum err_code append_test(struct workload *workload, const struct workload_test *test,
                                 const struct spec *spec, bool tagged, struct err *err)
{
    if (test->inline_command)
        return append_inline(workload, test->argv[0], err);
    struct test_arguments arguments;
    enum err_code code = test_arguments_make(&arguments, test, spec, err);
    if (code == OK) {
        if (!tagged)
            leave_out_tags(&arguments);
        const struct command command = {
            .argv = arguments.argv, .argc = arguments.argc, .repeat = 1};
        code = append_part(workload, &command, err);
    }
    test_arguments_free(&arguments);
    return code;
}

static void set_title(struct workload *workload, const struct workload_source *source)
{
    const char *given = source->title != NULL  ? source->title
                        : source->plan != NULL ? source->plan->name
                        : source->test != NULL ? source->test->title
                                               : NULL;
    size_t used = 0;
    if (given != NULL)
        used = (size_t)snprintf(workload->title, sizeof workload->title, "%s", given);
    for (size_t i = 0; given == NULL && i < source->argc && used < sizeof workload->title; i++)
        used += (size_t)snprintf(workload->title + used, sizeof workload->title - used, "%s%s",
                                 i > 0 ? " " : "", source->argv[i]);
    for (char *c = workload->title; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
}

/* One reply per part, of the shape that a server would give: what --null measures then includes the
 * scanning of real replies. */
static enum err_code build_null_reply(struct workload *workload, struct err *err)
{
    size_t value_bytes = workload->template.data_bytes;
    size_t bulk_bytes = value_bytes + 32;
    size_t room = workload->part_count * (bulk_bytes + 16);
    for (uint32_t i = 0; i < workload->part_count; i++)
        room += workload->parts[i].read_kind == READ_EACH ? 10 * bulk_bytes : 0;
    workload->null_reply = malloc(room);
    if (workload->null_reply == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate %zu bytes for --null", room);
    char *out = workload->null_reply;
    for (uint32_t i = 0; i < workload->part_count; i++) {
        uint32_t bulks = 1;
        if (workload->parts[i].read_kind == READ_NONE) {
            memcpy(out, "+OK\r\n", 5);
            out += 5;
            continue;
        }
        if (workload->parts[i].read_kind == READ_EACH) {
            memcpy(out, "*10\r\n", 5);
            out += 5;
            bulks = 10;
        }
        for (uint32_t bulk = 0; bulk < bulks; bulk++) {
            out += snprintf(out, 32, "$%zu\r\n", value_bytes);
            memset(out, 'x', value_bytes);
            memcpy(out + value_bytes, "\r\n", 2);
            out += value_bytes + 2;
        }
    }
    workload->null_reply_bytes = (size_t)(out - workload->null_reply);
    return OK;
}

static enum err_code create_mix(struct workload *workload, const struct workload_plan *plan,
                                const struct spec *spec, struct err *err)
{
    const struct mix_setup setup = {.seed = spec->load.seed,
                                    .connections = (uint32_t)spec->load.clients};
    return mix_create(&workload->mix, plan, &setup, err);
}

/* What is known of its keys and commands needs no server. */
static enum err_code create_live(struct workload *workload, const struct live_plan *plan,
                                 const struct spec *spec, struct err *err)
{
    enum err_code code = live_create(&workload->live, plan, spec, err);
    workload->keys_known = true;
    workload->reads_only = code == OK && live_reads_only(workload->live);
    return code;
}

enum err_code workload_create(struct workload **out, const struct workload_source *source,
                              const struct spec *spec, struct err *err)
{
    struct workload *workload = calloc(1, sizeof *workload);
    *out = workload;
    if (workload == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate a workload");
    workload->test = source->test;
    workload->replay = source->replay;
    set_title(workload, source);
    workload->cluster = spec->endpoint.cluster;
    workload->plugin = source->plugin;
    enum err_code code = template_init(&workload->template, spec, err);
    if (code == OK && source->plugin != NULL) {
        workload->keys_known = true;
    } else if (code == OK && source->live != NULL) {
        code = create_live(workload, source->live, spec, err);
    } else if (code == OK && source->plan != NULL) {
        code = create_mix(workload, source->plan, spec, err);
    } else if (code == OK && source->test == NULL) {
        code = append_sequence(workload, source, err);
    } else if (code == OK) {
        bool tagged =
            source->tagged || (spec->endpoint.cluster &&
                               (source->test->tagged_on_cluster || spec->load.tag_all_tests));
        code = append_test(workload, source->test, spec, tagged, err);
        if (code == OK)
            code = workload_set_test_keys(workload, err);
    }
    if (code == OK && spec->load.null_transport)
        code = build_null_reply(workload, err);
    if (code != OK) {
        workload_destroy(workload);
        *out = NULL;
    }
    return code;
}

void workload_destroy(struct workload *workload)
{
    if (workload == NULL)
        return;
    mix_destroy(workload->mix);
    live_destroy(workload->live);
    template_destroy(&workload->template);
    key_slot_free(&workload->key_slot);
    for (uint32_t i = 0; i < workload->command_count; i++) {
        free(workload->commands[i].arguments);
        free(workload->commands[i].key_arguments);
    }
    free(workload->commands);
    free(workload->parts);
    free(workload->null_reply);
    free(workload);
}

const char *workload_title(const struct workload *workload)
{
    return workload->title;
}

uint32_t workload_class_count(const struct workload *workload)
{
    return workload->plugin != NULL   ? workload->plugin->found.class_count
           : workload->live != NULL   ? workload->live->plan.class_count
           : workload->mix != NULL    ? workload->mix->class_count
           : workload->replay != NULL ? workload->replay->facts.class_count
                                      : 1;
}

uint32_t workload_weighted_class_count(const struct workload *workload)
{
    return workload->mix != NULL ? workload->mix->weighted_count : workload_class_count(workload);
}

const char *workload_class_name(const struct workload *workload, uint32_t class)
{
    if (workload_class_count(workload) == 1)
        return workload->title;
    return workload->plugin != NULL   ? workload->plugin->found.classes[class].name
           : workload->live != NULL   ? workload->live->plan.classes[class].name
           : workload->replay != NULL ? workload->replay->facts.classes[class]
                                      : workload->mix->classes[class].name;
}

size_t workload_request_bytes(const struct workload *workload)
{
    if (workload->mix != NULL)
        return mix_most_bytes(workload->mix);
    return workload->live != NULL ? workload->live->most_bytes : workload->template.byte_count;
}

uint32_t workload_replies(const struct workload *workload)
{
    if (workload->plugin != NULL || workload->live != NULL)
        return 1;
    if (workload->mix == NULL)
        return workload->part_count;
    return workload->mix->class_count == 1 ? workload->mix->classes[0].replies : 1;
}

double workload_mean_commands(const struct workload *workload)
{
    return workload->mix != NULL ? mix_mean_commands(workload->mix) : workload_replies(workload);
}

enum read_kind workload_read_kind(const struct workload *workload, uint32_t reply_index)
{
    return workload->parts[reply_index].read_kind;
}

bool workload_reads(const struct workload *workload)
{
    if (workload->mix != NULL)
        return mix_reads(workload->mix);
    for (uint32_t i = 0; i < workload->part_count; i++)
        if (workload->parts[i].read_kind != READ_NONE)
            return true;
    return workload->live != NULL && live_reads_some(workload->live);
}

bool workload_walks(const struct workload *workload)
{
    return workload->mix != NULL && mix_walks(workload->mix);
}

bool workload_awaits(const struct workload *workload)
{
    return workload->mix != NULL && mix_awaits(workload->mix);
}

uint32_t workload_keys_per_request(const struct workload *workload)
{
    return workload->mix != NULL ? mix_keys_per_request(workload->mix)
                                 : workload->template.draw_count;
}

uint64_t workload_key_count(const struct workload *workload)
{
    if (workload->live != NULL)
        return live_map_capacity(workload->live->plan.map);
    return workload->mix != NULL ? mix_key_count(workload->mix) : 0;
}

bool workload_uses_one_key(const struct workload *workload)
{
    if (workload->mix != NULL)
        return mix_uses_one_key(workload->mix);
    const struct template *template = &workload->template;
    bool tags_differ = template->tags != NULL && template->tagged_count == 0;
    return template->draw_count > 0 && template->keyspace == 1 && !tags_differ;
}

const struct workload_test *workload_test(const struct workload *workload)
{
    return workload->test;
}

const struct workload_plan *workload_plan(const struct workload *workload)
{
    return workload->mix != NULL ? workload->mix->plan : NULL;
}

const struct mix *workload_mix(const struct workload *workload)
{
    return workload->mix;
}

const struct live *workload_live(const struct workload *workload)
{
    return workload->live;
}

const struct plugin_source *workload_plugin(const struct workload *workload)
{
    return workload->plugin;
}

/* The one that its trial made, or as much of it as was kept. */
static enum err_code sample_plugin(struct workload_sample *sample, const struct workload *workload,
                                   struct err *err)
{
    const struct plugin_found *found = &workload->plugin->found;
    *sample = (struct workload_sample){.class = found->classes[0].name,
                                       .byte_count = found->sample_bytes,
                                       .bytes = malloc(found->sample_bytes + 1)};
    if (sample->bytes == NULL)
        return err_set(err, E_SYSTEM, "no memory for a request of %zu bytes", sample->byte_count);
    memcpy(sample->bytes, found->sample, sample->byte_count);
    sample->bytes[sample->byte_count] = '\0';
    return OK;
}

/* As the map is now. */
static enum err_code sample_live(struct workload_sample *sample, const struct workload *workload,
                                 uint64_t ticket, struct err *err)
{
    const struct live *live = workload->live;
    const struct mix_turn turn = mix_order_turn(&live->order, ticket);
    const struct live_request request = live_draw(live, &turn, ticket);
    *sample = (struct workload_sample){.class = workload_class_name(workload, turn.class),
                                       .byte_count = live_request_bytes(live, &request)};
    sample->bytes = malloc(sample->byte_count + 1);
    if (sample->bytes == NULL)
        return err_set(err, E_SYSTEM, "no memory for a request of %zu bytes", sample->byte_count);
    live_request_write(sample->bytes, 0, sample->byte_count, live, &request);
    sample->bytes[sample->byte_count] = '\0';
    return OK;
}

enum err_code workload_sample(struct workload_sample *sample, const struct workload *workload,
                              uint64_t ticket, struct err *err)
{
    const struct mix *mix = workload->mix;
    uint32_t class = 0;
    if (workload->plugin != NULL)
        return sample_plugin(sample, workload, err);
    if (workload->live != NULL)
        return sample_live(sample, workload, ticket, err);
    *sample = (struct workload_sample){.byte_count = workload_request_bytes(workload)};
    enum err_code code =
        mix != NULL ? mix_sample(&class, &sample->byte_count, NULL, mix, ticket, err) : OK;
    if (code != OK)
        return code;
    sample->class = mix != NULL ? mix->classes[class].name : workload->title;
    sample->bytes = malloc(sample->byte_count + 1);
    if (sample->bytes == NULL)
        return err_set(err, E_SYSTEM, "no memory for a request of %zu bytes", sample->byte_count);
    sample->bytes[sample->byte_count] = '\0'; /* for whoever reads numbers in it */
    if (mix != NULL)
        return mix_sample(&class, &sample->byte_count, sample->bytes, mix, ticket, err);
    workload_render(workload, ticket, sample->bytes);
    return OK;
}

void workload_render(const struct workload *workload, uint64_t ticket, char *out)
{
    template_render(&workload->template, ticket, out);
}

void workload_render_part(const struct workload *workload, uint64_t ticket, size_t from_byte,
                          size_t byte_count, char *out)
{
    template_render_part(&workload->template, ticket, from_byte, byte_count, out);
}

const char *workload_null_reply(const struct workload *workload, size_t *reply_bytes)
{
    *reply_bytes = workload->null_reply_bytes;
    return workload->null_reply;
}

char *workload_argument_text(const struct workload *workload, uint32_t command, size_t argument,
                             size_t *byte_count)
{
    const struct mix *mix = workload->mix;
    struct workload_range place = {.byte_count = 0};
    if (mix == NULL)
        place = workload_argument(workload, command, argument);
    *byte_count =
        mix != NULL ? mix_command_argument(mix, command, argument, NULL) : place.byte_count;
    char *text = calloc(1, *byte_count + 1);
    if (text != NULL && mix != NULL)
        mix_command_argument(mix, command, argument, text);
    else if (text != NULL)
        workload_render_part(workload, 0, place.offset_bytes, place.byte_count, text);
    return text;
}

bool workload_argument_varies(const struct workload *workload, uint32_t command, size_t argument)
{
    if (workload->mix != NULL)
        return mix_command_argument_varies(workload->mix, command, argument);
    const struct template *template = &workload->template;
    const struct workload_range place = workload_argument(workload, command, argument);
    for (size_t i = 0; i < template->patch_count; i++) {
        const struct template_patch *patch = &template->patches[i];
        if (patch->draw < TEMPLATE_TAG && patch->offset_bytes >= place.offset_bytes &&
            patch->offset_bytes < place.offset_bytes + place.byte_count)
            return template->keyspace > 1;
    }
    return false;
}
