#include "worker/generate/plugin.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/slots.h"

#define TRIED_TICKETS 3u
/* "*1048576\r\n" and more. */
#define HEADER_ROOM_BYTES 16u
/* What stands around an argument, and more. */
#define LENGTHS_BYTES 32u

/* ---- begin and end ---- */

static bool is_name(const char *name)
{
    size_t bytes = 0;
    for (; name[bytes] != '\0'; bytes++)
        if (bytes + 1 >= CLASS_NAME_BYTES ||
            (!isalnum((unsigned char)name[bytes]) && strchr("._-", name[bytes]) == NULL))
            return false;
    return bytes > 0;
}

/* Of a title, which is a file's name. */
static void name_after(char name[CLASS_NAME_BYTES], const char *title)
{
    snprintf(name, CLASS_NAME_BYTES, "%.60s", title);
    for (char *at = name; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && strchr("._-", *at) == NULL)
            *at = '_';
}

static enum err_code take_classes(struct plugin_found *found, const struct volley_setup *setup,
                                  const struct plugin_source *source, struct err *err)
{
    const char *file = source->settings.file;
    if (setup->class_count > VOLLEY_PLUGIN_CLASSES_MAX)
        return err_set(err, E_CONFIG, "%s: init says %u classes; %u is the most", PRINTABLE(file),
                       setup->class_count, VOLLEY_PLUGIN_CLASSES_MAX);
    found->class_count = setup->class_count > 0 ? setup->class_count : 1;
    for (uint32_t i = 0; i < found->class_count; i++) {
        const struct volley_class *class = &setup->classes[i];
        found->classes[i].commands = setup->class_count > 0 ? class->commands : 0;
        if (setup->class_count == 0)
            name_after(found->classes[i].name, source->title);
        else if (class->name == NULL || !is_name(class->name))
            return err_set(err, E_CONFIG,
                           "%s: the name of class %u that init sets is none of letters, digits, "
                           "'.', '_' and '-', shorter than %u",
                           PRINTABLE(file), i, CLASS_NAME_BYTES);
        else
            snprintf(found->classes[i].name, CLASS_NAME_BYTES, "%s", class->name);
        if (found->classes[i].commands > PLUGIN_COMMANDS_MAX)
            return err_set(err, E_CONFIG,
                           "%s: requests of class %s have %u commands; %u is the most",
                           PRINTABLE(file), found->classes[i].name, found->classes[i].commands,
                           PLUGIN_COMMANDS_MAX);
        for (uint32_t other = 0; other < i; other++)
            if (strcmp(found->classes[other].name, found->classes[i].name) == 0)
                return err_set(err, E_CONFIG, "%s: two classes are called %s", PRINTABLE(file),
                               found->classes[i].name);
    }
    return OK;
}

static enum err_code look_up(struct plugin *plugin, const struct plugin_source *source,
                             struct err *err)
{
    const char *file = source->settings.file;
    plugin->library = dlopen(source->library, RTLD_NOW | RTLD_LOCAL);
    if (plugin->library == NULL)
        return err_set(err, E_CONFIG, "%s: cannot be loaded: %s", PRINTABLE(file),
                       PRINTABLE(dlerror()));
    plugin->table = dlsym(plugin->library, "volley_plugin");
    if (plugin->table == NULL)
        return err_set(err, E_CONFIG,
                       "%s: has no symbol volley_plugin; define \"const struct volley_plugin "
                       "volley_plugin\" as volley_plugin.h says",
                       PRINTABLE(file));
    if (plugin->table->version != VOLLEY_PLUGIN_VERSION)
        return err_set(err, E_CONFIG,
                       "%s: is made for version %u of volley_plugin.h, and this volley has version "
                       "%u: compile it anew",
                       PRINTABLE(file), plugin->table->version, VOLLEY_PLUGIN_VERSION);
    if (plugin->table->next == NULL)
        return err_set(err, E_CONFIG, "%s: volley_plugin has no next, which makes the requests",
                       PRINTABLE(file));
    return OK;
}

