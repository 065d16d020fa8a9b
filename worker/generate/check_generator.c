/* A mix whose values are checked, as a generator. What a request has drawn (numbers, versions) is kept from its ticket
 * to its last reply, and so is what has been found out of its replies: nothing of it is a function of the ticket. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "worker/generate/check_plan.h"
#include "worker/generate/generator.h"
#include "worker/generate/kept_index.h"
#include "worker/generate/mix.h"
#include "worker/generate/template.h"
#include "worker/generate/workload_state.h"

#define NONE UINT32_MAX

/* What is known of one key of a request. */
enum fate {
    FATE_NONE, /* nothing, or not what was asked for */
    FATE_FAILED,
    FATE_REFUSED,
    FATE_TAKEN,
    FATE_READ
};
struct asked {
    struct version_entry *entry; /* NULL: there is none */
    uint64_t number;
    uint32_t acked; /* when it was drawn */
    enum fate fate;
    bool missing;
    struct checked_value value;
};

/* A request. */
struct kept {
    uint64_t ticket;
    uint8_t class;
    bool in_use;
    bool has_versions;               /* it has been rendered */
    uint32_t next_check, next_reply; /* how far its replies have come                    */
    uint32_t reading;                /* the check whose string comes; NONE               */
    struct mix_request request;
    struct mix_written *written; /* of each check ... */
    struct asked *asked;         /* ... */
    uint64_t *numbers;
};

struct check_desk {
    const struct mix *mix;
    const struct version_table *versions;
    uint32_t worker;
    bool tells_time; /* some class has {now} */
    const struct stamp *stamp;
    uint64_t clock_ahead_ns, run_us; /* as mix_generator.c has them */
    struct request_class classes[CLASSES_MAX];
    uint64_t space_seeds[VERSION_SPACES_MAX];
    size_t most_bytes, most_steps, most_checks;
    char *part, *key;
    struct kept *kept;
    struct kept_index index;
    uint32_t last; /* found last: a reply asks for it several times */
    struct mix_written *written;
    struct asked *asked;
    uint64_t *numbers;
};

/* ---- begin and end ---- */

static enum read_kind read_kind(const void *state, uint32_t class, uint32_t index)
{
    const struct check_desk *desk = state;
    return desk->mix->classes[class].read_kinds[index];
}

static enum err_code out_of_memory(const struct check_desk *desk, struct err *err)
{
    return err_set(err, E_SYSTEM, "worker %u: no memory for its requests", desk->worker);
}

static size_t larger(size_t one, size_t other)
{
    return one > other ? one : other;
}

static enum err_code measure_all(struct check_desk *desk, struct err *err)
{
    size_t part_bytes = 1, key_bytes = 1;
    desk->most_steps = 1;
    desk->most_checks = 1;
    for (uint32_t i = 0; i < desk->mix->class_count; i++) {
        const struct mix_program *program = &desk->mix->classes[i];
        desk->most_bytes = larger(desk->most_bytes, program->most_bytes);
        desk->most_steps = larger(desk->most_steps, program->whole.step_count);
        desk->most_checks = larger(desk->most_checks, program->check_count);
        part_bytes = larger(part_bytes, program->desk_bytes);
        key_bytes = larger(key_bytes, program->key_bytes);
        desk->tells_time |= program->tells_time;
        desk->classes[i] = mix_request_class(desk->mix, i);
        desk->classes[i].read_kind = read_kind;
    }
    desk->part = malloc(part_bytes);
    desk->key = malloc(key_bytes);
    return desk->part != NULL && desk->key != NULL ? OK : out_of_memory(desk, err);
}

static void close_desk(void *state);

