/* A worker's life from fork to last record, in simulated time. */

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/suite.h"
#include "worker/transport_null.h"

static struct simulated_run simulated;

static void replace_worker(uint64_t woken_late_ns)
{
    const struct scripted_server server = {.command = scripted_answer};
    simulated_run_init(&simulated);
    simulated.share.replacement = true;
    simulated.share.connections = 2;
    simulated.run.duration_ns = 500 * NS_PER_MS;
    simulated.woken_late_ns = woken_late_ns;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_gt(simulated_counter(&simulated, COUNTER_OK), 100);
}

TEST(test_replacement_ahead_of_the_start)
{
    /* Breaks when a worker that takes over between barrier and start counts its intervals from
     * before the start: their numbers were beyond all bounds. */
    replace_worker(0);
    ck_assert_uint_eq(simulated.first.first, 0);
    ck_assert_uint_eq(simulated.last.last, 4);
    simulated_run_free(&simulated);
}

TEST(test_replacement_under_way)
{
    /* Breaks when a worker that takes over later counts intervals that were those of the one before it. */
    replace_worker(260 * NS_PER_MS);
    ck_assert_uint_eq(simulated.first.first, 2);
    ck_assert_uint_eq(simulated.last.last, 4);
    simulated_run_free(&simulated);
}

TEST(test_null_connections_are_numbered_again)
{
    /* Breaks when the null transport gives each new connection a number of its own: the state of the third
     * one would lie behind that of the two that there can be. */
    struct spec spec = {.load.null_transport = true, .load.data_bytes = 3, .load.keyspace = 1};
    struct err err = {.code = OK};
    struct workload *workload = NULL;
    const struct workload_source source = {.test = workload_test_find("set")};
    ck_assert_msg(workload_create(&workload, &source, &spec, &err) == OK, "%s", err.text);
    ck_assert_int_eq(transport_null_init(workload, 2, &err), OK);
    struct wire wires[3] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
    int sys_errno = 0;
    ck_assert_int_eq(transport_null.connect(&wires[0], NULL, NULL, NULL, &sys_errno), IO_DONE);
    for (int i = 0; i < 100; i++) {
        struct wire *wire = &wires[1 + i % 2];
        ck_assert_int_eq(transport_null.connect(wire, NULL, NULL, NULL, &sys_errno), IO_DONE);
        ck_assert_int_ne(wire->fd, wires[0].fd);
        ck_assert(wire->fd == 0 || wire->fd == 1);
        if (i == 50) /* and no more than there can be */
            ck_assert_int_eq(
                transport_null.connect(&wires[1 + !(i % 2)], NULL, NULL, NULL, &sys_errno),
                IO_FAILED);
        transport_null.close(wire);
    }
    transport_null_destroy();
    workload_destroy(workload);
}

TEST_SUITE(worker)