/* "FILE: why"; a module's text begins with the file already, and the line. */
static enum err_code refuses(const char *file, const char *before, const char *why, struct err *err)
{
    if (strncmp(why, file, strlen(file)) == 0)
        return err_set(err, E_CONFIG, "%s", PRINTABLE(why));
    return err_set(err, E_CONFIG, "%s: %s%s", PRINTABLE(file), before,
                   why[0] != '\0' ? PRINTABLE(why) : "it does not say why");
}

enum err_code plugin_open(struct plugin *plugin, struct plugin_found *found,
                          const struct plugin_source *source, uint32_t worker, bool trial,
                          struct err *err)
{
    struct volley_setup setup = {0};
    struct volley_settings settings = source->settings;
    const char *file = source->settings.file;
    *plugin = (struct plugin){.library = NULL};
    *found = (struct plugin_found){.class_count = 0};
    enum err_code code = look_up(plugin, source, err);
    if (code != OK)
        return code;
    settings.worker = worker;
    settings.trial = trial;
    if (plugin->table->init != NULL && !plugin->table->init(&plugin->state, &settings, &setup)) {
        setup.error[sizeof setup.error - 1] = '\0';
        return refuses(file, setup.error[0] == '\0' ? "its init refuses: " : "", setup.error, err);
    }
    plugin->begun = true;
    found->looks = plugin->table->reply != NULL && !setup.without_replies;
    found->delays = plugin->table->delay_ms != NULL && !setup.without_delay;
    return take_classes(found, &setup, source, err);
}

void plugin_close(struct plugin *plugin)
{
    if (plugin->begun && plugin->table->close != NULL)
        plugin->table->close(plugin->state);
    if (plugin->library != NULL)
        dlclose(plugin->library);
    *plugin = (struct plugin){.library = NULL};
}

const char *plugin_describe_call(char *text, size_t text_bytes, uint64_t at)
{
    static const char *const calls[] = {"nowhere", "init", "next", "reply", "delay_ms", "close"};
    const uint64_t call = at & 7, ticket = at >> 3;
    const char *name = call < sizeof calls / sizeof calls[0] ? calls[call] : "?";
    if (call == PLUGIN_NEXT || call == PLUGIN_REPLY)
        snprintf(text, text_bytes, "in %s, of ticket %llu", name, (unsigned long long)ticket);
    else
        snprintf(text, text_bytes, "in %s", name);
    return text;
}

/* ---- one request ---- */

bool plugin_request_reserve(struct plugin_request *request, size_t room_bytes)
{
    if (room_bytes <= request->room_bytes)
        return true;
    char *larger = realloc(request->bytes, room_bytes);
    if (larger == NULL)
        return false;
    request->grown++;
    request->bytes = larger;
    request->room_bytes = room_bytes;
    return true;
}

void plugin_request_free(struct plugin_request *request)
{
    free(request->bytes);
    request->bytes = NULL;
    request->room_bytes = 0;
}

static bool make_room(struct plugin_request *request, size_t byte_count)
{
    const size_t wanted = request->end_byte + byte_count;
    if (request->wrong != NULL)
        return false;
    if (request->wrong == NULL && wanted <= request->room_bytes)
        return true;
    if (byte_count > PLUGIN_REQUEST_MAX_BYTES || wanted > PLUGIN_REQUEST_MAX_BYTES)
        request->wrong = "has more than 512 MB";
    else if (!plugin_request_reserve(request, wanted + wanted / 2) &&
             !plugin_request_reserve(request, wanted))
        request->wrong = "finds no memory";
    return request->wrong == NULL;
}

static size_t write_long_length(char *out, char type, size_t number)
{
    char digits[20];
    size_t count = 0, used = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    out[used++] = type;
    while (count > 0)
        out[used++] = digits[--count];
    out[used++] = '\r';
    out[used++] = '\n';
    return used;
}

