// SPDX-License-Identifier: MIT
// A VNC viewer that says anything, plainly or through a WebSocket, to a screen that changes its
// size. Nothing may crash or hang, and what waits to be sent is bounded.
#include "../input.h"
#include "rfb_session.h"
#include "websocket.h"

namespace backplane::fuzz {
namespace {

using namespace vnc;

struct Host final : RfbHost {
  Screen* screen() override { return &shown; }
  Inputs* inputs() override { return nullptr; }
  Layout layout() const override { return Layout::De; }
  std::string desktop_name() const override { return "fuzz"; }
  bool asks_password() const override { return asks; }
  Challenge new_challenge() override { return {}; }
  bool accepts(const Challenge&, const Challenge& answer) override { return (answer[0] & 1) != 0; }
  bool entered(RfbSession&, bool) override { return true; }
  void wants_update() override {}
  bool asks = false;
  Screen shown{[] {}};
};

// Messages that begin as they should, and go on anyhow.
void add_message(Input& input, std::vector<u8>& to) {
  constexpr u8 kTypes[] = {0, 2, 3, 3, 3, 4, 5, 6, 251, 255};
  constexpr i32 kEncodings[] = {
      kRaw, kHextile, kZlib, kTight, kZrle, kDesktopSize, kExtendedDesktopSize, kExtendedKeyEvent,
      1};
  const u8 type = kTypes[input.take<u8>() % std::size(kTypes)];
  to.push_back(type);
  if (type == 2) {
    to.insert(to.end(), {0, 0, 2});
    for (unsigned n = 0; n < 2; ++n)
      put_u32(static_cast<u32>(kEncodings[input.take<u8>() % std::size(kEncodings)]), to);
    return;
  }
  if (type == 0) {
    to.insert(to.end(), 3, 0);
    PixelFormat format;
    format.bits = (input.take<u8>() & 1) != 0 ? 32 : 16;
    format.red_shift = input.take<u8>() % 24;
    return format.write(to);
  }
  if (type == 6) {
    to.insert(to.end(), {0, 0, 0, 0, 0, 0, input.take<u8>()});
    return;
  }
  if (type == 251) {
    for (unsigned n = 0; n < 5; ++n) to.push_back(input.take<u8>());
    to.insert(to.end(), {input.take<u8>(), 0});
    return;
  }
  const unsigned rest = type == 3 ? 9 : type == 4 ? 7 : type == 5 ? 5 : 11;
  for (unsigned n = 0; n < rest; ++n) to.push_back(input.take<u8>());
}

void run(Input input) {
  Host host;
  host.asks = (input.take<u8>() & 1) != 0;
  host.shown.resize(input.take<u8>() + 1U, input.take<u8>() + 1U);
  RfbSession session(host);
  WebSocket browser;
  std::vector<u8> carried, answer;
  bool open = true;
  const auto say = [&](const std::vector<u8>& bytes) { open = session.receive(bytes) && open; };
  if ((input.take<u8>() & 7) != 0) {
    constexpr std::string_view kVersion = "RFB 003.008\n";
    say({kVersion.begin(), kVersion.end()});
    say({static_cast<u8>(host.asks ? 2 : 1)});
    if (host.asks) say(std::vector<u8>(16, input.take<u8>() | 1));
    say({1});
  }
  while (!input.empty() && open) {
    std::vector<u8> bytes;
    switch (input.take<u8>() % 6) {
      case 0: {
        for (unsigned n = input.take<u8>() % 32; n != 0; --n) bytes.push_back(input.take<u8>());
        say(bytes);
        carried.clear();
        browser.receive(bytes, carried, answer);
        break;
      }
      case 1: {
        host.shown.resize(input.take<u8>() + 1U, input.take<u8>() + 1U);
        session.resized();
        break;
      }
      case 2: {
        const std::vector<u32> row(host.shown.width(), input.take<u32>() & 0xffffff);
        host.shown.put_row(input.take<u8>() % host.shown.height(), row);
        session.changed({0, 0, input.take<u16>(), input.take<u16>()});
        break;
      }
      default:
        add_message(input, bytes);
        say(bytes);
        break;
    }
    if (session.running()) session.update();
    if (session.output().size() > 4'000'000) __builtin_trap();
    session.output().clear();
    answer.clear();
  }
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  backplane::fuzz::run({data, size});
  return 0;
}
