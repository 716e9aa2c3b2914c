/* Dense arithmetic: products of matrices of doubles and of floats, an LU decomposition, a 3 x 3 convolution. */
#include <stdio.h>
#include <stdlib.h>

enum { N = 96 };
static double a[N][N], b[N][N], c[N][N];
static float image[N][N], smooth[N][N];

static void multiply(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) c[i][j] = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            for (int j = 0; j < N; j++) c[i][j] += a[i][k] * b[k][j];
}

static double decompose(void) {
    double product = 0;
    for (int k = 0; k < N; k++) {
        for (int i = k + 1; i < N; i++) {
            c[i][k] /= c[k][k];
            for (int j = k + 1; j < N; j++) c[i][j] -= c[i][k] * c[k][j];
        }
        product += c[k][k];
    }
    return product;
}

static void convolve(void) {
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < N - 1; j++) {
            float sum = 0;
            for (int y = -1; y <= 1; y++)
                for (int x = -1; x <= 1; x++) sum += image[i + y][j + x] * (float)(1 + (x == 0) + (y == 0));
            smooth[i][j] = sum / 15;
        }
}

int main(int argc, char **argv) {
    double sum = 0;
    for (int turn = argc > 1 ? atoi(argv[1]) : 1; turn; turn--) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                a[i][j] = (i * 7 + j * 3 + turn) % 11 - 5 + (i == j) * 50;
                b[i][j] = (i + j * 5) % 7 - 3 + (i == j) * 50;
                image[i][j] = (float)((i * j + turn) % 256);
            }
        multiply();
        sum += decompose();
        for (int i = 0; i < 10; i++) convolve();
        sum += smooth[N / 2][N / 3];
    }
    printf("%.6f\n", sum);
    return 0;
}
