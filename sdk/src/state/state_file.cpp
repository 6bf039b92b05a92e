// SPDX-License-Identifier: MIT
#include "state/state_file.h"

#include <cerrno>

#include "backplane/error.h"

namespace backplane {

StateFileWriter::StateFileWriter(std::filesystem::path file) : file_(std::move(file)) {
  std::error_code unknown;
  const std::filesystem::file_status status = std::filesystem::status(file_, unknown);
  // A pipe or a device is there to be written to; a file keeps what it has until there is better.
  if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) {
    if (std::filesystem::exists(status)) file_ = std::filesystem::canonical(file_, unknown);
    unfinished_ = file_;
    unfinished_ += ".part";
  }
  out_.reset(std::fopen((unfinished_.empty() ? file_ : unfinished_).string().c_str(), "wb"));
  if (out_ == nullptr) fail(errno);
}

StateFileWriter::~StateFileWriter() {
  if (out_ == nullptr) return;
  out_.reset();
  remove_unfinished();
}

void StateFileWriter::remove_unfinished() const {
  std::error_code ignored;
  if (!unfinished_.empty()) std::filesystem::remove(unfinished_, ignored);
}

void StateFileWriter::fail(int error) const { throw Error::system(file_.string(), error); }

void StateFileWriter::put(std::span<const u8> bytes) {
  if (std::fwrite(bytes.data(), bytes.size(), 1, out_.get()) != 1) fail(errno);
}

void StateFileWriter::finish() {
  if (std::fclose(out_.release()) != 0) {
    const int error = errno;
    remove_unfinished();
    fail(error);
  }
  if (unfinished_.empty()) return;
  std::error_code problem;
  std::filesystem::rename(unfinished_, file_, problem);
  if (problem) fail(problem.value());
}

StateFileReader::StateFileReader(const std::filesystem::path& file) : name_(file.string()) {
  if (const int error = file_.open(file)) throw Error::system(name_, error);
  if (file_.kind() == HostFile::Kind::Directory) throw Error::system(name_, EISDIR);
}

void StateFileReader::get(std::span<u8> bytes) {
  while (!bytes.empty()) {
    const i64 got = file_.read_next(bytes.data(), bytes.size());
    if (got < 0) throw Error::system(name_, static_cast<int>(-got));
    if (got == 0) throw Error::of("{}: ends too early: it is not complete", name_);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

void StateFileReader::expect_end() {
  u8 byte;
  if (file_.read_next(&byte, 1) != 0) throw Error::of("{}: goes on after its end", name_);
}

}  // namespace backplane
