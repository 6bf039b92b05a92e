// SPDX-License-Identifier: MIT
#include "arguments.h"
#include "backplane/error.h"
#include "commands.h"
#include "images.h"

namespace backplane::img {

int snapshot(const Words& words) {
  const Arguments arguments(words, {{'l', "", false},
                                    {'c', "", true},
                                    {'a', "", true},
                                    {'d', "", true},
                                    {'f', "", true},
                                    {'U', "force-share", false},
                                    {'q', "quiet", false}});
  arguments.expect_files(1, 1, "one file");
  unsigned asked = 0;
  for (const char* const option : {"l", "c", "a", "d"}) asked += arguments.has(option) ? 1 : 0;
  if (asked > 1) throw Error("-l, -c, -a and -d: expects one of them");
  const bool changes = asked == 1 && !arguments.has("l");
  Images images;
  const auto opened = images.open(arguments.files().front(), {.format = arguments.value("f"),
                                                              .for_writing = changes,
                                                              .alone = true,
                                                              .shared = arguments.has("U")});
  DiskImage& image = expect_image(*opened, "snapshots");
  if (const auto name = arguments.value("c")) image.create_snapshot(*name);
  if (const auto name = arguments.value("a")) image.apply_snapshot(*name);
  if (const auto name = arguments.value("d")) image.delete_snapshot(*name);
  if (!changes) {
    const std::vector<Snapshot> snapshots = image.snapshots();
    if (!snapshots.empty())
      fmt::print("Snapshot list:\n{}", print_snapshots(describe_snapshots(snapshots)));
    return 0;
  }
  opened->finish();
  return 0;
}

}  // namespace backplane::img
