// SPDX-License-Identifier: MIT
#include "websocket.h"

#include <fmt/format.h>
#include <glib.h>

#include <algorithm>
#include <cctype>

namespace backplane::vnc {

namespace {

constexpr std::size_t kLongestRequest = 8192, kLongestControl = 125;
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
// [RFC 6455 §4.2.2, 4.4 "Supporting Multiple Versions of WebSocket Protocol"]
constexpr std::string_view kWebSocketVersion = "13";
constexpr std::string_view kOtherVersion =
    "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\n\r\n";
constexpr std::string_view kBadRequest =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    "This is the WebSocket of a VNC display: open it with noVNC.\n";

void add(std::vector<u8>& to, std::string_view text) {
  to.insert(to.end(), text.begin(), text.end());
}

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// One of the words between commas.
bool lists(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(','), words.size());
    if (same(trimmed(words.substr(0, end)), word)) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

// [RFC 6455 §4.2.2]
std::string accepted(std::string_view key) {
  GChecksum* const sum = g_checksum_new(G_CHECKSUM_SHA1);
  const std::string text = std::string(key) + std::string(kGuid);
  g_checksum_update(sum, reinterpret_cast<const guchar*>(text.data()),
                    static_cast<gssize>(text.size()));
  std::array<u8, 20> digest;
  gsize size = digest.size();
  g_checksum_get_digest(sum, digest.data(), &size);
  g_checksum_free(sum);
  gchar* const encoded = g_base64_encode(digest.data(), digest.size());
  std::string result = encoded;
  g_free(encoded);
  return result;
}

}  // namespace

std::optional<std::string_view> http_header(std::string_view request, std::string_view name) {
  for (std::size_t at = request.find('\n'); at != std::string_view::npos;
       at = request.find('\n', at + 1)) {
    const std::string_view line = request.substr(at + 1, request.find('\n', at + 1) - at - 1);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && same(line.substr(0, colon), name))
      return trimmed(line.substr(colon + 1));
  }
  return std::nullopt;
}

// A page that some other site has sent may not reach the screen by way of the user's browser.
// [RFC 6455 §10.2 "Origin Considerations"] Programs give no origin.
bool WebSocket::is_from_here() const {
  const auto origin = http_header(request_, "Origin");
  const auto host = http_header(request_, "Host");
  if (!origin) return true;
  const auto host_name = [](std::string_view text) {
    const auto scheme = text.find("://");
    if (scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
    return text.substr(0, text.find(':', text.starts_with('[') ? text.find(']') : 0));
  };
  return host && same(host_name(*origin), host_name(*host));
}

bool WebSocket::shake_hands(std::vector<u8>& answer) {
  const auto key = http_header(request_, "Sec-WebSocket-Key");
  const auto upgrade = http_header(request_, "Upgrade");
  if (!request_.starts_with("GET ") || !key || !upgrade || !lists(*upgrade, "websocket") ||
      !is_from_here()) {
    add(answer, kBadRequest);
    return false;
  }
  if (http_header(request_, "Sec-WebSocket-Version") != kWebSocketVersion) {
    add(answer, kOtherVersion);
    return false;
  }
  const auto protocols = http_header(request_, "Sec-WebSocket-Protocol");
  add(answer,
      fmt::format(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
          "Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{}\r\n",
          accepted(*key),
          protocols && lists(*protocols, "binary") ? "Sec-WebSocket-Protocol: binary\r\n" : ""));
  open_ = true;
  request_.clear();
  return true;
}

bool WebSocket::receive(std::span<const u8> bytes, std::vector<u8>& carried,
                        std::vector<u8>& answer) {
  for (const u8 byte : bytes) {
    if (!open_) {
      request_ += static_cast<char>(byte);
      if (request_.size() > kLongestRequest) return false;
      if (request_.ends_with("\r\n\r\n") && !shake_hands(answer)) return false;
      continue;
    }
    if (!in_payload_) {
      if (!take_header(byte)) return false;
    } else {
      const u8 plain = byte ^ mask_[at_++ % mask_.size()];
      --left_;
      (opcode_ >= Opcode::Close ? control_ : carried).push_back(plain);
    }
    if (in_payload_ && left_ == 0 && !end_frame(answer)) return false;
  }
  return true;
}

// [RFC 6455 §5.2 "Base Framing Protocol"]
bool WebSocket::take_header(u8 byte) {
  header_.push_back(byte);
  if (header_.size() < 2) return true;
  const u8 length = header_[1] & 0x7f;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (header_.size() < 2 + extended + mask_.size()) return true;
  left_ = extended == 0 ? length : 0;
  for (std::size_t n = 0; n < extended; ++n) left_ = left_ << 8 | header_[2 + n];
  std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(2 + extended), mask_.size(),
              mask_.begin());
  return begin_payload();
}

bool WebSocket::begin_payload() {
  const bool final = (header_[0] & 0x80) != 0, masked = (header_[1] & 0x80) != 0;
  const bool extended = (header_[0] & 0x70) != 0;  // no extension was agreed on that uses these
  const u8 opcode = header_[0] & 0x0f;
  header_.clear();
  opcode_ = static_cast<Opcode>(opcode);
  const bool control = opcode_ >= Opcode::Close;
  const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
  if (!known || extended || !masked || (control && (!final || left_ > kLongestControl)))
    return false;
  at_ = 0;
  in_payload_ = true;
  control_.clear();
  return true;
}

bool WebSocket::end_frame(std::vector<u8>& answer) {
  in_payload_ = false;
  if (opcode_ != Opcode::Ping && opcode_ != Opcode::Close) return true;
  const Opcode reply = opcode_ == Opcode::Ping ? Opcode::Pong : Opcode::Close;
  answer.push_back(static_cast<u8>(0x80 | static_cast<u8>(reply)));
  answer.push_back(static_cast<u8>(control_.size()));
  answer.insert(answer.end(), control_.begin(), control_.end());
  return opcode_ == Opcode::Ping;
}

void WebSocket::frame(std::span<const u8> bytes, std::vector<u8>& to) {
  to.push_back(0x80 | static_cast<u8>(Opcode::Binary));
  const std::size_t size = bytes.size();
  unsigned extended = 0;
  if (size < 126) {
    to.push_back(static_cast<u8>(size));
  } else {
    extended = size <= 0xffff ? 2 : 8;
    to.push_back(extended == 2 ? 126 : 127);
  }
  for (unsigned n = extended; n-- > 0;) to.push_back(static_cast<u8>(u64{size} >> (8 * n)));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace backplane::vnc
