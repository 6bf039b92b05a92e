// SPDX-License-Identifier: MIT
#include "profile/jit_dump.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "backplane/error.h"

namespace backplane::tcg {

namespace {

struct FileHeader {
  u32 magic = 0x4a695444;
  u32 version = 1;
  u32 size = sizeof(FileHeader);
  u32 machine = EM_X86_64;
  u32 reserved = 0;
  u32 process = 0;
  u64 time = 0;
  u64 flags = 0;
};
static_assert(sizeof(FileHeader) == 40);

// A piece of code; its name, with a zero behind it, and its bytes follow.
struct LoadRecord {
  u32 id = 0;
  u32 size = 0;  // with what follows
  u64 time = 0;
  u32 process = 0;
  u32 thread = 0;
  u64 linked_address = 0;
  u64 address = 0;
  u64 code_size = 0;
  u64 index = 0;
};
static_assert(sizeof(LoadRecord) == 56);

// As of perf record -k mono.
u64 time_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

}  // namespace

JitDump::JitDump() {
  const std::string path = fmt::format("jit-{}.dump", getpid());
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) throw Error::system(fmt::format("cannot make {}", path), errno);
  file_.reset(fdopen(fd, "w+"));
  const FileHeader header{.process = static_cast<u32>(getpid()), .time = time_now()};
  std::fwrite(&header, sizeof header, 1, file_.get());
  std::fflush(file_.get());
  marker_ = mmap(nullptr, sizeof header, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  if (marker_ == MAP_FAILED)
    throw Error::system(fmt::format("cannot map {} as code, by which perf would know of it", path),
                        errno);
}

JitDump::~JitDump() { munmap(marker_, sizeof(FileHeader)); }

void JitDump::code_made(std::span<const u8> code, const std::string& name) {
  const u64 address = reinterpret_cast<u64>(code.data());
  LoadRecord record{.time = time_now(),
                    .process = static_cast<u32>(getpid()),
                    .thread = static_cast<u32>(gettid()),
                    .linked_address = address,
                    .address = address,
                    .code_size = code.size(),
                    .index = pieces_++};
  record.size = static_cast<u32>(sizeof record + name.size() + 1 + code.size());
  std::fwrite(&record, sizeof record, 1, file_.get());
  std::fwrite(name.c_str(), name.size() + 1, 1, file_.get());
  std::fwrite(code.data(), code.size(), 1, file_.get());
  std::fflush(file_.get());
}

}  // namespace backplane::tcg