/* "$12\r\n": mostly there are one or two digits. */
static inline size_t write_length(char *out, char type, size_t number)
{
    if (number > 99)
        return write_long_length(out, type, number);
    const bool two = number > 9;
    out[0] = type;
    out[1] = (char)('0' + number / 10);
    out += two;
    out[1] = (char)('0' + number % 10);
    out[2] = '\r';
    out[3] = '\n';
    return 4 + two;
}

/* The number of arguments is known behind them: they stand away from the command's beginning by HEADER_ROOM_BYTES. That
 * of the first command, which is mostly the only one, is written right in front of them. */
static void end_command(struct plugin_request *request)
{
    char header[HEADER_ROOM_BYTES];
    const size_t arguments_byte = request->command_byte + HEADER_ROOM_BYTES;
    if (request->arguments == 0) {
        if (request->wrong == NULL)
            request->wrong = request->commands == 0 ? "is empty: no argument was added"
                                                    : "has a command without arguments";
        return;
    }
    const size_t header_bytes = write_length(header, '*', request->arguments);
    const size_t spared_bytes = HEADER_ROOM_BYTES - header_bytes;
    if (request->commands == 0) {
        request->first_byte = spared_bytes;
        memcpy(request->bytes + spared_bytes, header, header_bytes);
    } else {
        char *begin = request->bytes + request->command_byte;
        memcpy(begin, header, header_bytes);
        memmove(begin + header_bytes, request->bytes + arguments_byte,
                request->end_byte - arguments_byte);
        request->end_byte -= spared_bytes;
    }
    request->commands++;
    request->arguments = 0;
}

static bool begin_next(struct plugin_request *request)
{
    request->command_byte = request->end_byte;
    if (!make_room(request, HEADER_ROOM_BYTES))
        return false;
    request->end_byte += HEADER_ROOM_BYTES;
    return true;
}

static void begin_command(struct volley_request *asked)
{
    struct plugin_request *request = (struct plugin_request *)asked;
    end_command(request);
    if (request->commands >= PLUGIN_COMMANDS_MAX && request->wrong == NULL)
        request->wrong = "has more than 1024 commands";
    if (request->wrong == NULL)
        (void)begin_next(request);
}

__attribute__((noinline, cold)) static bool can_add(struct plugin_request *request,
                                                    const void *bytes, size_t byte_count)
{
    if (request->wrong == NULL && bytes == NULL)
        request->wrong = "has an argument that is NULL";
    if (request->wrong == NULL && request->arguments >= PLUGIN_ARGUMENTS_MAX)
        request->wrong = "has a command of more than 1048576 arguments";
    return request->wrong == NULL && make_room(request, byte_count + LENGTHS_BYTES);
}

static inline void add(struct plugin_request *request, const void *bytes, size_t byte_count)
{
    const bool is_usual = request->wrong == NULL && bytes != NULL &&
                          request->arguments < PLUGIN_ARGUMENTS_MAX &&
                          byte_count < PLUGIN_REQUEST_MAX_BYTES &&
                          request->end_byte + byte_count + LENGTHS_BYTES <= request->room_bytes;
    if (!is_usual && !can_add(request, byte_count > 0 ? bytes : "", byte_count))
        return;
    char *out = request->bytes + request->end_byte;
    out += write_length(out, '$', byte_count);
    memcpy(out, byte_count > 0 ? bytes : "", byte_count);
    out += byte_count;
    out[0] = '\r';
    out[1] = '\n';
    request->end_byte = (size_t)(out + 2 - request->bytes);
    request->arguments++;
}

static void take_slot(struct plugin_request *request, const void *bytes, size_t byte_count)
{
    request->slot = slots_of_key(bytes, byte_count);
    request->has_slot = true;
}

static void add_argument(struct volley_request *asked, const void *bytes, size_t byte_count)
{
    struct plugin_request *request = (struct plugin_request *)asked;
    /* A key, unless one is named later. */
    if (request->routed && !request->has_slot && request->commands == 0 &&
        request->arguments == 1 && bytes != NULL)
        request->slot = slots_of_key(bytes, byte_count);
    add(request, bytes, byte_count);
}

