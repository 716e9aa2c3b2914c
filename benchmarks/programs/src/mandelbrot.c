/* Points of an n x n grid in the Mandelbrot set: f64 arithmetic with data-dependent loop lengths. */
#include <stdio.h>
#include <stdlib.h>

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

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 100, inside = 0;
    unsigned hash = 2166136261u;
    for (int row = 0; row < n; row++)
        for (int column = 0; column < n; column++) {
            int steps = escape(3.0 * column / n - 2.0, 2.0 * row / n - 1.0);
            inside += steps == 100;
            hash = (hash ^ (unsigned)steps) * 16777619u;
        }
    printf("%d %08x\n", inside, hash);
    return 0;
}
