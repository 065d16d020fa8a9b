/* Workload files that are wrong: what is said of each mistake, and where it is. */
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/workload_file.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct err err;

/* What it says is in err. */
static enum err_code read_wrong(const struct file_source *source)
{
    struct workload_file file = {.about = NULL};
    err = (struct err){.code = OK};
    const enum err_code code = workload_file_read(&file, source, &err);
    workload_file_free(&file);
    return code;
}

#define ONE_CLASS "classes: [{name: a, command: PING}]\n"
#define KEYS "keys: {users: {count: 5}}\n"
#define KEYS_WITH(rest) "name: w\nkeys: {users: {count: 5, " rest "}}\n" ONE_CLASS
#define VALUE_WITH(rest) "name: w\nvalues: {v: {" rest "}}\n" ONE_CLASS
#define CLASS(rest) "name: w\nclasses:\n  - {name: a, " rest "}\n"
#define CONSUME(rest) "name: w\nclasses:\n  - {name: a, command: PING}\nconsume:\n  - {" rest "}\n"
#define CLASS_B "  - {name: b, weight: 1, command: PING}\n"

static const struct {
    const char *text, *says;
} mistakes[] = {
    {CLASS("command: PING") "buffer: {round_buffer: {max_size: 0}}\n",
     "f:4:35: max_size: 0: out of range; allowed: 1 to 10,000"},
    {CLASS("command: PING") "buffer: {profile: bypass, performance: {}}\n",
     "f:4:40: profile and performance exclude each other: a profile says all of it"},
    {CLASS("command: PING") "buffer: minimall\n",
     "f:4:9: buffer: there is no built-in buffer \"minimall\"; there are balanced, bypass, "
     "high-throughput, memory-constrained, minimal, tuned; did you mean minimal?"},
    {CLASS("command: PING") "buffer: [8]\n", "f:4:9: buffer: a buffer or its profile is expected; "
                                             "as in buffer: high-throughput, or buffer: "
                                             "{round_buffer: {max_size: 8}}"},
    {CONSUME("name: c, channel: news") "buffer: minimal\n",
     "f:6:9: buffer: the workload has consumers, which it does not go with"},
    {CLASS("weight: -1, command: PING"),
     "f:3:23: weight: -1: out of range; allowed: 0 to 1,000,000,000"},
    {CLASS("weight: 1.5, command: PING"),
     "f:3:23: weight: 1.5: not a number; allowed: 0 to 1,000,000,000"},
    {CLASS("weight: 1000000001, command: PING"),
     "f:3:23: weight: 1000000001: out of range; allowed: 0 to 1,000,000,000"},
    {CLASS("weight: 0, command: PING"),
     "f:3:3: the weights of all classes are 0: nothing would be sent"},
    {CLASS("weight: 0, command: PING") "  - {name: b, weight: 0, command: PING}\n",
     "f:3:3: the weights of all classes are 0: nothing would be sent"},
    {CLASS("weight: 100000, command: PING") CLASS_B,
     "f:4:35: the weight is less than half a thousandth of all; one thousandth is the least"},
    {CLASS("command: \"\""), "f:3:24: text: : the value is empty"},
    {CLASS("command: \"  \""), "f:3:24: a command is needed, and there is none"},
    {CLASS("command: []"), "f:3:24: words: needs at least 1 element; there are 0"},
    {CLASS("command: {a: b}"), "f:3:25: unknown key a; known are text, words"},
    {CLASS("weight: 2"), "f:3:5: \"command\" is missing"},
    {CLASS("commands: []"), "f:3:25: commands: needs at least 1 element; there are 0"},
    {CLASS("command: PING, commands: [PING]"), "f:3:40: command and commands exclude each other"},
    {CLASS("commands: [PING, PING]"),
     "f:3:25: commands need \"unit\": transaction (between MULTI and EXEC) or sequence"},
    {CLASS("unit: request, commands: [PING, PING]"), "f:3:21: unit: request takes one command"},
    {CLASS("unit: transction, command: PING"),
     "f:3:21: unit: transction: allowed: request, sequence, transaction"},
    {CLASS("commnad: PING"), "f:3:15: unknown key commnad; did you mean command?; known are name, "
                             "weight, command, commands, unit, on_miss, then, until"},
    {CLASS("command: [\"GET {seq}\", x]"),
     "f:3:24: GET {seq}: no command has a blank in its name; give its words apart, as in SET key "
     "value"},
    {CLASS("command: SUBSCRIBE x"),
     "f:3:24: SUBSCRIBE cannot be measured: it does not give one reply per request; leave it out"},
    {CLASS("command: BLPOP x 0"),
     "f:3:24: BLPOP with timeout 0 waits for ever; give it a timeout above 0"},
    {CLASS("command: \"GET 'x\""), "f:3:24: 'x: a word that begins with ' ends with it"},
    {CLASS("command: GET a, on_miss: a"),
     "f:3:40: on_miss: a names itself: a request would follow a request without end"},
    {CLASS("command: GET a, on_miss: wirte"), "f:3:40: on_miss: there is no class wirte"},
    {CLASS("command: GET a, on_miss: wirte") "  - {name: write, command: SET a b}\n",
     "f:3:40: on_miss: there is no class wirte; did you mean write?"},
    {CLASS("command: PING") "  - {name: a, command: PING}\n", "f:4:12: there are two classes a"},
    {"name: w\nclasses: [{name: a b, command: PING}]\n",
     "f:2:18: the name a b: letters, digits, _ . and - are allowed, up to 31"},
    {"name: w\nclasses: [{name: \"\", command: PING}]\n", "f:2:18: name: : the value is empty"},
    {"name: w\nclasses: [{command: PING}]\n", "f:2:11: \"name\" is missing"},
    {"name: w\nclasses: []\n", "f:2:10: classes: needs at least 1 element; there are 0; as in - "
                               "{name: read, weight: 80, command: \"GET {key:users}\"}"},
    {"name: w\n", "f:1:1: \"classes\" is missing; as in - {name: read, weight: 80, command: \"GET "
                  "{key:users}\"}"},
    {ONE_CLASS, "f:1:1: \"name\" is missing"},
    {"name: w\nclasses:\n- {name: c0, command: PING}\n- {name: c1, command: PING}\n- {name: c2, "
     "command: PING}\n- {name: c3, command: PING}\n- {name: c4, command: PING}\n- {name: c5, "
     "command: PING}\n- {name: c6, command: PING}\n- {name: c7, command: PING}\n- {name: c8, "
     "command: PING}\n- {name: c9, command: PING}\n- {name: c10, command: PING}\n- {name: c11, "
     "command: PING}\n- {name: c12, command: PING}\n",
     "f:3:1: classes: takes at most 12 elements; there are 13; as in - {name: read, weight: 80, "
     "command: \"GET {key:users}\"}"},
    {"name: w\nkeys: {a: {count: 9}}\nclasses:\n- {name: w, command: \"SET {key:a} 1\"}\n- {name: "
     "c0, command: \"GET {key:a}\", on_miss: w}\n- {name: c1, command: \"GET {key:a}\", on_miss: "
     "w}\n- {name: c2, command: \"GET {key:a}\", on_miss: w}\n- {name: c3, command: \"GET "
     "{key:a}\", on_miss: w}\n- {name: c4, command: \"GET {key:a}\", on_miss: w}\n- {name: c5, "
     "command: \"GET {key:a}\", on_miss: w}\n- {name: c6, command: \"GET {key:a}\"}\n- {name: c7, "
     "command: \"GET {key:a}\"}\n- {name: c8, command: \"GET {key:a}\"}\n- {name: c9, command: "
     "\"GET {key:a}\"}\n- {name: c10, command: \"GET {key:a}\"}\n",
     "f:9:23: on_miss: with what follows them the classes are more than 16"},
    {CLASS("command: \"GET {kye}\""),
     "f:3:24: no such placeholder: {kye}; did you mean key?; known are {key} {new} {value} {int} "
     "{float} {zipf} {seq} "
     "{ticket} {worker} {run} {now} {uuid} {cursor} {script} {field} {vector} {stamp}, and \\{ is "
     "a brace"},
    {CONSUME("name: c"), "f:5:5: a consumer has one of: channel, pattern, shard_channel, pop, "
                         "stream and tracking"},
    {CONSUME("name: c, channel: x, stream: y"),
     "f:5:5: a consumer has one of: channel, pattern, shard_channel, pop, stream and tracking"},
    {CONSUME("channel: x"), "f:5:5: \"name\" is missing"},
    {CONSUME("name: a, channel: x"), "f:5:12: a class and a consumer have the name a"},
    {CONSUME("name: c, channel: x, count: 5"), "f:5:34: count goes with stream"},
    {CONSUME("name: c, channel: x, connections: 0"),
     "f:5:40: connections: 0: out of range; allowed: 1 to 1,000,000"},
    {CONSUME("name: c, pop: LPOP x"),
     "f:5:5: pop is one of BLPOP, BRPOP, BZPOPMIN and BZPOPMAX, with one key and a timeout, as in "
     "\"BRPOP jobs 1\""},
    {CONSUME("name: c, pop: BRPOP x 0"),
     "f:5:5: BRPOP with timeout 0 waits for ever; give it a timeout above 0"},
    {CONSUME("name: c, pop: BRPOP x 61"),
     "f:5:5: BRPOP: its timeout is in seconds, above 0 and at most 60"},
    {CONSUME("name: c, channel: \"{key:nope}\""), "f:5:5: there is no key space nope"},
    {CONSUME("name: c, channel: \"x{int 1 5}\""),
     "f:5:5: x{int 1 5}: what is listened to is a text, or one {key:NAME} and nothing beside it"},
    {CONSUME("name: c, stream: s, group: \"a b\""),
     "f:5:33: the name a b: letters, digits, _ . and - are allowed, up to 63"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: \"PUBLISH {key:users} {stamp}\"}\n"
     "consume: {name: c, channel: \"{key:users}\", connections: 7}\n",
     "f:5:10: connections: 7 do not divide among the 5 keys of users; give a multiple, so that "
     "each "
     "has as many"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: PING}\n"
     "consume: {name: c, pattern: \"{key:users}\"}\n",
     "f:5:10: pattern is a text, without placeholders"},
    {"name: w\nclasses:\n  - {name: a, unit: sequence, commands: [\"PUBLISH x {stamp}\", \"PUBLISH "
     "x {stamp}\"]}\nconsume: {name: c, channel: x}\n",
     "f:4:10: class a sends it 2 messages in one request, and all have the same stamp; give each a "
     "class of its own"},
    {CONSUME("name: c, stream: s, acknowledge: false, claim_after: 1s"),
     "f:5:59: claim_after: with acknowledge: false each entry would be claimed again and again; "
     "leave one of them out"},
    {"name: w\nclasses:\n  - {name: a, command: \"LPUSH x {stamp} {stamp}\"}\n"
     "consume: {name: c, pop: \"BRPOP x 1\"}\n",
     "f:4:10: LPUSH has 2 stamps for it in one request, and all are the same"},
    {"name: w\nkeys: {r: {count: 200, digits: 3}}\nclasses:\n  - {name: a, command: \"PUBLISH "
     "{key} {stamp}\"}\nconsume: {name: c, pattern: \"r:0*\"}\n",
     "f:5:10: the pattern r:0* matches some of the channels {key} and not others, so that nobody "
     "can "
     "say how many messages are to come; give these a key space of their own"},
    {CLASS("command: \"SET x {stamp 63}\""),
     "f:3:24: {stamp 63}: it is {stamp} or {stamp N}, N bytes from 64 to 1048576"},
    {CLASS("command: \"GET {key\""), "f:3:24: {key has no } at its end; \\{ is a brace"},
    {CLASS("command: \"GET {int 5 1}\""), "f:3:24: {int 5 1}: it is {int A B}, A at most B"},
    {CLASS("command: \"GET {int 5}\""), "f:3:24: {int 5}: it is {int A B}, A at most B"},
    {CLASS("command: \"GET {float 2 1}\""),
     "f:3:24: {float 2 1}: it is {float} or {float A B}, A below B"},
    {CLASS("command: \"GET {zipf 0}\""), "f:3:24: {zipf 0}: it is {zipf N} or {zipf N EXPONENT}"},
    {CLASS("command: \"GET {zipf 5 9}\""),
     "f:3:24: {zipf 5 9}: it is {zipf N} or {zipf N EXPONENT}"},
    {CLASS("command: \"GET {vector 65537}\""),
     "f:3:24: {vector 65537}: it is {vector N}, N from 1 to 65536"},
    {CLASS("command: \"GET {seq 5}\""), "f:3:24: {seq 5}: it is {seq}"},
    {CLASS("command: \"GET {int:a 1 2}\""), "f:3:24: {int:a 1 2}: it is {int A B}, A at most B"},
    {CLASS("command: \"GET {value#1}\""), "f:3:24: {value#1}: it is {value} or {value:NAME}"},
    {CLASS("command: \"GET {key#0}\""), "f:3:24: {key#0}: it is {key}, {key:NAME} or {key:NAME#1}"},
    {CLASS("command: \"GET {key}\""), "f:3:24: a key space is asked for, and \"keys\" names none"},
    {CLASS("command: \"SET a {value}\""),
     "f:3:24: a value is asked for, and \"values\" names none"},
    {"name: w\n" KEYS "classes: [{name: a, command: \"GET {key:usres}\"}]\n",
     "f:3:30: there is no key space \"usres\"; did you mean users?; there are users"},
    {"name: w\n" KEYS "classes: [{name: a, command: \"SET {new:usres} 1\"}]\n",
     "f:3:30: there is no key space \"usres\"; did you mean users?; there are users"},
    {"name: w\n" KEYS "classes: [{name: a, command: \"SET {key} {value:big}\"}]\n",
     "f:3:30: a value is asked for, and \"values\" names none"},
    {"name: w\nkeys: {users: {count: 5}, carts: {count: 5}}\nclasses: [{name: a, command: \"GET "
     "{key}\"}]\n",
     "f:3:30: which key space is meant must be said, as in {key:NAME}; there are users, carts"},
    {"name: w\nvalues: {big: {size: 5}}\nclasses: [{name: a, command: \"SET a {value:bgi}\"}]\n",
     "f:3:30: there is no value \"bgi\"; did you mean big?; there are big"},
    {"name: w\nvalues: {v: {size: 5, per_key: true}}\nclasses: [{name: a, command: \"SET a "
     "{value}\"}]\n",
     "f:3:30: the size of {value:v} goes with its key, and no {key} stands in front of it"},
    {"name: w\nvalues: {v: {size: 512mb}}\nclasses: [{name: a, command: \"MSET a {value} b {value} "
     "c {value}\"}]\n",
     "f:3:30: a request of up to 1,610,612,813 bytes; at most 1,073,741,824 are possible"},
    {"name: w\n" KEYS
     "classes:\n  - {name: a, command: \"SET {new} x\"}\n  - {name: b, command: \"SET {new} x\"}\n",
     "f:5:24: two classes add keys to users by {new}; one can"},
    {"name: n\nkeys: {k: {count: 9}}\nclasses:\n"
     "  - {name: a, command: 'MGET {key} {key}', on_miss: b}\n  - {name: b, command: 'SET {key} "
     "x'}\n",
     "f:4:24: on_miss goes with one command that reads one key and says whether it is there, such "
     "as "
     "GET, GETEX or HGETALL"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: GET x, on_miss: b}\n  - {name: b, command: "
     "\"SET {key} x\"}\n",
     "f:4:24: on_miss: b has keys of users that class a does not have"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: SET x 1, then: a}\n",
     "f:4:39: then: a names itself: a request would follow a request without end"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: SET x 1, then: sen}\n  - {name: seen, "
     "command: GET x}\n",
     "f:4:39: then: there is no class sen; did you mean seen?"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: SET x 1, then: b}\n  - {name: b, command: "
     "SET x 2, then: a}\n",
     "f:4:39: then: b is followed by another class itself, and what follows is followed by "
     "nothing"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: GET x, then: b, on_miss: b}\n  - {name: b, "
     "command: SET x 2}\n",
     "f:4:37: then: on_miss is there, too; give one"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: SET x 1, then: b}\n  - {name: b, command: "
     "GET x, until: hit}\n",
     "f:5:38: until: hit goes with a class that follows another one: weight: 0, and its name "
     "behind "
     "that one's \"then\""},
    {"name: w\n" KEYS
     "classes:\n  - {name: a, command: SET x 1, then: b}\n  - {name: b, weight: 0, "
     "command: INCR x, until: hit}\n",
     "f:5:35: until: hit goes with one command that reads one key and says whether it is there, "
     "such "
     "as GET or HGETALL"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: \"WAIT {int 1 2} 100\"}\n",
     "f:4:24: WAIT {int 1 2}: how many are to acknowledge is a plain number, which the replies are "
     "held against"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: WAITAOF 1 all 100}\n",
     "f:4:24: WAITAOF all: how many are to acknowledge is a plain number, which the replies are "
     "held against"},
    {"name: w\n" KEYS "classes:\n  - {name: a, command: GET x, until: ever}\n",
     "f:4:38: until: ever: allowed: reply, hit"},
    {"name: w\n" KEYS
     "classes:\n  - {name: a, command: SET x 1, then: b}\n  - {name: b, weight: 0, "
     "command: \"GET {key}\"}\n",
     "f:4:24: then: b has keys of users that class a does not have"},
    {"name: w\nkeys: {users: {count: 0}}\n" ONE_CLASS,
     "f:2:23: count: 0: out of range; allowed: 1 to 1,000,000,000,000; as in count: 1m"},
    {"name: w\nkeys: {users: {count: 2000g}}\n" ONE_CLASS,
     "f:2:23: count: 2000g: out of range; allowed: 1 to 1,000,000,000,000; as in count: 1m"},
    {"name: w\nkeys: {users: {}}\n" ONE_CLASS, "f:2:15: \"count\" is missing; as in count: 1m"},
    {"name: w\nkeys: {us ers: {count: 5}}\n" ONE_CLASS,
     "f:2:16: the name us ers: letters, digits, _ . and - are allowed, up to 63"},
    {KEYS_WITH("ordre: zipf"), "f:2:26: unknown key ordre; did you mean order?; known are prefix, "
                               "count, first, order, exponent, scatter, digits, size, binary, tag"},
    {KEYS_WITH("order: zpif"),
     "f:2:33: order: zpif: unknown distribution; did you mean zipf?; allowed: uniform, sequential, "
     "zipf[:EXPONENT], gaussian[:DEVIATION], exponential[:SCALE], hotset:KEYS/DRAWS, "
     "latest[:EXPONENT], parallel, walk"},
    {KEYS_WITH("order: hotset"), "f:2:33: order: hotset: allowed: hotset:KEYS/DRAWS in percent, 0 "
                                 "to 100 and of keys above 0, as in hotset:10/90"},
    {KEYS_WITH("order: \"zipf:9\""),
     "f:2:33: order: zipf:9: allowed: zipf, or zipf:EXPONENT with 0 to 5"},
    {KEYS_WITH("exponent: 1"), "f:2:36: exponent goes with order: zipf or latest"},
    {KEYS_WITH("order: zipf, exponent: 6"), "f:2:49: exponent: 6: out of range; allowed: 0 to 5"},
    {KEYS_WITH("digits: 19"), "f:2:34: digits: 19: out of range; allowed: 0 to 18"},
    {KEYS_WITH("digits: 3, binary: true"), "f:2:34: binary and digits exclude each other"},
    {KEYS_WITH("size: 65kb"), "f:2:32: size: 65kb: out of range; allowed: 1b to 64kb"},
    {KEYS_WITH("scatter: maybe"), "f:2:35: scatter: maybe: takes true or false, or nothing"},
    {KEYS_WITH("first: -1"), "f:2:33: first: -1: out of range; allowed: 0 to 1,000,000,000,000"},
    {VALUE_WITH("size: 0"), "f:2:20: bytes: 0: allowed: SIZE, A-B, weights:SIZE:WEIGHT,..., "
                            "bimodal:A/B/P, lognormal:MEDIAN:P99[:MAX], pareto:MIN:SHAPE[:MAX]; a "
                            "size is 1 byte to 512mb, the most that a server takes"},
    {VALUE_WITH("size: 513mb"),
     "f:2:20: bytes: 513mb: allowed: SIZE, A-B, weights:SIZE:WEIGHT,..., bimodal:A/B/P, "
     "lognormal:MEDIAN:P99[:MAX], pareto:MIN:SHAPE[:MAX]; a size is 1 byte to 512mb, the most that "
     "a server takes"},
    {VALUE_WITH("size: 1-600mb"),
     "f:2:20: bytes: 1-600mb: allowed: SIZE, A-B, weights:SIZE:WEIGHT,..., bimodal:A/B/P, "
     "lognormal:MEDIAN:P99[:MAX], pareto:MIN:SHAPE[:MAX]; a size is 1 byte to 512mb, the most that "
     "a server takes"},
    {VALUE_WITH("size: 9-1"), "f:2:20: bytes: 9-1: allowed: SIZE, A-B, weights:SIZE:WEIGHT,..., "
                              "bimodal:A/B/P, lognormal:MEDIAN:P99[:MAX], pareto:MIN:SHAPE[:MAX]; "
                              "a size is 1 byte to 512mb, the most that a server takes"},
    {VALUE_WITH("size: logonrmal:3:4"),
     "f:2:20: bytes: logonrmal:3:4: unknown distribution; did you mean lognormal?; allowed: SIZE, "
     "A-B, weights:SIZE:WEIGHT,..., bimodal:A/B/P, lognormal:MEDIAN:P99[:MAX], "
     "pareto:MIN:SHAPE[:MAX]"},
    {VALUE_WITH("size: {lognormal: {median: 1gb, p99: 2gb}}"),
     "f:2:41: median: 1gb: out of range; allowed: 1b to 512mb"},
    {VALUE_WITH("size: {lognormal: {median: 100}}"), "f:2:32: \"p99\" is missing"},
    {VALUE_WITH("size: {lognormal: {median: 100, p99: 4}}"),
     "f:2:32: allowed: lognormal:MEDIAN:P99 or lognormal:MEDIAN:P99:MAX, none below the one "
     "before; a size is 1 byte to 512mb, the most that a server takes"},
    {VALUE_WITH("size: {bytes: 5, lognormal: {median: 1, p99: 4}}"),
     "f:2:20: a size is one of: a number, a range A-B, lognormal or pareto"},
    {VALUE_WITH("size: {pareto: {min: 5, shape: 0}}"),
     "f:2:45: shape: 0: out of range; allowed: 0.01 to 100"},
    {VALUE_WITH("size: {}"),
     "f:2:20: a size is one of: a number, a range A-B, lognormal or pareto"},
    {VALUE_WITH("content: random"), "f:2:13: \"size\" is missing"},
    {VALUE_WITH("size: 5, content: radnom"), "f:2:32: bytes: radnom: allowed: letters, random"},
    {VALUE_WITH("size: 5, content: {compressible: 2}"),
     "f:2:47: compressible: 2: out of range; allowed: 0 to 1"},
    {VALUE_WITH("size: 5, content: {bytes: random, compressible: 0.5}"),
     "f:2:62: bytes and compressible exclude each other"},
    {"name: w\n" KEYS ONE_CLASS "prefill: {keys: usres, command: \"SET {key} x\"}\n",
     "f:4:17: keys: there is no key space usres; did you mean users?"},
    {"name: w\n" KEYS ONE_CLASS "prefill: {keys: users}\n", "f:4:10: \"command\" is missing"},
    {"name: w\n" KEYS ONE_CLASS "prefill: {command: \"SET {key} x\"}\n",
     "f:4:10: \"keys\" is missing"},
    {"name: w\n" KEYS ONE_CLASS "prefill: {keys: users, command: SET x y}\n",
     "f:4:33: it writes no key of users, or more than one"},
    {"name: w\n" KEYS ONE_CLASS "prefill: {keys: users, command: \"SET {key} {kye}\"}\n",
     "f:4:33: no such placeholder: {kye}; did you mean key?; known are {key} {new} {value} {int} "
     "{float} {zipf} {seq} "
     "{ticket} {worker} {run} {now} {uuid} {cursor} {script} {field} {vector} {stamp}, and \\{ is "
     "a brace"},
    {"name: w\nclass: []\n",
     "f:2:1: unknown key class; did you mean classes?; known are name, "
     "about, keys, values, data, scripts, functions, classes, prefill, consume, buffer"},
    {"name: w\nscripts: {s: {}}\n" ONE_CLASS,
     "f:2:14: one of \"text\", what it says, and \"file\", where that stands, is needed"},
    {"name: w\nfunctions: {l: {text: x, file: y}}\n" ONE_CLASS,
     "f:2:16: one of \"text\", what it says, and \"file\", where that stands, is needed"},
    {"name: w\nscripts: {s: {file: no/such.lua}}\n" ONE_CLASS,
     "f:2:21: the file no/such.lua: cannot be read: No such file or directory"},
    {"name: w\nscripts: {s: {file: /dev/null}}\n" ONE_CLASS,
     "f:2:21: the file /dev/null: is no regular file"},
    {"name: w\nscripts: {s s: {text: x}}\n" ONE_CLASS,
     "f:2:16: the name s s: letters, digits, _ . and - are allowed, up to 63"},
    {"name: w\nscripts: {take: {text: return 1}}\nclasses: [{name: a, command: \"EVALSHA "
     "{script tkae} 0\"}]\n",
     "f:3:30: there is no script tkae; did you mean take?; there are take"},
    {CLASS("command: \"EVALSHA {script take} 0\""),
     "f:3:24: {script take} asks for a script, and \"scripts\" names none"},
    {CLASS("command: \"GET {cursor}\""), "f:3:24: {cursor} is the cursor of one command that has "
                                         "one, as in SCAN {cursor} COUNT 100, or "
                                         "HSCAN {key} {cursor}"},
    {CLASS("command: \"SCAN 0 COUNT {cursor}\""), "f:3:24: {cursor} is the cursor of one command "
                                                  "that has one, as in SCAN {cursor} COUNT 100, or "
                                                  "HSCAN {key} {cursor}"},
    {CLASS("command: \"HSCAN h 1{cursor}\""), "f:3:24: {cursor} is the cursor of one command that "
                                              "has one, as in SCAN {cursor} COUNT 100, or "
                                              "HSCAN {key} {cursor}"},
    {"name: w\nclasses:\n- {name: a, unit: sequence, commands: [PING, \"SCAN {cursor}\"]}\n",
     "f:3:39: {cursor} is the cursor of one command that has one, as in SCAN {cursor} COUNT 100, "
     "or "
     "HSCAN {key} {cursor}"},
    {"name: w\nclasses:\n- {name: a, command: \"SCAN {cursor}\", then: b}\n"
     "- {name: b, command: PING}\n",
     "f:3:22: then: requests with {cursor} follow nothing, and nothing follows them"},
    {"name: w\n" KEYS ONE_CLASS "prefill: {keys: users, command: \"HSCAN {key} {cursor}\"}\n",
     "f:4:33: {cursor} reads, and a prefill writes"},
    {CLASS("command: \"EVALSHA {script} 0\""), "f:3:24: {script}: it is {script NAME}"},
    {"name: w\ndata: nothing.csv\n" ONE_CLASS,
     "f:2:7: the data nothing.csv: cannot be read: No such file or directory"},
    {"name: w\ndata: {file: nothing.csv, format: cvs}\n" ONE_CLASS,
     "f:2:35: format: cvs: allowed: auto, csv, tsv, lines"},
    {"name: w\ndata: {format: csv}\n" ONE_CLASS, "f:2:7: \"file\" is missing"},
    {CLASS("command: \"GET {field sku}\""),
     "f:3:24: {field sku} asks for a field, and \"data\" names no file"},
    {"name: w\nname: v\n" ONE_CLASS, "f:2:1: name stands in line 1 already"},
    {"name: a b\n" ONE_CLASS,
     "f:1:7: the name a b: letters, digits, _ . and - are allowed, up to 63"},
    {"", "f:1:1: a workload is expected"},
    {"# only a comment\n", "f:1:1: a workload is expected"},
    {"just text\n", "f:1:1: a workload is expected"},
    {"[1, 2]\n", "f:1:1: a workload is expected"},
    {"name: w\nclasses: [\n", "f:3:1: neither JSON nor YAML: did not find expected node content"},
    {"{\"name\": \"w\", \"classes\": [{\"name\": \"a\", \"command\": \"GET {kye}\"}]}",
     "f:1:52: no such placeholder: {kye}; did you mean key?; known are {key} {new} {value} {int} "
     "{float} {zipf} {seq} "
     "{ticket} {worker} {run} {now} {uuid} {cursor} {script} {field} {vector} {stamp}, and \\{ is "
     "a brace"},
};

