/* Preloaded into dev and, by inheritance, into its members: in the member whose name the file THOLE_FAIL_SYNC holds,
 * fdatasync and fsync fail with EIO as long as the file exists. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_file(const char *path, char *into, int size) {
  FILE *file = path ? fopen(path, "r") : NULL;
  if (!file) return 0;
  int length = (int)fread(into, 1, (size_t)size - 1, file);
  fclose(file);
  into[length] = 0;
  return length;
}

static int to_fail(void) {
  char wanted[64], words[4096];
  if (read_file(getenv("THOLE_FAIL_SYNC"), wanted, sizeof wanted) == 0) return 0;
  int length = read_file("/proc/self/cmdline", words, sizeof words);
  for (int at = 0; at < length; at += (int)strlen(words + at) + 1)
    if (strcmp(words + at, "--name") == 0) return strcmp(words + at + 7, wanted) == 0;
  return 0;
}

int fdatasync(int fd) {
  if (to_fail()) { errno = EIO; return -1; }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return real(fd);
}

int fsync(int fd) {
  if (to_fail()) { errno = EIO; return -1; }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return real(fd);
}
