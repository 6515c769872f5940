/* A provider that costs next to nothing: answers every POST with one fixed OpenAI chat completion, or, when the body says
 * "stream":true, with EVENTS server-sent events, one every INTERVAL microseconds (0: all at once).
 *
 *   cc -O2 -o upstream upstream.c && ./upstream PORT INTERVAL_US EVENTS
 *
 * One thread, epoll, keep-alive. All answers are static blocks of bytes; a connection holds a cursor into one of them. The
 * connections that wait for their next event stand in one queue: as all wait equally long, its head is always due first.
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

typedef struct { char *bytes; size_t size; } Block;

typedef struct Conn {
  int fd;
  char *in;                 /* what has arrived and is not answered yet */
  size_t have, room;
  const Block *out;         /* what is being sent, and how much of it has left */
  size_t sent;
  int events;               /* events of the running stream already sent */
  int streaming, watching_out;
  long due;                 /* when the next event may leave, in microseconds */
  struct Conn *next, *prev; /* neighbours in the queue, while waiting */
  int queued;
} Conn;

static Block whole, head, event, last;
static Conn queue = {.next = &queue, .prev = &queue};
static long interval;
static int events_per_stream, poller;

static void fail(const char *what) { perror(what); exit(1); }

static long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static Block block(const char *format, const char *a, int size, const char *b) {
  Block made;
  int written = asprintf(&made.bytes, format, a, size, b);
  if (written < 0) fail("asprintf");
  made.size = (size_t)written;
  return made;
}

static char *text_of(int size) {
  static const char words[] = "Over the bridge the light is kept, and no one asks it whose it is. ";
  char *text = malloc((size_t)size + 1);
  for (int i = 0; i < size; i++) text[i] = words[i % (int)(sizeof words - 1)];
  text[size] = 0;
  return text;
}

static void prepare_blocks(void) {
  const char *meta = "\"created\":1795000000,\"model\":\"bench-1\",\"system_fingerprint\":\"fp_0123456789\"";
  const char *usage = "\"usage\":{\"prompt_tokens\":412,\"completion_tokens\":271,\"total_tokens\":683,"
                      "\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}}";
  char *body, *piece, *end;
  int size = asprintf(&body,
      "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",%s,\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
      "\"content\":\"%s\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],%s,\"service_tier\":\"default\"}",
      meta, text_of(1000), usage);
  whole = block("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s",
      "Content-Type: application/json\r\nx-request-id: req_bench\r\nopenai-processing-ms: 1\r\n"
      "x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\n", size, body);
  int length = asprintf(&piece,
      "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",%s,\"choices\":[{\"index\":0,\"delta\":"
      "{\"content\":\" light\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n", meta);
  event = block("%s%x\r\n%s\r\n", "", length, piece);
  head = block("HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n%.0d%s",
      "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\nx-request-id: req_bench\r\n", 0, event.bytes);
  int closing = asprintf(&end,
      "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",%s,\"choices\":[],%s}\n\ndata: [DONE]\n\n", meta, usage);
  last = block("%s%x\r\n%s\r\n0\r\n\r\n", "", closing, end);
}

static void leave_queue(Conn *c) {
  if (!c->queued) return;
  c->prev->next = c->next;
  c->next->prev = c->prev;
  c->queued = 0;
}

static void join_queue(Conn *c, long due) {
  c->due = due;
  c->prev = queue.prev;
  c->next = &queue;
  queue.prev->next = c;
  queue.prev = c;
  c->queued = 1;
}

static void hang_up(Conn *c) {
  leave_queue(c);
  close(c->fd);
  free(c->in);
  free(c);
}

static void watch(Conn *c, int out) {
  if (c->watching_out == out) return;
  struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
  c->watching_out = out;
}

/* 1: the block has left whole, 0: the peer must read first, -1: it is gone. */
static int push(Conn *c) {
  while (c->sent < c->out->size) {
    ssize_t n = write(c->fd, c->out->bytes + c->sent, c->out->size - c->sent);
    if (n < 0) return errno == EAGAIN ? (watch(c, 1), 0) : -1;
    c->sent += (size_t)n;
  }
  watch(c, 0);
  c->out = NULL;
  return 1;
}

static int put(Conn *c, const Block *b) {
  c->out = b;
  c->sent = 0;
  return push(c);
}

