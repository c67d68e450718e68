/*
 * Sends requests that were signed before, over a number of connections, and times the answers. A client in JavaScript
 * costs more than the server that it is to measure.
 *
 *   load <host> <port> <connections> <tls: 0|1> <plan> <payload> <warm-up ms> <measured ms> <loop: 0|1>
 *
 * plan: requests one after the other, each `u32 head length, u64 body length` (little-endian) and the head. Bodies are the
 * first bytes of the payload file. The connections share the plan; with `loop` it begins again at its end, without it the
 * run ends there. Prints one line of JSON. What counts has ended within the measured time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_LIMIT (64 * 1024)
#define READ_BYTES (256 * 1024)

typedef struct {
  const uint8_t *head;
  uint32_t headBytes;
  uint64_t bodyBytes;
} Request;

enum Reading { HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, UNTIL_CLOSE };

typedef struct {
  int fd;
  SSL *ssl;
  int idle;
  const Request *request;
  uint64_t sentBytes;
  uint64_t startedNs;
  uint64_t firstByteNs;
  enum Reading reading;
  char head[HEAD_LIMIT];
  size_t headBytes;
  uint64_t leftBytes;
  char line[256];
  size_t lineBytes;
  int status;
  int closes;
  uint32_t watched;
} Connection;

static const char *host;
static int port, useTls, loopPlan;
static SSL_CTX *tlsContext;
static uint8_t *payload;
static Request *plan;
static size_t planLength, planNext;
static int epollFd;
static uint64_t measureFromNs, measureToNs;

static uint64_t allAnswers, answers, failures, receivedBytes, sentBytes;
static uint64_t *latencies, *firstBytes;
static size_t latencyRoom, latencyCount;
static char firstFailure[512];

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "failed");
  exit(1);
}

static uint64_t nowNs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static uint8_t *mapped(const char *path, size_t *bytes) {
  int fd = open(path, O_RDONLY);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0) die(path);
  *bytes = (size_t)info.st_size;
  if (*bytes == 0) return NULL;
  uint8_t *memory = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (memory == MAP_FAILED) die(path);
  close(fd);
  return memory;
}

static void readPlan(const char *path, size_t payloadBytes) {
  size_t bytes;
  uint8_t *memory = mapped(path, &bytes);
  size_t room = 0;
  for (size_t at = 0; at + 12 <= bytes;) {
    uint32_t headBytes;
    uint64_t bodyBytes;
    memcpy(&headBytes, memory + at, 4);
    memcpy(&bodyBytes, memory + at + 4, 8);
    if (at + 12 + headBytes > bytes || bodyBytes > payloadBytes) die("the plan is cut short");
    if (planLength == room) plan = realloc(plan, (room = room ? room * 2 : 1024) * sizeof(Request));
    plan[planLength++] = (Request){memory + at + 12, headBytes, bodyBytes};
    at += 12 + headBytes;
  }
  if (planLength == 0) die("the plan is empty");
}

static void watch(Connection *c, uint32_t events) {
  if (c->watched == events) return;
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(epollFd, c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
  c->watched = events;
}

static void openConnection(Connection *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("not an IPv4 address");
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (useTls) {
    c->ssl = SSL_new(tlsContext);
    SSL_set_fd(c->ssl, c->fd);
    if (SSL_connect(c->ssl) != 1) die("TLS");
  }
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  c->watched = 0;
}

static void closeConnection(Connection *c) {
  if (c->ssl) SSL_free(c->ssl);
  c->ssl = NULL;
  close(c->fd);
  c->watched = 0;
}

/* Bytes, 0 when it would block, -1 at the end or on an error. */
static ssize_t sendSome(Connection *c, const uint8_t *bytes, size_t length) {
  if (c->ssl) {
    int sent = SSL_write(c->ssl, bytes, length > (1 << 30) ? 1 << 30 : (int)length);
    if (sent > 0) return sent;
    int why = SSL_get_error(c->ssl, sent);
    return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
  }
  ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static ssize_t receiveSome(Connection *c, char *into, size_t length, int discard) {
  if (c->ssl) {
    int got = SSL_read(c->ssl, into, (int)length);
    if (got > 0) return got;
    int why = SSL_get_error(c->ssl, got);
    return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? 0 : -1;
  }
  ssize_t got = recv(c->fd, into, length, discard ? MSG_TRUNC : 0);
  if (got > 0) return got;
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static void record(Connection *c, int well) {
  uint64_t now = nowNs();
  allAnswers++;
  if (now < measureFromNs || now > measureToNs) return;
  if (!well) {
    if (failures++ == 0) snprintf(firstFailure, sizeof firstFailure, "%.*s", 160, c->head);
    return;
  }
  answers++;
  sentBytes += c->request->bodyBytes;
  if (latencyCount == latencyRoom) {
    latencyRoom = latencyRoom ? latencyRoom * 2 : 65536;
    latencies = realloc(latencies, latencyRoom * sizeof *latencies);
    firstBytes = realloc(firstBytes, latencyRoom * sizeof *firstBytes);
  }
  latencies[latencyCount] = now - c->startedNs;
  firstBytes[latencyCount++] = c->firstByteNs - c->startedNs;
}

static void write_(Connection *c) {
  const Request *r = c->request;
  uint64_t all = r->headBytes + r->bodyBytes;
  while (c->sentBytes < all) {
    int inHead = c->sentBytes < r->headBytes;
    const uint8_t *from = inHead ? r->head + c->sentBytes : payload + (c->sentBytes - r->headBytes);
    uint64_t left = inHead ? r->headBytes - c->sentBytes : all - c->sentBytes;
    ssize_t sent = sendSome(c, from, left);
    if (sent < 0) break; /* The answer, or the end of the connection, is read. */
    if (sent == 0) {
      watch(c, EPOLLIN | EPOLLOUT);
      return;
    }
    c->sentBytes += (uint64_t)sent;
  }
  watch(c, EPOLLIN);
}

static void next(Connection *c) {
  int over = nowNs() >= measureToNs;
  if (planNext == planLength && loopPlan) planNext = 0;
  if (over || planNext == planLength) {
    c->idle = 1;
    return;
  }
  c->request = &plan[planNext++];
  c->sentBytes = 0;
  c->reading = HEAD;
  c->headBytes = 0;
  c->lineBytes = 0;
  c->firstByteNs = 0;
  c->startedNs = nowNs();
  write_(c);
}

static const char *header(const char *head, const char *name) {
  size_t length = strlen(name);
  for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
      const char *value = line + 3 + length;
      while (*value == ' ') value++;
      return value;
    }
  }
  return NULL;
}

