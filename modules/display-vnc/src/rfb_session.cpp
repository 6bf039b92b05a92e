// SPDX-License-Identifier: MIT
#include "rfb_session.h"

#include <algorithm>
#include <utility>

#include "keysyms.h"

namespace backplane::vnc {

namespace {

constexpr std::string_view kVersion = "RFB 003.008\n";
enum Security : u8 { kNone = 1, kVncAuthentication = 2 };

// [RFC 6143 §7.5 "Client-to-Server Messages"]
enum ClientMessage : u8 {
  kSetPixelFormat = 0,
  kSetEncodings = 2,
  kUpdateRequest = 3,
  kKeyEvent = 4,
  kPointerEvent = 5,
  kCutText = 6,
  kSetDesktopSize = 251,
  kExtended = 255,  // QEMU's
};
constexpr u8 kFramebufferUpdate = 0;
constexpr u8 kExtendedKey = 0;

// Who changes a size, and what comes of it. [RFB-extensions "ExtendedDesktopSize"]
enum SizeReason : u32 { kByServer = 0, kByThisClient = 1 };
enum SizeStatus : u32 { kProhibited = 1, kInvalidLayout = 3, kForwarded = 4 };

constexpr std::size_t kMostEncodings = 1024;
// Of one update: a client that takes nothing keeps us from no more memory than these need.
constexpr u64 kMostPixels = u64{1} << 21;
constexpr u32 kNoScreenWidth = 640, kNoScreenHeight = 400;
// A client without movement reports places; one with it, what is beyond the middle.
constexpr i32 kMotionMiddle = 0x7fff;

}  // namespace

RfbSession::RfbSession(RfbHost& host) : host_(host) {
  output_.assign(kVersion.begin(), kVersion.end());
}

bool RfbSession::receive(std::span<const u8> bytes) {
  while (!bytes.empty() && !ended_) {
    if (skipped_ != 0) {
      const auto some = static_cast<std::size_t>(std::min<u64>(skipped_, bytes.size()));
      skipped_ -= some;
      bytes = bytes.subspan(some);
      continue;
    }
    // Piece by piece, so that what waits is never more than a message and one of these.
    const std::size_t some = std::min<std::size_t>(bytes.size(), 512);
    input_.insert(input_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(some));
    bytes = bytes.subspan(some);
    while (!ended_ && !input_.empty()) {
      const std::size_t done = (this->*step_)();
      if (done == 0) break;
      skipped_ = done > input_.size() ? done - input_.size() : 0;
      input_.erase(input_.begin(),
                   input_.begin() + static_cast<std::ptrdiff_t>(std::min(done, input_.size())));
    }
  }
  return !ended_;
}

// --- the handshake ------------------------------------------------------------------------------

std::size_t RfbSession::version() {
  if (input_.size() < kVersion.size()) return 0;
  const std::string_view said(reinterpret_cast<const char*>(input_.data()), kVersion.size());
  if (!said.starts_with("RFB 003.") || said.back() != '\n') {
    ended_ = true;
    return kVersion.size();
  }
  const std::string_view minor = said.substr(8, 3);
  // Any other than these is one of the first. [RFC 6143 §7.1.1]
  minor_ = minor == "007" ? 7 : minor == "008" || minor == "889" ? 8 : 3;
  offer_security();
  return kVersion.size();
}

void RfbSession::offer_security() {
  const u8 type = host_.asks_password() ? kVncAuthentication : kNone;
  if (minor_ < 7) {
    put_u32(type, output_);
    if (type == kNone)
      step_ = &RfbSession::client_init;
    else
      begin_authentication();
    return;
  }
  output_.push_back(1);
  output_.push_back(type);
  step_ = &RfbSession::security_choice;
}

std::size_t RfbSession::security_choice() {
  if (byte(0) != (host_.asks_password() ? kVncAuthentication : kNone)) {
    refuse("this security type was not offered");
  } else if (byte(0) == kVncAuthentication) {
    begin_authentication();
  } else {
    if (minor_ >= 8) put_u32(0, output_);
    step_ = &RfbSession::client_init;
  }
  return 1;
}

void RfbSession::begin_authentication() {
  challenge_ = host_.new_challenge();
  output_.insert(output_.end(), challenge_.begin(), challenge_.end());
  step_ = &RfbSession::answer;
}

std::size_t RfbSession::answer() {
  Challenge given;
  if (input_.size() < given.size()) return 0;
  std::copy_n(input_.begin(), given.size(), given.begin());
  if (host_.accepts(challenge_, given)) {
    put_u32(0, output_);
    step_ = &RfbSession::client_init;
  } else {
    refuse("the password is wrong, or none was set");
  }
  return given.size();
}

void RfbSession::refuse(std::string_view reason) {
  put_u32(1, output_);
  if (minor_ >= 8) {
    put_u32(static_cast<u32>(reason.size()), output_);
    output_.insert(output_.end(), reason.begin(), reason.end());
  }
  ended_ = true;
}

std::size_t RfbSession::client_init() {
  const bool shared = byte(0) != 0;
  step_ = &RfbSession::message;
  if (host_.entered(*this, shared))
    server_init();
  else
    ended_ = true;
  return 1;
}

void RfbSession::server_init() {
  const Screen* const screen = host_.screen();
  width_ = screen != nullptr && screen->width() != 0 ? screen->width() : kNoScreenWidth;
  height_ = screen != nullptr && screen->height() != 0 ? screen->height() : kNoScreenHeight;
  dirty_.resize(width_, height_);
  put_u16(width_, output_);
  put_u16(height_, output_);
  PixelFormat().write(output_);
  const std::string name = host_.desktop_name();
  put_u32(static_cast<u32>(name.size()), output_);
  output_.insert(output_.end(), name.begin(), name.end());
}

// --- messages -----------------------------------------------------------------------------------

std::size_t RfbSession::message() {
  switch (byte(0)) {
    case kSetPixelFormat:
      return set_pixel_format();
    case kSetEncodings:
      return set_encodings();
    case kUpdateRequest:
      return update_request();
    case kKeyEvent:
      return key_event();
    case kPointerEvent:
      return pointer_event();
    case kCutText:
      return cut_text();
    case kSetDesktopSize:
      return set_desktop_size();
    case kExtended:
      return extended_message();
    default:
      ended_ = true;  // nobody knows where the next one begins
      return 1;
  }
}

std::size_t RfbSession::set_pixel_format() {
  constexpr std::size_t kLength = 4 + PixelFormat::kSize;
  if (input_.size() < kLength) return 0;
  PixelFormat format =
      PixelFormat::read(std::span<const u8, PixelFormat::kSize>(&input_[4], PixelFormat::kSize));
  if (!format.valid())
    ended_ = true;
  else
    encoder_.pixels().set(format);
  dirty_.mark_all();
  return kLength;
}

std::size_t RfbSession::set_encodings() {
  if (input_.size() < 4) return 0;
  const std::size_t count = u16_at(2);
  if (count > kMostEncodings) {
    ended_ = true;
    return 4;
  }
  const std::size_t length = 4 + 4 * count;
  if (input_.size() < length) return 0;
  const bool knew = std::exchange(takes_layouts_, false);
  takes_sizes_ = takes_motion_ = false;
  told_absolute_.reset();
  std::optional<Encoding> chosen;
  for (std::size_t n = 0; n < count; ++n) {
    const i32 encoding = static_cast<i32>(u32_at(4 + 4 * n));
    if (!chosen && Encoder::knows(encoding)) chosen = static_cast<Encoding>(encoding);
    if (encoding == kDesktopSize) takes_sizes_ = true;
    if (encoding == kExtendedDesktopSize) takes_layouts_ = true;
    if (encoding == kPointerMotionChange) takes_motion_ = true;
    if (encoding == kExtendedKeyEvent) announce(kExtendedKeyEvent, {});
  }
  // It learns by that that it may ask for a size.
  if (takes_layouts_ && !knew) announce(kExtendedDesktopSize, {kByServer, 0, width_, height_});
  encoder_.choose(chosen.value_or(kRaw));
  host_.wants_update();
  return length;
}

std::size_t RfbSession::update_request() {
  constexpr std::size_t kLength = 10;
  if (input_.size() < kLength) return 0;
  if (byte(1) == 0) dirty_.mark({u16_at(2), u16_at(4), u16_at(6), u16_at(8)});
  asked_ = true;
  host_.wants_update();
  return kLength;
}

void RfbSession::press(KeyCode key, bool down) {
  Inputs* const inputs = host_.inputs();
  if (inputs == nullptr || key == 0) return;
  if (down)
    keys_down_.insert(key);
  else
    keys_down_.erase(key);
  inputs->key(key, down);
  inputs->sync();
  host_.wants_update();
}

std::size_t RfbSession::key_event() {
  constexpr std::size_t kLength = 8;
  if (input_.size() < kLength) return 0;
  press(key_of_symbol(u32_at(4), host_.layout()), byte(1) != 0);
  return kLength;
}

// QEMU's extension: by the place of the key as a scan code, whatever is printed on it.
std::size_t RfbSession::extended_message() {
  constexpr std::size_t kLength = 12;
  if (input_.size() < 2) return 0;
  if (byte(1) != kExtendedKey) {
    ended_ = true;
    return 2;
  }
  if (input_.size() < kLength) return 0;
  const u32 number = u32_at(8);
  const u16 scan_code = static_cast<u16>((number & 0x80) != 0 ? 0xe000 | (number & 0x7f) : number);
  constexpr u32 kPause = 0xc6;
  const Key* const key = number == kPause ? find_key("pause") : find_scan_code(scan_code);
  press(key != nullptr && number <= 0xff ? key->code : key_of_symbol(u32_at(4), host_.layout()),
        u16_at(2) != 0);
  return kLength;
}

std::size_t RfbSession::pointer_event() {
  constexpr std::size_t kLength = 6;
  if (input_.size() < kLength) return 0;
  point(u16_at(2), u16_at(4), byte(1));
  return kLength;
}

void RfbSession::point(u32 x, u32 y, u32 buttons) {
  Inputs* const inputs = host_.inputs();
  if (inputs == nullptr) return;
  const auto moved = [](u32 to, u32 from) { return static_cast<i32>(to) - static_cast<i32>(from); };
  if (inputs->takes_position()) {
    const auto place = [](u32 at, u32 size) {
      return size < 2 ? 0 : std::min(at, size - 1) * InputDevice::kMostPosition / (size - 1);
    };
    inputs->move_to(place(x, width_), place(y, height_));
  } else if (told_absolute_ == false) {
    inputs->move_by(moved(x, kMotionMiddle), moved(y, kMotionMiddle));
  } else if (pointer_ && (pointer_->first != x || pointer_->second != y)) {
    inputs->move_by(moved(x, pointer_->first), moved(y, pointer_->second));
  }
  pointer_ = {x, y};
  press_buttons(*inputs, buttons);
  inputs->sync();
  host_.wants_update();
}

void RfbSession::press_buttons(Inputs& inputs, u32 buttons) {
  constexpr PointerButton kButtons[] = {PointerButton::Left,      PointerButton::Middle,
                                        PointerButton::Right,     PointerButton::WheelUp,
                                        PointerButton::WheelDown, PointerButton::WheelLeft,
                                        PointerButton::WheelRight};
  for (unsigned n = 0; n < std::size(kButtons); ++n)
    if (((buttons ^ buttons_) >> n & 1) != 0) inputs.button(kButtons[n], (buttons >> n & 1) != 0);
  buttons_ = buttons;
}

void RfbSession::release_all() {
  Inputs* const inputs = host_.inputs();
  if (inputs == nullptr) return;
  for (const KeyCode key : keys_down_) inputs->key(key, false);
  keys_down_.clear();
  press_buttons(*inputs, 0);
  inputs->sync();
}

std::size_t RfbSession::set_desktop_size() {
  constexpr std::size_t kHeader = 8, kScreen = 16;
  if (input_.size() < kHeader) return 0;
  const u32 width = u16_at(2), height = u16_at(4);
  const bool valid = width != 0 && width <= Screen::kMostPixels && height != 0 &&
                     height <= Screen::kMostPixels && byte(6) <= 1;
  u32 status = kInvalidLayout;
  if (valid) {
    Screen* const screen = host_.screen();
    status = screen != nullptr && screen->ask_size(width, height) ? kForwarded : kProhibited;
  }
  if (takes_layouts_) announce(kExtendedDesktopSize, {kByThisClient, status, width_, height_});
  host_.wants_update();
  return kHeader + kScreen * byte(6);
}

std::size_t RfbSession::cut_text() {
  constexpr std::size_t kHeader = 8;
  if (input_.size() < kHeader) return 0;
  // The guest has no clipboard.
  return kHeader + u32_at(4);
}

// --- updates ------------------------------------------------------------------------------------

void RfbSession::announce(Encoding what, const Rectangle& rectangle) {
  std::erase_if(notices_, [&](const auto& notice) {
    return notice.second == what && (what != kExtendedDesktopSize || notice.first.x == rectangle.x);
  });
  notices_.emplace_back(rectangle, what);
}

void RfbSession::resized() {
  const Screen* const screen = host_.screen();
  if (screen == nullptr) return;
  if (takes_sizes()) {
    width_ = screen->width();
    height_ = screen->height();
    announce(takes_layouts_ ? kExtendedDesktopSize : kDesktopSize, {kByServer, 0, width_, height_});
    dirty_.resize(width_, height_);
    pointer_.reset();
  }
  dirty_.mark_all();
}

void RfbSession::tell_pointer() {
  const Inputs* const inputs = host_.inputs();
  if (!takes_motion_ || inputs == nullptr) return;
  const bool absolute = inputs->takes_position();
  if (told_absolute_.value_or(true) == absolute && told_absolute_) return;
  told_absolute_ = absolute;
  announce(kPointerMotionChange, {absolute ? 1U : 0U, 0, width_, height_});
}

// The rest waits until the client has taken these.
std::vector<Rectangle> RfbSession::some_of(const std::vector<Rectangle>& all) {
  std::vector<Rectangle> some;
  u64 left = kMostPixels;
  for (const Rectangle& rectangle : all) {
    const u32 rows = static_cast<u32>(std::min<u64>(rectangle.height, left / rectangle.width));
    Rectangle now = rectangle, later = rectangle;
    now.height = rows;
    later.y += rows;
    later.height -= rows;
    if (!now.empty()) some.push_back(now);
    dirty_.mark(later);
    left -= u64{rows} * rectangle.width;
  }
  return some;
}

// One screen, as large as all of it.
void RfbSession::put_layout(const Rectangle& size) {
  put_u32(1U << 24, output_);
  put_u32(0, output_);  // its number, and place
  put_u32(0, output_);
  put_u16(size.width, output_);
  put_u16(size.height, output_);
  put_u32(0, output_);
}

void RfbSession::update() {
  tell_pointer();
  if (!has_update()) return;
  const Screen* const screen = host_.screen();
  // A client that was let in before the screen had a size.
  if (takes_sizes() && screen != nullptr && screen->width() != 0 &&
      (screen->width() != width_ || screen->height() != height_))
    resized();
  const std::vector<Rectangle> what = encoder_.cut(some_of(dirty_.take()));
  asked_ = false;
  output_.push_back(kFramebufferUpdate);
  output_.push_back(0);
  put_u16(static_cast<u32>(notices_.size() + what.size()), output_);
  for (const auto& [rectangle, encoding] : notices_) {
    put_rectangle(rectangle, encoding, output_);
    if (encoding == kExtendedDesktopSize) put_layout(rectangle);
  }
  notices_.clear();
  const Picture picture(screen);
  for (const Rectangle& rectangle : what) encoder_.add(picture, rectangle, output_);
}

}  // namespace backplane::vnc
