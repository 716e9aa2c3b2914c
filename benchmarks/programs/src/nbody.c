/* Five bodies pulling at each other, n steps of a symplectic integrator: scalar f64 with square roots. */
#include <math.h>

#include "kernel.h"

#define BODIES 5
typedef struct { double x[3], v[3], mass; } Body;

static const double SOLAR_MASS = 4 * M_PI * M_PI, DAYS = 365.24;

/* Sun, Jupiter, Saturn, Uranus, Neptune: astronomical units, units a day, solar masses. */
static Body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 1},
    {{4.84143144246472090, -1.16032004402742839, -0.103622044471123109},
     {0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023}, 0.000954791938424326609},
    {{8.34336671824457987, 4.12479856412430479, -0.403523417114321381},
     {-0.00276742510726411, 0.00499852801234917238, 0.0000230417297573763929}, 0.000285885980666130812},
    {{12.8943695621391310, -15.1111514016986312, -0.223307578892655734},
     {0.00296460137564761618, 0.0023784717395948095, -0.0000296589568540237556}, 0.0000436624404335156298},
    {{15.3796971148509165, -25.9193146099879641, 0.179258772950371181},
     {0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870}, 0.0000515138902046611451},
};

static void prepare(void) {
    for (int i = 0; i < BODIES; i++) {
        bodies[i].mass *= SOLAR_MASS;
        for (int k = 0; k < 3; k++) {
            bodies[i].v[k] *= DAYS;
            bodies[0].v[k] -= bodies[i].v[k] * bodies[i].mass / SOLAR_MASS;
        }
    }
}

static void step(double dt) {
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = bodies[i].x[k] - bodies[j].x[k];
                square += d[k] * d[k];
            }
            double pull = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                bodies[i].v[k] -= d[k] * bodies[j].mass * pull;
                bodies[j].v[k] += d[k] * bodies[i].mass * pull;
            }
        }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++) bodies[i].x[k] += dt * bodies[i].v[k];
}

static double energy(void) {
    double e = 0;
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) e += 0.5 * bodies[i].mass * bodies[i].v[k] * bodies[i].v[k];
        for (int j = i + 1; j < BODIES; j++) {
            double square = 0;
            for (int k = 0; k < 3; k++) {
                double d = bodies[i].x[k] - bodies[j].x[k];
                square += d * d;
            }
            e -= bodies[i].mass * bodies[j].mass / sqrt(square);
        }
    }
    return e;
}

/* Energies are negative here: printed as their size, in units of 1e-9. */
static void print_energy(void) {
    print_number((uint64_t)llround(-1e9 * energy()), 10, 1);
    print("\n");
}

static void kernel(unsigned steps) {
    prepare();
    print_energy();
    for (unsigned i = 0; i < steps; i++) step(0.01);
    print_energy();
}
