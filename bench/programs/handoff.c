/* SPDX-License-Identifier: MIT */
/* bench/programs/handoff.c -- what one thread allocates another one frees */
#include "programs.h"

enum { PAIRS = 2, BATCH = 64 };

struct message {
  struct message *next;
  uint64_t n;
  char text[];
};

static long batches;
static uint64_t sums[PAIRS];

static struct message *batch(uint64_t *state) {
  struct message *first = NULL;
  for (int i = 0; i < BATCH; i++) {
    uint64_t r = next_random(state);
    size_t bytes = 8 + (r >> 8 & 127);
#ifdef MALLOC
    struct message *m = malloc(sizeof *m + bytes);
#else
    struct message *m = mw_new_flex(struct message, text, bytes);
#endif
    m->text[bytes - 1] = (char)r;
    m->n = bytes;
    m->next = first;
    first = m;
  }
  return first;
}

static uint64_t use(struct message *m) {
  uint64_t sum = 0;
  for (struct message *next; m; m = next) {
    next = m->next;
    sum += (unsigned char)m->text[m->n - 1];
    drop(m);
  }
  return sum;
}

#ifdef MALLOC
enum { ROOM = 64 };
static struct queue {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned head, tail;
  struct message *at[ROOM];
} queues[PAIRS];

static void send(struct queue *q, struct message *m) {
  pthread_mutex_lock(&q->lock);
  while (q->tail - q->head == ROOM) pthread_cond_wait(&q->changed, &q->lock);
  q->at[q->tail++ % ROOM] = m;
  pthread_cond_broadcast(&q->changed);
  pthread_mutex_unlock(&q->lock);
}

static struct message *receive(struct queue *q) {
  pthread_mutex_lock(&q->lock);
  while (q->tail == q->head) pthread_cond_wait(&q->changed, &q->lock);
  struct message *m = q->at[q->head++ % ROOM];
  pthread_cond_broadcast(&q->changed);
  pthread_mutex_unlock(&q->lock);
  return m;
}
#define QUEUE(i) (&queues[i])
#else
static mw_chan *channels[PAIRS];
static void send(mw_chan *c, struct message *m) {
  mw_chan_send(c, m);
}
static struct message *receive(mw_chan *c) {
  struct message *m;
  return mw_chan_recv(c, &m) ? m : NULL;
}
#define QUEUE(i) channels[i]
#endif

static void run(long i) {
  uint64_t state = 3 + (uint64_t)i;
  for (long b = 0; b < batches; b++) {
    if (i < PAIRS)
      send(QUEUE(i), batch(&state));
    else
      sums[i - PAIRS] += use(receive(QUEUE(i - PAIRS)));
  }
}

int main(int argc, char **argv) {
  batches = number(argc, argv, 1, 20000);
  for (int i = 0; i < PAIRS; i++) {
#ifdef MALLOC
    pthread_mutex_init(&queues[i].lock, NULL);
    pthread_cond_init(&queues[i].changed, NULL);
#else
    channels[i] = mw_chan_make(struct message *, 64);
#endif
  }
  run_all(2 * PAIRS, run);
  printf("sums %lu %lu\n", sums[0], sums[1]);
}
