#include "common/version.h"

#ifndef VOLLEY_COMMIT /* given by the Makefile, for this file only */
#define VOLLEY_COMMIT "unknown"
#endif

const char volley_version[] = "0.1.0";
const char volley_commit[] = VOLLEY_COMMIT;