static int parseHead(Connection *c) {
  if (sscanf(c->head, "HTTP/1.%*d %d", &c->status) != 1) return 0;
  const char *connection = header(c->head, "connection");
  c->closes = connection && strncasecmp(connection, "close", 5) == 0;
  const char *length = header(c->head, "content-length");
  const char *coding = header(c->head, "transfer-encoding");
  int bodyless = memcmp(c->request->head, "HEAD ", 5) == 0 || c->status == 204 || c->status == 304;
  c->leftBytes = length && !bodyless ? strtoull(length, NULL, 10) : 0;
  if (bodyless || length) c->reading = BODY;
  else if (coding && strncasecmp(coding, "chunked", 7) == 0) c->reading = CHUNK_SIZE;
  else c->reading = UNTIL_CLOSE;
  return 1;
}

/* Takes what came; 1 when the answer is whole, -1 when it is none. */
static int take(Connection *c, const char *bytes, size_t length) {
  if (!c->firstByteNs) c->firstByteNs = nowNs();
  while (length > 0 || (c->reading == BODY && c->leftBytes == 0)) {
    switch (c->reading) {
      case HEAD: {
        size_t before = c->headBytes;
        size_t room = HEAD_LIMIT - 1 - before;
        size_t some = length < room ? length : room;
        memcpy(c->head + before, bytes, some);
        c->headBytes += some;
        c->head[c->headBytes] = 0;
        char *end = memmem(c->head, c->headBytes, "\r\n\r\n", 4);
        if (!end) {
          if (c->headBytes == HEAD_LIMIT - 1) return -1;
          return 0;
        }
        size_t used = (size_t)(end + 4 - c->head) - before;
        bytes += used;
        length -= used;
        end[2] = 0;
        c->headBytes = (size_t)(end + 2 - c->head);
        if (!parseHead(c)) return -1;
        if (c->status == 100) {
          c->reading = HEAD;
          c->headBytes = 0;
        }
        break;
      }
      case BODY: {
        uint64_t some = length < c->leftBytes ? length : c->leftBytes;
        c->leftBytes -= some;
        if (c->leftBytes == 0) return 1;
        return 0;
      }
      case CHUNK_SIZE:
      case CHUNK_END:
      case TRAILER: {
        if (c->lineBytes == sizeof c->line - 1) return -1;
        char byte = *bytes++;
        length--;
        c->line[c->lineBytes++] = byte;
        if (byte != '\n') break;
        c->line[c->lineBytes] = 0;
        size_t lineBytes = c->lineBytes;
        c->lineBytes = 0;
        if (c->reading == CHUNK_END) c->reading = CHUNK_SIZE;
        else if (c->reading == TRAILER) {
          if (lineBytes == 2) return 1;
        } else {
          c->leftBytes = strtoull(c->line, NULL, 16);
          c->reading = c->leftBytes ? CHUNK_DATA : TRAILER;
        }
        break;
      }
      case CHUNK_DATA: {
        uint64_t some = length < c->leftBytes ? length : c->leftBytes;
        c->leftBytes -= some;
        bytes += some;
        length -= some;
        if (c->leftBytes == 0) c->reading = CHUNK_END;
        break;
      }
      case UNTIL_CLOSE:
        return 0;
    }
  }
  return 0;
}