static void add_key(struct volley_request *asked, const void *bytes, size_t byte_count)
{
    struct plugin_request *request = (struct plugin_request *)asked;
    if (request->routed && !request->has_slot && bytes != NULL)
        take_slot(request, bytes, byte_count);
    add(request, bytes, byte_count);
}

void plugin_request_begin(struct plugin_request *request, bool routed)
{
    *request = (struct plugin_request){
        .request = {.add = add_argument, .add_key = add_key, .begin_command = begin_command},
        .routed = routed};
}

static enum err_code is_wrong(const struct plugin_source *source, uint64_t ticket, const char *why,
                              struct err *err)
{
    return err_set(err, E_CONFIG, "%s: the request of ticket %llu that next made %s",
                   PRINTABLE(source->settings.file), (unsigned long long)ticket, why);
}

enum err_code plugin_next(struct plugin_request *request, const struct plugin *plugin,
                          const struct plugin_source *source, const struct plugin_found *found,
                          uint64_t ticket, struct err *err)
{
    struct volley_request *asked = &request->request;
    char before[80];
    asked->class_index = 0;
    asked->error[0] = '\0';
    request->end_byte = request->first_byte = request->command_byte = 0;
    request->commands = request->arguments = 0;
    request->has_slot = false;
    request->slot = (uint16_t)(ticket % SLOTS_COUNT);
    request->wrong = NULL;
    if (begin_next(request) && !plugin->table->next(plugin->state, ticket, asked)) {
        asked->error[sizeof asked->error - 1] = '\0';
        snprintf(before, sizeof before,
                 "next makes no request for ticket %llu: ", (unsigned long long)ticket);
        return refuses(source->settings.file, before, asked->error, err);
    }
    if (request->wrong == NULL)
        end_command(request);
    if (request->wrong != NULL)
        return is_wrong(source, ticket, request->wrong, err);
    if (asked->class_index >= found->class_count)
        return err_set(err, E_CONFIG, "%s: next says class %u for ticket %llu, of %u",
                       PRINTABLE(source->settings.file), asked->class_index,
                       (unsigned long long)ticket, found->class_count);
    const struct plugin_class *class = &found->classes[asked->class_index];
    if (class->commands > 0 && class->commands != request->commands)
        return err_set(err, E_CONFIG,
                       "%s: the request of ticket %llu that next made has %u commands; those of "
                       "class %s have %u",
                       PRINTABLE(source->settings.file), (unsigned long long)ticket,
                       request->commands, class->name, class->commands);
    return OK;
}

/* ---- the trial ---- */

enum err_code plugin_try(struct plugin_found *found, const struct plugin_source *source,
                         void (*tell)(void *context, uint64_t at), void *context, struct err *err)
{
    struct plugin plugin;
    struct plugin_request request;
    plugin_request_begin(&request, source->routed);
    tell(context, PLUGIN_AT(PLUGIN_INIT, 0));
    enum err_code code = plugin_open(&plugin, found, source, 0, true, err);
    for (uint64_t ticket = 0; ticket < TRIED_TICKETS && code == OK; ticket++) {
        tell(context, PLUGIN_AT(PLUGIN_NEXT, ticket));
        code = plugin_next(&request, &plugin, source, found, ticket, err);
        if (code == OK && ticket == 0) {
            const size_t bytes = request.end_byte - request.first_byte;
            found->sample_bytes =
                (uint32_t)(bytes < PLUGIN_SAMPLE_BYTES ? bytes : PLUGIN_SAMPLE_BYTES);
            memcpy(found->sample, request.bytes + request.first_byte, found->sample_bytes);
        }
    }
    tell(context, PLUGIN_AT(PLUGIN_CLOSE, 0));
    plugin_close(&plugin);
    plugin_request_free(&request);
    tell(context, PLUGIN_NOWHERE);
    return code;
}
