/* In the build of `make coverage`: what ends by _exit() writes its counts, too. Linked with --wrap=_exit. */
#include <stdlib.h>

/* The linker and the compiler fix these names. NOLINTBEGIN(bugprone-reserved-identifier) */
void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
/* NOLINTEND(bugprone-reserved-identifier) */
