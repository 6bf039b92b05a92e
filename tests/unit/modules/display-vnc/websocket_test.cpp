// SPDX-License-Identifier: MIT
#include "websocket.h"

#include <gtest/gtest.h>

namespace backplane::vnc {
namespace {

using Bytes = std::vector<u8>;

struct WebSocketTest : ::testing::Test {
  bool receive(const Bytes& bytes) { return socket.receive(bytes, carried, answer); }
  bool receive(const std::string& text) { return receive(Bytes(text.begin(), text.end())); }
  std::string answered() { return {answer.begin(), answer.end()}; }
  void shake_hands() {
    ASSERT_TRUE(
        receive("GET / HTTP/1.1\r\nHost: server.example.com\r\nupgrade: WebSocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Protocol: base64, binary\r\n\r\n"));
  }
  WebSocket socket;
  Bytes carried, answer;
};

// The key and its answer are those of RFC 6455 §1.3.
TEST_F(WebSocketTest, AnswersTheHandshake) {
  shake_hands();
  EXPECT_TRUE(socket.open());
  EXPECT_NE(answered().find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            std::string::npos);
  EXPECT_NE(answered().find("Sec-WebSocket-Protocol: binary\r\n"), std::string::npos);
}

TEST_F(WebSocketTest, RefusesWhatIsNone) {
  EXPECT_FALSE(receive("GET / HTTP/1.1\r\nHost: here\r\n\r\n"));
  EXPECT_TRUE(answered().starts_with("HTTP/1.1 400 "));
}

TEST_F(WebSocketTest, SaysItsVersionToWhoSpeaksAnother) {
  for (const std::string_view version : {"", "Sec-WebSocket-Version: 8\r\n"}) {
    socket = {};
    answer.clear();
    EXPECT_FALSE(
        receive("GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                std::string(version) + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    EXPECT_FALSE(socket.open());
    EXPECT_TRUE(answered().starts_with("HTTP/1.1 426 "));
    EXPECT_NE(answered().find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos);
  }
}

TEST_F(WebSocketTest, ARequestWithoutEndIsCutOff) {
  bool goes_on = true;
  for (unsigned n = 0; goes_on && n < 1000; ++n) goes_on = receive(Bytes(100, 'x'));
  EXPECT_FALSE(goes_on);
}

TEST_F(WebSocketTest, TakesFramesInWhateverPieces) {
  shake_hands();
  const Bytes frame{0x82, 0x83, 1, 2, 3, 4, 'a' ^ 1, 'b' ^ 2, 'c' ^ 3};
  for (const u8 byte : frame) EXPECT_TRUE(receive(Bytes{byte}));
  Bytes longer{0x02, 0xfe, 0x00, 0x80, 0, 0, 0, 0};
  longer.resize(longer.size() + 0x80, 'x');
  EXPECT_TRUE(receive(longer));
  EXPECT_EQ(std::string(carried.begin(), carried.end()), "abc" + std::string(0x80, 'x'));
}

TEST_F(WebSocketTest, AnswersPingAndClose) {
  shake_hands();
  answer.clear();
  EXPECT_TRUE(receive(Bytes{0x89, 0x81, 0, 0, 0, 0, 'p'}));
  EXPECT_EQ(answer, (Bytes{0x8a, 1, 'p'}));
  answer.clear();
  EXPECT_FALSE(receive(Bytes{0x88, 0x80, 0, 0, 0, 0}));
  EXPECT_EQ(answer, (Bytes{0x88, 0}));
}

TEST_F(WebSocketTest, EndsAtWhatNoClientMaySend) {
  for (const Bytes& frame :
       {Bytes{0x82, 0x01, 0, 0, 0, 0}, Bytes{0x83, 0x80, 0, 0, 0, 0}, Bytes{0x09, 0x80, 0, 0, 0, 0},
        Bytes{0xc2, 0x80, 0, 0, 0, 0}, Bytes{0xa2, 0x80, 0, 0, 0, 0}, Bytes{0x92, 0x80, 0, 0, 0, 0},
        Bytes{0x89, 0xfe, 0x01, 0, 0, 0, 0, 0}}) {
    socket = {};
    shake_hands();
    EXPECT_FALSE(receive(frame));
  }
}

TEST(WebSocketFrame, SaysItsLength) {
  Bytes out;
  WebSocket::frame(Bytes(5, 1), out);
  EXPECT_EQ(out, (Bytes{0x82, 5, 1, 1, 1, 1, 1}));
  out.clear();
  WebSocket::frame(Bytes(300), out);
  EXPECT_EQ((Bytes{out.begin(), out.begin() + 4}), (Bytes{0x82, 126, 1, 44}));
  out.clear();
  WebSocket::frame(Bytes(70'000), out);
  EXPECT_EQ((Bytes{out.begin(), out.begin() + 10}), (Bytes{0x82, 127, 0, 0, 0, 0, 0, 1, 17, 112}));
}

}  // namespace
}  // namespace backplane::vnc
