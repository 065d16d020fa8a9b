#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/clock.h"
#include "orchestrator/fleet/plan.h"
#include "tests/support/check/suite.h"

static struct plan plan;
static struct cpu_set_order order;
static struct spec spec;

/* count CPUs numbered from 0, the first `cores` of them on cores of their own. */
static void machine(uint32_t count, uint32_t cores, double quota_cpus)
{
    memset(&order, 0, sizeof order);
    for (uint32_t i = 0; i < count; i++)
        order.cpus[i] = i;
    order.count = count;
    order.physical_core_count = cores;
    order.quota_cpus = quota_cpus;
    snprintf(order.reason, sizeof order.reason, "the reason");
}

static void ask(uint64_t processes, uint64_t threads, uint64_t clients)
{
    memset(&spec, 0, sizeof spec);
    spec.workers.processes = processes;
    spec.workers.threads = threads;
    spec.load.clients = clients;
    spec.load.interval_ns = NS_PER_SECOND;
}

static void ask_cpus(const uint32_t *cpus, uint32_t count)
{
    spec.workers.cpus_choice = CPUS_LIST;
    spec.workers.cpus = cpus;
    spec.workers.cpu_count = count;
}

static void build(enum server_place place)
{
    struct err err = {.code = OK};
    ck_assert_msg(plan_build(&plan, &spec, &order, place, NULL, &err) == OK, "%s", err.text);
    uint64_t connections = 0;
    for (uint32_t i = 0; i < plan.worker_count; i++)
        connections += plan.workers[i].connections;
    ck_assert_uint_eq(connections, spec.load.clients);
    ck_assert_uint_gt(plan.note_count, 0);
}

static void refused(enum server_place place, const char *text_part)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(plan_build(&plan, &spec, &order, place, NULL, &err), E_USAGE);
    ck_assert_msg(strstr(err.text, text_part) != NULL, "'%s' is not in: %s", text_part, err.text);
    ck_assert_int_eq(plan_build(&plan, &spec, &order, place, NULL, NULL), E_USAGE);
}

/* "1 2 3": where the workers are. */
static const char *places(void)
{
    static char text[1024];
    size_t filled = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < plan.worker_count && filled < sizeof text; i++)
        filled += (size_t)snprintf(text + filled, sizeof text - filled, "%s%d", i > 0 ? " " : "",
                                   plan.workers[i].cpu);
    return text;
}

static bool noted(const char *part)
{
    for (uint32_t i = 0; i < plan.note_count; i++)
        if (strstr(plan.notes[i], part) != NULL)
            return true;
    return false;
}

TEST(auto_takes_every_usable_cpu)
{
    /* CPUs left idle, SMT siblings included, when the server is elsewhere. */
    machine(4, 2, 0);
    ask(0, 1, 50);
    build(SERVER_REMOTE);
    ck_assert_str_eq(places(), "0 1 2 3");
    ck_assert_int_eq(plan.server_cpu, -1);
    ck_assert(noted("4 workers: one for each usable CPU (the reason)."));
    ck_assert(noted("2 of these CPUs share a physical core"));
}

TEST(managed_server_has_a_cpu_of_its_own)
{
    /* The server and a worker on one CPU while there is another: the figures are about that. */
    machine(2, 2, 0);
    ask(0, 1, 50);
    build(SERVER_MANAGED);
    ck_assert_int_eq(plan.server_cpu, 0);
    ck_assert_str_eq(places(), "1");
    ck_assert(noted("pinned to CPU 0, away from the workers"));
    machine(4, 4, 0);
    build(SERVER_MANAGED);
    ck_assert_str_eq(places(), "1 2 3");
    ask(5, 1, 50);
    build(SERVER_MANAGED);
    ck_assert_str_eq(places(), "1 2 3 1 2");
    ck_assert(noted("5 workers share 3 CPUs"));
}

TEST(one_cpu_is_shared_and_said)
{
    /* No worker at all, or no word about it, on a machine with a single CPU. */
    machine(1, 1, 0);
    ask(0, 1, 50);
    build(SERVER_MANAGED);
    ck_assert_int_eq(plan.server_cpu, 0);
    ck_assert_str_eq(places(), "0");
    ck_assert(noted("shares CPU 0 with the workers"));
    build(SERVER_LOCAL);
    ck_assert_uint_eq(plan.worker_count, 1);
}

