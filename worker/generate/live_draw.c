#include "worker/generate/live.h"

#include "common/rng.h"

/* Streams of the phase's seed. */
#define STREAM_TTLS 0x74746c73ull
#define STREAM_RANDOM 0x72616e646f6dull
#define STREAM_RESIZES 0x726573697a6573ull

/* Which of the new, or of the picked, keys; UINT64_MAX: there cannot be so many. */
static uint64_t place_of(const struct live *live, const struct mix_turn *turn, uint64_t per_block)
{
    const struct live_kind *kind = &live->kinds[turn->class];
    const uint64_t weight = live->order.weights[turn->class];
    if (turn->rank >= LIVE_KEYS_MAX)
        return UINT64_MAX;
    return turn->rank / weight * per_block + kind->first_in_block +
           turn->rank % weight * kind->batch;
}

static uint64_t random_of(const struct live *live, uint64_t stream, uint64_t ticket)
{
    return rng_at(live->phase_seed ^ stream, ticket);
}

static uint64_t ttl_of(const struct live *live, const struct live_class *class, uint64_t key)
{
    return class->least_ttl_s + rng_bounded(rng_at(live->phase_seed ^ STREAM_TTLS, key),
                                            class->most_ttl_s - class->least_ttl_s + 1);
}

/* By the order that the phase asks for, whose draws are numbered over the class: in sequence means no gaps. */
static bool choose(const struct live *live, uint64_t rank, uint64_t random, uint64_t *key)
{
    if (!live->ordered)
        return live_map_random(live->plan.map, random, key);
    return live_map_next(live->plan.map, key_draw_at(&live->keys, rank), key);
}

/* A live key at random is written again if it is still there then, or else looked for. */
static void draw_live(struct live_request *request, const struct live *live, uint64_t rank,
                      uint64_t ticket, enum live_form form)
{
    const uint64_t random = random_of(live, STREAM_RANDOM, ticket);
    const struct live_kind *kind = &live->kinds[request->class];
    request->form = form;
    if (choose(live, rank, random, &request->key)) {
        if (form == LIVE_FORM_SET_XX)
            request->value_bytes =
                size_draw_at(&kind->size, random_of(live, STREAM_RESIZES, ticket));
        return;
    }
    const uint64_t end = live_map_end(live->plan.map);
    request->key = end > 0 ? rng_bounded(random, end) : 0;
    if (form == LIVE_FORM_SET_XX)
        request->form = LIVE_FORM_EXISTS;
}

static bool is_of_vectors(const struct live *live, const struct live_request *request)
{
    return live->plan.classes[request->class].type == LIVE_VECTOR;
}

static void set_vector(struct live_request *request, enum live_vector_request of, uint64_t key)
{
    request->form = (enum live_form)(LIVE_FORM_VECTOR + of);
    request->key = key;
}

static void draw_query(struct live_request *request, const struct live *live, uint64_t ticket)
{
    const uint64_t queries = (uint64_t)live->plan.vectors->query_levels * LIVE_VECTOR_QUERIES;
    set_vector(request, LIVE_VECTOR_QUERY,
               rng_bounded(random_of(live, STREAM_RANDOM, ticket), queries));
}

/* Its class has used up its keys. */
static void draw_instead(struct live_request *request, const struct live *live, uint64_t rank,
                         uint64_t ticket)
{
    if (is_of_vectors(live, request)) {
        const bool again = live->plan.classes[request->class].action == LIVE_INDEX;
        set_vector(request, again ? LIVE_VECTOR_AGAIN : LIVE_VECTOR_DELETE,
                   again ? live_map_picked_at(live->plan.map, ticket % live->plan.picked_count)
                         : live->plan.new_limit);
        return;
    }
    const bool writes_strings = live->kinds[request->class].writes &&
                                live->plan.classes[request->class].type == LIVE_STRING;
    draw_live(request, live, rank, ticket, writes_strings ? LIVE_FORM_SET_XX : LIVE_FORM_EXISTS);
}

static void draw_new(struct live_request *request, const struct live *live,
                     const struct mix_turn *turn, uint64_t ticket)
{
    const struct live_class *class = &live->plan.classes[turn->class];
    const uint64_t place = place_of(live, turn, live->new_per_block);
    const uint64_t room = live->plan.new_limit - live->plan.first_new;
    if (place >= room) {
        draw_instead(request, live, turn->rank, ticket);
        return;
    }
    const uint32_t batch = live->kinds[turn->class].batch;
    request->effect = LIVE_COMES;
    request->key = live->plan.first_new + place;
    if (is_of_vectors(live, request)) {
        set_vector(request, LIVE_VECTOR_ADD, request->key);
        return;
    }
    request->form = live_insert_form(class);
    request->keys = batch < room - place ? batch : (uint32_t)(room - place);
    if (request->form == LIVE_FORM_MSET)
        return;
    request->value_bytes = live_size_of_key(live, turn->class, request->key);
    if (request->form == LIVE_FORM_SET_EX)
        request->ttl_s = ttl_of(live, class, request->key);
}

static void draw_picked(struct live_request *request, const struct live *live,
                        const struct mix_turn *turn, uint64_t ticket)
{
    const struct live_class *class = &live->plan.classes[turn->class];
    const uint64_t place = place_of(live, turn, live->picked_per_block);
    if (place >= live->plan.picked_count) {
        draw_instead(request, live, turn->rank, ticket);
        return;
    }
    request->key = live_map_picked_at(live->plan.map, place);
    if (is_of_vectors(live, request)) {
        const bool again = class->action == LIVE_INDEX;
        set_vector(request, again ? LIVE_VECTOR_AGAIN : LIVE_VECTOR_DELETE, request->key);
        request->effect = again ? LIVE_NOTHING : LIVE_GOES;
        return;
    }
    if (class->action == LIVE_READ) {
        request->form = live_read_form(class->type);
        return;
    }
    request->effect = class->action == LIVE_OVERWRITE ? LIVE_COMES : LIVE_GOES;
    request->form = class->action == LIVE_OVERWRITE ? LIVE_FORM_SET
                    : class->action == LIVE_EXPIRE  ? LIVE_FORM_EXPIRE
                    : class->unlink                 ? LIVE_FORM_UNLINK
                                                    : LIVE_FORM_DEL;
    if (class->action == LIVE_OVERWRITE)
        request->value_bytes =
            size_draw_at(&live->kinds[turn->class].size, random_of(live, STREAM_RESIZES, ticket));
    if (class->action == LIVE_EXPIRE)
        request->ttl_s = ttl_of(live, class, request->key);
}

struct live_request live_draw(const struct live *live, const struct mix_turn *turn, uint64_t ticket)
{
    const struct live_class *class = &live->plan.classes[turn->class];
    struct live_request request = {.class = (uint8_t)turn->class, .keys = 1};
    switch (class->action) {
    case LIVE_INSERT:
        draw_new(&request, live, turn, ticket);
        break;
    case LIVE_DELETE:
    case LIVE_OVERWRITE:
    case LIVE_EXPIRE:
    case LIVE_INDEX:
        draw_picked(&request, live, turn, ticket);
        break;
    case LIVE_READ:
        if (class->type == LIVE_VECTOR) {
            draw_query(&request, live, ticket);
            break;
        }
        request.check = class->check;
        if (class->picked)
            draw_picked(&request, live, turn, ticket);
        else
            draw_live(&request, live, turn->rank, ticket, live_read_form(class->type));
        break;
    case LIVE_UPDATE:
        draw_live(&request, live, turn->rank, ticket, LIVE_FORM_SET_XX);
        break;
    }
    return request;
}
