/* Sends the same POST over many kept-alive connections and reports what came back, as one line of JSON.
 *
 *   cc -O2 -o load load.c && ./load PORT PATH BODYFILE CONNECTIONS RATE SECONDS [HEADER...]
 *
 * RATE 0 is the closed loop: every connection asks again as soon as it was answered. RATE > 0 is the open loop: requests
 * fall due at that rate whether or not a connection is free, and latency counts from when a request fell due, so that a
 * stalled server cannot hide the requests it kept from being sent. SECONDS 0: every connection asks once.
 * After SECONDS nothing new is sent, and what is under way is waited for: all that was asked for is counted.
 * In answers that are event streams the events are counted (an empty line ends one), and the time to the first byte of them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MOST = 16384, READ_MOST = 65536 };
static const long PATIENCE = 15000000000L; /* For the last answers, in nanoseconds. */

typedef enum { IDLE, SENDING, HEAD, BODY } Phase;
typedef enum { SIZE_LINE, CHUNK, CHUNK_END, TRAILER } ChunkPhase;

typedef struct {
  int fd;
  Phase phase;
  size_t sent;
  long due, first;      /* nanoseconds: when the request fell due, when the first byte of the body came */
  char head[HEAD_MOST + 1];
  size_t head_size;
  int status, chunked, stream, closes;
  long left;            /* bytes of the body, or of the chunk, still to come */
  ChunkPhase chunk;
  long line;            /* bytes on the current line of the trailer */
  int newline;          /* the stream's last byte was a line end */
} Conn;

typedef struct { float *us; size_t count, room; } Times;

static struct { long ok, refused, broken, events, bytes; int odd_status; } seen;
static Times whole_times, first_times;
static Conn *conns;
static int conn_count, port, poller, under_way;
static char *request;
static size_t request_size;

static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void note(Times *times, long ns) {
  if (times->count == times->room) {
    times->room = times->room ? times->room * 2 : 65536;
    times->us = realloc(times->us, times->room * sizeof *times->us);
  }
  times->us[times->count++] = (float)ns / 1000;
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static float percentile(const Times *times, double share) {
  return times->count ? times->us[(size_t)(share * (double)(times->count - 1) + 0.5)] : 0;
}

static void dial(Conn *c) {
  int one = 1;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c->fd, (void *)&a, sizeof a)) { perror("connect"); exit(3); }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
  c->phase = IDLE;
}

static void lose(Conn *c) {
  if (c->phase != IDLE) { seen.broken++; under_way--; }
  close(c->fd);
  dial(c);
}