TEST(local_server_is_left_one_cpu)
{
    /* Workers on every CPU of the machine that the server needs too. */
    machine(4, 4, 0);
    ask(0, 1, 50);
    build(SERVER_LOCAL);
    ck_assert_str_eq(places(), "0 1 2");
    ck_assert_int_eq(plan.server_cpu, -1);
    ck_assert(noted("less one for the server on this machine"));
}

/* A local server that may run on these CPUs. */
static void build_beside(const uint32_t *cpus, uint32_t count)
{
    const struct server_cpus server = {.cpus = cpus, .count = count};
    struct err err = {.code = OK};
    ck_assert_msg(plan_build(&plan, &spec, &order, SERVER_LOCAL, &server, &err) == OK, "%s",
                  err.text);
}

TEST(beside_a_pinned_server)
{
    /* Workers on the CPU that a local server is pinned to while others are idle. */
    static const uint32_t first[] = {0}, two[] = {0, 2}, all[] = {0, 1, 2, 3}, other[] = {9},
                          listed[] = {0, 1};
    machine(2, 2, 0);
    ask(0, 1, 50);
    build_beside(first, 1);
    ck_assert_str_eq(places(), "1");
    ck_assert(noted("less 1 of the server on this machine"));
    ck_assert(noted("may run on CPU 0: the workers keep away"));
    machine(4, 4, 0);
    build_beside(two, 2);
    ck_assert_str_eq(places(), "1 3");
    build_beside(all, 4); /* not pinned: one is left to it, as before it was known */
    ck_assert_str_eq(places(), "0 1 2");
    ck_assert(noted("may run on all CPUs"));
    build_beside(other, 1); /* it takes none of ours */
    ck_assert_str_eq(places(), "0 1 2 3");
    build_beside(NULL, 0);
    ck_assert_str_eq(places(), "0 1 2");
    ck_assert(noted("is taken to run on any CPU"));
    machine(4, 4, 2.0);
    build_beside(first, 1); /* the quota allows two, and there are three */
    ck_assert_str_eq(places(), "1 2");
    machine(1, 1, 0);
    build_beside(first, 1);
    ck_assert_str_eq(places(), "0");
    machine(4, 4, 0);
    ask(5, 1, 50);
    build_beside(first, 1);
    ck_assert_str_eq(places(), "1 2 3 1 2");
    ask(0, 1, 50);
    ask_cpus(listed, 2);
    build_beside(first, 1); /* the user's choice */
    ck_assert_str_eq(places(), "0 1");
}

TEST(io_threads_get_cpus)
{
    /* A server with four threads on one CPU, or no worker because it took all of them. */
    static const uint32_t listed[] = {0, 1};
    static const struct {
        uint32_t cpus;
        uint64_t threads;
        uint32_t server;
        const char *places;
    } rows[] = {
        {8, 4, 4, "4 5 6 7"}, {4, 4, 3, "3"}, {2, 4, 1, "1"}, {1, 4, 1, "0"}, {4, 1, 1, "1 2 3"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        machine(rows[i].cpus, rows[i].cpus, 0);
        ask(0, 1, 50);
        spec.managed.io_threads = rows[i].threads;
        build(SERVER_MANAGED);
        ck_assert_uint_eq(plan.server_cpu_count, rows[i].server);
        ck_assert_int_eq(plan.server_cpu, 0);
        ck_assert_msg(strcmp(places(), rows[i].places) == 0, "row %zu: %s", i, places());
    }
    machine(4, 4, 0);
    ask(0, 1, 50);
    spec.managed.io_threads = 3;
    ask_cpus(listed, 2);
    build(SERVER_MANAGED);
    ck_assert_uint_eq(plan.server_cpu_count, 2);
    ck_assert_uint_eq(plan.server_cpus[1], 3);
    ck_assert(noted("--io-threads 3: 2 CPUs are left for the server"));
}

TEST(quota_is_rounded_up)
{
    /* More workers than the cgroup gives CPU time to, or none for half a CPU. */
    static const struct {
        double quota_cpus;
        enum server_place place;
        const char *places;
        int server_cpu;
    } rows[] = {{0.5, SERVER_REMOTE, "0", -1},      {1.5, SERVER_REMOTE, "0 1", -1},
                {2.0, SERVER_REMOTE, "0 1", -1},    {2.0, SERVER_MANAGED, "1", 0},
                {0.5, SERVER_MANAGED, "1", 0},      {3.0, SERVER_LOCAL, "0 1", -1},
                {8.0, SERVER_REMOTE, "0 1 2 3", -1}};
    ask(0, 1, 50);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        machine(4, 4, rows[i].quota_cpus);
        build(rows[i].place);
        ck_assert_msg(strcmp(places(), rows[i].places) == 0, "row %zu: %s", i, places());
        ck_assert_int_eq(plan.server_cpu, rows[i].server_cpu);
    }
}

