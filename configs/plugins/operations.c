/* Usual operations with settings: SET, MSET of several keys, HSET, LPUSH to one list, LPUSH to a list of each key.
 *
 *   volley bench -t custom --custom-command-file configs/plugins/operations.c -r 100000 -d 100 \
 *       --custom-command-args operation=mset,batch_size=10,key_prefix=user
 *
 * operation: set (as without), mset, hset, lpush, lpush_keyspace; batch_size: pairs of an mset, 10 without; key_prefix: in front of
 * keys, "custom" without. Key numbers come from -r at random, with --sequential in order, and without either count up. */
#include <volley_plugin.h>

enum operation { OP_SET, OP_MSET, OP_HSET, OP_LPUSH, OP_LPUSH_KEYSPACE, OPERATIONS };
static const char *const names[OPERATIONS] = {"set", "mset", "hset", "lpush", "lpush_keyspace"};

#define BATCH_MAX 1000u
#define PREFIX_BYTES 64u

struct desk {
    enum operation operation;
    uint64_t batch_size, key_count, first_key, seed;
    bool sequential;
    char prefix[PREFIX_BYTES];
    size_t prefix_bytes;
    char *value;
    size_t value_bytes;
};

static bool refuse(struct volley_setup *setup, const char *why)
{
    snprintf(setup->error, sizeof setup->error, "%s", why);
    return false;
}

static bool init(void **state, const struct volley_settings *settings, struct volley_setup *setup)
{
    static const char *const settings_known[] = {"operation", "batch_size", "key_prefix"};
    char wanted[32];
    const char *other = volley_argument_other_than(settings->arguments, settings_known, 3);
    struct desk *desk = calloc(1, sizeof *desk);
    *state = desk;
    if (desk == NULL)
        return refuse(setup, "no memory");
    if (other != NULL) {
        snprintf(setup->error, sizeof setup->error,
                 "%.*s: there are operation, batch_size and key_prefix", (int)strcspn(other, ","),
                 other);
        return false;
    }
    volley_argument(wanted, sizeof wanted, settings->arguments, "operation", "set");
    volley_argument(desk->prefix, sizeof desk->prefix, settings->arguments, "key_prefix", "custom");
    desk->prefix_bytes = strlen(desk->prefix);
    desk->batch_size = volley_argument_number(settings->arguments, "batch_size", 10);
    if (desk->batch_size < 1 || desk->batch_size > BATCH_MAX)
        return refuse(setup, "batch_size is a number from 1 to 1000");
    while (strcmp(names[desk->operation], wanted) != 0)
        if (++desk->operation == OPERATIONS)
            return refuse(setup, "operation is one of set, mset, hset, lpush, lpush_keyspace");
    desk->key_count = settings->key_count;
    desk->first_key = settings->first_key;
    desk->sequential = settings->sequential;
    desk->seed = settings->seed;
    desk->value_bytes = settings->data_bytes;
    desk->value = malloc(desk->value_bytes + 1);
    if (desk->value == NULL)
        return refuse(setup, "no memory for a value");
    memset(desk->value, 'x', desk->value_bytes);
    setup->class_count = 1;
    setup->classes[0].name = names[desk->operation];
    setup->classes[0].commands = 1;
    return true;
}

/* Of splitmix64: the same number for the same ticket, whichever worker asks. */
static uint64_t random_number(uint64_t seed, uint64_t index)
{
    uint64_t x = seed + (index + 1) * 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

static void add_key(struct volley_request *request, const struct desk *desk, uint64_t index)
{
    char key[PREFIX_BYTES + 24];
    uint64_t number = index;
    if (desk->key_count > 0)
        number = desk->first_key +
                 (desk->sequential ? index : random_number(desk->seed, index)) % desk->key_count;
    memcpy(key, desk->prefix, desk->prefix_bytes);
    key[desk->prefix_bytes] = ':';
    const size_t digits = volley_write_number(key + desk->prefix_bytes + 1, number);
    request->add_key(request, key, desk->prefix_bytes + 1 + digits);
}

static void add_value(struct volley_request *request, const struct desk *desk)
{
    request->add(request, desk->value, desk->value_bytes);
}

static bool next(void *state, uint64_t ticket, struct volley_request *request)
{
    const struct desk *desk = state;
    switch (desk->operation) {
    case OP_SET:
        volley_add_text(request, "SET");
        add_key(request, desk, ticket);
        break;
    case OP_MSET:
        volley_add_text(request, "MSET");
        for (uint64_t i = 0; i + 1 < desk->batch_size; i++) {
            add_key(request, desk, ticket * desk->batch_size + i);
            add_value(request, desk);
        }
        add_key(request, desk, ticket * desk->batch_size + desk->batch_size - 1);
        break;
    case OP_HSET:
        volley_add_text(request, "HSET");
        add_key(request, desk, ticket);
        volley_add_text(request, "field");
        break;
    case OP_LPUSH:
        volley_add_text(request, "LPUSH");
        volley_add_key_text(request, desk->prefix);
        break;
    default:
        volley_add_text(request, "LPUSH");
        add_key(request, desk, ticket);
        break;
    }
    add_value(request, desk);
    return true;
}

static void close_desk(void *state)
{
    struct desk *desk = state;
    if (desk != NULL)
        free(desk->value);
    free(desk);
}

const struct volley_plugin volley_plugin = {VOLLEY_PLUGIN_VERSION, .init = init, .next = next,
                                            .close = close_desk};
