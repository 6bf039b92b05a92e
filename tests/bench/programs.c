// Small programs of known work: programs NAME TIMES. Built once for each way of
// compiling floating point, see build_programs in prepare.

#include <math.h>
#include <signal.h>
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

static double nbody(int thousands) {
  Body bodies[5];
  for (int i = 0; i < 5; i++) {
    for (int k = 0; k < 3; k++) {
      bodies[i].x[k] = i * 3 + k;
      bodies[i].v[k] = (i + k) % 3 * 0.1;
    }
    bodies[i].mass = 1 + i;
  }
  for (int step = 0; step < thousands * 1000; step++) nbody_step(bodies, 5);
  return bodies[0].x[0];
}

static double matmul(int rounds) {
  enum { N = 256 };
  static float a[N][N], b[N][N], c[N][N];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = (float)((i * j) % 7);
      b[i][j] = (float)((i + j) % 5);
    }
  for (int round = 0; round < rounds; round++)
    for (int i = 0; i < N; i++)
      for (int k = 0; k < N; k++)
        for (int j = 0; j < N; j++) c[i][j] += a[i][k] * b[k][j];
  return c[N / 2][N / 3];
}

static int ascending(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double sort(int thousands) {
  const int count = thousands * 1000;
  uint32_t *values = malloc(count * sizeof *values), state = 1;
  for (int i = 0; i < count; i++) values[i] = state = state * 1664525 + 1013904223;
  qsort(values, count, sizeof *values, ascending);
  return values[count / 2];
}

// Points of a square whose iterations stay near, in 64 steps.
static double mandelbrot(int size) {
  int inside = 0;
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++) {
      const double a = 2.5 * i / size - 2, b = 2.5 * j / size - 1.25;
      double x = 0, y = 0;
      int step = 0;
      while (step < 64 && x * x + y * y < 4) {
        const double next = x * x - y * y + a;
        y = 2 * x * y + b;
        x = next;
        step++;
      }
      inside += step == 64;
    }
  return inside;
}

static char *anonymous(size_t size) {
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) exit(1);
  return memory;
}

static double page_faults(int rounds) {
  enum { SIZE = 32 << 20 };
  double sum = 0;
  for (int round = 0; round < rounds; round++) {
    char *memory = anonymous(SIZE);
    for (int i = 0; i < SIZE; i += 4096) memory[i] = 1;
    sum += memory[SIZE / 2];
    munmap(memory, SIZE);
  }
  return sum;
}

// Small areas that come, are written to, get other rights and go.
static double mmap_storm(int thousands) {
  enum { SIZE = 64 << 10 };
  double sum = 0;
  for (int round = 0; round < thousands * 1000; round++) {
    char *memory = anonymous(SIZE);
    for (int i = 0; i < SIZE; i += 4 * 4096) memory[i] = (char)(round & 63);
    if (mprotect(memory, SIZE, PROT_READ)) exit(1);
    sum += memory[SIZE / 2];
    munmap(memory, SIZE);
  }
  return sum;
}

static int barrier_hits;

static void lift_barrier(int signal, siginfo_t *information, void *context) {
  (void)signal, (void)context;
  barrier_hits++;
  if (mprotect((void *)((uintptr_t)information->si_addr & -4096), 4096, PROT_READ | PROT_WRITE))
    _Exit(1);
}

// As collectors of garbage learn of writes: a fault and a signal for each page.
static double fault_storm(int rounds) {
  enum { SIZE = 1 << 20 };
  struct sigaction action = {.sa_sigaction = lift_barrier, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  char *memory = anonymous(SIZE);
  for (int round = 0; round < rounds; round++) {
    if (mprotect(memory, SIZE, PROT_READ)) exit(1);
    for (int i = 0; i < SIZE; i += 4096) memory[i]++;
  }
  return barrier_hits + memory[SIZE / 2];
}

// So many seconds of sound, in 16-bit samples, two channels, 44.1 kHz, instead of a number.
static double sound(int seconds) {
  uint32_t noise = 1;
  for (int i = 0; i < seconds * 44100; i++) {
    const double t = i / 44100.0, swell = 0.6 + 0.4 * sin(t * 3);
    noise = noise * 1664525 + 1013904223;
    const double tone = sin(t * 2765) + 0.5 * sin(t * 4149 + 1) + 0.25 * sin(t * 6911);
    const int16_t samples[2] = {(int16_t)(9000 * swell * tone + (noise >> 26)),
                                (int16_t)(7000 * tone * sin(t * 5) + (noise >> 25 & 63))};
    if (fwrite(samples, sizeof samples, 1, stdout) != 1) exit(1);
  }
  exit(0);
}

int main(int argc, char **argv) {
  static const struct { const char *name; double (*run)(int); } programs[] = {
      {"nbody", nbody}, {"matmul", matmul}, {"mandelbrot", mandelbrot}, {"sort", sort},
      {"page-faults", page_faults}, {"mmap-storm", mmap_storm}, {"fault-storm", fault_storm},
      {"sound", sound}};
  for (size_t i = 0; argc == 3 && i < sizeof programs / sizeof *programs; i++) {
    if (strcmp(argv[1], programs[i].name) == 0) {
      printf("%.3f\n", programs[i].run(atoi(argv[2])));
      return 0;
    }
  }
  return 1;
}