TEST(never_more_workers_than_connections)
{
    /* A worker without a connection. */
    machine(8, 8, 0);
    ask(0, 1, 3);
    build(SERVER_REMOTE);
    ck_assert_uint_eq(plan.worker_count, 3);
    ck_assert_str_eq(plan.notes[0], "3 workers: there are no more connections; one for each usable "
                                    "CPU (the reason) would be 8.");
    ask(0, 1, 1);
    build(SERVER_REMOTE);
    ck_assert(noted("1 worker: there are no more connections; "));
    ck_assert(noted("Pinned to CPU 0."));
    ck_assert(noted("1 connection in one worker."));
    ask(4, 1, 3);
    refused(SERVER_REMOTE, "3 connections cannot be shared by 4 workers");
    ask(0, 1, 0);
    refused(SERVER_REMOTE, "at least one connection");
}

TEST(threads_multiply_processes)
{
    /* --threads ignored, or multiplied into more workers than volley can have. */
    machine(2, 2, 0);
    ask(3, 2, 50);
    build(SERVER_REMOTE);
    ck_assert_str_eq(places(), "0 1 0 1 0 1");
    ck_assert(noted("--processes 3 times --threads 2"));
    ask(0, 4, 50);
    build(SERVER_REMOTE);
    ck_assert_uint_eq(plan.worker_count, 4);
    ask(0, 4, 3);
    build(SERVER_REMOTE);
    ck_assert_uint_eq(plan.worker_count, 3);
    ask(IPC_WORKERS_MAX, 2, 1000000);
    refused(SERVER_REMOTE, "at most 1024 workers");
    ask(UINT64_MAX, 2, 1000000);
    refused(SERVER_REMOTE, "at most 1024 workers");
    ask(2, UINT64_MAX, 1000000);
    refused(SERVER_REMOTE, "at most 1024 workers");
    ask(0, UINT64_MAX, 1000000);
    build(SERVER_REMOTE);
    ck_assert_uint_eq(plan.worker_count, IPC_WORKERS_MAX);
}

TEST(listed_cpus_in_their_order)
{
    /* The order of --cpus changed, or its count not taken for the number of workers. */
    static const uint32_t list[] = {5, 1, 3};
    machine(8, 8, 0);
    ask(0, 1, 50);
    ask_cpus(list, 3);
    build(SERVER_REMOTE);
    ck_assert_str_eq(places(), "5 1 3");
    build(SERVER_LOCAL);
    ck_assert_str_eq(places(), "5 1 3");
    build(SERVER_MANAGED);
    ck_assert_str_eq(places(), "5 1 3");
    ck_assert_int_eq(plan.server_cpu, 0);
    spec.workers.processes = 4;
    build(SERVER_REMOTE);
    ck_assert_str_eq(places(), "5 1 3 5");
}

TEST(list_that_takes_every_cpu)
{
    /* The managed server silently put beside a worker although the user placed the workers. */
    static const uint32_t list[] = {0, 1};
    machine(2, 2, 0);
    ask(0, 1, 50);
    ask_cpus(list, 2);
    build(SERVER_MANAGED);
    ck_assert_int_eq(plan.server_cpu, -1);
    ck_assert(noted("--cpus leaves no CPU free for it"));
}

TEST(cpus_that_cannot_be_used)
{
    /* A CPU that does not exist found out by the kernel, one worker after the other. */
    static const uint32_t list[] = {0, 7};
    machine(4, 4, 0);
    ask(0, 1, 50);
    ask_cpus(list, 2);
    refused(SERVER_REMOTE, "CPU 7 does not exist or is not allowed here; allowed: 0-3");
    ask_cpus(list, 0);
    refused(SERVER_REMOTE, "names no CPU");
}

TEST(none_pins_nothing)
{
    /* --cpus none pins the server, or the workers, all the same. */
    machine(4, 4, 0);
    ask(0, 1, 50);
    spec.workers.cpus_choice = CPUS_NONE;
    build(SERVER_MANAGED);
    ck_assert_str_eq(places(), "-1 -1 -1");
    ck_assert_int_eq(plan.server_cpu, -1);
    ck_assert(noted("not pinned"));
}

