// SPDX-License-Identifier: MIT
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "backplane/compress.h"
#include "backplane/error.h"

namespace backplane {

namespace {

constexpr std::size_t kFirstOutput = 1_MiB;

// One zlib stream over one buffer.
class Inflater {
 public:
  Inflater(std::span<const u8> data, const std::string& name) : data_(data), name_(name) {
    constexpr int kGzipWithLargestWindow = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, kGzipWithLargestWindow) != Z_OK)
      throw Error(name_ + " cannot be decompressed: out of memory");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Fills `output`, or less of it at the end of the data. Throws Error.
  std::size_t read(std::span<u8> output) {
    std::size_t produced = 0;
    while (produced < output.size() && !ended_) produced += step(output.subspan(produced));
    return produced;
  }
  bool ended() const { return ended_; }

 private:
  static uInt at_once(std::size_t size) {
    return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
  }

  std::size_t step(std::span<u8> output) {
    stream_.next_in = const_cast<u8*>(data_.data());
    stream_.avail_in = at_once(data_.size());
    stream_.next_out = output.data();
    stream_.avail_out = at_once(output.size());
    const uInt given = stream_.avail_in, room = stream_.avail_out;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    data_ = data_.subspan(given - stream_.avail_in);
    const std::size_t produced = room - stream_.avail_out;
    if (result == Z_STREAM_END) {
      ended_ = !is_gzip(data_);
      if (!ended_) inflateReset(&stream_);
    } else if (result == Z_BUF_ERROR || (result == Z_OK && data_.empty() && produced == 0)) {
      throw Error(name_ + " is cut off: its compressed data ends early");
    } else if (result != Z_OK) {
      throw Error::of("{} is damaged: {}", name_,
                      stream_.msg != nullptr ? stream_.msg : "it cannot be decompressed");
    }
    return produced;
  }

  z_stream stream_{};
  std::span<const u8> data_;
  const std::string& name_;
  bool ended_ = false;
};

}  // namespace

bool is_gzip(std::span<const u8> data) {
  return data.size() >= 3 && data[0] == 0x1f && data[1] == 0x8b && data[2] == Z_DEFLATED;
}

std::vector<u8> gunzip(std::span<const u8> data, u64 maximum_size, const std::string& name) {
  if (!is_gzip(data)) throw Error(name + " is not compressed with gzip");
  Inflater inflater(data, name);
  std::vector<u8> output;
  for (;;) {
    const std::size_t size = output.size();
    if (size == maximum_size) {
      u8 one_more;
      if (inflater.read({&one_more, 1}) == 0) return output;
      throw Error::of("{} is larger than {} bytes when decompressed", name, maximum_size);
    }
    output.resize(std::min<u64>(std::max(2 * size, kFirstOutput), maximum_size));
    output.resize(size + inflater.read(std::span(output).subspan(size)));
    if (inflater.ended()) return output;
  }
}

}  // namespace backplane
