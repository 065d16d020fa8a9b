#include "orchestrator/server/node_list.h"

#include <stdlib.h>

#include "orchestrator/server/discover.h"
#include "orchestrator/server/reach.h"

static enum err_code no_memory(struct err *err)
{
    return err_set(err, E_SYSTEM, "no memory for the nodes of a cluster");
}

static enum err_code add_topology(struct node_list *list, const struct topology *topology,
                                  enum node_choice choice, struct err *err)
{
    list->addresses = calloc((size_t)topology->node_count + 1, sizeof list->addresses[0]);
    if (list->addresses == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        const bool wanted =
            choice == NODES_ALL ? node->role != TOPOLOGY_GONE : node->role == TOPOLOGY_PRIMARY;
        if (wanted && node->address.address_bytes > 0)
            list->addresses[list->count++] = node->address;
    }
    return OK;
}

static enum err_code find_all(struct node_list *list, const struct endpoint *endpoint,
                              enum node_choice choice, const volatile int *interrupted,
                              struct err *err)
{
    struct control *control = NULL;
    enum server_probe probe;
    struct target_address first;
    struct topology *topology = calloc(1, sizeof *topology);
    if (topology == NULL)
        return no_memory(err);
    enum err_code code =
        topology_discover(topology, &control, &probe, &first, endpoint, interrupted, err);
    control_close(control);
    if (code == OK)
        code = add_topology(list, topology, choice, err);
    list->is_cluster = endpoint->cluster;
    free(topology);
    return code;
}

enum err_code node_list_find(struct node_list *list, struct endpoint *endpoint,
                             enum node_choice choice, const volatile int *interrupted,
                             struct err *err)
{
    struct control *control = NULL;
    struct cluster_view view = {.enabled = false};
    struct err refused = {.code = OK};
    *list = (struct node_list){.count = 0};
    enum err_code code = reach_begin(endpoint, interrupted, err);
    if (code != OK)
        return code;
    if (endpoint->cluster || endpoint->sentinels != NULL)
        return find_all(list, endpoint, choice, interrupted, err);
    list->addresses = calloc(1, sizeof list->addresses[0]);
    if (list->addresses == NULL)
        return no_memory(err);
    code = control_connect(&control, &list->addresses[0], endpoint, interrupted, err);
    if (code != OK)
        return code;
    const bool is_cluster =
        cluster_ask_view(&view, control, &refused) == OK && view.enabled && view.ok;
    control_close(control);
    list->count = 1;
    if (!is_cluster)
        return OK;
    node_list_free(list);
    endpoint->cluster = true;
    return find_all(list, endpoint, choice, interrupted, err);
}

void node_list_free(struct node_list *list)
{
    free(list->addresses);
    *list = (struct node_list){.count = 0};
}
