/* Deadlines in order, whatever is put in and taken out. */
#include "worker/deadline_heap.h"

#include <string.h>

#include "common/rng.h"
#include "tests/support/check/suite.h"

#define OWNERS 700u

static struct deadline_heap heap;
static uint64_t at_ns[OWNERS]; /* UINT64_MAX: it is not in it */

static void set_up(void)
{
    ck_assert(deadline_heap_create(&heap, OWNERS));
    memset(at_ns, 0xff, sizeof at_ns);
}

static void tear_down(void)
{
    deadline_heap_destroy(&heap);
}

static uint32_t count_in(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < OWNERS; i++)
        count += at_ns[i] != UINT64_MAX;
    return count;
}

static uint64_t earliest(void)
{
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < OWNERS; i++)
        first = at_ns[i] < first ? at_ns[i] : first;
    return first;
}

/* One change, of any owner; false: the heap says otherwise than the table. */
static bool change(uint64_t step)
{
    const uint32_t owner = (uint32_t)rng_bounded(rng_at(1, step), OWNERS);
    const bool is_in = at_ns[owner] != UINT64_MAX;
    if (rng_bounded(rng_at(2, step), 3) == 0) {
        at_ns[owner] = UINT64_MAX;
        return deadline_heap_remove(&heap, owner) == is_in;
    }
    if (is_in)
        return true;
    /* Few different times, so that many are alike. */
    at_ns[owner] = rng_bounded(rng_at(3, step), step % 5 == 0 ? 10 : 1000000);
    deadline_heap_push(&heap, owner, at_ns[owner]);
    return true;
}

TEST(the_first_is_the_earliest)
{
    /* Breaks when a connection waits longer than it has to, or for ever, behind another one. */
    uint64_t wrong = 0;
    for (uint64_t step = 0; step < 20000; step++) {
        wrong += !change(step);
        const struct deadline *first = deadline_heap_first(&heap);
        wrong += first == NULL ? count_in() != 0 : first->at_ns != earliest();
        wrong += first != NULL && at_ns[first->owner] != first->at_ns;
        wrong += heap.count != count_in();
    }
    ck_assert_uint_eq(wrong, 0);
}

TEST(all_come_out_in_order)
{
    /* Breaks when some are lost, or come before those that are earlier. */
    uint64_t wrong = 0, last = 0;
    for (uint32_t i = 0; i < OWNERS; i++)
        deadline_heap_push(&heap, i, rng_bounded(rng_at(4, i), 100000));
    for (uint32_t i = 0; i < OWNERS; i++) {
        const struct deadline first = *deadline_heap_first(&heap);
        wrong += first.at_ns < last;
        last = first.at_ns;
        wrong += !deadline_heap_remove(&heap, first.owner);
        wrong += deadline_heap_remove(&heap, first.owner);
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_ptr_null(deadline_heap_first(&heap));
}

TEST_SUITE_WITH(deadline_heap, .set_up = set_up, .tear_down = tear_down)
