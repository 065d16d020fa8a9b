/* Counts allocations in the counting build (-DVOLLEY_COUNT_ALLOCATIONS), which is linked with
 * -Wl,--wrap for malloc, calloc and realloc. --wrap does not reach into libevent, a shared library,
 * so libevent is given the counting functions as its allocator before main.
 *
 * With VOLLEY_COUNT_SELF_TEST=malloc or =libevent in the environment every look at the counter makes
 * an allocation, by volley's own code or inside libevent: the next look must find it. */
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint64_t allocations;

uint64_t malloc_count(void);
/* The linker fixes these names. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t byte_count);
void *__real_calloc(size_t count, size_t byte_count);
void *__real_realloc(void *memory, size_t byte_count);
void *__wrap_malloc(size_t byte_count);
void *__wrap_calloc(size_t count, size_t byte_count);
void *__wrap_realloc(void *memory, size_t byte_count);

static void allocate_for_test(const char *where)
{
    if (strcmp(where, "malloc") == 0) {
        /* Out of the optimiser's sight, which would drop an allocation that nobody uses. */
        void *volatile memory = malloc(1);
        free(memory);
    } else if (strcmp(where, "libevent") == 0) {
        event_config_free(event_config_new());
    }
}

uint64_t malloc_count(void)
{
    uint64_t count = allocations;
    const char *self_test = getenv("VOLLEY_COUNT_SELF_TEST");
    if (self_test != NULL)
        allocate_for_test(self_test);
    return count;
}

void *__wrap_malloc(size_t byte_count)
{
    allocations++;
    return __real_malloc(byte_count);
}

void *__wrap_calloc(size_t count, size_t byte_count)
{
    allocations++;
    return __real_calloc(count, byte_count);
}

void *__wrap_realloc(void *memory, size_t byte_count)
{
    allocations++;
    return __real_realloc(memory, byte_count);
}

/* NOLINTEND(bugprone-reserved-identifier) */

__attribute__((constructor)) static void count_libevent(void)
{
    event_set_mem_functions(__wrap_malloc, __wrap_realloc, free);
}