static void reopen(Connection *c) {
  closeConnection(c);
  openConnection(c);
  next(c);
}

static void read_(Connection *c) {
  static char buffer[READ_BYTES];
  for (;;) {
    /* Bytes that are only counted need not be copied out of the kernel. */
    int discard = c->reading == BODY && c->leftBytes > 0;
    size_t room = discard && c->leftBytes < sizeof buffer ? (size_t)c->leftBytes : sizeof buffer;
    ssize_t got = receiveSome(c, buffer, room, discard);
    if (got == 0) return;
    if (got < 0) {
      if (c->idle) {
        closeConnection(c);
        c->fd = -1;
        return;
      }
      record(c, c->reading == UNTIL_CLOSE && c->status < 300);
      reopen(c);
      return;
    }
    if (nowNs() >= measureFromNs && nowNs() <= measureToNs) receivedBytes += (uint64_t)got;
    int whole = take(c, buffer, (size_t)got);
    if (whole == 0) continue;
    int well = whole > 0 && c->status >= 200 && c->status < 300;
    record(c, well);
    if (whole < 0 || c->closes || c->sentBytes < c->request->headBytes + c->request->bodyBytes) {
      reopen(c);
      return;
    }
    next(c);
    if (c->idle) return;
  }
}

static int byValue(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static double atMs(uint64_t *sorted, double share) {
  if (latencyCount == 0) return 0;
  size_t index = (size_t)((double)latencyCount * share);
  return (double)sorted[index < latencyCount ? index : latencyCount - 1] / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 10) die("load <host> <port> <connections> <tls> <plan> <payload> <warm-up ms> <measured ms> <loop>");
  signal(SIGPIPE, SIG_IGN);
  host = argv[1];
  port = atoi(argv[2]);
  int connections = atoi(argv[3]);
  useTls = atoi(argv[4]);
  size_t payloadBytes;
  payload = mapped(argv[6], &payloadBytes);
  readPlan(argv[5], payloadBytes);
  uint64_t warmUpNs = strtoull(argv[7], NULL, 10) * 1000000ull;
  uint64_t measuredNs = strtoull(argv[8], NULL, 10) * 1000000ull;
  loopPlan = atoi(argv[9]);
  if (useTls) {
    tlsContext = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(tlsContext, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  epollFd = epoll_create1(0);
  Connection *all = calloc((size_t)connections, sizeof(Connection));
  for (int i = 0; i < connections; i++) openConnection(&all[i]);
  uint64_t startNs = nowNs();
  measureFromNs = startNs + warmUpNs;
  measureToNs = measureFromNs + measuredNs;
  for (int i = 0; i < connections; i++) next(&all[i]);

  struct epoll_event events[256];
  /* What is under way at the end gets a while, so that the server is at rest when the next run begins. */
  for (uint64_t lastNs = measureToNs + 20000000000ull; nowNs() < lastNs;) {
    int running = 0;
    for (int i = 0; i < connections; i++) running += !all[i].idle;
    if (running == 0) break;
    int count = epoll_wait(epollFd, events, 256, 100);
    for (int i = 0; i < count; i++) {
      Connection *c = events[i].data.ptr;
      if (c->idle || c->fd < 0) continue;
      if (events[i].events & EPOLLOUT) write_(c);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_(c);
    }
  }
  uint64_t endNs = nowNs() < measureToNs ? nowNs() : measureToNs;
  qsort(latencies, latencyCount, sizeof *latencies, byValue);
  qsort(firstBytes, latencyCount, sizeof *firstBytes, byValue);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  for (char *at = firstFailure; *at; at++) if (*at < ' ' || *at == '"' || *at == '\\' || *at & 0x80) *at = ' ';
  printf("{\"allAnswers\":%llu,\"answers\":%llu,\"failures\":%llu,\"seconds\":%.6f,\"sentBytes\":%llu,\"receivedBytes\":%llu,"
         "\"p50Ms\":%.4f,\"p99Ms\":%.4f,\"firstByteP50Ms\":%.4f,\"clientCpuSeconds\":%.3f,\"firstFailure\":\"%s\"}\n",
         (unsigned long long)allAnswers, (unsigned long long)answers, (unsigned long long)failures, (double)(endNs - measureFromNs) / 1e9,
         (unsigned long long)sentBytes, (unsigned long long)receivedBytes, atMs(latencies, 0.5), atMs(latencies, 0.99),
         atMs(firstBytes, 0.5), cpu, firstFailure);
  return 0;
}
