// SPDX-License-Identifier: MIT
// The server's side of RFB with one client: what arrives, and what is to be sent. It knows no
// sockets. Whatever a client says, what is kept of it is bounded. [RFC 6143 §7 "Protocol Messages"]
#pragma once

#include <array>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "backplane/display.h"
#include "backplane/input.h"
#include "dirty_tiles.h"
#include "encoder.h"
#include "layouts.h"

namespace backplane::vnc {

using Challenge = std::array<u8, 16>;

class RfbSession;

// What a session needs of its display.
class RfbHost {
 public:
  virtual Screen* screen() = 0;       // null: there is none
  virtual Inputs* inputs() = 0;       // null: nobody takes them
  virtual Layout layout() const = 0;  // of the viewers' keyboards
  virtual std::string desktop_name() const = 0;
  virtual bool asks_password() const = 0;
  virtual Challenge new_challenge() = 0;
  // Whether the answer is what the password makes of the challenge.
  virtual bool accepts(const Challenge& challenge, const Challenge& answer) = 0;
  // A client was let in. False: there is no room for it.
  virtual bool entered(RfbSession& session, bool shared) = 0;
  // It wants to see what there is, or has typed.
  virtual void wants_update() = 0;

 protected:
  ~RfbHost() = default;
};

class RfbSession {
 public:
  explicit RfbSession(RfbHost& host);

  // False: the connection is to end, after what is to be sent.
  bool receive(std::span<const u8> bytes);
  // What is to be sent; whoever sends it takes it out.
  std::vector<u8>& output() { return output_; }

  // The handshake is over.
  bool running() const { return step_ == &RfbSession::message; }
  // Releases what the client has pressed: it is gone.
  void release_all();
  // The screen has changed; told by whoever looks at it.
  void changed(const Rectangle& what) { dirty_.mark(what); }
  void resized();
  // Adds what was asked for and has changed to what is to be sent.
  void update();
  // The client waits for something to change.
  bool asks() const { return running() && asked_; }
  // Whether update() would.
  bool has_update() const { return asked_ && (dirty_.any() || !notices_.empty()); }

 private:
  // A step of the handshake, or a message: returns how many bytes of the input it took; 0: it needs
  // more.
  using Step = std::size_t (RfbSession::*)();
  std::size_t version();
  std::size_t security_choice();
  std::size_t answer();
  std::size_t client_init();
  std::size_t message();
  std::size_t set_pixel_format();
  std::size_t set_encodings();
  std::size_t update_request();
  std::size_t key_event();
  std::size_t pointer_event();
  std::size_t cut_text();
  std::size_t set_desktop_size();
  std::size_t extended_message();

  void offer_security();
  void begin_authentication();
  void let_in();
  void refuse(std::string_view reason);
  void put_result(bool ok, std::string_view reason);
  void server_init();
  void press(KeyCode key, bool down);
  void point(u32 x, u32 y, u32 buttons);
  void press_buttons(Inputs& inputs, u32 buttons);
  // Whether the pointer's device takes places on the screen, as told to a client that asks.
  void tell_pointer();
  // What the next update tells; the last of each kind counts.
  void announce(Encoding what, const Rectangle& rectangle);
  void put_layout(const Rectangle& size);
  bool takes_sizes() const { return takes_sizes_ || takes_layouts_; }
  std::vector<Rectangle> some_of(const std::vector<Rectangle>& all);

  u8 byte(std::size_t at) const { return input_[at]; }
  u16 u16_at(std::size_t at) const { return static_cast<u16>(input_[at] << 8 | input_[at + 1]); }
  u32 u32_at(std::size_t at) const { return u32{u16_at(at)} << 16 | u16_at(at + 2); }

  RfbHost& host_;
  Step step_ = &RfbSession::version;
  unsigned minor_ = 8;  // of version 3
  bool ended_ = false;
  Challenge challenge_{};
  std::vector<u8> input_, output_;
  u64 skipped_ = 0;  // bytes of a text that are still to come, and of no use

  Encoder encoder_;
  DirtyTiles dirty_;
  bool asked_ = false;
  std::vector<std::pair<Rectangle, i32>> notices_;  // rectangles without pixels
  u32 width_ = 0, height_ = 0;                      // as the client has been told
  bool takes_sizes_ = false, takes_layouts_ = false, takes_motion_ = false;
  std::optional<bool> told_absolute_;
  std::set<KeyCode> keys_down_;
  u32 buttons_ = 0;
  std::optional<std::pair<u32, u32>> pointer_;  // where it was
};

}  // namespace backplane::vnc
