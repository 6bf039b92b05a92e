// Small programs of known work: programs NAME. Built once for each way of
// compiling floating point, see build_programs in prepare.

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct { double x[3], v[3], mass; } Body;

static void nbody_step(Body *bodies, int count) {
  const double dt = 0.001;
  for (int i = 0; i < count; i++) {
    for (int j = i + 1; j < count; j++) {
      double d[3], square = 0;
      for (int k = 0; k < 3; k++) {
        d[k] = bodies[i].x[k] - bodies[j].x[k];
        square += d[k] * d[k];
      }
      const double pull = dt / (square * sqrt(square));
      for (int k = 0; k < 3; k++) {
        bodies[i].v[k] -= d[k] * bodies[j].mass * pull;
        bodies[j].v[k] += d[k] * bodies[i].mass * pull;
      }
    }
  }
  for (int i = 0; i < count; i++)
    for (int k = 0; k < 3; k++) bodies[i].x[k] += dt * bodies[i].v[k];
}

static double nbody(void) {
  Body bodies[5];
  for (int i = 0; i < 5; i++) {
    for (int k = 0; k < 3; k++) {
      bodies[i].x[k] = i * 3 + k;
      bodies[i].v[k] = (i + k) % 3 * 0.1;
    }
    bodies[i].mass = 1 + i;
  }
  for (int step = 0; step < 700000; step++) nbody_step(bodies, 5);
  return bodies[0].x[0];
}

static double matmul(void) {
  enum { N = 256, ROUNDS = 20 };
  static float a[N][N], b[N][N], c[N][N];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = (float)((i * j) % 7);
      b[i][j] = (float)((i + j) % 5);
    }
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < N; i++)
      for (int k = 0; k < N; k++)
        for (int j = 0; j < N; j++) c[i][j] += a[i][k] * b[k][j];
  return c[N / 2][N / 3];
}

static int ascending(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double sort(void) {
  enum { N = 1500000 };
  uint32_t *values = malloc(N * sizeof *values), state = 1;
  for (int i = 0; i < N; i++) values[i] = state = state * 1664525 + 1013904223;
  qsort(values, N, sizeof *values, ascending);
  return values[N / 2];
}

static double page_faults(void) {
  enum { SIZE = 32 << 20, ROUNDS = 8 };
  double sum = 0;
  for (int round = 0; round < ROUNDS; round++) {
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) exit(1);
    for (int i = 0; i < SIZE; i += 4096) memory[i] = 1;
    sum += memory[SIZE / 2];
    munmap(memory, SIZE);
  }
  return sum;
}

int main(int argc, char **argv) {
  static const struct { const char *name; double (*run)(void); } programs[] = {
      {"nbody", nbody}, {"matmul", matmul}, {"sort", sort}, {"page-faults", page_faults}};
  for (size_t i = 0; argc == 2 && i < sizeof programs / sizeof *programs; i++) {
    if (strcmp(argv[1], programs[i].name) == 0) {
      printf("%.3f\n", programs[i].run());
      return 0;
    }
  }
  return 1;
}
