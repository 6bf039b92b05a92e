// SPDX-License-Identifier: MIT
#include <filesystem>

#include "arguments.h"
#include "backplane/error.h"
#include "backplane/json.h"
#include "commands.h"
#include "images.h"

namespace backplane::img {

namespace {

// Bytes that the host keeps room for.
u64 stored_bytes(Images& images, const std::string& path) {
  const auto file = images.open_file(path, {.shared = true});
  BlockNode& node = file->node();
  u64 stored = 0;
  for (u64 at = 0; at < node.size();) {
    Extent extent;
    expect_done(node, extent_of(node, at, node.size() - at, extent));
    if (extent.data) stored += extent.size;
    at += extent.size;
  }
  return stored;
}

Value describe(Images& images, const std::string& path, const OpenImage& opened) {
  Value::Record record{{"virtual-size", opened.node().size()},
                       {"filename", path},
                       {"format", opened.format()},
                       {"actual-size", stored_bytes(images, path)}};
  const DiskImage* const image = opened.image();
  if (image == nullptr) {
    record.push_back({"dirty-flag", false});
    return record;
  }
  record.push_back({"cluster-size", image->cluster_size()});
  record.push_back(
      {"format-specific", Value::Record{{"type", opened.format()}, {"data", image->details()}}});
  if (!image->backing_file().empty()) {
    record.push_back({"full-backing-filename", image->backing_path()});
    record.push_back({"backing-filename", image->backing_file()});
    if (!image->backing_format().empty())
      record.push_back({"backing-filename-format", image->backing_format()});
  }
  const std::vector<Snapshot> snapshots = image->snapshots();
  if (!snapshots.empty()) record.push_back({"snapshots", describe_snapshots(snapshots)});
  record.push_back({"dirty-flag", image->is_dirty()});
  return record;
}

std::string json_or_text(const Value& value) {
  return value.kind() == Value::Kind::Boolean ? (value.as_bool() ? "true" : "false")
                                              : scalar_text(value);
}

void print(const Value& record, const OpenImage& opened) {
  const auto text = [&record](std::string_view field) {
    return printable(record.find(field)->as_string());
  };
  const u64 size = record.find("virtual-size")->as_unsigned();
  fmt::print("image: {}\nfile format: {}\nvirtual size: {} ({} bytes)\ndisk size: {}\n",
             text("filename"), text("format"), human_bytes(size), size,
             human_bytes(record.find("actual-size")->as_unsigned()));
  if (record.find("dirty-flag")->as_bool()) fmt::print("cleanly shut down: no\n");
  if (const Value* const cluster_size = record.find("cluster-size"))
    fmt::print("cluster_size: {}\n", cluster_size->as_unsigned());
  if (record.find("backing-filename") != nullptr) {
    fmt::print("backing file: {}", text("backing-filename"));
    if (text("full-backing-filename") != text("backing-filename"))
      fmt::print(" (actual path: {})", text("full-backing-filename"));
    fmt::print("\n");
    if (record.find("backing-filename-format") != nullptr)
      fmt::print("backing file format: {}\n", text("backing-filename-format"));
  }
  const DiskImage* const image = opened.image();
  if (image == nullptr) return;
  if (record.find("snapshots") != nullptr)
    fmt::print("Snapshot list:\n{}", print_snapshots(*record.find("snapshots")));
  fmt::print("Format specific information:\n");
  const Value details = image->details();
  for (const Value::Field& field : details.as_record()) {
    std::string name = field.name;
    for (char& letter : name)
      if (letter == '-') letter = ' ';
    fmt::print("    {}: {}\n", name, json_or_text(field.value));
  }
}

}  // namespace

int info(const Words& words) {
  const Arguments arguments(words, {{'f', "", true},
                                    {'U', "force-share", false},
                                    {0, "output", true},
                                    {0, "backing-chain", false}});
  arguments.expect_files(1, 1, "one file");
  const bool json = arguments.wants_json();
  const bool whole_chain = arguments.has("backing-chain");
  Images images;
  Value::List chain;
  Opening how{.format = arguments.value("f"), .alone = true, .shared = arguments.has("U")};
  constexpr std::size_t kDeepest = 200;
  for (std::string path = arguments.files().front(); !path.empty();) {
    if (chain.size() > kDeepest) throw Error::of("{} stands on too many others", path);
    const auto opened = images.open(path, how);
    Value record = describe(images, path, *opened);
    if (!json) {
      if (!chain.empty()) fmt::print("\n");
      print(record, *opened);
    }
    chain.push_back(std::move(record));
    const DiskImage* const image = opened->image();
    path = whole_chain && image != nullptr ? image->backing_path() : "";
    how.format.reset();
    if (image != nullptr && !image->backing_format().empty()) how.format = image->backing_format();
  }
  if (json) fmt::print("{}\n", to_json(whole_chain ? Value(std::move(chain)) : chain.front()));
  return 0;
}

}  // namespace backplane::img
