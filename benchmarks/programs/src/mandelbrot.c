/* Points of an n x n grid in the Mandelbrot set: f64 arithmetic with data-dependent loop lengths. */
#include "kernel.h"

static int escape(double cx, double cy) {
    double x = 0, y = 0;
    for (int i = 0; i < 100; i++) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4) return i;
        y = 2 * x * y + cy;
        x = xx - yy + cx;
    }
    return 100;
}

static void kernel(unsigned n) {
    unsigned inside = 0;
    unsigned hash = 2166136261u;
    for (unsigned row = 0; row < n; row++)
        for (unsigned column = 0; column < n; column++) {
            int steps = escape(3.0 * column / n - 2.0, 2.0 * row / n - 1.0);
            inside += steps == 100;
            hash = (hash ^ (unsigned)steps) * 16777619u;
        }
    print_number(inside, 10, 1);
    print(" ");
    print_number(hash, 16, 8);
    print("\n");
}
