/* The library that makes one system call or allocation of a real program go wrong; see faults.h.
 *
 * A seccomp filter turns every system call, whoever makes it, into SIGSYS, except those made at one
 * address here. The handler counts the call, decides, and makes it at that address. Not turned are
 * the calls that start and end threads and processes and return from handlers, which cannot be made
 * from within one. SIGSYS must never be blocked, since the kernel then ends the process: the handler
 * takes it out of every mask that the program sets. Allocations are counted in malloc and the like.
 *
 * Nothing here may allocate, call the C library's own system calls or touch errno. */
#include "faults.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#if !defined __x86_64__
#error "written for x86-64"
#endif

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

enum { FDS = 1024, FRAMES = 10, STACK_WORDS = 200 };

static struct fault *fault; /* NULL: counts nothing */
/* What each descriptor is: a path below `dir`, "wake" for what a program wakes itself with, "log" for
 * standard error, else "". */
static char names[FDS][96];

long fault_raw(long nr, const long arg[6]);
extern const char fault_raw_end[];

__asm__(".text\n"
        ".type fault_raw, @function\n"
        "fault_raw:\n"
        "  .cfi_startproc\n"
        "  mov %rdi, %rax\n"
        "  mov %rsi, %r11\n"
        "  mov (%r11), %rdi\n"
        "  mov 8(%r11), %rsi\n"
        "  mov 16(%r11), %rdx\n"
        "  mov 24(%r11), %r10\n"
        "  mov 32(%r11), %r8\n"
        "  mov 40(%r11), %r9\n"
        "  syscall\n"
        "fault_raw_end:\n"
        "  ret\n"
        "  .cfi_endproc\n");

static long raw(long nr, long a, long b, long c, long d) {
    const long arg[6] = {a, b, c, d, 0, 0};
    return fault_raw(nr, arg);
}

/* ---- deciding ---- */

static unsigned phase_now(void) {
    unsigned phase = atomic_load(&fault->now);
    return phase < FAULT_PHASES ? phase : FAULT_PHASES - 1;
}

static bool is_struck(uint32_t n, unsigned phase) {
    if (atomic_load(&fault->over))
        return false;
    bool nth = phase == fault->plan.phase && n == fault->plan.nth;
    if (nth && fault->plan.lasting)
        atomic_store(&fault->in_force, true);
    return nth || atomic_load(&fault->in_force);
}

static void note(const char *what) {
    if (atomic_fetch_add(&fault->struck, 1) == 0 && what)
        strncpy(fault->what, what, sizeof fault->what - 1);
}

/* ---- which file a call is about ---- */

static bool takes_path(long nr) {
    return nr == SYS_open || nr == SYS_stat || nr == SYS_mkdir || nr == SYS_rename ||
           nr == SYS_unlink || nr == SYS_link || nr == SYS_access || nr == SYS_chmod ||
           nr == SYS_lchown || nr == SYS_rmdir || nr == SYS_readlink || nr == SYS_lstat;
}

static bool takes_path_at(long nr) {
    return nr == SYS_openat || nr == SYS_newfstatat || nr == SYS_unlinkat || nr == SYS_mkdirat ||
           nr == SYS_renameat || nr == SYS_renameat2 || nr == SYS_linkat || nr == SYS_faccessat ||
           nr == SYS_faccessat2 || nr == SYS_fchmodat || nr == SYS_readlinkat || nr == SYS_fchownat;
}

static bool takes_descriptor(long nr) {
    return nr == SYS_read || nr == SYS_write || nr == SYS_pread64 || nr == SYS_pwrite64 ||
           nr == SYS_readv || nr == SYS_writev || nr == SYS_pwritev || nr == SYS_fsync ||
           nr == SYS_fdatasync || nr == SYS_ftruncate || nr == SYS_fstat || nr == SYS_close ||
           nr == SYS_lseek || nr == SYS_flock || nr == SYS_fcntl || nr == SYS_fstatfs ||
           nr == SYS_getdents64 || nr == SYS_fallocate;
}

static const char *path_of(long nr, const long arg[6]) {
    const char *path = takes_path(nr) ? (const char *)arg[0] : NULL;
    if (takes_path_at(nr))
        path = (const char *)arg[1];
    if (path && *path)
        return path;
    long fd = nr == SYS_mmap ? arg[4] : arg[0];
    bool known = takes_descriptor(nr) || takes_path_at(nr) || nr == SYS_mmap;
    return known && fd >= 0 && fd < FDS && names[fd][0] ? names[fd] : NULL;
}

static bool is_own(const char *path) {
    size_t n = strlen(fault->dir);
    return path && n > 0 && strncmp(path, fault->dir, n) == 0;
}

static const char wake[] = "wake";

