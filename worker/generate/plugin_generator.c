/* The requests of a plug-in, as a generator. What it has made for a ticket is kept until the last reply to it has come:
 * nobody can ask it again. Strings of replies are kept while one comes, where the plug-in looks at them. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "worker/generate/generator.h"
#include "worker/generate/kept_index.h"
#include "worker/generate/plugin.h"

#define USUAL_REQUEST_BYTES 512u /* room that a request has from the beginning */
#define KEPT_REPLY_BYTES (64u * 1024)
/* Longer ones go out in parts, as everywhere. */
#define USUAL_MOST_BYTES (64u * 1024)

struct kept {
    uint64_t ticket;
    uint32_t next;       /* in its bucket, or of those that are free */
    struct heard *heard; /* NULL: nothing of the reply to it has come yet */
    struct plugin_request request;
};

/* Strings of a reply that comes: as many as come at a time are in use, of which there are seldom two. */
struct heard {
    struct heard *next; /* of those that are free */
    struct volley_reply reply;
    uint32_t met; /* strings, those beyond the limit too */
    size_t used_bytes;
    char bytes[KEPT_REPLY_BYTES];
};

struct plugin_desk {
    const struct plugin_source *source;
    struct plugin plugin;
    struct request_class classes[VOLLEY_PLUGIN_CLASSES_MAX];
    _Atomic uint64_t *inside; /* where its code runs, for the orchestrator */
    uint64_t *stop_at_ns;     /* of the stream; NULL: of none */
    struct kept_index index;
    struct kept *kept; /* at the index's places */
    struct err err;    /* why it makes no more requests */
    struct heard *free_heard;
    uint64_t heard_made;
    struct volley_reply bare; /* a reply without strings */
};

static enum read_kind read_kind(const void *state, uint32_t class, uint32_t index)
{
    (void)state;
    (void)class;
    (void)index;
    return READ_NONE;
}

static void enter(struct plugin_desk *desk, enum plugin_call call, uint64_t ticket)
{
    atomic_store_explicit(desk->inside, PLUGIN_AT(call, ticket), memory_order_relaxed);
}

static void leave(struct plugin_desk *desk)
{
    atomic_store_explicit(desk->inside, PLUGIN_NOWHERE, memory_order_relaxed);
}

static void close_desk(void *state)
{
    struct plugin_desk *desk = state;
    if (desk == NULL)
        return;
    enter(desk, PLUGIN_CLOSE, 0);
    plugin_close(&desk->plugin);
    leave(desk);
    for (uint32_t i = 0; desk->kept != NULL && i < desk->index.place_count; i++) {
        plugin_request_free(&desk->kept[i].request);
        free(desk->kept[i].heard);
    }
    kept_index_destroy(&desk->index);
    free(desk->kept);
    while (desk->free_heard != NULL) {
        struct heard *gone = desk->free_heard;
        desk->free_heard = gone->next;
        free(gone);
    }
    free(desk);
}