static enum err_code open_desk(void **state, const void *source, uint32_t worker, struct err *err)
{
    const struct check_source *given = source;
    struct check_desk *desk = calloc(1, sizeof *desk);
    struct timespec now;
    *state = desk;
    if (desk == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for its requests", worker);
    desk->mix = given->workload->mix;
    desk->versions = given->versions;
    desk->worker = worker;
    const struct version_header *header = desk->versions->header;
    for (uint32_t i = 0; i < header->space_count; i++)
        desk->space_seeds[i] = version_space_seed(&header->spaces[i], header->seed);
    clock_gettime(CLOCK_REALTIME, &now);
    desk->run_us = ((uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec) / NS_PER_US;
    desk->clock_ahead_ns = desk->run_us * NS_PER_US - clock_now_ns();
    enum err_code code = measure_all(desk, err);
    if (code != OK)
        close_desk(desk);
    return code;
}

static enum err_code reserve(void *state, uint64_t requests, struct err *err)
{
    struct check_desk *desk = state;
    if (!kept_index_create(&desk->index, requests))
        return out_of_memory(desk, err);
    desk->kept = calloc(requests, sizeof desk->kept[0]);
    desk->written = calloc(requests * desk->most_checks, sizeof desk->written[0]);
    desk->asked = calloc(requests * desk->most_checks, sizeof desk->asked[0]);
    desk->numbers = calloc(requests * desk->most_steps, sizeof desk->numbers[0]);
    if (desk->kept == NULL || desk->written == NULL || desk->asked == NULL || desk->numbers == NULL)
        return out_of_memory(desk, err);
    for (uint64_t i = 0; i < requests; i++) {
        struct kept *kept = &desk->kept[i];
        kept->written = desk->written + i * desk->most_checks;
        kept->asked = desk->asked + i * desk->most_checks;
        kept->numbers = desk->numbers + i * desk->most_steps;
        kept->request.written = kept->written;
    }
    return OK;
}

static const struct request_class *classes(const void *state, uint32_t *count)
{
    const struct check_desk *desk = state;
    *count = desk->mix->class_count;
    return desk->classes;
}

static size_t most_bytes(const void *state)
{
    return ((const struct check_desk *)state)->most_bytes;
}

/* ---- what is kept ---- */

/* What is kept is the desk's own, whatever its user may not change. */
static struct check_desk *own(const struct check_desk *desk)
{
    return (struct check_desk *)(uintptr_t)desk;
}

static struct kept *find(const struct check_desk *desk, const struct request_slot *slot)
{
    uint32_t at = desk->last;
    if (desk->kept[at].ticket == slot->ticket && desk->kept[at].class == slot->class &&
        desk->kept[at].in_use)
        return &desk->kept[at];
    at = kept_index_find(&desk->index, slot->ticket, slot->class);
    if (at == KEPT_NONE)
        return NULL;
    own(desk)->last = at;
    return &desk->kept[at];
}

static struct kept *keep(struct check_desk *desk, const struct request_slot *slot)
{
    struct kept *kept = &desk->kept[kept_index_add(&desk->index, slot->ticket, slot->class)];
    kept->ticket = slot->ticket;
    kept->class = slot->class;
    kept->in_use = true;
    kept->has_versions = false;
    kept->next_check = kept->next_reply = 0;
    kept->reading = NONE;
    return kept;
}

static void forget(struct check_desk *desk, const struct kept *gone)
{
    desk->kept[kept_index_remove(&desk->index, gone->ticket, gone->class)].in_use = false;
}

static const struct mix_program *program_of(const struct check_desk *desk, const struct kept *kept)
{
    return &desk->mix->classes[kept->class];
}

/* ---- requests ---- */

static bool use_stamp(void *state, const struct stamp *stamp)
{
    struct check_desk *desk = state;
    desk->stamp = stamp;
    return desk->mix->stamps;
}

static void find_request(struct mix_request *request, const struct check_desk *desk,
                         uint64_t ticket, uint64_t rank)
{
    request->ticket = ticket;
    request->rank = rank;
    request->worker = desk->worker;
    if (desk->tells_time)
        request->now_ms = (clock_now_ns() + desk->clock_ahead_ns) / NS_PER_MS;
    request->run_us = desk->run_us;
    request->stamp = desk->stamp;
}

/* Keys. Their entries are anywhere in memory: they are fetched while other requests are drawn. */
static void find_entries(const struct check_desk *desk, struct kept *kept)
{
    const struct mix_program *program = program_of(desk, kept);
    for (uint32_t i = 0; i < program->check_count; i++) {
        const struct mix_check *check = &program->checks[i];
        const uint64_t number = kept->numbers[check->key_step];
        struct asked *asked = &kept->asked[i];
        asked->number = number;
        asked->entry =
            version_entry_of(desk->versions, &desk->versions->header->spaces[check->space], number);
        asked->fate = FATE_NONE;
        asked->acked = 0;
        kept->written[i] =
            (struct mix_written){.key = checked_value_key(desk->space_seeds[check->space], number)};
        if (asked->entry != NULL)
            __builtin_prefetch(asked->entry, 1);
    }
}

/* Versions, once: just before the first byte is sent. */
static void fix_versions(const struct check_desk *desk, struct kept *kept)
{
    const struct mix_program *program = program_of(desk, kept);
    if (kept->has_versions)
        return;
    kept->has_versions = true;
    for (uint32_t i = 0; i < program->check_count; i++) {
        struct asked *asked = &kept->asked[i];
        if (asked->entry == NULL)
            continue;
        if (program->checks[i].kind == CHECK_READ)
            asked->acked = version_look(asked->entry).acked;
        else
            kept->written[i].version = version_claim(asked->entry);
    }
}

static void draw_turn(struct check_desk *desk, struct request_slot *slot, uint64_t rank)
{
    struct kept *kept = keep(desk, slot);
    find_request(&kept->request, desk, slot->ticket, rank);
    slot->bytes = (uint32_t)mix_request_numbers(kept->numbers, program_of(desk, kept),
                                                &desk->mix->material, &kept->request);
    find_entries(desk, kept);
}

static void draw(void *state, struct request_slot *slot)
{
    struct check_desk *desk = state;
    const struct mix_turn turn = mix_turn_of(desk->mix, slot->ticket);
    slot->class = (uint8_t)turn.class;
    draw_turn(desk, slot, turn.rank);
}

static void measure(void *state, struct request_slot *slot)
{
    struct check_desk *desk = state;
    draw_turn(desk, slot, mix_turn_of(desk->mix, slot->ticket).rank);
}

static uint16_t key_slot(const void *state, const struct request_slot *slot)
{
    const struct check_desk *desk = state;
    const struct kept *kept = find(desk, slot);
    if (desk->mix->classes[slot->class].key_argument == UINT32_MAX || kept == NULL)
        return template_spread_slot(slot->ticket);
    return mix_key_slot(desk->mix, slot->class, &kept->request, desk->key);
}

static void render(const void *state, const struct request_slot *slot, char *out)
{
    const struct check_desk *desk = state;
    struct kept *kept = find(desk, slot);
    assert(kept != NULL);
    fix_versions(desk, kept);
    mix_request_write(out, program_of(desk, kept), &desk->mix->material, &kept->request,
                      kept->numbers);
}

static void render_part(const void *state, const struct request_slot *slot, size_t from_byte,
                        size_t byte_count, char *out)
{
    const struct check_desk *desk = state;
    struct kept *kept = find(desk, slot);
    assert(kept != NULL);
    fix_versions(desk, kept);
    mix_request_write_part(out, from_byte, byte_count, desk->part, program_of(desk, kept),
                           &desk->mix->material, &kept->request, kept->numbers);
}

/* ---- replies ---- */

/* Parts of a sequence come again when it was sent elsewhere. */
static void begin_reply(struct kept *kept, uint32_t index)
{
    if (index >= kept->next_reply)
        return;
    kept->next_check = 0;
    kept->next_reply = index;
    kept->reading = NONE;
}

static void take_string(void *state, const struct request_slot *slot, uint32_t index,
                        int64_t byte_count)
{
    const struct check_desk *desk = state;
    struct kept *kept = find(desk, slot);
    const struct mix_program *program = program_of(desk, kept);
    begin_reply(kept, index);
    while (kept->next_check < program->check_count &&
           program->checks[kept->next_check].reply < index)
        kept->next_check++;
    kept->reading = NONE;
    if (kept->next_check == program->check_count ||
        program->checks[kept->next_check].reply != index ||
        program->checks[kept->next_check].kind != CHECK_READ)
        return;
    struct asked *asked = &kept->asked[kept->next_check];
    asked->fate = FATE_READ;
    asked->missing = byte_count < 0;
    checked_value_begin(&asked->value, kept->written[kept->next_check].key,
                        byte_count < 0 ? 0 : (uint64_t)byte_count);
    kept->reading = kept->next_check++;
}

static void take_bytes(void *state, const struct request_slot *slot, const char *bytes,
                       size_t byte_count)
{
    const struct check_desk *desk = state;
    struct kept *kept = find(desk, slot);
    /* What is not known to have been written need not be looked at. */
    if (kept->reading != NONE && kept->asked[kept->reading].acked > 0)
        checked_value_take(&kept->asked[kept->reading].value, bytes, byte_count);
}

static enum fate fate_of_write(const struct mix_check *check, const struct resp_reply *reply)
{
    if (reply->is_error)
        return FATE_FAILED;
    const bool refused = reply->is_null || (reply->type == ':' && reply->integer == 0);
    return check->kind == CHECK_WRITE_IF && refused ? FATE_REFUSED : FATE_TAKEN;
}

static bool take_reply(void *state, const struct request_slot *slot, uint32_t index,
                       const struct resp_reply *reply)
{
    const struct check_desk *desk = state;
    struct kept *kept = find(desk, slot);
    const struct mix_program *program = program_of(desk, kept);
    begin_reply(kept, index);
    for (uint32_t i = 0; i < program->check_count; i++) {
        const struct mix_check *check = &program->checks[i];
        struct asked *asked = &kept->asked[i];
        if (check->reply != index)
            continue;
        if (check->kind != CHECK_READ)
            asked->fate = fate_of_write(check, reply);
        else if (reply->is_error)
            asked->fate = FATE_FAILED;
    }
    kept->next_reply = index + 1;
    return true;
}

/* ---- what it comes to ---- */

static void end_write(const struct asked *asked)
{
    if (asked->entry == NULL)
        return;
    if (asked->fate == FATE_TAKEN)
        version_taken(asked->entry);
    else if (asked->fate == FATE_REFUSED)
        version_refused(asked->entry);
    else
        version_unsure(asked->entry);
}

static enum version_reading reading_of(const struct asked *asked)
{
    if (asked->fate == FATE_READ && asked->missing)
        return VALUE_MISSING;
    return asked->fate == FATE_READ && asked->value.fault == CHECKED_RIGHT ? VALUE_WHOLE
                                                                           : VALUE_MALFORMED;
}

static void report(const struct check_desk *desk, const struct mix_check *check,
                   const struct asked *asked, enum checked_kind kind)
{
    const struct version_space *space = &desk->versions->header->spaces[check->space];
    struct checked_finding finding = {
        .kind = kind,
        .key_bytes = (uint32_t)version_key_bytes(space, asked->number),
        .expected_least = asked->acked,
        .expected_most = version_look(asked->entry).current,
        .reading = reading_of(asked),
        .version = asked->value.version,
        .value_bytes = asked->value.size,
        .fault = asked->fate == FATE_READ ? asked->value.fault : CHECKED_RIGHT,
        .fault_at = asked->value.fault_at,
        .expected = asked->value.expected,
        .got = asked->value.got,
    };
    version_key_write(finding.key, sizeof finding.key, space, asked->number);
    checked_findings_add(desk->versions->findings, &finding);
}

static void end_read(const struct check_desk *desk, const struct mix_check *check,
                     const struct asked *asked, bool from_replica, uint64_t counts[CHECK_COUNTS])
{
    const struct version_space *space = &desk->versions->header->spaces[check->space];
    if (asked->fate == FATE_FAILED)
        return;
    const enum version_verdict verdict =
        version_judge(asked->entry, space, asked->acked, reading_of(asked), asked->value.version);
    counts[verdict == VERSION_UNKNOWN ? CHECK_UNVERIFIED : CHECK_VERIFIED]++;
    if (verdict == VERSION_CORRUPTED) {
        counts[CHECK_CORRUPTED]++;
        report(desk, check, asked, CHECKED_CORRUPTED);
    } else if (verdict == VERSION_OLD) {
        counts[from_replica ? CHECK_STALE : CHECK_LOST]++;
        report(desk, check, asked, from_replica ? CHECKED_STALE : CHECKED_LOST);
    }
}

static void settle(void *state, const struct request_slot *slot, bool from_replica,
                   uint64_t counts[CHECK_COUNTS])
{
    struct check_desk *desk = state;
    const struct kept *kept = find(desk, slot);
    const struct mix_program *program = program_of(desk, kept);
    /* Reads first: what the request itself has written is right, too. */
    for (uint32_t i = 0; i < program->check_count; i++)
        if (program->checks[i].kind == CHECK_READ)
            end_read(desk, &program->checks[i], &kept->asked[i], from_replica, counts);
        else
            end_write(&kept->asked[i]);
    forget(desk, kept);
}

static void give_up(const struct check_desk *desk, const struct kept *kept)
{
    const struct mix_program *program = program_of(desk, kept);
    for (uint32_t i = 0; kept->has_versions && i < program->check_count; i++)
        if (program->checks[i].kind != CHECK_READ && kept->asked[i].entry != NULL)
            version_unsure(kept->asked[i].entry);
}

static void drop(void *state, const struct request_slot *slot)
{
    struct check_desk *desk = state;
    const struct kept *kept = find(desk, slot);
    assert(kept != NULL);
    give_up(desk, kept);
    forget(desk, kept);
}

/* Whatever has been rendered, and has no reply. */
static void close_desk(void *state)
{
    struct check_desk *desk = state;
    if (desk == NULL)
        return;
    for (uint32_t at = KEPT_NONE; (at = kept_index_next(&desk->index, at)) != KEPT_NONE;)
        give_up(desk, &desk->kept[at]);
    kept_index_destroy(&desk->index);
    free(desk->kept);
    free(desk->written);
    free(desk->asked);
    free(desk->numbers);
    free(desk->part);
    free(desk->key);
    free(desk);
}

const struct generator check_generator = {
    .name = "checked mix",
    .open = open_desk,
    .close = close_desk,
    .classes = classes,
    .most_bytes = most_bytes,
    .use_stamp = use_stamp,
    .draw = draw,
    .measure = measure,
    .key_slot = key_slot,
    .render = render,
    .render_part = render_part,
    .reply = take_reply,
    .reserve = reserve,
    .string = take_string,
    .bytes = take_bytes,
    .settle = settle,
    .drop = drop,
};
