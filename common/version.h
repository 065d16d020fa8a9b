/* Which volley this is. */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

extern const char volley_version[]; /* "0.1.0"                         */
extern const char volley_commit[];  /* short hash at build, or "unknown" */

#endif
