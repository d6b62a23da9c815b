/* ISA-L over the same matrix, layout and measure as bench/erasure.mjs: prints "encode GB/s reconstruct GB/s" as
   medians. Arguments: k m shard-bytes stride runs, then the m·k coefficients of encoding and of reconstruction. */
#include <isa-l/erasure_code.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double measure(int k, int m, int length, int runs, unsigned char *matrix, unsigned char **in, unsigned char **out) {
  unsigned char *tables = malloc(32 * k * m);
  double *seconds = malloc(runs * sizeof(double));
  ec_init_tables(k, m, matrix, tables);
  for (int run = -2; run < runs; run++) {
    double start = now();
    ec_encode_data(length, k, m, tables, in, out);
    if (run >= 0) seconds[run] = now() - start;
  }
  qsort(seconds, runs, sizeof(double), ascending);
  double rate = (double)k * length / seconds[runs / 2] / 1e9;
  free(tables);
  free(seconds);
  return rate;
}

int main(int argc, char **argv) {
  int k = atoi(argv[1]), m = atoi(argv[2]), length = atoi(argv[3]), stride = atoi(argv[4]), runs = atoi(argv[5]);
  if (argc != 6 + 2 * k * m) return 2;
  unsigned char *matrix = malloc(2 * k * m), *memory = malloc((size_t)(k + m) * stride), *shard[256];
  for (int i = 0; i < 2 * k * m; i++) matrix[i] = atoi(argv[6 + i]);
  for (int i = 0; i < k + m; i++) {
    shard[i] = memory + (size_t)i * stride;
    for (int x = 0; x < length; x++) shard[i][x] = x * 7 + i * 31 + (x >> 8) * 13;
  }
  double encode = measure(k, m, length, runs, matrix, shard, shard + k);
  double reconstruct = measure(k, m, length, runs, matrix + k * m, shard + m, shard);
  printf("%f %f\n", encode, reconstruct);
  return 0;
}
