#include "orchestrator/server/cluster_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "common/units.h"

/* <id> <ip:port@bus[,host]> <flags> <primary> <ping> <pong> <epoch> <link> <slot> ... */
enum field { FIELD_ID, FIELD_ADDRESS, FIELD_FLAGS, FIELD_PRIMARY, FIELD_LINK = 7, FIELD_SLOTS };

#define FIELD_BYTES 256u

/* The next word of the line; false at its end. Longer words are cut. */
static bool next_word(char word[FIELD_BYTES], const char **at, const char *end)
{
    while (*at < end && **at == ' ')
        ++*at;
    const char *begin = *at;
    while (*at < end && **at != ' ' && **at != '\r')
        ++*at;
    size_t bytes = (size_t)(*at - begin);
    if (bytes >= FIELD_BYTES)
        bytes = FIELD_BYTES - 1;
    memcpy(word, begin, bytes);
    word[bytes] = '\0';
    return bytes > 0;
}

static bool take_id(char id[CLUSTER_NODE_ID_BYTES], const char *word)
{
    if (strlen(word) != CLUSTER_NODE_ID_BYTES - 1)
        return false;
    memcpy(id, word, CLUSTER_NODE_ID_BYTES);
    return true;
}

/* 0: where the node is has been forgotten ("noaddr"). */
static bool take_port(uint16_t *port, const char *address)
{
    const size_t bytes = strcspn(address, "@,");
    const char *colon = memrchr(address, ':', bytes);
    uint64_t number;
    if (colon == NULL ||
        !units_parse_digits(&number, colon + 1, bytes - (size_t)(colon - address) - 1, UINT16_MAX))
        return false;
    *port = (uint16_t)number;
    return true;
}

/* Whether a list separated by commas holds the word. */
static bool has_flag(const char *flags, const char *flag)
{
    return list_has(flags, ',', flag, strlen(flag));
}

/* "5", "0-100", or, of a slot on its way, "[5->-id]", which the node still serves by another word. */
static bool take_slots(struct cluster_node *node, const char *word)
{
    const size_t first_bytes = strcspn(word, "-"), word_bytes = strlen(word);
    uint64_t first, last;
    if (word[0] == '[')
        return true;
    if (!units_parse_digits(&first, word, first_bytes, SLOTS_COUNT - 1))
        return false;
    last = first;
    if (first_bytes < word_bytes &&
        !units_parse_digits(&last, word + first_bytes + 1, word_bytes - first_bytes - 1,
                            SLOTS_COUNT - 1))
        return false;
    if (first > last)
        return false;
    for (uint64_t slot = first; slot <= last; slot++) {
        node->slot_count += !cluster_node_serves(node, (uint32_t)slot);
        node->slots[slot / 8] |= (unsigned char)(1u << (slot % 8));
    }
    return true;
}

static bool take_line(struct cluster_node *node, const char *line, const char *end)
{
    char word[FIELD_BYTES];
    bool handshake = false, good = true;
    int field = 0;
    *node = (struct cluster_node){.port = 0};
    for (; good && next_word(word, &line, end); field++) {
        if (field == FIELD_ID) {
            good = take_id(node->id, word);
        } else if (field == FIELD_ADDRESS) {
            good = take_port(&node->port, word);
        } else if (field == FIELD_FLAGS) {
            node->myself = has_flag(word, "myself");
            node->primary = has_flag(word, "master");
            node->failed = has_flag(word, "fail");
            handshake = has_flag(word, "handshake") || has_flag(word, "noaddr");
        } else if (field == FIELD_PRIMARY) {
            good = strcmp(word, "-") == 0 || take_id(node->primary_id, word);
        } else if (field == FIELD_LINK) {
            node->connected = !handshake && (node->myself || strcmp(word, "connected") == 0);
        } else if (field >= FIELD_SLOTS) {
            good = take_slots(node, word);
        }
    }
    return good && field >= FIELD_SLOTS;
}

enum err_code cluster_nodes_parse(struct cluster_nodes *nodes, const char *text, struct err *err)
{
    uint32_t lines = 0;
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    *nodes = (struct cluster_nodes){.items = calloc(lines + 1u, sizeof nodes->items[0])};
    if (nodes->items == NULL)
        return err_set(err, E_SYSTEM, "CLUSTER NODES: out of memory");
    for (const char *at = text; *at != '\0';) {
        const char *end = at + strcspn(at, "\n");
        if (end > at && !take_line(&nodes->items[nodes->count], at, end))
            return err_set(err, E_DATA, "CLUSTER NODES: a line that is none of a node: %.*s",
                           (int)(end - at < 100 ? end - at : 100), at);
        nodes->count += end > at;
        at = *end == '\n' ? end + 1 : end;
    }
    if (nodes->count == 0)
        return err_set(err, E_DATA, "CLUSTER NODES: no node");
    return OK;
}

void cluster_nodes_free(struct cluster_nodes *nodes)
{
    free(nodes->items);
    *nodes = (struct cluster_nodes){.items = NULL};
}

const struct cluster_node *cluster_nodes_by_port(const struct cluster_nodes *nodes, uint16_t port)
{
    for (uint32_t i = 0; i < nodes->count; i++)
        if (nodes->items[i].port == port)
            return &nodes->items[i];
    return NULL;
}
