/* A request with places that change from ticket to ticket. Private to worker/; compiled once,
 * rendered on the hot path.
 *
 * The request's bytes stand ready in one buffer; digits are written over their place, and data
 * (values) are copied in from a pool of random letters, so that values differ from key to key for the
 * price of one copy. */
#ifndef WORKER_GENERATE_TEMPLATE_H
#define WORKER_GENERATE_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "worker/generate/key_draw.h"
#include "worker/generate/placeholder.h"

#define TEMPLATE_DIGITS 12u       /* of a key number, zero padded; as valkey-benchmark has it */
#define TEMPLATE_POOL_SHIFT 4096u /* a value starts at one of so many places of the pool      */
#define TEMPLATE_TAG_BYTES 3u     /* between the braces, as many as "tag" has                 */
#define TEMPLATE_GROUP 10u        /* key numbers that share a hash tag, at least              */

struct template_patch {
    size_t offset_bytes; /* in the request */
    uint32_t draw;       /* which random number of the ticket, or one of these two: */
};
#define TEMPLATE_DATA UINT32_MAX       /* a value                                           */
#define TEMPLATE_TAG (UINT32_MAX - 1u) /* the hash tag of the ticket, without its braces    */

/* Key numbers in sequence: all __rand_int__ and __key__ of a request share one counter, and take as many
 * numbers of it as they are; each of __rand_1st__ .. __rand_9th__ has one of its own, from which a request
 * takes one number, however often it stands there. A sequence of commands is one request. So does
 * valkey-benchmark 9.1, whose counters go on from one test to the next, while these are functions of the
 * ticket. */
struct template_number {
    uint32_t place;       /* among those of the shared counter, from 0; TEMPLATE_NAMED: its own */
    uint32_t tagged_rank; /* its place among the tagged ones, from 1; 0: not tagged              */
};
#define TEMPLATE_NAMED UINT32_MAX

/* {tag}: each slot has one tag, and all places of a request the same. The tag goes with the key
 * number: numbers that stand in one argument with it are "tagged", and those 10*n to 10*n + 9 always
 * have the same tag, whatever the seed, so that a key range is no larger with tags than without, and
 * what one run wrote another one finds. The first tagged number of a request decides its group of ten,
 * and the others are its neighbours there. (More than ten tagged numbers: groups of 100, 1,000, ...)
 * Without a tagged number the tags go through all slots, ticket by ticket. */

/* Where key numbers come from. Uniform ones stand apart from those of other distributions: they are the usual
 * ones, and cheap. */
enum template_order { NUMBERS_ONE, NUMBERS_UNIFORM, NUMBERS_IN_SEQUENCE, NUMBERS_DRAWN };

struct template
{
    char *bytes;
    size_t byte_count, byte_room;
    struct template_patch *patches; /* in rising order of offset */
    size_t patch_count, patch_room;
    struct template_number *numbers; /* of each draw */
    uint32_t draw_count, number_room;
    uint32_t shared_count;                   /* of them, those of the shared counter */
    uint32_t named_draws[PLACEHOLDER_NAMES]; /* draw of __rand_1st__ ..; UINT32_MAX: unused yet */
    char *pool; /* data_bytes + TEMPLATE_POOL_SHIFT letters, NULL without values */
    char(*tags)[TEMPLATE_TAG_BYTES + 1]; /* one a slot; NULL without {tag}              */
    uint32_t tagged_count, first_tagged_draw;
    uint64_t group_numbers; /* key numbers that share a tag */
    size_t data_bytes;
    unsigned known; /* placeholders; see there */
    enum template_order order;
    uint64_t keyspace, keyspace_offset, sequential_start, seed;
    struct key_draw key_draw; /* NUMBERS_DRAWN */
};

/* E_USAGE: the spec's distribution of keys is out of bounds. template_destroy in any case. */
MUST_USE enum err_code template_init(struct template *template, const struct spec *spec,
                                     struct err *err);
void template_destroy(struct template *template);

/* Appends bytes as they are. */
MUST_USE enum err_code template_append(struct template *template, const char *bytes,
                                       size_t byte_count, struct err *err);
/* Appends one argument, replacing its placeholders by the spec's rule for them. The length of the result
 * is template_argument_bytes. E_USAGE: an unknown placeholder (__word__). */
MUST_USE enum err_code template_append_argument(struct template *template, const char *argument,
                                                size_t argument_bytes, struct err *err);
MUST_USE enum err_code template_argument_bytes(const struct template *template,
                                               const char *argument, size_t argument_bytes,
                                               size_t *rendered_bytes, struct err *err);

/* Writes the request of a ticket; out has byte_count bytes. Hot path. */
void template_render(const struct template *template, uint64_t ticket, char *out);

/* Bytes [from_byte, from_byte + byte_count) of the same. */
void template_render_part(const struct template *template, uint64_t ticket, size_t from_byte,
                          size_t byte_count, char *out);

/* Bytes of a patch's place in the request. */
size_t template_patch_bytes(const struct template *template, const struct template_patch *patch);

/* The slot whose tag stands in a ticket's request; only with tags != NULL. */
uint16_t template_tag_slot(const struct template *template, uint64_t ticket);
/* Slots for tickets (or groups) in turn, so that any stretch of them is spread evenly. */
uint16_t template_spread_slot(uint64_t index);

/* The number that stands at draw `draw` of a ticket, and 12 digits of it. */
uint64_t template_draw(const struct template *template, uint64_t ticket, uint32_t draw);
void template_write_digits(char out[TEMPLATE_DIGITS], uint64_t number);

#endif