static void keep_name(long nr, const long arg[6], long result) {
    if (nr == SYS_close && arg[0] >= 0 && arg[0] < FDS)
        names[arg[0]][0] = 0;
    if (result < 0 || result >= FDS)
        return;
    if (nr == SYS_eventfd2)
        strcpy(names[result], wake);
    for (int i = 0; nr == SYS_pipe2 && i < 2; i++)
        strcpy(names[((const int *)arg[0])[i] % FDS], wake);
    if (nr != SYS_openat)
        return;
    const char *path = (const char *)arg[1];
    names[result][0] = 0;
    if (is_own(path))
        strncpy(names[result], path, sizeof names[0] - 1);
    else if (path[0] != '/' && arg[0] >= 0 && arg[0] < FDS && names[arg[0]][0])
        memcpy(names[result], names[arg[0]], sizeof names[0]);
}

/* ---- calls ---- */

static bool makes_file(const long arg[6]) {
    return (arg[2] & O_CREAT) && raw(SYS_access, arg[1], F_OK, 0, 0) != 0;
}

static bool writes_file(long nr, const long arg[6]) {
    return nr == SYS_write || nr == SYS_pwrite64 || nr == SYS_writev || nr == SYS_pwritev ||
           nr == SYS_fsync || nr == SYS_fdatasync || nr == SYS_ftruncate || nr == SYS_mkdir ||
           nr == SYS_rename || nr == SYS_link || nr == SYS_unlink ||
           (nr == SYS_openat && makes_file(arg));
}

/* Half of what was asked for. Something that moves one byte cannot do less. */
static long halve(long nr, const long asked[6]) {
    long arg[6];
    struct iovec half;
    memcpy(arg, asked, sizeof arg);
    if (nr == SYS_writev || nr == SYS_readv || nr == SYS_pwritev) {
        half = *(const struct iovec *)asked[1];
        half.iov_len = half.iov_len / 2 + (half.iov_len == 1);
        arg[1] = (long)&half;
        arg[2] = 1;
    } else if (nr == SYS_sendmsg || nr == SYS_recvmsg) {
        struct msghdr m = *(const struct msghdr *)asked[1];
        half = m.msg_iov[0];
        half.iov_len = half.iov_len / 2 + (half.iov_len == 1);
        m.msg_iov = &half;
        m.msg_iovlen = 1;
        arg[1] = (long)&m;
        return fault_raw(nr, arg);
    } else {
        arg[2] = asked[2] / 2 + (asked[2] == 1);
    }
    return fault_raw(nr, arg);
}

/* Counts a call. Out: whether it is the one. Reading and writing what the program wakes itself with
 * does not fail on any system, and nobody else sees it. */
static bool count_call(long nr, const long arg[6], const char *path) {
    if (path && strcmp(path, wake) == 0 && (nr == SYS_read || nr == SYS_write))
        return false;
    unsigned phase = phase_now();
    bool own = is_own(path), disk = own && writes_file(nr, arg);
    uint32_t n = atomic_fetch_add(&fault->count[phase][nr], 1) + 1;
    uint32_t n_own = own ? atomic_fetch_add(&fault->own_count[phase][nr], 1) + 1 : 0;
    uint32_t n_disk = disk ? atomic_fetch_add(&fault->disk[phase], 1) + 1 : 0;
    if (fault->plan.kind == FAULT_DISK)
        return disk && is_struck(n_disk, phase);
    if (fault->plan.kind == FAULT_NONE || fault->plan.kind == FAULT_ALLOC || nr != fault->plan.call)
        return false;
    return fault->plan.own ? own && is_struck(n_own, phase) : is_struck(n, phase);
}

static long make_call(long nr, const long arg[6]) {
    const char *path = path_of(nr, arg);
    if (nr < 0 || nr >= FAULT_CALLS || !count_call(nr, arg, path))
        return fault_raw(nr, arg);
    note(path);
    if (fault->plan.kind == FAULT_KILL)
        (void)raw(SYS_kill, raw(SYS_getpid, 0, 0, 0, 0), SIGKILL, 0, 0);
    if (fault->plan.kind == FAULT_SHORT)
        return halve(nr, arg);
    if (nr == SYS_brk) /* it fails by staying where it is */
        return raw(SYS_brk, 0, 0, 0, 0);
    if (nr == SYS_close) /* Linux closes, whatever it says */
        (void)fault_raw(nr, arg);
    return -fault->plan.error;
}

/* ---- the handler ---- */

static const uint64_t sigsys_bit = (uint64_t)1 << (SIGSYS - 1);

/* In a handler the thread's mask is what it gets back afterwards. */
static long set_mask(ucontext_t *u, const long arg[6]) {
    uint64_t mask, set = 0;
    memcpy(&mask, &u->uc_sigmask, sizeof mask);
    if (arg[2])
        memcpy((void *)arg[2], &mask, sizeof mask);
    if (!arg[1])
        return 0;
    memcpy(&set, (const void *)arg[1], sizeof set);
    mask = arg[0] == SIG_BLOCK ? mask | set : arg[0] == SIG_UNBLOCK ? mask & ~set : set;
    mask &= ~sigsys_bit;
    memcpy(&u->uc_sigmask, &mask, sizeof mask);
    return 0;
}

struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

static long set_action(const long asked[6]) {
    struct kernel_action action;
    long arg[6];
    if (!asked[1])
        return fault_raw(SYS_rt_sigaction, asked);
    if (asked[0] == SIGSYS)
        return 0;
    memcpy(arg, asked, sizeof arg);
    memcpy(&action, (const void *)asked[1], sizeof action);
    action.mask &= ~sigsys_bit;
    arg[1] = (long)&action;
    return fault_raw(SYS_rt_sigaction, arg);
}

static void on_sigsys(int signum, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    greg_t *r = u->uc_mcontext.gregs;
    const long arg[6] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
    long nr = info->si_syscall, result;
    (void)signum;
    if (nr == SYS_rt_sigprocmask) {
        result = set_mask(u, arg);
    } else if (nr == SYS_rt_sigaction) {
        result = set_action(arg);
    } else {
        result = make_call(nr, arg);
        keep_name(nr, arg, result);
    }
    r[REG_RAX] = result;
}

/* ---- allocations ---- */

/* The text of the program itself. */
static struct { uintptr_t from, to; } program;

static int find_program(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size, (void)arg;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
            continue;
        program.from = info->dlpi_addr + part->p_vaddr;
        program.to = program.from + part->p_memsz;
    }
    return 1; /* the first is the program */
}

/* The caller and what looks like return addresses into the program further up the stack, as one
 * number: good enough to tell call sites apart. */
static uint32_t site_of(const uintptr_t *at, const void *caller) {
    uint32_t h = 2166136261U ^ (uint32_t)(uintptr_t)caller;
    for (unsigned i = 0, found = 0; i < STACK_WORDS && found < FRAMES; i++) {
        if (at[i] < program.from || at[i] >= program.to)
            continue;
        h = (h ^ (uint32_t)at[i]) * 16777619U;
        found++;
    }
    return h;
}

static bool refuse(const void *frame, const void *caller) {
    if (!fault)
        return false;
    unsigned phase = phase_now();
    uint32_t n = atomic_fetch_add(&fault->allocations[phase], 1) + 1;
    if (fault->plan.trace && n <= FAULT_SITES)
        fault->site[phase][n - 1] = site_of(frame, caller);
    if (fault->plan.kind != FAULT_ALLOC || !is_struck(n, phase))
        return false;
    note(NULL);
    errno = ENOMEM;
    return true;
}

#define HERE __builtin_frame_address(0), __builtin_return_address(0)

void *malloc(size_t n) {
    return refuse(HERE) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
    return refuse(HERE) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n) {
    return refuse(HERE) ? NULL : __libc_realloc(p, n);
}

/* ---- start ---- */

/* Where it came from, into the log: the process keeps no core. */
static void on_crash(int signum) {
    void *frames[64];
    atomic_store(&fault->over, true);
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    (void)signal(signum, SIG_DFL);
    (void)raise(signum);
}

static bool filter_calls(void) {
    uint64_t end = (uint64_t)(uintptr_t)fault_raw_end;
    struct sock_filter code[] = {
#define LOAD(field)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW_IF(nr, to) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), (to), 0)
        LOAD(instruction_pointer),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)end, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(end >> 32), 11, 0),
        LOAD(nr),
        ALLOW_IF(SYS_rt_sigreturn, 9),
        ALLOW_IF(SYS_clone, 8),
        ALLOW_IF(SYS_clone3, 7),
        ALLOW_IF(SYS_vfork, 6),
        ALLOW_IF(SYS_fork, 5),
        ALLOW_IF(SYS_exit, 4),
        ALLOW_IF(SYS_exit_group, 3),
        ALLOW_IF(SYS_execve, 2),
        ALLOW_IF(SYS_arch_prctl, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {.len = sizeof code / sizeof code[0], .filter = code};
    return raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0) == 0 &&
           raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&filter, 0) == 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("MEENT_FAULT");
    if (!path)
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *p =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *fault, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (p == MAP_FAILED)
        _exit(96);
    dl_iterate_phdr(find_program, NULL);
    void *frame; /* the first trace loads a library */
    (void)backtrace(&frame, 1);
    (void)signal(SIGSEGV, on_crash);
    (void)signal(SIGABRT, on_crash);
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    action.sa_sigaction = on_sigsys;
    memcpy(names[STDERR_FILENO], "log", sizeof "log");
    fault = p;
    if (sigaction(SIGSYS, &action, NULL) != 0 || !filter_calls())
        _exit(97);
    atomic_store(&fault->loaded, true);
}
