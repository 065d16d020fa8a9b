/* libFuzzer target: any text is a list of nodes whose slots add up, or one sentence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/cluster_nodes.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct cluster_nodes nodes;
    struct err err = {.code = OK};
    char *text = strndup((const char *)input, input_bytes);
    if (text == NULL)
        return 0;
    enum err_code code = cluster_nodes_parse(&nodes, text, &err);
    if (code != OK && (code != E_DATA || strncmp(err.text, "CLUSTER NODES: ", 15) != 0))
        abort();
    for (uint32_t i = 0; i < nodes.count && code == OK; i++) {
        uint32_t served = 0;
        for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
            served += cluster_node_serves(&nodes.items[i], slot);
        if (served != nodes.items[i].slot_count ||
            strlen(nodes.items[i].id) != CLUSTER_NODE_ID_BYTES - 1)
            abort();
    }
    cluster_nodes_free(&nodes);
    free(text);
    return 0;
}
