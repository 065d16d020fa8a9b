#include "orchestrator/server/reach.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/options/redirect_hosts.h"
#include "orchestrator/server/resolve.h"

#define TOLD_MAX 16u
#define RESOLVE_LIMIT_NS (5 * NS_PER_SECOND)

struct reach {
    bool password_at_risk; /* there is one, and whoever answers gets to know it */
    bool limited;          /* --redirect-hosts was given */
    bool goes_on;
    struct redirect_hosts listed;
    uint32_t name_count, address_count;
    struct host_name names[RESOLVE_NAMES_MAX]; /* that the user gave */
    struct ip_network addresses[RESOLVE_NAMES_MAX * 4];
    uint32_t told_count; /* may be more than there is room for */
    struct ip_network told[TOLD_MAX];
};

/* Shared with the scouts: what one of them has said is not said again. */
static struct reach *reach;

/* Beginning ----------------------------------------------------------------------------------- */

/* Until when names are looked up, all of them together. */
struct patience {
    uint64_t end_ns;
    const volatile int *interrupted;
};

/* E_INTERRUPTED; a name that cannot be found adds nothing. */
static enum err_code add_addresses(struct ip_network *addresses, uint32_t *count, uint32_t max,
                                   const char *host, const struct patience *patience,
                                   struct err *err)
{
    struct target_address found[RESOLVE_ADDRESSES_MAX];
    uint32_t found_count = 0;
    struct err failed = {.code = OK};
    struct host_name name = {.port = 1};
    const uint64_t now_ns = clock_now_ns();
    snprintf(name.host, sizeof name.host, "%s", host);
    if (now_ns >= patience->end_ns)
        return OK;
    enum err_code code = resolve_host(found, &found_count, RESOLVE_ADDRESSES_MAX, &name,
                                      patience->end_ns - now_ns, patience->interrupted, &failed);
    for (uint32_t i = 0; i < found_count && *count < max; i++)
        if (ip_network_of(&addresses[*count], &found[i]))
            ++*count;
    return code == E_INTERRUPTED ? err_set(err, code, "%s", failed.text) : OK;
}

static enum err_code fill(struct reach *made, const struct endpoint *endpoint,
                          const volatile int *interrupted, struct err *err)
{
    const char *given = endpoint->sentinels != NULL ? endpoint->sentinels : endpoint->host;
    /* Who has any certificate of a known authority passes where names are not looked at. */
    made->password_at_risk =
        endpoint->password != NULL &&
        (!endpoint->tls.wanted || endpoint->tls.insecure || endpoint->tls.any_name);
    made->limited = endpoint->redirect_hosts != NULL;
    enum err_code code = resolve_split(made->names, &made->name_count, RESOLVE_NAMES_MAX, given, 1,
                                       endpoint->sentinels != NULL ? "--sentinel" : "--host", err);
    if (code == OK && made->limited)
        code = redirect_hosts_parse(&made->listed, endpoint->redirect_hosts, err);
    const struct patience patience = {clock_now_ns() + RESOLVE_LIMIT_NS, interrupted};
    for (uint32_t i = 0; i < made->name_count && code == OK; i++)
        code = add_addresses(made->addresses, &made->address_count,
                             sizeof made->addresses / sizeof made->addresses[0],
                             made->names[i].host, &patience, err);
    for (uint32_t i = 0; i < made->listed.name_count && code == OK; i++)
        code = add_addresses(made->listed.networks, &made->listed.network_count, REDIRECT_HOSTS_MAX,
                             made->listed.names[i], &patience, err);
    return code;
}

enum err_code reach_begin(const struct endpoint *endpoint, const volatile int *interrupted,
                          struct err *err)
{
    reach_end();
    if (endpoint->socket_path != NULL || (!endpoint->cluster && endpoint->sentinels == NULL &&
                                          endpoint->replica_reads == REPLICA_READS_NO))
        return OK;
    struct reach *made =
        mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED)
        return err_set(err, E_SYSTEM, "no memory for the hosts that were named");
    reach = made;
    return fill(made, endpoint, interrupted, err);
}

void reach_go_on(void)
{
    if (reach != NULL)
        reach->goes_on = true;
}

void reach_end(void)
{
    if (reach != NULL)
        (void)munmap(reach, sizeof *reach);
    reach = NULL;
}

/* Judging ------------------------------------------------------------------------------------- */

static bool is_named(const char *host)
{
    for (uint32_t i = 0; i < reach->name_count; i++)
        if (strcasecmp(reach->names[i].host, host) == 0)
            return true;
    return false;
}

/* near: what lies near a named host counts, too. */
static bool is_inside(const struct ip_network *where, bool near)
{
    for (uint32_t i = 0; i < reach->address_count; i++)
        if (ip_network_holds(&reach->addresses[i], where) ||
            (near && ip_network_near(&reach->addresses[i], where)))
            return true;
    return false;
}

static bool is_listed(const struct ip_network *where, const char *host)
{
    const struct redirect_hosts *listed = &reach->listed;
    for (uint32_t i = 0; i < listed->network_count; i++)
        if (ip_network_holds(&listed->networks[i], where))
            return true;
    for (uint32_t i = 0; i < listed->name_count; i++)
        if (strcasecmp(listed->names[i], host) == 0)
            return true;
    return is_inside(where, listed->same);
}

/* Whether this is the first time for the host; beyond the room for them they are no longer named. */
static bool is_first(const struct ip_network *where)
{
    uint32_t known = reach->told_count < TOLD_MAX ? reach->told_count : TOLD_MAX;
    for (uint32_t i = 0; i < known; i++)
        if (memcmp(&reach->told[i], where, sizeof *where) == 0)
            return false;
    if (reach->told_count > TOLD_MAX)
        return false;
    if (reach->told_count++ < TOLD_MAX) {
        reach->told[known] = *where;
        return true;
    }
    log_line(LOG_WARNING, "servers lead to more hosts than are named here; see --redirect-hosts");
    return false;
}

enum err_code reach_allow(const struct target_address *address, struct err *err)
{
    struct ip_network where;
    if (reach == NULL || !ip_network_of(&where, address) || is_named(address->host))
        return OK;
    if (reach->limited && is_listed(&where, address->host))
        return OK;
    if (reach->limited) {
        if (reach->goes_on && is_first(&where))
            log_line(LOG_WARNING,
                     "a server leads to %s, which --redirect-hosts does not list: nothing is sent "
                     "there",
                     address->text);
        return err_set(err, E_CONNECT,
                       "a server leads to %s, which --redirect-hosts does not list: nothing is "
                       "sent there; list it if it is yours",
                       address->text);
    }
    if (reach->password_at_risk && !is_inside(&where, true) && is_first(&where))
        log_line(LOG_WARNING,
                 "a server leads to %s, outside the networks of the hosts that were named: the "
                 "password goes there without TLS that is checked; --redirect-hosts refuses such "
                 "hosts",
                 address->text);
    return OK;
}
