// SPDX-License-Identifier: MIT
#include "backplane/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "backplane/error.h"
#include "backplane/testing/scratch_directory.h"

namespace backplane {
namespace {

std::string message_of_enable(std::string_view list) {
  try {
    log::enable(list);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override { log::enabled_mask = 0; }
  void TearDown() override { log::enabled_mask = 0; }
};

TEST_F(LogTest, EnablesEachNameOfAList) {
  log::enable("accel,realize");
  EXPECT_TRUE(log::enabled(LogCategory::Accel));
  EXPECT_TRUE(log::enabled(LogCategory::Realize));
  EXPECT_FALSE(log::enabled(LogCategory::Mmu));
}

TEST_F(LogTest, NamesTheFirstUnknownCategoryAndEnablesNothing) {
  const std::string message = message_of_enable("accel,nosuch,alsonot");
  EXPECT_NE(message.find("'nosuch'"), std::string::npos) << message;
  EXPECT_NE(message.find("guest_errors"), std::string::npos) << message;
  EXPECT_FALSE(log::enabled(LogCategory::Accel));
}

TEST_F(LogTest, RefusesAnEmptyList) { EXPECT_FALSE(message_of_enable("").empty()); }

TEST_F(LogTest, HasARowForEveryCategory) {
  ASSERT_EQ(log::categories().size(), static_cast<std::size_t>(LogCategory::Count));
  for (std::size_t n = 0; n < log::categories().size(); ++n)
    EXPECT_EQ(static_cast<std::size_t>(log::categories()[n].category), n);
}

TEST_F(LogTest, AMessageIsOneLine) {
  ::testing::internal::CaptureStderr();
  log::report("a\nb");
  log::warn("c\x1b");
  const std::string& name = log::program_name();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            name + ": a\\nb\n" + name + ": warning: c\\x1b\n");
}

TEST_F(LogTest, PrintsOnlyWhatIsEnabled) {
  log::enable("module");
  ::testing::internal::CaptureStderr();
  log::print(LogCategory::Module, "shown {}", 1);
  log::print(LogCategory::Mmu, "hidden");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "shown 1\n");
}

TEST_F(LogTest, WarnsUnderTheProgramsName) {
  ::testing::internal::CaptureStderr();
  log::warn("something is odd");
  log::report("-m: bad");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "backplane: warning: something is odd\nbackplane: -m: bad\n");
}

TEST_F(LogTest, LinesForTheUserBeginWithTheTimeIfThatIsWanted) {
  log::set_timestamps(true);
  ::testing::internal::CaptureStderr();
  log::report("said");
  const std::string line = ::testing::internal::GetCapturedStderr();
  log::set_timestamps(false);
  EXPECT_TRUE(std::regex_match(
      line, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z backplane: said\n)")))
      << line;
}

TEST_F(LogTest, SaysEachKindOfGuestErrorOnce) {
  log::enable("guest_errors");
  GuestErrors errors;
  ::testing::internal::CaptureStderr();
  errors("bad index {}", 70000);
  errors("bad index {}", 70001);
  errors("bad size {}", 3);
  errors.of_kind("7", "bad register {}", 7);
  errors.of_kind("7", "bad register {}", 7);
  errors.of_kind("8", "bad register {}", 8);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "bad index 70000\nbad size 3\nbad register 7\nbad register 8\n");
}

TEST_F(LogTest, AGuestThatFindsEverNewKindsDoesNotFloodTheLog) {
  log::enable("unimp");
  Unimplemented lines;
  ::testing::internal::CaptureStderr();
  for (unsigned n = 0; n < 1000; ++n) lines.of_kind(std::to_string(n), "feature {}", n);
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 32);
}

TEST_F(LogTest, WritesToTheFileOfMinusD) {
  const testing::ScratchDirectory directory;
  const std::filesystem::path path = directory / "log";
  log::set_file(path.string());
  log::write("a line\n");
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(text, "a line\n");
  log::set_file("");
}

TEST_F(LogTest, ReportsAFileThatCannotBeWritten) {
  EXPECT_THROW(log::set_file("/nonexistent/log"), Error);
}

}  // namespace
}  // namespace backplane
