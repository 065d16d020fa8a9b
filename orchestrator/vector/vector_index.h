/* What is asked of an index of vectors, whatever has it. */
#ifndef ORCHESTRATOR_VECTOR_VECTOR_INDEX_H
#define ORCHESTRATOR_VECTOR_VECTOR_INDEX_H

#include <stdint.h>

enum vector_metric { VECTOR_COSINE, VECTOR_L2, VECTOR_IP, VECTOR_METRICS };
enum vector_algorithm { VECTOR_HNSW, VECTOR_FLAT, VECTOR_ALGORITHMS };

/* What an index is to be. */
struct vector_index {
    enum vector_algorithm algorithm;
    enum vector_metric metric;
    uint64_t dimensions, m, ef_construction, ef_runtime;
};
#define VECTOR_EF_MAX 4096u
#define VECTOR_K_MAX 1000u
struct vector_query {
    uint64_t k, ef; /* ef 0: ef_runtime of the index */
};

#endif
