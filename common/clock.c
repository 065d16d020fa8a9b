#include "common/clock.h"

#ifdef VOLLEY_VIRTUAL_CLOCK
/* Begins above zero: 0 means "not set" wherever a clock reading is kept. */
uint64_t clock_virtual_ns = NS_PER_SECOND;
#endif