TEST(connections_are_split_evenly)
{
    /* One worker with all of the remainder, or with none. */
    machine(4, 4, 0);
    ask(0, 1, 10);
    build(SERVER_REMOTE);
    ck_assert_uint_eq(plan.workers[0].connections, 3);
    ck_assert_uint_eq(plan.workers[1].connections, 3);
    ck_assert_uint_eq(plan.workers[2].connections, 2);
    ck_assert_uint_eq(plan.workers[3].connections, 2);
    ck_assert(noted("10 connections: 3 in each of the first 2 workers, 2 in each other."));
}

TEST(rings_hold_the_largest_record)
{
    /* A ring that can never take a record is full for ever; a thousand rings take all memory. */
    static const uint64_t intervals_ns[] = {10 * NS_PER_MS, 100 * NS_PER_MS, NS_PER_SECOND,
                                            10 * NS_PER_SECOND};
    static const uint32_t counts[] = {1, 8, 1024};
    for (size_t i = 0; i < sizeof intervals_ns / sizeof intervals_ns[0]; i++)
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
            machine(1, 1, 0);
            ask(counts[k], 1, 1024);
            spec.load.interval_ns = intervals_ns[i];
            build(SERVER_REMOTE);
            uint64_t capacity = plan.ring_capacity_bytes;
            ck_assert_uint_eq(capacity & (capacity - 1), 0);
            ck_assert_uint_ge(capacity, 2 * INTERVAL_CLASSES_MAX_BYTES(1));
            ck_assert_uint_le(capacity, 64u << 20);
            if (counts[k] == 1024)
                ck_assert_uint_le(capacity, 8u << 20);
        }
}

TEST(open_files_are_raised_to_the_need)
{
    /* A run that fails in the middle of connecting although the soft limit could be raised. */
    struct rlimit limit;
    struct err err = {.code = OK};
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_ge(limit.rlim_max, 600);
    limit.rlim_cur = 100;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    machine(2, 2, 0);
    ask(2, 1, 1000);
    build(SERVER_REMOTE);
    ck_assert_msg(plan_raise_fd_limit(&plan, &err) == OK, "%s", err.text);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, 532);
    ask(2, 1, 10);
    build(SERVER_REMOTE);
    ck_assert_msg(plan_raise_fd_limit(&plan, &err) == OK, "%s", err.text);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, 532);
}

TEST(open_files_above_the_hard_limit)
{
    /* "Too many open files" from a worker instead of a word before anything connects. */
    struct rlimit limit = {.rlim_cur = 200, .rlim_max = 300};
    struct err err = {.code = OK};
    machine(1, 1, 0);
    ask(1, 1, 1000);
    build(SERVER_REMOTE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(plan_raise_fd_limit(&plan, &err), E_USAGE);
    ck_assert(strstr(err.text, "need 1,032 open files, and the hard limit is 300") != NULL);
    ck_assert(strstr(err.text, "ulimit -n 1032") != NULL);
    ck_assert(strstr(err.text, "LimitNOFILE=1032") != NULL);
}

TEST(a_client_ramp_starts_in_every_worker)
{
    /* breaks if a worker has nothing to send with until the ramp comes to it */
    machine(8, 8, 0);
    ask(0, 1, 100);
    spec.load.client_ramp = (struct client_ramp){
        .start_clients = 3, .end_clients = 100, .per_step = 1, .interval_ns = NS_PER_SECOND};
    build(SERVER_REMOTE);
    ck_assert_uint_eq(plan.worker_count, 3);
    ck_assert_ptr_nonnull(plan.reduction);
    ck_assert_ptr_nonnull(
        strstr(plan.reduction, "the client ramp starts with no more connections"));
    ck_assert_ptr_nonnull(
        strstr(plan.notes[plan.note_count - 1], "3 of them are open at the start"));
    spec.workers.processes = 4;
    refused(SERVER_REMOTE, "3 connections cannot be shared by 4 workers");
    refused(SERVER_REMOTE, "raise --clients-ramp-start");
    spec.workers.processes = 3;
    build(SERVER_REMOTE);
    ck_assert_uint_eq(plan.worker_count, 3);
    spec.workers.processes = 0;
    spec.connections.worker_min = 5; /* a cluster of so many nodes */
    refused(SERVER_REMOTE, "--clients-ramp-start 3: at least 5 connections are needed");
}

TEST_SUITE(plan)
