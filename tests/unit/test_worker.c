/* One worker as the fleet runs it, without a fleet: against the null transport. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/check/support.h"
#include "worker/worker.h"

Suite *test_worker_suite(void);

#define RING_BYTES (1ull << 21)

static struct spec spec;
static struct worker_run run;

static void set_up(void)
{
    struct err err = {.code = OK};
    struct workload *workload;
    struct workload_source source = {.test = workload_test_find("set")};
    size_t bytes = ipc_segment_bytes(1, RING_BYTES, 0);
    spec = (struct spec){.key_order = KEYS_RANDOM,
                         .keyspace = 1000,
                         .data_bytes = 3,
                         .interval_ns = 50 * NS_PER_MS,
                         .request_timeout_ns = NS_PER_SECOND,
                         .null_transport = true};
    ck_assert_int_eq(workload_create(&workload, &source, &spec, &err), OK);
    run = (struct worker_run){.spec = &spec,
                              .workload = workload,
                              .pipeline = 1,
                              .duration_ns = 2 * spec.interval_ns,
                              .null_transport = true,
                              .wake_fd = eventfd(0, EFD_NONBLOCK),
                              .orchestrator = getpid(),
                              .worker_count = 1};
    run.segment = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(run.segment, MAP_FAILED);
    ipc_segment_init(run.segment, 1, RING_BYTES);
    atomic_store(&ipc_control(run.segment)->measure_after_ns, 0);
}

START_TEST(test_replacement_ahead_of_the_start)
{
    /* Breaks when a worker that takes over between barrier and start counts its intervals from
     * before the start: their numbers were beyond all bounds. */
    struct err err = {.code = OK};
    struct interval_header header = {0};
    unsigned char *record = malloc(INTERVAL_RECORD_MAX_BYTES);
    uint32_t next = 0;
    atomic_store(&ipc_control(run.segment)->start_ns, clock_now_ns() + 200 * NS_PER_MS);
    pid_t pid = support_fork();
    if (pid == 0)
        _exit(worker_main(
            &run, &(struct worker_share){.cpu = -1, .connections = 2, .replacement = true}));
    int status = -1;
    ck_assert(support_reap(pid, 10000, &status));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    for (uint32_t bytes;
         (bytes = ring_peek(ipc_ring(run.segment, 0), record, INTERVAL_RECORD_MAX_BYTES)) > 0;) {
        ck_assert_int_eq(interval_decode_header(&header, record, bytes, &err), OK);
        ck_assert_uint_eq(header.first, next);
        next = header.last + 1;
        ring_pop(ipc_ring(run.segment, 0));
    }
    ck_assert_uint_gt(next, 0);
    ck_assert((header.flags & INTERVAL_LAST) != 0);
    free(record);
}
END_TEST

Suite *test_worker_suite(void)
{
    Suite *suite = suite_create("worker");
    TCase *tcase = tcase_create("null transport");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, test_replacement_ahead_of_the_start);
    suite_add_tcase(suite, tcase);
    return suite;
}