static void watch(Conn *c, int out) {
  struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

static void push(Conn *c) {
  int waited = c->sent > 0;
  while (c->sent < request_size) {
    ssize_t n = send(c->fd, request + c->sent, request_size - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) { watch(c, 1); return; }
    if (n < 0) { lose(c); return; }
    c->sent += (size_t)n;
  }
  if (waited) watch(c, 0);
  c->phase = HEAD;
}

static void ask(Conn *c, long due) {
  c->due = due;
  c->sent = c->head_size = 0;
  c->first = 0;
  c->phase = SENDING;
  under_way++;
  push(c);
}

static void finish(Conn *c) {
  long now = now_ns();
  under_way--;
  if (c->status == 200) {
    seen.ok++;
    note(&whole_times, now - c->due);
    if (c->first) note(&first_times, c->first - c->due);
  } else {
    seen.refused++;
    seen.odd_status = c->status;
  }
  c->phase = IDLE;
  if (c->closes) lose(c);
}

static void count_events(Conn *c, const char *bytes, size_t size) {
  for (const char *at = bytes, *end = bytes + size; (at = memchr(at, '\n', (size_t)(end - at))); at++)
    seen.events += at == bytes ? c->newline : at[-1] == '\n';
  c->newline = bytes[size - 1] == '\n';
}

static void payload(Conn *c, const char *bytes, size_t size) {
  if (!size) return;
  seen.bytes += (long)size;
  if (!c->first) c->first = now_ns();
  if (c->stream) count_events(c, bytes, size);
}

static int hex(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit |= 32;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* One byte of the framing between chunks. 1: the body is over, -1: it cannot be read. */
static int framing(Conn *c, char byte) {
  if (byte == '\r') return 0;
  if (c->chunk == CHUNK_END) { c->chunk = SIZE_LINE; c->left = 0; return byte == '\n' ? 0 : -1; }
  if (c->chunk == TRAILER) {
    if (byte != '\n') { c->line++; return 0; }
    int empty = !c->line;
    c->line = 0;
    return empty;
  }
  if (byte == '\n') { c->chunk = c->left ? CHUNK : TRAILER; c->line = 0; return 0; }
  int digit = hex(byte);
  c->left = c->left * 16 + digit;
  return digit < 0 ? -1 : 0;
}

/* 1: the body is over, 0: more is to come, -1: it cannot be read. */
static int body(Conn *c, const char *bytes, size_t size) {
  if (!c->chunked) {
    payload(c, bytes, size);
    c->left -= (long)size;
    return c->left <= 0;
  }
  while (size) {
    if (c->chunk == CHUNK) {
      size_t part = size < (size_t)c->left ? size : (size_t)c->left;
      payload(c, bytes, part);
      bytes += part, size -= part, c->left -= (long)part;
      if (!c->left) c->chunk = CHUNK_END;
      continue;
    }
    int state = framing(c, *bytes);
    if (state) return state;
    bytes++, size--;
  }
  return 0;
}

static void read_head(Conn *c) {
  char *length = strcasestr(c->head, "\ncontent-length:");
  c->status = atoi(c->head + 9);
  c->chunked = strcasestr(c->head, "\ntransfer-encoding: chunked") != NULL;
  c->stream = strcasestr(c->head, "\ncontent-type: text/event-stream") != NULL;
  c->closes = strcasestr(c->head, "\nconnection: close") != NULL;
  c->left = !c->chunked && length ? atol(length + 16) : 0;
  c->chunk = SIZE_LINE;
  c->newline = 0;
}

/* What `body` says, for bytes that may still belong to the head. */
static int take(Conn *c, const char *bytes, size_t size) {
  if (c->phase == BODY) return body(c, bytes, size);
  if (c->head_size + size > HEAD_MOST && c->head_size) return -1;
  size_t part = size < HEAD_MOST - c->head_size ? size : HEAD_MOST - c->head_size;
  memcpy(c->head + c->head_size, bytes, part);
  size_t before = c->head_size;
  c->head_size += part;
  c->head[c->head_size] = 0;
  char *end = memmem(c->head, c->head_size, "\r\n\r\n", 4);
  if (!end) return c->head_size == HEAD_MOST ? -1 : 0;
  *end = 0;
  read_head(c);
  c->phase = BODY;
  size_t used = (size_t)(end + 4 - c->head) - before;
  if (!c->chunked && !c->left) return 1;
  return used < size ? body(c, bytes + used, size - used) : 0;
}

static void readable(Conn *c) {
  static char bytes[READ_MOST];
  ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0 || c->phase == IDLE) { lose(c); return; }
  int state = take(c, bytes, (size_t)n);
  if (state < 0) lose(c);
  else if (state) finish(c);
}

static Conn *idle_one(void) {
  static int at;
  for (int i = 0; i < conn_count; i++) {
    Conn *c = &conns[(at + i) % conn_count];
    if (c->phase == IDLE) { at = (at + i + 1) % conn_count; return c; }
  }
  return NULL;
}

static void build_request(char **words, int count) {
  FILE *file = fopen(words[3], "rb");
  if (!file) { perror(words[3]); exit(2); }
  char *data = malloc(1 << 24);
  size_t size = fread(data, 1, 1 << 24, file);
  fclose(file);
  char *head;
  int length = asprintf(&head, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n",
                        words[2], port, size);
  for (int i = 7; i < count; i++) {
    char *longer;
    length = asprintf(&longer, "%s%s\r\n", head, words[i]);
    head = longer;
  }
  request = malloc((size_t)length + 2 + size);
  memcpy(request, head, (size_t)length);
  memcpy(request + length, "\r\n", 2);
  memcpy(request + length + 2, data, size);
  request_size = (size_t)length + 2 + size;
}

static void report(double seconds) {
  qsort(whole_times.us, whole_times.count, sizeof(float), ascending);
  qsort(first_times.us, first_times.count, sizeof(float), ascending);
  printf("{\"ok\":%ld,\"refused\":%ld,\"odd_status\":%d,\"broken\":%ld,\"unanswered\":%d,\"seconds\":%.4f,\"events\":%ld,"
         "\"bytes\":%ld,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"first50\":%.1f,\"first99\":%.1f}\n",
         seen.ok, seen.refused, seen.odd_status, seen.broken, under_way, seconds, seen.events, seen.bytes,
         percentile(&whole_times, .5), percentile(&whole_times, .9), percentile(&whole_times, .99),
         percentile(&whole_times, .999), percentile(&first_times, .5), percentile(&first_times, .99));
}

/* Asks for what is due; the nanoseconds until the next request falls due. */
static long send_due(long *due, long gap) {
  Conn *c;
  while (*due <= now_ns() && (c = idle_one())) { ask(c, *due); *due += gap; }
  long left = *due - now_ns();
  return left > 0 ? left : 200000;
}

int main(int count, char **words) {
  if (count < 7) { fprintf(stderr, "usage: load PORT PATH BODYFILE CONNECTIONS RATE SECONDS [HEADER...]\n"); return 2; }
  signal(SIGPIPE, SIG_IGN);
  port = atoi(words[1]);
  conn_count = atoi(words[4]);
  double rate = atof(words[5]), seconds = atof(words[6]);
  build_request(words, count);
  poller = epoll_create1(0);
  conns = calloc((size_t)conn_count, sizeof *conns);
  for (int i = 0; i < conn_count; i++) dial(&conns[i]);
  long start = now_ns(), end = start + (long)(seconds * 1e9), gap = rate > 0 ? (long)(1e9 / rate) : 0, due = start, last = start;
  if (!gap) for (int i = 0; i < conn_count; i++) ask(&conns[i], now_ns());
  struct epoll_event happened[256];
  while (now_ns() < end || (under_way && now_ns() < (seconds > 0 ? end : start) + PATIENCE * (seconds > 0 ? 1 : 4))) {
    int more = now_ns() < end;
    long pause = gap && more ? send_due(&due, gap) : 20000000;
    struct timespec t = {pause / 1000000000L, pause % 1000000000L};
    int n = epoll_pwait2(poller, happened, 256, &t, NULL);
    for (int i = 0; i < n; i++) {
      Conn *c = happened[i].data.ptr;
      if (happened[i].events & EPOLLOUT && c->phase == SENDING) push(c);
      if (happened[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
      if (!gap && more && seconds > 0 && c->phase == IDLE) ask(c, now_ns());
    }
    if (n) last = now_ns();
  }
  report((double)(last - start) / 1e9);
  return 0;
}
