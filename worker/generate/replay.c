/* Two rings: of entries, and of their bytes. Both are given back in the order in which they were taken, so what is slow
 * to be answered holds up what was loaded behind it only when a ring is full. */
#include "worker/generate/replay.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/recording.h"
#include "common/slots.h"
#include "worker/generate/command_rules.h"
#include "worker/generate/recorded_key.h"

/* Requests wait in so much memory; a longer one has all of it, and as much more as it needs, for itself. */
#define RING_BYTES (32u << 20)
/* From there on the ring begins anew as soon as there is room: what fits into a cache stays in it. */
#define RING_NEAR_BYTES (256u << 10)

struct kept {
    uint64_t intended_ns;
    uint64_t offset_bytes; /* in the ring */
    uint32_t byte_count;
    uint32_t connection, database;
    uint16_t key_slot;
    uint8_t class;
    bool settled; /* in a cluster */
};

struct gate {
    uint64_t holder; /* the number that went through it, + 1; 0: it is open */
    uint32_t next;   /* of those that have opened, + 1                      */
    bool listed;     /* it is one of them                                   */
    struct slot_list waiting;
};

/* In the file. */
struct place {
    struct recording_reader *reader;
    /* The entry that was read and is not loaded yet; its bytes are the reader's. */
    struct recording_entry pending;
    uint64_t pending_ns;
    bool has_pending, over;
    uint64_t entries; /* read so far, of all workers */
    schedule_hint hint;
};

struct replay {
    const struct replay_plan *plan;
    const struct schedule *schedule;
    uint32_t worker, workers;
    struct request_class classes[CLASSES_MAX];

    struct place at;
    /* Further on in the file, in an open loop: how much is due that has found no room. `seen` have been read there. */
    struct place ahead;
    uint64_t seen;
    bool skips; /* others' entries are passed over unread, and not counted in */
    struct err err;

    struct kept *kept;
    uint64_t mask;                  /* of places in kept */
    uint64_t oldest, drawn, loaded; /* numbers, in this order */
    char *bytes;
    size_t room_bytes, end_bytes; /* reserved; where the newest entry ends */

    struct gate *gates;
    uint32_t gate_count, first_opened; /* first_opened: + 1; 0: none has */
};

/* ---- reading ---- */

static uint64_t intended_ns(const struct replay *replay, struct place *place)
{
    if (replay->plan->speed > 0)
        return (uint64_t)((double)place->pending.at_us * (double)NS_PER_US / replay->plan->speed);
    return replay->schedule == NULL
               ? 0
               : schedule_time_ns(replay->schedule, place->entries, &place->hint);
}

/* The next entry that is this worker's. False: there is none. */
static bool read_next(struct replay *replay, struct place *place)
{
    const struct replay_plan *plan = replay->plan;
    bool more = true;
    while (!place->has_pending && !place->over) {
        struct recording_entry *entry = &place->pending;
        const enum err_code code =
            replay->skips ? recording_next_of(place->reader, replay->workers, replay->worker, entry,
                                              &more, &replay->err)
                          : recording_next(place->reader, entry, &more, &replay->err);
        if (code != OK || !more || place->entries == plan->limit) {
            place->over = true;
            break;
        }
        if (replay_judge(entry, plan->shared) != REPLAY_SENT)
            continue;
        const uint64_t connection = entry->client % plan->connections;
        place->has_pending = connection % replay->workers == replay->worker;
        if (place->has_pending)
            place->pending_ns = intended_ns(replay, place);
        place->entries++;
    }
    return place->has_pending;
}

/* What is due before at_ns, from the pending entry on, which is, and has found no room. Nothing is read twice, unless loading has
 * come as far meanwhile. */
static uint64_t count_ahead(struct replay *replay, uint64_t at_ns)
{
    struct place *ahead = &replay->ahead;
    if (ahead->reader == NULL)
        return replay->loaded;
    if (replay->seen <= replay->loaded) {
        if (!recording_follow(ahead->reader, replay->at.reader))
            return replay->loaded;
        ahead->has_pending = false;
        ahead->over = replay->at.over;
        ahead->entries = replay->at.entries;
        ahead->hint = replay->at.hint;
        replay->seen = replay->loaded + 1;
    }
    for (; read_next(replay, ahead) && ahead->pending_ns < at_ns; replay->seen++)
        ahead->has_pending = false;
    return replay->seen;
}

