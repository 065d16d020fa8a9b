#include <math.h>

#include "common/normal.h"
#include "tests/support/check/suite.h"

TEST(published_points)
{
    /* Breaks when a coefficient of AS 241 is mistyped: each pair is from a published table, or Wichura's own
     * test (0.25, 0.001, 1e-20). */
    static const double points[][2] = {
        {0.5, 0},
        {0.75, 0.67448975019608171},
        {0.9, 1.2815515655446004},
        {0.975, 1.9599639845400545},
        {0.99, 2.3263478740408408},
        {0.25, -0.6744897501960817432},
        {0.001, -3.0902323061678135415},
        {1e-20, -9.2623400897984075737},
    };
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++)
        ck_assert_double_eq_tol(normal_quantile(points[i][0]), points[i][1], 1e-14);
}

TEST(undoes_the_distribution)
{
    /* Breaks when two of the three pieces do not meet: the distribution of the C library, forwards, has to
     * give the probability back. */
    for (int step = 0; step < 3066; step++) {
        const double z = -37 + step * 0.0137;
        const double probability = erfc(-z / M_SQRT2) / 2;
        ck_assert_double_eq_tol(normal_quantile(probability), z, 1e-9);
    }
}

TEST_SUITE(normal)
