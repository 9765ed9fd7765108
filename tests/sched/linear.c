/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/linear.c -- channels and select against a sequential model
 *
 *   linear [HISTORIES]
 *
 * Job   In each trial a few goroutines make random operations on two channels
 *       of random capacity and record for each: when it was called, when it
 *       returned (one global counter), and what came of it.  Then a search
 *       asks: is there one order of all operations, each at a moment between
 *       its call and its return, in which a plain queue of that capacity would
 *       have given the same results?  (Herlihy and Wing 1990; the search is
 *       Wing and Gong's, with visited states remembered as Lowe does.)
 * Model A channel with room: a bounded queue.  Without room: a send and a
 *       receive take effect together, while both are under way.  A select is
 *       the operation that it chose; one that chose nothing must find, at one
 *       moment, none of its cases able to go on.  Whether somebody waits on an
 *       unbuffered channel is not part of the model, so there a try may
 *       always fail.
 * Trick Goroutines that would stay blocked are set free by the main goroutine,
 *       whose successful operations are recorded too; failed ones change
 *       nothing and are left out.
 */
#include "check.h"

enum { CHANS = 2, MAX_OPS = 32, WORKERS = 4, MAX_CAP = 3, MAX_VALUE = 31 };

enum kind { SEND, RECV, RECV_CLOSED, NONE_READY, CLOSE };

typedef struct op {
  unsigned call, ret;
  enum kind kind;
  int ch, value;
  unsigned could_send, could_recv; /* NONE_READY: channels of its cases */
} op;

typedef struct trial {
  mw_chan *c[CHANS];
  int cap[CHANS];
  bool with_close;
  _Atomic unsigned clock;
  _Atomic int nops, next_value, workers_left, senders_left;
  bool too_long; /* more operations than the search takes */
  op ops[MAX_OPS];
} trial;

typedef struct worker {
  trial *t;
  int id;
} worker;

/* ---- The search -------------------------------------------------------- */

/* 32 bits of operations done, then for each channel: closed, length, values of
 * 5 bits: 2 * (1 + 2 + 15) = 36 bits, so a key is two words. */
typedef struct state {
  unsigned done;
  struct {
    bool closed;
    int n;
    int v[MAX_CAP];
  } q[CHANS];
} state;

enum { SEEN = 1 << 18 };
static uint64_t (*seen)[2];
static uint32_t *seen_round, current_round;

static bool first_visit(const state *s) {
  uint64_t key = 0;
  for (int c = 0; c < CHANS; c++) {
    key = key << 1 | s->q[c].closed;
    key = key << 2 | (unsigned)s->q[c].n;
    for (int i = 0; i < MAX_CAP; i++) key = key << 5 | (unsigned)(i < s->q[c].n ? s->q[c].v[i] : 0);
  }
  uint64_t h = (key ^ s->done * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
  for (uint64_t i = h >> 40;; i++) {
    i &= SEEN - 1;
    if (seen_round[i] != current_round) {
      seen_round[i] = current_round;
      seen[i][0] = key;
      seen[i][1] = s->done;
      return true;
    }
    if (seen[i][0] == key && seen[i][1] == s->done) return false;
  }
}

/* Could a send (receive) on channel c go on? */
static bool can_send(const trial *t, const state *s, int c) {
  return !s->q[c].closed && s->q[c].n < t->cap[c];
}
static bool can_recv(const state *s, int c) {
  return s->q[c].closed || s->q[c].n > 0;
}

/* s after op o; false if o could not happen there. */
static bool apply(const trial *t, state *s, const op *o) {
  int c = o->ch;
  switch (o->kind) {
  case SEND:
    if (!can_send(t, s, c)) return false;
    s->q[c].v[s->q[c].n++] = o->value;
    return true;
  case RECV:
    if (s->q[c].n == 0 || s->q[c].v[0] != o->value) return false;
    s->q[c].n--;
    for (int i = 0; i < s->q[c].n; i++) s->q[c].v[i] = s->q[c].v[i + 1];
    return true;
  case RECV_CLOSED:
    return s->q[c].closed && s->q[c].n == 0;
  case CLOSE:
    s->q[c].closed = true;
    return true;
  case NONE_READY:
    for (int k = 0; k < CHANS; k++) {
      if ((o->could_send >> k & 1) && can_send(t, s, k)) return false;
      if ((o->could_recv >> k & 1) && can_recv(s, k)) return false;
    }
    return true;
  }
  return false;
}

static bool search(const trial *t, const state *s) {
  int n = t->nops;
  if (s->done == (n == 32 ? ~0u : (1u << n) - 1)) return true;
  if (!first_visit(s)) return false;
  unsigned first_ret = ~0u;
  for (int i = 0; i < n; i++)
    if (!(s->done >> i & 1) && t->ops[i].ret < first_ret) first_ret = t->ops[i].ret;
  for (int i = 0; i < n; i++) {
    const op *a = &t->ops[i];
    if ((s->done >> i & 1) || a->call > first_ret) continue;
    bool rendezvous = t->cap[a->ch] == 0 && (a->kind == SEND || a->kind == RECV);
    if (!rendezvous) {
      state next = *s;
      next.done |= 1u << i;
      if (apply(t, &next, a) && search(t, &next)) return true;
      continue;
    }
    for (int j = 0; a->kind == SEND && !s->q[a->ch].closed && j < n; j++) {
      const op *b = &t->ops[j];
      if ((s->done >> j & 1) || b->call > first_ret || b->kind != RECV || b->ch != a->ch ||
          b->value != a->value)
        continue;
      state next = *s;
      next.done |= 1u << i | 1u << j;
      if (search(t, &next)) return true;
    }
  }
  return false;
}

static void print_history(const trial *t) {
  static const char *const names[] = {"send", "recv", "recv (closed)", "none ready", "close"};
  fprintf(stderr, "no order explains this history (capacities %d, %d):\n", t->cap[0], t->cap[1]);
  for (int i = 0; i < t->nops; i++) {
    const op *o = &t->ops[i];
    fprintf(stderr, "  [%3u, %3u] %-13s channel %d value %2d", o->call, o->ret, names[o->kind],
            o->ch, o->value);
    if (o->kind == NONE_READY) fprintf(stderr, " send %x recv %x", o->could_send, o->could_recv);
    fputc('\n', stderr);
  }
}

/* ---- The trial --------------------------------------------------------- */

static void record(trial *t, unsigned call, op o) {
  o.call = call;
  o.ret = t->clock++;
  int i = t->nops++;
  if (i < MAX_OPS)
    t->ops[i] = o;
  else
    t->too_long = true;
}

/* What a goroutine may do in this trial. */
typedef struct role {
  bool send, recv, block;
} role;

/* A random operation, with `value` for the case that it sends.  True if a value
 * was sent. */
static bool random_op(trial *t, rng *g, role r, int value) {
  int c = (int)rng_below(g, CHANS), got[CHANS] = {0, 0};
  bool send = r.send && (!r.recv || rng_below(g, 2));
  bool select = rng_below(g, 2), block = r.block && rng_below(g, 2);
  op o = {.ch = c, .value = value, .kind = SEND};
  op none = {.kind = NONE_READY};
  bool ready = true;
  unsigned call = t->clock++;
  if (!select && send) {
    none.could_send = 1u << c;
    if (block)
      mw_chan_send(t->c[c], value);
    else
      ready = mw_chan_try_send(t->c[c], value);
  } else if (!select) {
    none.could_recv = 1u << c;
    int how = block ? mw_chan_recv(t->c[c], &got[0]) : mw_chan_try_recv(t->c[c], &got[0]);
    o.kind = how == 1 ? RECV : RECV_CLOSED;
    o.value = got[0];
    ready = how >= 0;
  } else {
    mw_case cases[2 * CHANS];
    int n = 0;
    for (int k = 0; k < CHANS; k++) {
      if (n > 0 && rng_below(g, 3) == 0) break;
      int ch = (c + k) % CHANS;
      if (r.send && (send || rng_below(g, 2))) {
        cases[n++] = mw_case_send(t->c[ch], &value);
        none.could_send |= 1u << ch;
      }
      if (r.recv && (!send || rng_below(g, 2))) {
        cases[n++] = mw_case_recv(t->c[ch], &got[k]);
        none.could_recv |= 1u << ch;
      }
    }
    int i = block ? mw_select(cases, n) : mw_try_select(cases, n);
    ready = i >= 0;
    if (ready) {
      o.ch = cases[i].chan == t->c[0] ? 0 : 1;
      if (!cases[i].send) {
        o.kind = cases[i].ok ? RECV : RECV_CLOSED;
        o.value = got[cases[i].elem == &got[1]];
      }
    }
  }
  if (ready)
    record(t, call, o);
  else if (r.block)
    record(t, call, none); /* the main goroutine's failures are left out */
  return ready && o.kind == SEND;
}

static void work(void *arg) {
  worker *w = arg;
  trial *t = w->t;
  rng g = rng_for(current_round * 16ull + (unsigned)w->id);
  bool sender = w->id < WORKERS / 2;
  role r = {.send = !t->with_close || sender, .recv = !t->with_close || !sender, .block = true};
  for (int i = 2 + (int)rng_below(&g, 3); i > 0; i--) {
    for (unsigned k = rng_below(&g, 4); k > 1; k--) mw_yield();
    for (volatile unsigned spin = rng_below(&g, 200); spin > 0; spin--) {
    }
    (void)random_op(t, &g, r, ++t->next_value);
  }
  if (sender) t->senders_left--;
  t->workers_left--;
}

static void close_all(trial *t) {
  for (int c = 0; c < CHANS; c++) {
    unsigned call = t->clock++;
    mw_chan_close(t->c[c]);
    record(t, call, (op){.ch = c, .kind = CLOSE});
  }
}

/* False: the history was too long to check. */
static bool run_trial(rng *g) {
  trial *t = mw_new(trial);
  for (int c = 0; c < CHANS; c++) {
    t->cap[c] = (int)rng_below(g, MAX_CAP + 1);
    t->c[c] = mw_chan_make(int, (size_t)t->cap[c]);
  }
  t->with_close = rng_below(g, 3) == 0;
  t->workers_left = WORKERS;
  t->senders_left = WORKERS / 2;
  for (int i = 0; i < WORKERS; i++) {
    worker *w = mw_new(worker);
    w->t = t;
    w->id = i;
    mw_go(work, w);
  }
  bool closed = false;
  int value = 0;
  role r = {.send = !t->with_close, .recv = true};
  for (unsigned i = 0; t->workers_left > 0; i++) {
    mw_yield();
    if (i < 50 || i % 8 != 0) continue; /* let them free each other */
    if (t->with_close && !closed && t->senders_left == 0) {
      close_all(t);
      closed = true;
    }
    if (closed) continue;
    if (value == 0) value = ++t->next_value;
    if (value > MAX_VALUE) t->too_long = true;
    if (random_op(t, g, r, value)) value = 0;
  }
  if (t->too_long) return false;
  current_round++;
  state s = {0};
  if (!search(t, &s)) {
    print_history(t);
    CHECK(!"linearizable");
  }
  return true;
}

int main(int argc, char **argv) {
  check_start();
  long histories = arg_or(argc, argv, 1, 3000); /* short enough to check */
  seen = calloc(SEEN, sizeof *seen);
  seen_round = calloc(SEEN, sizeof *seen_round);
  current_round = 1;
  rng g = rng_for(1u << 30);
  long checked = 0, made = 0;
  for (; checked < histories; made++) checked += run_trial(&g);
  printf("ok: %ld histories of %ld\n", checked, made);
  return 0;
}
