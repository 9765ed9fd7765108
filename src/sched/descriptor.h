/* SPDX-License-Identifier: MIT */
/*
 * sched/descriptor.h -- what is known of each descriptor number (internal)
 *
 * Job      A record for each number: which life of the number it is, what kind of
 *          descriptor, its timeouts, whether it may be ready, who waits for it.
 * Promise  [NP1] and [NP4] of netpoll.h: `ready` and `seq`.
 * How      Records are made 256 at a time and never freed, so a number leads to its record
 *          without a lock:
 *
 *              mwi_pd_chunks[fd / 256] -> [ record | record | ... ]      64 bytes each
 *
 * Next     descriptor.c; iowait.h (who waits), netpoll.h (how readiness is learnt)
 */
#ifndef MWI_SCHED_DESCRIPTOR_H
#define MWI_SCHED_DESCRIPTOR_H

#include "os/lock.h"

enum mwi_io_dir { MWI_IO_READ, MWI_IO_WRITE };

enum mwi_fd_kind {
  MWI_FD_UNKNOWN,
  MWI_FD_FILE,   /* cannot be polled: regular files, directories, disks */
  MWI_FD_TCP,    /* a short read has emptied it, and an edge will tell of more */
  MWI_FD_STREAM, /* other sockets that carry bytes */
  MWI_FD_DGRAM,  /* sockets that carry messages */
  MWI_FD_OTHER   /* pipes, terminals, eventfds, ... */
};

struct mwi_ionode; /* iowait.h */

struct mwi_pd {
  struct mwi_lock lock; /* rank NETPOLL */

  /* changed under lock; head also read without (seq_cst, [NP2]).  Circular. */
  _Atomic(struct mwi_ionode *) queue[2];

  /* changed under lock, read without */
  _Atomic uint32_t seq;       /* [NP4] */
  _Atomic bool registered;    /* the kernel tells us edges for this life */
  _Atomic bool closing;       /* between the end of a life and the kernel's close */
  _Atomic uint8_t kind;       /* enum mwi_fd_kind */
  _Atomic uint8_t opts;       /* odd: timeout and lowat are the socket's; grows when they change */
  _Atomic bool lowat;         /* SO_RCVLOWAT is not 1: only poll tells whether it is reached */
  _Atomic bool foreign;       /* made by external code: the registration is verified */
  _Atomic bool shared;        /* duplicated: options are asked for each time */
  _Atomic bool sticky;        /* a hang-up, error or urgent byte was seen: attempts come first */
  _Atomic uint8_t nowait_no;  /* bit d: RWF_NOWAIT does not work in direction d */
  _Atomic uint8_t ready[2];   /* [NP1]; seq_cst */
  _Atomic uint8_t home;       /* the set that tells of it */
  _Atomic uint8_t turns;      /* waits since its home was looked at; lost updates harm nobody */
  _Atomic bool blocks;        /* O_NONBLOCK was off when somebody asked: a guess [NP8] */
  _Atomic uint32_t parks;     /* those without asking, and changes of the flag [NP8] */
  _Atomic int64_t timeout[2]; /* ns, 0 none: SO_RCVTIMEO, SO_SNDTIMEO */
} MWI_ALIGNED(64);
_Static_assert(sizeof(struct mwi_pd) == 64, "one cache line");

enum { MWI_PD_CHUNK = 256, MWI_PD_CHUNKS = 1 << 16 }; /* 16 million descriptors */
extern _Atomic(struct mwi_pd *) mwi_pd_chunks[MWI_PD_CHUNKS];

/* The record of a number; NULL: there cannot be one, or none yet. */
MWI_INLINE struct mwi_pd *mwi_pd_find(int fd) {
  if (fd < 0 || fd >= MWI_PD_CHUNK * MWI_PD_CHUNKS) return NULL;
  struct mwi_pd *c =
      mwi_load_acquire(&mwi_pd_chunks[(uint32_t)fd / MWI_PD_CHUNK]); /* pairs with make_chunk */
  return c ? &c[fd % MWI_PD_CHUNK] : NULL;
}
/* The same, made if there is none; NULL: there cannot be one. */
struct mwi_pd *mwi_pd_get_slow(int fd);
MWI_INLINE struct mwi_pd *mwi_pd_get(int fd) {
  struct mwi_pd *pd = mwi_pd_find(fd);
  return MWI_LIKELY(pd != NULL) ? pd : mwi_pd_get_slow(fd);
}
/* What fd is; asks the kernel the first time.  < 0: -errno. */
int mwi_pd_kind(struct mwi_pd *pd, int fd);
/* The kernel said that it is something else by now. */
void mwi_pd_mistaken(struct mwi_pd *pd);
/* A new descriptor, made by compiled code: a new life. */
void mwi_pd_fresh(int fd, enum mwi_fd_kind kind);
/* The goroutine whose section it is (gc/jumps.h) to change descriptor and record.  NULL: there are
 * no records yet, and perhaps no control block. */
struct mwi_g *mwi_pd_section(void);
/* The number is about to be closed: ends this life, wakes all who wait with
 * EBADF.  Returns what end wants; NULL: nothing to do. */
struct mwi_pd *mwi_pd_close_begin(int fd, uint32_t *seq);
void mwi_pd_close_end(struct mwi_pd *pd, uint32_t seq);
/* fd's options changed; it was duplicated. */
void mwi_pd_options_changed(int fd);
void mwi_pd_shared(int fd);
void mwi_pd_low_water(int fd);
/* O_NONBLOCK was set or taken away. */
void mwi_pd_flags_changed(int fd);
/* Close all that have records, from first to last. */
void mwi_pd_close_many(unsigned first, unsigned last);
/* close and its like are interposed: libc_fd.c. */
extern const bool mwi_closes_are_seen;
/* Read a socket's timeouts and low-water mark if they are not known. */
void mwi_pd_options(struct mwi_pd *pd, int fd);

/* In the child of a fork: nobody waits, and no set tells of any. */
void mwi_pd_forked(void);

#endif
