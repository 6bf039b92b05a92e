// SPDX-License-Identifier: MIT
// backplane-nbd: lets other programs use disk images by the NBD protocol.
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/error.h"
#include "backplane/object.h"
#include "launch/daemon.h"
#include "list.h"
#include "overlay.h"
#include "program.h"
#include "settings.h"

namespace backplane::nbd {
namespace {

constexpr const char* kUsage =
    "Usage: backplane-nbd [OPTION...] FILE\n"
    "       backplane-nbd -L [OPTION...]\n"
    "\n"
    "Lets other programs use a disk image by the NBD protocol: one client, until it\n"
    "leaves, unless options say otherwise. Formats are modules: raw is always there,\n"
    "qcow2 is in block-qcow2.\n"
    "\n"
    "The image:\n"
    "  -f, --format FORMAT   its format; else that of the file\n"
    "  -r, --read-only       nothing can be written\n"
    "  -s, --snapshot        what is written goes into a file of its own, which is gone\n"
    "                        at the end\n"
    "  -U, --force-share     although another program may write it\n"
    "  -n, --nocache         the same as --cache=none\n"
    "  --cache MODE          writeback, none, writethrough, directsync or unsafe\n"
    "  --discard MODE        ignore (unless it is given) or unmap: whether what is\n"
    "                        trimmed gives its room back\n"
    "  --detect-zeroes MODE  off, on or unmap: what becomes of writes of zeroes\n"
    "\n"
    "Where it can be used:\n"
    "  -k, --socket PATH     at a Unix socket\n"
    "  -b, --bind ADDRESS    at an address of this host; else at all of them\n"
    "  -p, --port PORT       at another TCP port than 10809\n"
    "  -x, --export-name NAME\n"
    "                        by that name; else by the empty one\n"
    "  -D, --description TEXT\n"
    "                        what clients are told of it\n"
    "  -e, --shared NUMBER   by as many clients at a time (1; 0: any number)\n"
    "  -t, --persistent      also after the last client has left\n"
    "\n"
    "  --fork                go into the background as soon as clients can connect\n"
    "  --pid-file FILE       write the number of the process there\n"
    "  -L, --list            print what the server at that place has\n"
    "  -h, --help            this text\n"
    "  -V, --version         which version this is\n"
    "\n"
    "It ends at SIGTERM, SIGINT and SIGHUP, with everything written. A socket that\n"
    "the program that started it listens on is used as systemd hands it over\n"
    "(LISTEN_FDS).\n";

// The one that systemd's convention hands over; none if there is none. Throws Error.
std::optional<Socket> handed_over_socket() {
  constexpr int kFirst = 3;
  const char* const process = std::getenv("LISTEN_PID");
  const char* const count = std::getenv("LISTEN_FDS");
  if (process == nullptr || count == nullptr || process != std::to_string(getpid())) return {};
  if (std::string_view(count) != "1")
    throw Error::of("LISTEN_FDS={}: expects one socket", std::string_view(count));
  const int flags = fcntl(kFirst, F_GETFL);
  if (flags < 0) throw Error::system("the socket that was handed over", errno);
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(kFirst, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
    throw Error("what was handed over (LISTEN_FDS) is no socket that listens",
                "of systemd's sockets that is one with Accept=no");
  fcntl(kFirst, F_SETFL, flags | O_NONBLOCK);
  fcntl(kFirst, F_SETFD, FD_CLOEXEC);
  return Socket(kFirst);
}

// Signals that end the program, as something that can be read. No thread gets them.
Socket ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  Socket signals(signalfd(-1, &set, SFD_CLOEXEC));
  if (signals.fd() < 0) throw Error::system("cannot wait for signals", errno);
  return signals;
}

// A socket's file, which is gone with this.
class SocketFile {
 public:
  explicit SocketFile(std::string path) : path_(std::move(path)) {}
  ~SocketFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

 private:
  std::string path_;
};

void serve(const Settings& settings) {
  std::vector<Socket> listening;
  if (auto handed_over = handed_over_socket()) listening.push_back(std::move(*handed_over));
  host::Daemon daemon;
  if (settings.fork) daemon.begin();
  const Socket signals = ending_signals();
  img::Images images;
  const Opened opened =
      settings.snapshot
          ? open_overlay(images, settings.image, settings.opening)
          : Opened{.below = {}, .image = images.open(settings.image, settings.opening)};
  const auto& image = opened.image;
  Export exported{.node = &image->node(),
                  .name = settings.name,
                  .description = settings.description,
                  .read_only = image->node().read_only(),
                  .shared = settings.server.most_clients != 1,
                  .extent = {}};
  const std::string& cache = settings.opening.cache;
  exported.write_through = cache == "writethrough" || cache == "directsync";
  exported.extent = [&image](u64 offset, u64 size, Extent& extent) {
    try {
      extent = img::layer_at(image->node(), offset, size).extent;
    } catch (const Error&) {
      return -EIO;
    }
    return 0;
  };
  std::optional<SocketFile> file;
  if (listening.empty()) {
    listening = listen_at(settings.place);
    file.emplace(settings.place.path);
  }
  std::optional<host::PidFile> number;
  if (settings.pid_file) number.emplace(*settings.pid_file);
  {
    Server server(exported, std::move(listening), settings.server);
    daemon.ready();
    server.run(signals.fd());
  }
  if (image->node().read_only()) return;
  img::expect_done(image->node(), image->node().flush());
}

int run(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--help" || word == "-h") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (word == "--version" || word == "-V") {
      fmt::print("backplane-nbd {}\n", BACKPLANE_VERSION);
      return 0;
    }
  }
  const Settings settings = parse_settings(words);
  module_call_init(ModuleInit::Qom);
  if (settings.list)
    print_exports(settings.place);
  else
    serve(settings);
  return 0;
}

}  // namespace
}  // namespace backplane::nbd

int main(int argc, char** argv) {
  return backplane::img::run_program("backplane-nbd", argc, argv, backplane::nbd::run);
}