/* A place for so many bytes in one piece; false: there is none. */
static bool find_room(const struct replay *replay, size_t byte_count, size_t *at)
{
    *at = 0;
    if (replay->oldest == replay->loaded)
        return byte_count <= replay->room_bytes;
    const size_t from = replay->kept[replay->oldest & replay->mask].offset_bytes;
    if (replay->end_bytes <= from) /* it goes round */
        *at = replay->end_bytes;
    else if (replay->end_bytes + byte_count <= RING_BYTES &&
             (replay->end_bytes < RING_NEAR_BYTES || byte_count >= from)) {
        *at = replay->end_bytes;
        return true;
    }
    return *at + byte_count < from;
}

/* Without a key any node will do. */
static uint16_t find_key_slot(const struct replay *replay, const struct recording_entry *entry)
{
    const struct recording_argument *key = replay->plan->routed ? recorded_key(entry) : NULL;
    return key != NULL ? slots_of_key(key->bytes, key->byte_count)
                       : (uint16_t)((replay->loaded * 0x9E3779B97F4A7C15u >> 32) % SLOTS_COUNT);
}

static bool load(struct replay *replay)
{
    const struct recording_entry *entry = &replay->at.pending;
    size_t at;
    if (!read_next(replay, &replay->at) || replay->loaded - replay->oldest > replay->mask ||
        !find_room(replay, entry->request_bytes, &at))
        return false;
    memcpy(replay->bytes + at, entry->request, entry->request_bytes);
    replay->kept[replay->loaded++ & replay->mask] = (struct kept){
        .intended_ns = replay->at.pending_ns,
        .offset_bytes = at,
        .byte_count = (uint32_t)entry->request_bytes,
        .connection = (uint32_t)(entry->client % replay->plan->connections / replay->workers),
        .database = entry->database,
        .key_slot = find_key_slot(replay, entry),
        .class = (uint8_t)replay_class(&replay->plan->facts, entry),
    };
    replay->end_bytes = at + entry->request_bytes;
    replay->at.has_pending = false;
    return true;
}

/* ---- for replaying.c ---- */

void replay_use_schedule(struct replay *replay, const struct schedule *schedule)
{
    replay->schedule = schedule;
}

bool replay_has_next(struct replay *replay)
{
    return replay->drawn < replay->loaded || load(replay);
}

bool replay_is_over(const struct replay *replay)
{
    return replay->at.over && !replay->at.has_pending && replay->drawn == replay->loaded;
}

uint64_t replay_next_ns(const struct replay *replay)
{
    if (replay->drawn < replay->loaded)
        return replay->kept[replay->drawn & replay->mask].intended_ns;
    return replay->at.has_pending ? replay->at.pending_ns : SCHEDULE_NEVER;
}

uint64_t replay_draw(struct replay *replay)
{
    assert(replay->drawn < replay->loaded);
    return replay->drawn++;
}

uint64_t replay_due(struct replay *replay, uint64_t at_ns)
{
    uint64_t number = replay->loaded;
    while (number > replay->drawn && replay_time_ns(replay, number - 1) >= at_ns)
        number--;
    if (number < replay->loaded)
        return number;
    while (read_next(replay, &replay->at) && replay->at.pending_ns < at_ns) {
        if (!load(replay))
            return count_ahead(replay, at_ns);
        number++;
    }
    return number;
}

uint64_t replay_time_ns(const struct replay *replay, uint64_t number)
{
    return replay->kept[number & replay->mask].intended_ns;
}

uint64_t replay_loaded(const struct replay *replay)
{
    return replay->loaded;
}

bool replay_read_on(struct replay *replay, uint64_t until_ns, uint64_t *intended_ns)
{
    *intended_ns = replay->at.pending_ns;
    if (!read_next(replay, &replay->at) || replay->at.pending_ns >= until_ns)
        return false;
    *intended_ns = replay->at.pending_ns;
    replay->at.has_pending = false;
    return true;
}

uint64_t replay_pass(struct replay *replay, uint64_t count, uint64_t at_ns)
{
    while (replay->drawn < replay->loaded && replay_time_ns(replay, replay->drawn) < at_ns)
        replay->oldest = ++replay->drawn;
    if (replay->drawn < replay->loaded)
        return replay->drawn;
    uint64_t number = replay->drawn;
    for (; number < count && read_next(replay, &replay->at) && replay->at.pending_ns < at_ns;
         number++)
        replay->at.has_pending = false;
    replay->oldest = replay->drawn = replay->loaded = number;
    return number;
}

