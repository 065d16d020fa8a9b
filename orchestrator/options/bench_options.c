#include "orchestrator/options/bench_options.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/ipc.h"
#include "common/secret.h"
#include "orchestrator/options/bench_parsers.h"
#include "orchestrator/options/bench_relations.h"
#include "orchestrator/options/dialect.h"
#include "orchestrator/options/managed_kind.h"
#include "orchestrator/options/option_row.h"
#include "orchestrator/options/rate_parsers.h"

#define AT(member) offsetof(struct bench_request, member)
#define KEYS_MAX 1000000000000ull /* keys have twelve digits */
#define HOUR_NS (3600 * NS_PER_SECOND)
#define LONGEST_NS (1000 * HOUR_NS)

/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("host", "Hh", OPTION_TEXT, "HOST", AT(spec.endpoint.host)), .unset = "127.0.0.1",
     .section = "Target", .told = true,
     .help =
         "Name or address of the server; several, separated by commas and each with :PORT where "
         "it is another one, share the connections or are seeds of one cluster."},
    {ROW("port", "p", OPTION_COUNT, "PORT", AT(spec.endpoint.port)), NUMBER(1, 65535),
     .unset = "6379", .section = "Target", .told = true, .help = "TCP port of the server."},
    {ROW("socket", "s", OPTION_TEXT, "PATH", AT(spec.endpoint.socket_path)), .section = "Target",
     .told = true, .help = "Unix socket of the server, in place of host and port."},
    {ROW("uri", "u", OPTION_CUSTOM, "URI", AT(uri_text)), .parse = bench_parse_uri, .secret = true,
     .section = "Target", .told = true,
     .help = "Address in one word: redis://[[user:]password@]host[:port][/database], "
             "valkey:// the same; rediss:// and valkeys:// with TLS."},
    {ROW("password", "a", OPTION_TEXT, "PASSWORD", AT(spec.endpoint.password)), .aliases = "pass",
     .secret = true, .section = "Target", .told = true,
     .help = "Password for AUTH. Other users of the machine may see it for a moment in the process "
             "list: the environment variable VOLLEY_AUTH, --askpass and --password-fd keep it out "
             "of there."},
    {ROW("askpass", NULL, OPTION_FLAG, NULL, AT(ask_password)), .section = "Target", .told = true,
     .help = "Ask for the password on the terminal, without echo."},
    {ROW("password-fd", NULL, OPTION_COUNT, "N", AT(password_fd)), NUMBER(0, INT32_MAX),
     .needs_trust = true, .section = "Target", .told = true,
     .help = "Read the password from this file descriptor, up to the first newline."},
    {ROW("user", NULL, OPTION_TEXT, "NAME", AT(spec.endpoint.user)), .section = "Target",
     .help = "User for AUTH; needs a password."},
    {ROW("dbnum", NULL, OPTION_COUNT, "N", AT(spec.endpoint.database)), NUMBER(0, INT32_MAX),
     .unset = "0", .aliases = "db", .section = "Target",
     .help = "Number of the database to SELECT."},
    {ROW("resp3", "3", OPTION_FLAG, NULL, AT(spec.endpoint.resp3)), .section = "Target",
     .help = "Speak RESP3: connections begin with HELLO 3. A server that does not know HELLO is "
             "spoken to in RESP2, with a warning."},
    {ROW("client-name", NULL, OPTION_TEXT, "NAME", AT(spec.endpoint.client_name)),
     .section = "Target",
     .help = "Name of all connections, as CLIENT SETNAME sets it and CLIENT LIST shows it."},
    {ROW("enable-tracking", NULL, OPTION_FLAG, NULL, AT(spec.endpoint.tracking)),
     .section = "Target",
     .help = "Send CLIENT TRACKING ON on each connection, and count the invalidation messages; "
             "speaks RESP3."},
    {ROW("managed", NULL, OPTION_CUSTOM, "[KIND]", 0), .parse = managed_kind_parse,
     .takes_next = managed_kind_is, .value_at = managed_kind_at, .needs_trust = true,
     .section = "Target",
     .help = "Start a private server (valkey-server or redis-server) without persistence on a "
             "free port, and stop it afterwards. KIND: replicas=N, that server with N replicas; "
             "cluster=P or cluster=P+R, a cluster of P primaries and R replicas; tls, with "
             "certificates made for the run; cluster=3+3,tls, both."},
    {ROW("managed-program", NULL, OPTION_TEXT, "PATH", AT(spec.managed.program)),
     .needs_trust = true, .section = "Target",
     .help = "The program of the managed servers, in place of the one that is found in PATH; "
             "whatever its name, it is asked with --version whether it is a server."},
    {ROW("managed-args", NULL, OPTION_TEXT, "ARGS", AT(managed_args_text)), .needs_trust = true,
     .section = "Target",
     .help = "Further arguments of the managed servers, as '--maxmemory 1gb --appendonly yes': in "
             "one word, cut at blanks, with quotes as in a shell and nothing expanded. They win "
             "over volley's own; ports, addresses, directories and what else volley has to know "
             "are refused. The servers have a random password that only volley knows; "
             "'--requirepass x' gives another one, which is no secret, '--requirepass \"\"' "
             "none."},
    {ROW("io-threads", NULL, OPTION_COUNT, "N", AT(spec.managed.io_threads)), NUMBER(1, 128),
     .section = "Target",
     .help = "Threads with which each managed server reads and writes, its main thread among "
             "them; as many CPUs are set aside for the servers, as far as there are."},
    {ROW("chaos", NULL, OPTION_TEXT, "FILE", AT(spec.managed.chaos_path)), .section = "Target",
     .help = "What to do to a managed target while it is measured, from a file, JSON or YAML: a "
             "list of actions such as \"at 10s: kill node 2\", pause, failover, restart, bgsave, "
             "client-kill, reshard, add-node and remove-node. Makes 100ms the default of "
             "--interval."},
    {ROW("cluster", NULL, OPTION_FLAG, NULL, AT(spec.endpoint.cluster)), .section = "Target",
     .help = "The server is a node of a cluster: find all nodes and send each key to its own."},
    {ROW("read-from-replica", NULL, OPTION_CUSTOM, "[WHERE]", 0), .parse = bench_parse_rfr,
     .takes_next = bench_rfr_takes_next, .value_at = bench_rfr_at, .closed = true, .unset = "no",
     .aliases = "rfr", .section = "Target",
     .help =
         "Where requests that only read go: no, to primaries; yes or nothing, to replicas; all, "
         "to both; a command right behind it needs -- before it. Without --cluster and --sentinel "
         "the replicas are found by ROLE."},
    {ROW("sentinel", NULL, OPTION_TEXT, "LIST", AT(spec.endpoint.sentinels)), .section = "Target",
     .help = "Sentinels, HOST:PORT separated by commas, that say where the primary is and where it "
             "has gone after a failover, in place of host and port; needs --master."},
    {ROW("master", NULL, OPTION_TEXT, "NAME", AT(spec.endpoint.master_name)), .section = "Target",
     .help = "The name under which the sentinels watch the primary."},
    {ROW("redirect-hosts", NULL, OPTION_TEXT, "LIST", AT(spec.endpoint.redirect_hosts)),
     .repeats = true, .section = "Target",
     .help = "Where a cluster's table, ROLE and sentinels may lead: addresses, networks as "
             "10.0.0.0/16, names, and same for the networks of the hosts given, separated by "
             "commas. Other nodes are refused. Without it all are followed, and a warning names "
             "hosts elsewhere that a password goes to without TLS."},
    {ROW("wait-ready", NULL, OPTION_DURATION, "TIME", AT(spec.endpoint.wait_ready_ns)),
     BARE(NS_PER_SECOND, 0, 24 * HOUR_NS), .unset = "60s", .section = "Target",
     .help =
         "How long to wait for a server that is loading its data, for replicas that are being "
         "filled and, with -n, for a server that has gone away (a third of that for a part of a "
         "cluster); a bare number is seconds, 0 does not wait."},

    {ROW("tls", NULL, OPTION_FLAG, NULL, AT(spec.endpoint.tls.wanted)), .section = "TLS",
     .told = true,
     .help = "Speak TLS (1.2 or 1.3) with the server, and check its certificate; a URI of "
             "rediss:// or valkeys:// asks for it, too."},
    {ROW("cacert", NULL, OPTION_TEXT, "FILE", AT(spec.endpoint.tls.cacert)), .section = "TLS",
     .help = "Certificates of the authorities to trust, in PEM; without --cacert and --cacertdir "
             "those that the system trusts."},
    {ROW("cacertdir", NULL, OPTION_TEXT, "DIR", AT(spec.endpoint.tls.cacertdir)), .section = "TLS",
     .help = "A directory of such certificates, each under its hash, as openssl rehash names "
             "them."},
    {ROW("cert", NULL, OPTION_TEXT, "FILE", AT(spec.endpoint.tls.cert)), .section = "TLS",
     .help = "A client certificate to show, in PEM, with those between it and its authority "
             "behind it; needs --key."},
    {ROW("key", NULL, OPTION_TEXT, "FILE", AT(spec.endpoint.tls.key)), .section = "TLS",
     .help = "The private key of --cert, in PEM, not encrypted."},
    {ROW("sni", NULL, OPTION_TEXT, "NAME", AT(spec.endpoint.tls.sni)), .section = "TLS",
     .help = "The host name to ask for, and that the certificate must hold, in place of that of "
             "the server's address."},
    {ROW("insecure", NULL, OPTION_FLAG, NULL, AT(spec.endpoint.tls.insecure)), .section = "TLS",
     .help = "Take any certificate."},
    {ROW("tls-ciphers", NULL, OPTION_TEXT, "LIST", AT(spec.endpoint.tls.ciphers)), .section = "TLS",
     .help = "Ciphers up to TLS 1.2, as openssl ciphers names them."},
    {ROW("tls-ciphersuites", NULL, OPTION_TEXT, "LIST", AT(spec.endpoint.tls.ciphersuites)),
     .section = "TLS",
     .help = "Ciphers of TLS 1.3, as TLS_AES_128_GCM_SHA256, separated by colons."},
    {ROW("tls-resume", NULL, OPTION_FLAG, NULL, AT(spec.endpoint.tls.resume)), .section = "TLS",
     .help = "Begin new connections with the session of an earlier one, which shortens the "
             "handshake."},
    {ROW("ktls", NULL, OPTION_FLAG, NULL, AT(spec.endpoint.tls.kernel)), .section = "TLS",
     .help = "Let the kernel encrypt and decrypt, where it can; the report says whether it did."},

    {ROW("type", "t", OPTION_CUSTOM, "LIST", AT(spec.load.tests)), .parse = bench_parse_tests,
     .value_at = bench_test_at, .unset = "set", .aliases = "tests", .section = "Load", .told = true,
     .help =
         "Tests to run one after the other, separated by commas; case does not matter. A command "
         "behind the options takes their place."},
    {ROW("clients", "c", OPTION_COUNT, "N", AT(spec.load.clients)), NUMBER(1, 1000000),
     .unset = "50", .section = "Load", .told = true, .help = "Connections, over all workers."},
    {ROW("clients-per-process", NULL, OPTION_COUNT, "N", AT(ramp.per_worker)), NUMBER(1, 1000000),
     .section = "Load", .told = true,
     .help = "Connections of each worker, in place of a number over all; needs --processes."},
    {ROW("clients-ramp-start", NULL, OPTION_COUNT, "N", AT(ramp.start)), NUMBER(1, 1000000),
     .section = "Load", .told = true,
     .help = "Connections, over all workers, that are open at the start of a client ramp, in place "
             "of --clients."},
    {ROW("clients-ramp-end", NULL, OPTION_COUNT, "N", AT(ramp.end)), NUMBER(1, 1000000),
     .section = "Load", .told = true, .help = "Connections at the end of a client ramp."},
    {ROW("clients-per-ramp", NULL, OPTION_COUNT, "N", AT(ramp.per_step)), NUMBER(1, 1000000),
     .section = "Load", .help = "How many more a linear client ramp opens every interval."},
    {ROW("client-ramp-interval", NULL, OPTION_DURATION, "TIME", AT(ramp.interval_ns)),
     BARE(NS_PER_SECOND, NS_PER_MS, HOUR_NS), .section = "Load",
     .help = "How often a client ramp opens more; a bare number is seconds."},
    {ROW("client-ramp-mode", NULL, OPTION_WORD, "MODE", AT(ramp.mode)),
     .value_at = rate_client_mode_at, .unset = "linear", .section = "Load",
     .help = "linear: start, end, per-ramp and interval. exponential: start, end, interval and "
             "factor."},
    {ROW("client-ramp-factor", NULL, OPTION_CUSTOM, "F", 0), .parse = rate_parse_client_factor,
     .section = "Load",
     .help = "By what an exponential client ramp multiplies the connections every interval; above "
             "1."},
    {ROW("requests", "n", OPTION_COUNT, "N", AT(spec.load.requests)), NUMBER(1, IPC_REQUESTS_MAX),
     .unset = "100000", .section = "Load", .told = true,
     .help = "Requests of each test; errors count. Without meaning when a duration is given."},
    {ROW("test-duration", NULL, OPTION_DURATION, "TIME", AT(spec.load.duration_ns)),
     BARE(NS_PER_SECOND, NS_PER_MS, LONGEST_NS), .aliases = "duration", .section = "Load",
     .told = true,
     .help = "Measure each test for so long in place of a number of requests; a bare number is "
             "seconds."},
    {ROW("warmup", NULL, OPTION_DURATION, "TIME", AT(spec.load.warmup_ns)),
     BARE(NS_PER_SECOND, 0, LONGEST_NS), .unset = "0", .section = "Load", .told = true,
     .help = "Load before the measuring begins, rounded up to whole intervals; a bare number is "
             "seconds."},
    {ROW("steady", NULL, OPTION_CUSTOM, "auto", 0), .parse = rate_parse_steady,
     .value_at = rate_steady_at, .section = "Load", .told = true,
     .help = "auto ends the warm-up by itself, when rate and latency have settled; in place of "
             "--warmup, and with --test-duration only."},
    {ROW("steady-limit", NULL, OPTION_DURATION, "TIME", AT(spec.load.steady_limit_ns)),
     BARE(NS_PER_SECOND, NS_PER_MS, LONGEST_NS), .unset = "60s", .section = "Load", .told = true,
     .help = "Measure after so long in any case, and say that it has not settled; needs --steady. "
             "A bare number is seconds."},
    {ROW("pipeline", "P", OPTION_COUNT, "N", AT(spec.load.pipeline)), NUMBER(1, 100000),
     .unset = "1", .section = "Load", .told = true,
     .help = "Requests in flight on each connection."},
    {ROW("datasize", "d", OPTION_SIZE, "SIZE", AT(spec.load.data_bytes)), NUMBER(1, 1ull << 30),
     .unset = "3", .section = "Load", .told = true,
     .help = "Bytes of a value; takes b, kb, mb and gb."},
    {ROW("num-functions", NULL, OPTION_COUNT, "N", AT(spec.load.function_count)), NUMBER(1, 10000),
     .unset = "10", .section = "Load",
     .help = "Functions of the library that the test function_load loads."},
    {ROW("num-keys-in-fcall", NULL, OPTION_COUNT, "N", AT(spec.load.function_keys)),
     NUMBER(0, 10000), .unset = "1", .section = "Load",
     .help = "Keys of each call of the test fcall."},
    {ROW("loop", "l", OPTION_FLAG, NULL, AT(spec.load.loop)), .section = "Load",
     .help = "Repeat the tests until Ctrl+C, or until a run fails."},
    {ROW("stdin-last-argument", "x", OPTION_FLAG, NULL, AT(spec.load.last_argument_from_stdin)),
     .needs_trust = true, .section = "Load",
     .help = "Read the last argument of the command from standard input; it is sent as it is."},
    {ROW("null", NULL, OPTION_FLAG, NULL, AT(spec.load.null_transport)), .section = "Load",
     .told = true,
     .help = "Use no server: every request is answered inside the worker. What is measured is "
             "volley itself."},

    {ROW("keepalive", "k", OPTION_CUSTOM, "0|1", 0), .parse = bench_parse_keepalive, .unset = "1",
     .section = "Connections",
     .help = "1 keeps connections open over the whole run; 0 opens a new one for each request, or "
             "with --pipeline N for each N requests."},
    {ROW("reconnect-every", NULL, OPTION_COUNT, "N", AT(spec.connections.reconnect_every)),
     NUMBER(0, UINT32_MAX), .unset = "0", .section = "Connections",
     .help = "Open a connection anew after so many requests; 0 never does."},
    {ROW("reset-on-close", NULL, OPTION_FLAG, NULL, AT(spec.connections.reset_on_close)),
     .section = "Connections",
     .help = "End connections with a reset, so that their local ports are free again at once."},
    {ROW("source-address", NULL, OPTION_TEXT, "LIST", AT(spec.connections.source_addresses)),
     .repeats = true, .section = "Connections",
     .help = "Addresses of this machine to connect from, in turn, separated by commas; at most "
             "256. Each has local ports of its own."},
    {ROW("max-reconnects", NULL, OPTION_COUNT, "N", AT(spec.connections.max_reconnects)),
     NUMBER(0, UINT32_MAX), .unset = "0", .section = "Connections",
     .help =
         "Give a broken connection up after so many failed attempts in a row; 0 tries for ever, "
         "10 ms to 1 s apart."},
    {ROW("idle", "I", OPTION_COUNT, "N", AT(spec.connections.idle)), NUMBER(0, 1000000),
     .unset = "0", .section = "Connections",
     .help = "Keep so many more connections open, over all workers, that carry nothing."},

    {ROW("qps", NULL, OPTION_RATE, "N", AT(rate.qps_micro)), .aliases = "rps", .section = "Rate",
     .told = true,
     .help = "Send so many requests per second over all workers, whatever the server does (open "
             "loop); fractions and k, m are allowed, at most 100 million, 0 is no limit. Without "
             "a rate the loop is closed: the next request waits for the last reply."},
    {ROW("start-qps", NULL, OPTION_RATE, "N", AT(rate.start_micro)), .section = "Rate",
     .told = true,
     .help = "The rate that a ramp begins with, from the start of measuring on; alone, a constant "
             "rate."},
    {ROW("end-qps", NULL, OPTION_RATE, "N", AT(rate.end_micro)), .section = "Rate", .told = true,
     .help = "The rate that a ramp ends with, and that is held from then on."},
    {ROW("qps-change-interval", NULL, OPTION_DURATION, "TIME", AT(rate.interval_ns)),
     BARE(NS_PER_SECOND, NS_PER_MS, LONGEST_NS), .section = "Rate", .told = true,
     .help = "How often a ramp changes the rate; a bare number is seconds."},
    {ROW("qps-change", NULL, OPTION_CUSTOM, "N", 0), .parse = rate_parse_change, .section = "Rate",
     .told = true,
     .help = "By how much a linear ramp changes the rate every interval; without a sign it leads "
             "from start to end."},
    {ROW("qps-ramp-mode", NULL, OPTION_WORD, "MODE", AT(rate.mode)), .value_at = rate_mode_at,
     .unset = "linear", .section = "Rate", .told = true,
     .help = "linear: start, end, interval and change. exponential: start, end, interval and "
             "factor. smooth: the rate moves all the time, by --qps-change or --qps-ramp-factor "
             "every interval, or linear over --test-duration."},
    {ROW("qps-ramp-factor", NULL, OPTION_CUSTOM, "F", 0), .parse = rate_parse_qps_factor,
     .section = "Rate", .told = true,
     .help = "By what an exponential ramp multiplies the rate every interval: above 1 to rise, "
             "below 1 to fall."},
    {ROW("rate-plan", NULL, OPTION_TEXT, "FILE", AT(rate.plan_path)), .section = "Rate",
     .told = true,
     .help = "Rates over time from a file, JSON or YAML: a list of {for: TIME, rate: N}, {for: "
             "TIME, from: N, to: N, mode: linear or exponential} and {repeat: N, plan: [...]}; a "
             "rate of 0 is a pause. Without -n and --test-duration its length is the test's."},
    {ROW("arrival", NULL, OPTION_WORD, "KIND", AT(spec.rate.arrival)), .value_at = rate_arrival_at,
     .unset = "even", .section = "Rate", .told = true,
     .help = "even: the same gap between all requests. poisson: exponential gaps of that mean, as "
             "independent users make them, one stream for each worker."},
    {ROW("pacing", NULL, OPTION_WORD, "HOW", AT(spec.rate.pacing)), .value_at = rate_pacing_at,
     .unset = "auto", .section = "Rate",
     .help = "How a worker waits for the next request: sleep; spin, which keeps a CPU for each "
             "worker busy; or auto, which spins the last stretch when the worker has a CPU of its "
             "own."},
    {ROW("shed-after", NULL, OPTION_DURATION, "TIME", AT(spec.rate.shed_after_ns)),
     BARE(NS_PER_MS, NS_PER_US, HOUR_NS), .section = "Rate", .told = true,
     .help = "Drop and count requests that could not be sent for so long after their time; a bare "
             "number is milliseconds. Without it nothing is dropped: what is late piles up."},
    {ROW("control", NULL, OPTION_TEXT, "PATH", AT(spec.rate.control_path)), .needs_trust = true,
     .section = "Rate", .told = true,
     .help = "Make a Unix socket there that takes commands while the test runs: another rate, a "
             "pause, a stop."},

    {ROW("random", "r", OPTION_COUNT, "K", AT(random_keys)), NUMBER(0, KEYS_MAX), .section = "Keys",
     .told = true,
     .help = "Keys are drawn at random from so many. Without --random and --sequential there is "
             "one key "
             "only."},
    {ROW("sequential", NULL, OPTION_COUNT, "K", AT(sequential_keys)), NUMBER(1, KEYS_MAX),
     .hint = "the flag beside -r is valkey-benchmark's: volley valkey-benchmark -r K --sequential",
     .section = "Keys", .told = true,
     .help = "Keys run through so many in turn, and from the beginning again."},
    {ROW("keyspace-offset", NULL, OPTION_COUNT, "N", AT(spec.load.keyspace_offset)),
     NUMBER(0, KEYS_MAX - 1), .unset = "0", .section = "Keys",
     .help = "The first key's number; needs --random or --sequential."},
    {ROW("sequential-random-start", NULL, OPTION_FLAG, NULL, AT(spec.load.sequential_random_start)),
     .section = "Keys", .help = "Begin anywhere in the range; needs --sequential."},
    {ROW("seed", NULL, OPTION_COUNT, "N", AT(spec.load.seed)), NUMBER(0, UINT64_MAX), .unset = "1",
     .section = "Keys",
     .help = "Where all randomness begins. The default is fixed, so that runs repeat; another seed "
             "gives other keys and values."},
    {ROW("prefill", NULL, OPTION_FLAG, NULL, AT(spec.load.prefill)), .section = "Keys",
     .help = "Write the keys once before a test, or a command, that reads them."},

    {ROW("processes", NULL, OPTION_CUSTOM, "N", AT(spec.workers.processes)),
     .parse = bench_parse_processes, .unset = "auto", .section = "Workers", .told = true,
     .help = "Worker processes: 1 to 1,024, or auto, as many as there are CPUs to use."},
    {ROW("threads", NULL, OPTION_COUNT, "T", AT(spec.workers.threads)), NUMBER(1, IPC_WORKERS_MAX),
     .unset = "1", .section = "Workers", .told = true,
     .help =
         "Event loops. One event loop runs per process, so T multiplies the workers: --processes 2 "
         "--threads 3 gives 6; with auto there are T workers."},
    {ROW("single-process", NULL, OPTION_FLAG, NULL, AT(single_process)), .section = "Workers",
     .told = true, .help = "The same as --processes 1, and wins over it."},
    {ROW("cpus", NULL, OPTION_CUSTOM, "LIST", AT(spec.workers.cpus)), .parse = bench_parse_cpus,
     .unset = "auto", .section = "Workers", .told = true,
     .help = "CPUs that the workers are pinned to, as in 0-3,8; auto chooses, none pins nothing."},

    {ROW("request-timeout", NULL, OPTION_DURATION, "TIME", AT(spec.endpoint.request_timeout_ns)),
     BARE(NS_PER_MS, NS_PER_MS, HOUR_NS), .unset = "5s", .section = "Time limits and failures",
     .help = "A request without a reply for so long has timed out; a bare number is milliseconds."},
    {ROW("connection-timeout", NULL, OPTION_DURATION, "TIME",
         AT(spec.endpoint.connection_timeout_ns)),
     BARE(NS_PER_MS, NS_PER_MS, HOUR_NS), .unset = "2s", .section = "Time limits and failures",
     .help = "How long connecting may take; a bare number is milliseconds."},
    {ROW("drain-timeout", NULL, OPTION_DURATION, "TIME", AT(spec.load.drain_timeout_ns)),
     BARE(NS_PER_SECOND, 0, HOUR_NS), .unset = "1s", .section = "Time limits and failures",
     .help = "How long to wait at the end for replies under way; a bare number is seconds."},
    {ROW("max-errors", NULL, OPTION_COUNT, "N", AT(spec.load.max_errors)), NUMBER(0, UINT64_MAX),
     .unset = "0", .section = "Time limits and failures",
     .help = "Stop after so many errors, and those of requests that are in flight then; 0 is no "
             "limit."},

    {ROW("quiet", "q", OPTION_FLAG, NULL, AT(spec.outputs.quiet)), .section = "Output",
     .told = true, .help = "One line for each test, as valkey-benchmark -q prints it."},
    {ROW("csv", NULL, OPTION_FLAG, NULL, AT(spec.outputs.csv)), .section = "Output", .told = true,
     .help =
         "One CSV line for each test, on standard output, as valkey-benchmark --csv prints it."},
    {ROW("interval", NULL, OPTION_DURATION, "TIME", AT(spec.load.interval_ns)),
     BARE(NS_PER_SECOND, 10 * NS_PER_MS, 10 * NS_PER_SECOND), .unset = "1s", .section = "Output",
     .told = true, .help = "The grid of all that is measured over time; a bare number is seconds."},
    {ROW("csv-interval", NULL, OPTION_DURATION, "TIME", AT(spec.outputs.csv_interval_ns)),
     BARE(NS_PER_SECOND, 10 * NS_PER_MS, HOUR_NS),
     .aliases = "interval-metrics-interval-duration-sec", .section = "Output", .told = true,
     .help =
         "A CSV row for each such time, on standard output, in place of the report; for one test "
         "only. A whole multiple of --interval, which is made to fit unless it is given. A bare "
         "number is seconds, and may be 1.5."},
    {ROW("extended-metrics", NULL, OPTION_FLAG, NULL, AT(spec.outputs.extended_metrics)),
     .section = "Output",
     .help = "More columns in the interval CSV, and keys and replication sampled from the server."},
    {ROW("monitoring-interval", NULL, OPTION_DURATION, "TIME",
         AT(spec.outputs.monitoring_interval_ns)),
     BARE(NS_PER_SECOND, 100 * NS_PER_MS, HOUR_NS), .unset = "5s", .section = "Output",
     .help = "How often the server is asked; needs --extended-metrics. A bare number is seconds."},
    {ROW("require-green", NULL, OPTION_FLAG, NULL, AT(spec.outputs.require_green)),
     .section = "Output", .told = true,
     .help = "Exit with status 1 when the verdict on a result is anything else than GREEN."},
    {ROW("percentiles", NULL, OPTION_CUSTOM, "LIST", AT(spec.outputs.percentiles)),
     .parse = bench_parse_percentiles, .unset = SPEC_PERCENTILES_USUAL, .section = "Output",
     .told = true, .help = "Percentiles of the report: at most 16, each above 0 and at most 100."},
    {ROW("label", NULL, OPTION_TEXT, "TEXT", AT(spec.outputs.label)), .section = "Output",
     .told = true, .help = "A name for the run; stands in the report and in JSON."},
    {ROW("json", NULL, OPTION_TEXT, "FILE", AT(spec.outputs.json_path)), .needs_trust = true,
     .section = "Output", .told = true,
     .help = "Write the whole result as JSON; - is standard output."},
    {ROW("out", NULL, OPTION_TEXT, "DIR", AT(spec.outputs.out_dir)), .needs_trust = true,
     .section = "Output", .told = true,
     .help = "Keep everything about the run in this directory, which is made, with what is missing "
             "above it."},
    {ROW("hdr", NULL, OPTION_TEXT, "FILE", AT(spec.outputs.hdr_path)), .needs_trust = true,
     .section = "Output", .told = true,
     .help = "Write the latencies of all intervals as an HdrHistogram log."},
    {ROW("progress", NULL, OPTION_FLAG, NULL, AT(spec.outputs.progress)), .section = "Output",
     .told = true, .help = "Show progress even where standard error is no terminal."},
    {ROW("debug", NULL, OPTION_FLAG, NULL, AT(spec.outputs.debug)), .section = "Output",
     .told = true,
     .help = "Report the percentile spectrum and every worker, and log at level debug."},
    {ROW("log-level", NULL, OPTION_CUSTOM, "LEVEL", AT(spec.outputs.log_level)),
     .parse = bench_parse_log_level, .value_at = bench_log_level_at, .unset = "warning",
     .section = "Output", .told = true,
     .help = "What is logged on standard error: error, warning, info or debug."},

    {ROW("config", NULL, OPTION_TEXT, "FILE", AT(config_path)), .command_line_only = true,
     .section = "Other",
     .help = "Read options from a file, JSON or YAML, with these long names as keys. What "
             "stands on the command line wins. Trust a file as you trust a script: it says where "
             "requests and passwords go."},
    {ROW("trust-config", NULL, OPTION_FLAG, NULL, AT(trust_config)), .command_line_only = true,
     .section = "Other",
     .help = "Let the file of --config also name what is written, listened on, started or read "
             "from."},
    {ROW("explain", NULL, OPTION_FLAG, NULL, AT(spec.outputs.explain)), .command_line_only = true,
     .section = "Other",
     .help = "Print the plan, the first commands and where each option came from, and connect to "
             "nothing."},
    {ROW("help", NULL, OPTION_FLAG, NULL, AT(help)), .command_line_only = true, .section = "Other",
     .help = "Print this."},
    {ROW("version", "v", OPTION_FLAG, NULL, AT(version)), .command_line_only = true,
     .section = "Other", .help = "Print the version."},

    NOT_YET("custom-command-file", NULL, NULL),
    NOT_YET("custom-command-args", NULL, NULL),
    NOT_YET("dataset", NULL, NULL),
    NOT_YET("maxdocs", NULL, NULL),
    NOT_YET("xml-root-element", NULL, NULL),
    NOT_YET("mptcp", NULL, NULL),
    NOT_YET("rdma", NULL, NULL),
    NOT_YET("fuzz", NULL, NULL),
    NOT_YET("fuzz-mode", NULL, NULL),
    NOT_YET("fuzz-loglevel", NULL, NULL),

    ELSEWHERE("intended-latency", NULL,
              "with --qps the response time, from the intended moment on, is always reported"),
    ELSEWHERE("glide-log-level", NULL, "use --log-level"),
    ELSEWHERE("test-time", NULL, "use --test-duration"),
    ELSEWHERE("server", NULL, "use --host"),
    ELSEWHERE("authenticate", NULL, "use --user and --password"),
    ELSEWHERE("hide-histogram", NULL, "use --quiet"),
    ELSEWHERE("json-out-file", NULL, "use --json"),
};
/* clang-format on */

