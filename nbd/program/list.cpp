// SPDX-License-Identifier: MIT
#include "list.h"

#include <string>

#include "backplane/error.h"
#include "wire/handshake.h"

namespace backplane::nbd {

namespace {

constexpr u32 kPatience = 10;  // seconds

struct FlagName {
  TransmissionFlag flag;
  const char* name;
};
constexpr FlagName kFlagNames[] = {{kFlagReadOnly, "readonly"},
                                   {kFlagSendFlush, "flush"},
                                   {kFlagSendFua, "fua"},
                                   {kFlagRotational, "rotational"},
                                   {kFlagSendTrim, "trim"},
                                   {kFlagSendWriteZeroes, "zeroes"},
                                   {kFlagSendDf, "df"},
                                   {kFlagCanMultiConn, "multi"},
                                   {kFlagSendResize, "resize"},
                                   {kFlagSendCache, "cache"},
                                   {kFlagSendFastZero, "fast-zero"}};

void print(const ListedExport& one) {
  fmt::print(" export: '{}'\n", shown(one.name));
  if (!one.description.empty()) fmt::print("  description: {}\n", shown(one.description));
  if (!one.info) return;
  std::string flags;
  for (const FlagName& row : kFlagNames)
    if (one.info->has(row.flag)) flags += fmt::format(" {}", row.name);
  fmt::print("  size:  {}\n  flags: {:#x} ({} )\n", one.info->size, one.info->flags, flags);
  fmt::print("  min block: {}\n  opt block: {}\n  max block: {}\n", one.info->minimum_block,
             one.info->preferred_block, one.info->maximum_block);
}

}  // namespace

void print_exports(const Place& place) {
  const Deadline deadline = in_seconds(kPatience);
  Channel channel(connect_to(place, deadline));
  channel.set_deadline(deadline);
  std::vector<ListedExport> exports;
  try {
    exports = list_exports(channel);
  } catch (const Error& error) {
    throw error.in(place.text());
  }
  fmt::print("exports available: {}\n", exports.size());
  for (const ListedExport& one : exports) print(one);
}

}  // namespace backplane::nbd
