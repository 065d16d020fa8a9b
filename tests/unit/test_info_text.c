#include <string.h>

#include "orchestrator/server/info_text.h"
#include "tests/support/check/suite.h"

static const struct {
    const char *info;
    int64_t replica, replicas, lag_seconds, lag_bytes; /* -1: not known */
} cases[] = {
    {"# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_repl_offset:0\r\n", 0, 0, 0, 0},
    /* the replica that is furthest behind, in each unit on its own */
    {"role:master\r\nconnected_slaves:3\r\n"
     "slave0:ip=10.0.0.2,port=6379,state=online,offset=900,lag=0\r\n"
     "slave1:ip=10.0.0.3,port=6379,state=online,offset=950,lag=7\r\n"
     "slave2:ip=::1,port=6379,state=wait_bgsave,offset=1000,lag=1,type=replica\r\n"
     "master_repl_offset:1000\r\n",
     0, 3, 7, 100},
    {"role:slave\r\nmaster_host:h\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:4\r\n"
     "slave_repl_offset:5\r\n",
     1, -1, 4, -1},
    {"role:slave\r\nmaster_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\n", 1, -1, -1, -1},
    {"role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:-1\r\n", 1, -1, -1, -1},
    /* no role, no knowledge */
    {"", -1, -1, -1, -1},
    {"connected_slaves:1\r\n", -1, -1, -1, -1},
    /* rubbish in numbers is no number */
    {"role:master\r\nslave0:ip=a,port=1,state=online,offset=12x,lag=-3\r\n"
     "master_repl_offset:99999999999999999999\r\n",
     0, 1, 0, 0},
    {"role:master\r\nslave0:ip=a,lag=\r\nslave1:\r\nslave3:ip=a,lag=9\r\n", 0, 2, 0, 0},
    {"role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:soon\r\n", 1, -1, -1, -1},
};

LOOP_TEST(replication_is_read, sizeof cases / sizeof cases[0])
{
    /* breaks if a lag is the wrong replica's, or what is unknown looks like no lag */
    struct note note = {.source = NOTE_SAMPLE};
    info_text_replication(&note, cases[_i].info);
    ck_assert_int_eq(note_get(&note, NOTE_REPLICA), cases[_i].replica);
    ck_assert_int_eq(note_get(&note, NOTE_REPLICAS), cases[_i].replicas);
    ck_assert_int_eq(note_get(&note, NOTE_LAG_SECONDS), cases[_i].lag_seconds);
    ck_assert_int_eq(note_get(&note, NOTE_LAG_BYTES), cases[_i].lag_bytes);
}

TEST(cpu_time_is_of_the_process)
{
    /* breaks if children or threads are counted twice, or half of the time is taken for all */
    double seconds = -5;
    ck_assert(info_text_cpu_seconds(
        &seconds, "# CPU\r\nused_cpu_sys:1.500000\r\nused_cpu_user:2.250000\r\n"
                  "used_cpu_sys_children:40.0\r\nused_cpu_user_children:50.0\r\n"
                  "used_cpu_sys_main_thread:1.4\r\nused_cpu_user_main_thread:2.2\r\n"));
    ck_assert_double_eq_tol(seconds, 3.75, 1e-9);
    static const char *const none[] = {"",
                                       "used_cpu_user:2\r\n",
                                       "used_cpu_sys:1\r\n",
                                       "used_cpu_sys:x\r\nused_cpu_user:1\r\n",
                                       "used_cpu_sys:1e99\r\nused_cpu_user:1\r\n",
                                       "used_cpu_sys:-1\r\nused_cpu_user:1\r\n",
                                       "used_cpu_sys:1 2\r\nused_cpu_user:1\r\n"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(!info_text_cpu_seconds(&seconds, none[i]), "%s", none[i]);
    ck_assert_double_eq_tol(seconds, 3.75, 1e-9);
}

TEST_SUITE(info_text)