const struct option_table bench_option_table = {
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .usage = "volley bench [options] [--] [command [argument ...]]",
    .synopsis =
        "Fires load at a Valkey or Redis server from forked, pinned workers and reports what "
        "came back. Without a command it runs the tests of --type. Numbers take k, m and g "
        "(powers of ten), sizes kb, mb and gb (powers of two), times ns, us, ms, s, m and h.",
    .epilogue =
        "A command may hold __rand_int__, __rand_1st__ to __rand_9th__, __data__, __key__ and "
        "{tag}; a backslash before one of them sends it as it stands. \";\" as an argument of its "
        "own "
        "stands between the commands of a sequence, which is one request, and counts once.",
    .takes_command = true,
    .tool_with = dialect_with_option,
};

enum err_code bench_options_parse(struct bench_request *request, int argc, const char *const *argv,
                                  struct err *err)
{
    memset(request, 0, sizeof *request);
    enum err_code code =
        options_parse(&request->values, &bench_option_table, request, argc, argv, err);
    if (code != OK || request->help || request->version)
        return code;
    return bench_relations_settle(request, err);
}

void bench_options_free(struct bench_request *request)
{
    options_free(&request->values);
    rate_steps_free(&request->steps);
    chaos_plan_free(&request->chaos);
    managed_args_free(&request->managed_args);
    request->spec.managed.chaos = NULL;
    request->spec.rate.steps = NULL;
    secret_free(request->secret);
    request->secret = NULL;
    secret_free(request->uri);
    request->uri = NULL;
    free(request->cpus);
    request->spec.workers.cpus = request->cpus = NULL;
}