bool replay_oldest(const struct replay *replay, uint64_t *number, uint32_t *connection)
{
    *number = replay->oldest;
    *connection = replay->kept[replay->oldest & replay->mask].connection;
    return replay->oldest < replay->drawn;
}

void replay_give_back(struct replay *replay)
{
    const struct kept *gone = &replay->kept[replay->oldest++ & replay->mask];
    if (gone->byte_count > RING_BYTES) /* alone, from the beginning on */
        (void)madvise(replay->bytes + RING_BYTES, replay->room_bytes - RING_BYTES, MADV_DONTNEED);
}

static const struct kept *of_slot(const struct replay *replay, const struct request_slot *slot)
{
    return &replay->kept[slot->ticket & replay->mask];
}

uint32_t replay_connection(const struct replay *replay, const struct request_slot *slot)
{
    return of_slot(replay, slot)->connection;
}

uint32_t replay_database(const struct replay *replay, const struct request_slot *slot)
{
    return of_slot(replay, slot)->database;
}

/* ---- gates ---- */

uint32_t replay_gate_count(const struct replay *replay)
{
    return replay->gate_count;
}

struct slot_list *replay_gate_list(struct replay *replay, uint32_t gate)
{
    return &replay->gates[gate].waiting;
}

bool replay_enter(struct replay *replay, const struct request_slot *slot)
{
    struct gate *gate = &replay->gates[of_slot(replay, slot)->connection];
    if (gate->holder != 0 || gate->waiting.count > 0)
        return false;
    gate->holder = slot->ticket + 1;
    return true;
}

void replay_close_gate(struct replay *replay, const struct request_slot *slot)
{
    replay->gates[of_slot(replay, slot)->connection].holder = slot->ticket + 1;
}

bool replay_opened(struct replay *replay, uint32_t *gate)
{
    if (replay->first_opened == 0)
        return false;
    *gate = replay->first_opened - 1;
    replay->first_opened = replay->gates[*gate].next;
    replay->gates[*gate].listed = false;
    return true;
}

bool replay_is_settled(const struct replay *replay, uint64_t number)
{
    return replay->kept[number & replay->mask].settled;
}

/* One that never went through, since there was no room for it, opens nothing. */
static void settle(void *state, const struct request_slot *slot)
{
    struct replay *replay = state;
    struct kept *kept = &replay->kept[slot->ticket & replay->mask];
    struct gate *gate = &replay->gates[kept->connection];
    kept->settled = true;
    if (gate->holder != slot->ticket + 1)
        return;
    gate->holder = 0;
    if (gate->listed)
        return;
    gate->listed = true;
    gate->next = replay->first_opened;
    replay->first_opened = kept->connection + 1;
}

const struct err *replay_error(const struct replay *replay)
{
    return &replay->err;
}

/* ---- the generator ---- */

static void close_replay(void *state)
{
    struct replay *replay = state;
    if (replay == NULL)
        return;
    recording_close(replay->at.reader);
    recording_close(replay->ahead.reader);
    if (replay->bytes != NULL)
        munmap(replay->bytes, replay->room_bytes);
    free(replay->kept);
    free(replay->gates);
    free(replay);
}

static enum read_kind read_kind(const void *state, uint32_t class, uint32_t index)
{
    const struct replay *replay = state;
    (void)index;
    return command_read_kind(replay->plan->facts.classes[class]);
}

static enum err_code out_of_memory(const struct replay *replay, struct err *err)
{
    return err_set(err, E_SYSTEM, "worker %u: no memory for recorded requests", replay->worker);
}

static enum err_code open_place(const struct replay *replay, struct place *place, struct err *err)
{
    const struct recording_facts *facts;
    const enum err_code code = replay_open(replay->plan, &place->reader, err);
    return code == OK && recording_known_facts(place->reader) == NULL
               ? recording_count(place->reader, &facts, err) /* no later call allocates */
               : code;
}