TEST(every_mistake_has_its_place)
{
    /* breaks if a file is sent that says something else, or the mistake in it must be searched for */
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const struct file_source source = {
            .name = "f", .text = mistakes[i].text, .text_bytes = strlen(mistakes[i].text)};
        ck_assert_msg(read_wrong(&source) == E_CONFIG, "\"%s\" is taken", source.text);
        ck_assert_str_eq(err.text, mistakes[i].says);
    }
}

TEST(what_is_no_text_file)
{
    /* breaks if a directory, an empty file or another encoding is taken, or ends volley */
    struct temp_tree tree;
    char path[160], expected[256];
    temp_tree_make(&tree);
    ck_assert_int_eq(read_wrong(&(struct file_source){.name = tree.path}), E_CONFIG);
    snprintf(expected, sizeof expected, "cannot read the workload %s: Is a directory", tree.path);
    ck_assert_str_eq(err.text, expected);
    snprintf(path, sizeof path, "%s/file.yaml", tree.path);
    ck_assert_int_eq(read_wrong(&(struct file_source){.name = path}), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
    temp_tree_write(&tree, "/file.yaml", "", 0600);
    ck_assert_int_eq(read_wrong(&(struct file_source){.name = path}), E_CONFIG);
    snprintf(expected, sizeof expected, "%s:1:1: a workload is expected", path);
    ck_assert_str_eq(err.text, expected);
    temp_tree_write(&tree, "/file.yaml", "name: w\nabout: caf\xe9\n" ONE_CLASS, 0600);
    ck_assert_int_eq(read_wrong(&(struct file_source){.name = path}), E_CONFIG);
    snprintf(expected, sizeof expected, "%s:2:12: neither JSON nor YAML: invalid trailing UTF-8",
             path);
    ck_assert_msg(strncmp(err.text, expected, strlen(expected)) == 0, "%s", err.text);
    temp_tree_remove(&tree);
}

TEST_SUITE(workload_mistakes)
