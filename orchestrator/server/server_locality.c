#include "orchestrator/server/server_locality.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "orchestrator/machine/system_file.h"
#include "orchestrator/server/reply_value.h"

static bool same_ip(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET) {
        struct sockaddr_in left, right;
        memcpy(&left, a, sizeof left);
        memcpy(&right, b, sizeof right);
        return left.sin_addr.s_addr == right.sin_addr.s_addr;
    }
    if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 left, right;
        memcpy(&left, a, sizeof left);
        memcpy(&right, b, sizeof right);
        return memcmp(&left.sin6_addr, &right.sin6_addr, sizeof left.sin6_addr) == 0;
    }
    return false;
}

bool target_is_loopback(const struct target_address *target)
{
    const struct sockaddr_storage *address = &target->address;
    const struct sockaddr_in *ip4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)address;
    if (address->ss_family == AF_INET)
        return ntohl(ip4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&ip6->sin6_addr);
}

bool server_is_local(const struct target_address *target)
{
    if (target->address.ss_family == AF_UNIX || target_is_loopback(target))
        return true;
    struct ifaddrs *interfaces;
    bool own = false;
    if (getifaddrs(&interfaces) != 0)
        return false;
    for (const struct ifaddrs *at = interfaces; at != NULL && !own; at = at->ifa_next)
        own = at->ifa_addr != NULL &&
              same_ip(at->ifa_addr, (const struct sockaddr *)&target->address);
    freeifaddrs(interfaces);
    return own;
}

/* The number that the server gives may belong to another pid namespace: it is believed only when
 * a process of this number looks like a server here too. */
static bool find_process(int64_t *pid, struct control *control)
{
    char name[64];
    char *info;
    uint64_t number;
    struct err ignored = {.code = OK};
    if (control_info(control, &info, &ignored) != OK)
        return false;
    bool found =
        info_number(&number, info, "process_id", INT32_MAX) && number > 0 &&
        system_file_read(name, sizeof name, "/proc/%llu/comm", (unsigned long long)number) &&
        (strstr(name, "redis") != NULL || strstr(name, "valkey") != NULL);
    free(info);
    if (found)
        *pid = (int64_t)number;
    return found;
}

static bool read_process_cpus(struct server_locality *locality)
{
    cpu_set_t *set = CPU_ALLOC(SPEC_CPUS_MAX);
    size_t set_bytes = CPU_ALLOC_SIZE(SPEC_CPUS_MAX);
    if (set == NULL)
        return false;
    CPU_ZERO_S(set_bytes, set);
    bool read = sched_getaffinity((pid_t)locality->pid, set_bytes, set) == 0;
    for (uint32_t cpu = 0; read && cpu < SPEC_CPUS_MAX; cpu++)
        if (CPU_ISSET_S(cpu, set_bytes, set))
            locality->cpus[locality->cpu_count++] = cpu;
    CPU_FREE(set);
    return read;
}

void server_locality_of_process(struct server_locality *locality, int64_t pid)
{
    memset(locality, 0, sizeof *locality);
    locality->local = true;
    locality->pid = pid;
    locality->known = read_process_cpus(locality);
}

void server_locality_find(struct server_locality *locality, struct control *control,
                          const struct target_address *target)
{
    memset(locality, 0, sizeof *locality);
    if (!server_is_local(target)) {
        locality->known = true;
        return;
    }
    locality->local = true;
    locality->known = find_process(&locality->pid, control) && read_process_cpus(locality);
}