static enum err_code open_replay(void **state, const void *source, uint32_t worker, struct err *err)
{
    const struct replay_source *given = source;
    struct replay *replay = calloc(1, sizeof *replay);
    *state = replay;
    if (replay == NULL)
        return err_set(err, E_SYSTEM, "worker %u: no memory for recorded requests", worker);
    *replay = (struct replay){
        .plan = given->plan,
        .worker = worker,
        .workers = given->workers,
        .room_bytes = RING_BYTES,
    };
    for (uint32_t i = 0; i < given->plan->facts.class_count; i++)
        replay->classes[i] = (struct request_class){
            .name = given->plan->facts.classes[i], .replies = 1, .read_kind = read_kind};
    if (given->plan->facts.most_bytes > RING_BYTES)
        replay->room_bytes = given->plan->facts.most_bytes;
    /* Whose an entry is its client's number says, and which one of all it is matters to nobody. */
    replay->skips = given->plan->limit == given->plan->facts.entries && !given->plan->by_number &&
                    (given->plan->connections >= given->plan->facts.clients ||
                     given->plan->connections % given->workers == 0);
    replay->gate_count =
        given->plan->routed ? (uint32_t)(given->plan->connections / given->workers + 1) : 0;
    replay->gates = calloc(replay->gate_count + 1, sizeof replay->gates[0]);
    /* Touched as far as requests have waited. */
    void *bytes = mmap(NULL, replay->room_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    replay->bytes = bytes != MAP_FAILED ? bytes : NULL;
    enum err_code code = bytes != MAP_FAILED && replay->gates != NULL
                             ? open_place(replay, &replay->at, err)
                             : out_of_memory(replay, err);
    if (code == OK && (given->plan->speed > 0 || given->plan->by_number))
        code = open_place(replay, &replay->ahead, err);
    if (code != OK)
        close_replay(replay);
    return code;
}

static enum err_code reserve(void *state, uint64_t requests, struct err *err)
{
    struct replay *replay = state;
    for (replay->mask = 1023; replay->mask < requests; replay->mask = replay->mask * 2 + 1)
        ;
    replay->kept = calloc(replay->mask + 1, sizeof replay->kept[0]);
    return replay->kept != NULL ? OK : out_of_memory(replay, err);
}

static const struct request_class *classes(const void *state, uint32_t *count)
{
    const struct replay *replay = state;
    *count = replay->plan->facts.class_count;
    return replay->classes;
}

static size_t most_bytes(const void *state)
{
    const struct replay *replay = state;
    return replay->plan->facts.most_bytes;
}

static void draw(void *state, struct request_slot *slot)
{
    const struct kept *kept = of_slot(state, slot);
    slot->bytes = kept->byte_count;
    slot->class = kept->class;
}

static void render(const void *state, const struct request_slot *slot, char *out)
{
    const struct replay *replay = state;
    const struct kept *kept = of_slot(replay, slot);
    memcpy(out, replay->bytes + kept->offset_bytes, kept->byte_count);
}

static void render_part(const void *state, const struct request_slot *slot, size_t from_byte,
                        size_t byte_count, char *out)
{
    const struct replay *replay = state;
    memcpy(out, replay->bytes + of_slot(replay, slot)->offset_bytes + from_byte, byte_count);
}

static uint16_t key_slot(const void *state, const struct request_slot *slot)
{
    return of_slot(state, slot)->key_slot;
}

/* In front of a request, in another database than the one before it. */
static size_t ahead(const void *state, const struct request_slot *slot,
                    char text[GENERATOR_AHEAD_BYTES])
{
    char number[16];
    const int digits = snprintf(number, sizeof number, "%u", of_slot(state, slot)->database);
    return (size_t)snprintf(text, GENERATOR_AHEAD_BYTES, "*2\r\n$6\r\nSELECT\r\n$%d\r\n%s\r\n",
                            digits, number);
}

const struct generator replay_generator = {
    .name = "replay",
    .open = open_replay,
    .close = close_replay,
    .classes = classes,
    .most_bytes = most_bytes,
    .draw = draw,
    .key_slot = key_slot,
    .render = render,
    .render_part = render_part,
    .ahead = ahead,
    .reserve = reserve,
};

const struct generator replay_routed_generator = {
    .name = "replay in a cluster",
    .open = open_replay,
    .close = close_replay,
    .classes = classes,
    .most_bytes = most_bytes,
    .draw = draw,
    .key_slot = key_slot,
    .render = render,
    .render_part = render_part,
    .answered = settle,
    .drop = settle,
    .reserve = reserve,
};
