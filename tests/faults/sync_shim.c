/* Makes fsync and fdatasync of the storage process fail with EIO from the n-th call on.
 * Loaded with LD_PRELOAD; n comes from FAIL_SYNC_FROM, and calls are counted while the file that FAIL_SYNC_WHEN names
 * is there, so that a server can start in peace. Other processes are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long calls;
static long fail_from;

__attribute__((constructor)) static void read_environment(void) {
    char line[4096];
    int descriptor = open("/proc/self/cmdline", O_RDONLY);
    ssize_t length = read(descriptor, line, sizeof line);
    const char *text = getenv("FAIL_SYNC_FROM");
    const char *part = "headwater.store.server";
    close(descriptor);
    if (text != NULL && length > 0 && memmem(line, length, part, strlen(part)) != NULL)
        fail_from = atol(text);
}

static int failing(void) {
    const char *when = getenv("FAIL_SYNC_WHEN");
    if (fail_from <= 0 || when == NULL || access(when, F_OK) != 0)
        return 0;
    return atomic_fetch_add(&calls, 1) + 1 >= fail_from;
}

static int forward(const char *name, int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (failing()) {
        errno = EIO;
        return -1;
    }
    return real(descriptor);
}

int fsync(int descriptor) { return forward("fsync", descriptor); }
int fdatasync(int descriptor) { return forward("fdatasync", descriptor); }