/* Two of the events are in `last` (the usage, and [DONE]), one is in `head`. */
static int next_event(Conn *c) {
  int ready;
  do {
    c->events++;
    int over = c->events > events_per_stream - 2;
    if (over) c->streaming = 0;
    ready = put(c, over ? &last : c->events == 1 ? &head : &event);
  } while (ready == 1 && c->streaming && !interval);
  if (ready == 1 && c->streaming) join_queue(c, now_us() + interval);
  return ready;
}

/* The size of the first whole request in `in`, 0 while it is not whole. `body` is set to where its body begins. */
static size_t request_size(Conn *c, char **body) {
  char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
  if (!end) return 0;
  *end = 0;
  char *length = strcasestr(c->in, "\ncontent-length:"), *chunked = strcasestr(c->in, "\ntransfer-encoding:");
  size_t size = length ? strtoul(length + 16, NULL, 10) : 0;
  *end = '\r';
  *body = end + 4;
  size_t before = (size_t)(*body - c->in);
  if (chunked) {
    char *stop = memmem(*body, c->have - before, "\r\n0\r\n\r\n", 7);
    return stop ? (size_t)(stop + 7 - c->in) : 0;
  }
  return c->have >= before + size ? before + size : 0;
}

/* Answer what is whole; pipelined requests wait for the answer before them. -1: the peer is gone. */
static int answer(Conn *c) {
  char *body;
  size_t size;
  while (!c->out && !c->streaming && (size = request_size(c, &body))) {
    size_t length = size - (size_t)(body - c->in);
    c->streaming = memmem(body, length, "\"stream\":true", 13) || memmem(body, length, "\"stream\": true", 14);
    c->events = 0;
    memmove(c->in, c->in + size, c->have - size);
    c->have -= size;
    if ((c->streaming ? next_event(c) : put(c, &whole)) < 0) return -1;
  }
  return 0;
}

static int take(Conn *c) {
  for (;;) {
    if (c->room - c->have < 4096) {
      c->room = c->room ? c->room * 2 : 16384;
      if (!(c->in = realloc(c->in, c->room + 1))) fail("realloc");
    }
    ssize_t n = read(c->fd, c->in + c->have, c->room - c->have);
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) return -1;
    c->have += (size_t)n;
    c->in[c->have] = 0;
    if (c->have < c->room) break;
  }
  return answer(c);
}

static int let_out(Conn *c) {
  if (!c->out) return 0;
  int ready = push(c);
  if (ready == 1 && c->streaming) join_queue(c, now_us() + interval);
  return ready < 0 ? -1 : answer(c);
}

static void welcome(int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    Conn *c = calloc(1, sizeof *c);
    c->fd = fd;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
  }
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(fd, (void *)&a, sizeof a) || listen(fd, 4096)) fail("listen");
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
  return fd;
}

static void send_due(void) {
  long now = now_us();
  while (queue.next != &queue && queue.next->due <= now) {
    Conn *c = queue.next;
    leave_queue(c);
    if (next_event(c) < 0 || (!c->out && !c->streaming && answer(c) < 0)) hang_up(c);
  }
}

static int wait_for(struct epoll_event *happened, int most) {
  if (queue.next == &queue) return epoll_wait(poller, happened, most, -1);
  long left = queue.next->due - now_us();
  struct timespec pause = {0, left > 0 ? left * 1000 : 0};
  return epoll_pwait2(poller, happened, most, &pause, NULL);
}

int main(int count, char **words) {
  if (count != 4) { fprintf(stderr, "usage: upstream PORT INTERVAL_US EVENTS\n"); return 2; }
  interval = atol(words[2]);
  events_per_stream = atoi(words[3]);
  if (interval >= 1000000 || events_per_stream < 3) { fprintf(stderr, "upstream: interval below a second, events from 3 on\n"); return 2; }
  signal(SIGPIPE, SIG_IGN);
  prepare_blocks();
  poller = epoll_create1(0);
  int listener = listen_on(atoi(words[1]));
  struct epoll_event happened[256];
  for (;;) {
    int n = wait_for(happened, 256);
    for (int i = 0; i < n; i++) {
      Conn *c = happened[i].data.ptr;
      if (!c) { welcome(listener); continue; }
      int gone = happened[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? take(c) < 0 : 0;
      if (!gone && happened[i].events & EPOLLOUT) gone = let_out(c) < 0;
      if (gone) hang_up(c);
    }
    send_due();
  }
}