static enum err_code open_desk(void **state, const void *source, uint32_t worker, struct err *err)
{
    const struct plugin_desk_source *given = source;
    struct plugin_desk *desk = calloc(1, sizeof *desk);
    *state = desk;
    if (desk == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its requests", worker);
    desk->source = given->plugin;
    desk->inside = given->inside;
    desk->stop_at_ns = given->stop_at_ns;
    enter(desk, PLUGIN_INIT, 0);
    const struct plugin_found *tried = &desk->source->found;
    struct plugin_found found;
    enum err_code code = plugin_open(&desk->plugin, &found, desk->source, worker, false, err);
    leave(desk);
    if (code == OK && (found.class_count != tried->class_count ||
                       memcmp(found.classes, tried->classes, sizeof found.classes) != 0))
        code = err_set(err, E_CONFIG, "%s: init sets other classes than in its trial",
                       desk->source->settings.file);
    for (uint32_t i = 0; i < tried->class_count && code == OK; i++)
        desk->classes[i] = (struct request_class){.name = tried->classes[i].name,
                                                  .replies = tried->classes[i].commands,
                                                  .read_kind = read_kind};
    if (code != OK)
        close_desk(desk);
    return code;
}

static enum err_code reserve(void *state, uint64_t requests, struct err *err)
{
    struct plugin_desk *desk = state;
    bool enough = kept_index_create(&desk->index, requests);
    if (enough)
        desk->kept = calloc(requests, sizeof desk->kept[0]);
    enough = enough && desk->kept != NULL;
    for (uint64_t i = 0; i < requests && enough; i++) {
        plugin_request_begin(&desk->kept[i].request, desk->source->routed);
        enough = plugin_request_reserve(&desk->kept[i].request, USUAL_REQUEST_BYTES);
        desk->kept[i].request.grown = 0;
    }
    return enough ? OK
                  : err_set(err, E_SYSTEM, "no memory for %llu requests of a plug-in",
                            (unsigned long long)requests);
}

static const struct request_class *classes(const void *state, uint32_t *count)
{
    const struct plugin_desk *desk = state;
    *count = desk->source->found.class_count;
    return desk->classes;
}

static size_t most_bytes(const void *state)
{
    (void)state;
    return USUAL_MOST_BYTES;
}

/* ---- what is kept ---- */

static struct kept *find(const struct plugin_desk *desk, uint64_t ticket)
{
    return &desk->kept[kept_index_find(&desk->index, ticket, 0)];
}

static void release(struct plugin_desk *desk, struct kept *kept)
{
    struct heard *heard = kept->heard;
    if (heard == NULL)
        return;
    kept->heard = NULL;
    heard->next = desk->free_heard;
    desk->free_heard = heard;
}

static void forget(struct plugin_desk *desk, uint64_t ticket)
{
    release(desk, &desk->kept[kept_index_remove(&desk->index, ticket, 0)]);
}

/* ---- requests ---- */

/* In place of what a plug-in does not make: the stream ends as soon as it looks (failed). */
static void make_nothing(struct plugin_request *request)
{
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    memcpy(request->bytes, ping, sizeof ping - 1);
    request->first_byte = 0;
    request->end_byte = sizeof ping - 1;
    request->commands = 1;
    request->request.class_index = 0;
}

/* So that none of these is sent: the stream ends what it has begun, and asks why (failed). */
static void stop(const struct plugin_desk *desk)
{
    const uint64_t now_ns = clock_now_ns();
    if (desk->stop_at_ns != NULL && *desk->stop_at_ns > now_ns)
        *desk->stop_at_ns = now_ns;
}

static void draw(void *state, struct request_slot *slot)
{
    struct plugin_desk *desk = state;
    struct plugin_request *request =
        &desk->kept[kept_index_add(&desk->index, slot->ticket, 0)].request;
    enum err_code code = desk->err.code;
    if (code == OK) {
        enter(desk, PLUGIN_NEXT, slot->ticket);
        code = plugin_next(request, &desk->plugin, desk->source, &desk->source->found, slot->ticket,
                           &desk->err);
        leave(desk);
    }
    if (code != OK) {
        make_nothing(request);
        stop(desk);
    }
    slot->class = (uint8_t)request->request.class_index;
    slot->bytes = (uint32_t)(request->end_byte - request->first_byte);
}

static uint32_t replies(const void *state, const struct request_slot *slot)
{
    return find(state, slot->ticket)->request.commands;
}

static uint16_t key_slot(const void *state, const struct request_slot *slot)
{
    return find(state, slot->ticket)->request.slot;
}

static void render_part(const void *state, const struct request_slot *slot, size_t from_byte,
                        size_t byte_count, char *out)
{
    const struct plugin_request *request = &find(state, slot->ticket)->request;
    memcpy(out, request->bytes + request->first_byte + from_byte, byte_count);
}

static void render(const void *state, const struct request_slot *slot, char *out)
{
    render_part(state, slot, 0, slot->bytes, out);
}

static void drop(void *state, const struct request_slot *slot)
{
    forget(state, slot->ticket);
}

static enum err_code failed(const void *state, struct err *err)
{
    const struct plugin_desk *desk = state;
    if (desk->err.code != OK)
        *err = desk->err;
    return desk->err.code;
}

static uint64_t grown(const void *state)
{
    const struct plugin_desk *desk = state;
    uint64_t times = desk->heard_made;
    for (uint32_t i = 0; i < desk->index.place_count; i++)
        times += desk->kept[i].request.grown;
    return times;
}

static uint64_t delay_ns(void *state)
{
    struct plugin_desk *desk = state;
    enter(desk, PLUGIN_DELAY, 0);
    const double ms = desk->plugin.table->delay_ms(desk->plugin.state);
    leave(desk);
    return ms > 0 ? ms < 3.6e6 ? (uint64_t)(ms * 1e6) : 3600000000000ull : 0;
}

static bool delays(const void *state)
{
    return ((const struct plugin_desk *)state)->source->found.delays;
}

/* ---- replies ---- */

/* Without memory its strings are not told. */
static struct heard *take_heard(struct plugin_desk *desk)
{
    struct heard *heard = desk->free_heard;
    if (heard != NULL) {
        desk->free_heard = heard->next;
    } else {
        heard = malloc(sizeof *heard);
        desk->heard_made++;
    }
    if (heard != NULL)
        heard->met = 0, heard->used_bytes = 0;
    return heard;
}

static void string(void *state, const struct request_slot *slot, uint32_t index, int64_t byte_count)
{
    struct plugin_desk *desk = state;
    struct kept *kept = find(desk, slot->ticket);
    (void)index;
    if (kept->heard == NULL)
        kept->heard = take_heard(desk);
    struct heard *heard = kept->heard;
    if (heard == NULL)
        return;
    if (heard->met < VOLLEY_PLUGIN_STRINGS_MAX)
        heard->reply.strings[heard->met] = (struct volley_string){
            .bytes = byte_count < 0 ? NULL : heard->bytes + heard->used_bytes};
    heard->met++;
}

static void bytes(void *state, const struct request_slot *slot, const char *text, size_t byte_count)
{
    struct heard *heard = find(state, slot->ticket)->heard;
    if (heard == NULL || heard->met > VOLLEY_PLUGIN_STRINGS_MAX)
        return;
    const size_t left_bytes = KEPT_REPLY_BYTES - heard->used_bytes;
    if (byte_count > left_bytes)
        byte_count = left_bytes;
    memcpy(heard->bytes + heard->used_bytes, text, byte_count);
    heard->used_bytes += byte_count;
    heard->reply.strings[heard->met - 1].byte_count += byte_count;
}

/* What the plug-in is told of it. */
static struct volley_reply *tell(struct plugin_desk *desk, const struct kept *kept,
                                 const struct request_slot *slot, uint32_t index,
                                 const struct resp_reply *reply)
{
    const struct heard *heard = kept->heard;
    struct volley_reply *told = heard != NULL ? &kept->heard->reply : &desk->bare;
    const bool is_string = (reply->type == '$' || reply->type == '=') && heard != NULL;
    told->class_index = slot->class;
    told->command = index;
    told->type = reply->type;
    told->is_error = reply->is_error || reply->errors > 0;
    told->is_null = reply->is_null;
    told->integer = reply->is_null ? -1 : reply->integer;
    told->text = is_string ? told->strings[0].bytes : reply->text;
    told->text_bytes = is_string ? told->strings[0].byte_count : reply->text_bytes;
    told->string_count = is_string || heard == NULL               ? 0
                         : heard->met > VOLLEY_PLUGIN_STRINGS_MAX ? VOLLEY_PLUGIN_STRINGS_MAX
                                                                  : heard->met;
    return told;
}

static bool take_reply(void *state, const struct request_slot *slot, uint32_t index,
                       const struct resp_reply *reply)
{
    struct plugin_desk *desk = state;
    struct kept *kept = find(desk, slot->ticket);
    const struct volley_reply *told = tell(desk, kept, slot, index, reply);
    enter(desk, PLUGIN_REPLY, slot->ticket);
    const bool is_well = desk->plugin.table->reply(desk->plugin.state, slot->ticket, told);
    leave(desk);
    release(desk, kept);
    if (index + 1 == kept->request.commands)
        forget(desk, slot->ticket);
    return is_well;
}

static void settle(void *state, const struct request_slot *slot, bool from_replica,
                   uint64_t counts[CHECK_COUNTS])
{
    (void)state;
    (void)slot;
    (void)from_replica;
    (void)counts;
}

#define REQUESTS                                                                                   \
    .open = open_desk, .close = close_desk, .classes = classes, .most_bytes = most_bytes,          \
    .draw = draw, .replies = replies, .key_slot = key_slot, .render = render,                      \
    .render_part = render_part, .reserve = reserve, .drop = drop, .failed = failed,                \
    .grown = grown, .delays = delays, .delay_ns = delay_ns

const struct generator plugin_generator = {.name = "plug-in", REQUESTS, .answered = drop};
const struct generator plugin_looking_generator = {.name = "plug-in that looks at replies",
                                                   REQUESTS,
                                                   .reply = take_reply,
                                                   .string = string,
                                                   .bytes = bytes,
                                                   .settle = settle};
