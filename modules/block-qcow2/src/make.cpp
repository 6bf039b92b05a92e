// SPDX-License-Identifier: MIT
#include "make.h"

#include <algorithm>

#include "backplane/error.h"
#include "big_endian.h"
#include "refcounts.h"

namespace backplane::qcow2 {

namespace {

void write(BlockNode& file, u64 offset, const std::vector<u8>& bytes) {
  if (const int error = file.write(offset, bytes.data(), bytes.size()); error != 0)
    throw Error(file.explain(error));
}

// Tables whose entries lead to clusters one behind the other.
std::vector<u8> consecutive(u64 entries, u64 first_cluster, const Header& header, u64 flags,
                            u64 room) {
  std::vector<u8> table(room);
  for (u64 i = 0; i < entries; ++i)
    store_be(table.data() + i * sizeof(u64), (first_cluster + i) << header.cluster_bits | flags);
  return table;
}

}  // namespace

Layout layout_of(const Header& header, u64 l2_tables, u64 data_clusters) {
  const u64 in_block = refcounts_in_block(header);
  const u64 in_cluster = header.cluster_size() / sizeof(u64);
  const u64 l1_clusters =
      std::max<u64>(1, header.to_clusters(header.l1_entries(header.size) * sizeof(u64)));
  Layout layout;
  layout.refcount_table = 1;
  layout.refcount_table_clusters = 1;
  layout.block_count = 1;
  layout.l2_count = l2_tables;
  for (;;) {
    layout.refcount_blocks = layout.refcount_table + layout.refcount_table_clusters;
    layout.l1 = layout.refcount_blocks + layout.block_count;
    layout.l2 = layout.l1 + l1_clusters;
    layout.data = layout.l2 + l2_tables;
    layout.end = layout.data + data_clusters;
    const u64 blocks = (layout.end + in_block - 1) / in_block;
    const u64 table = (blocks + in_cluster - 1) / in_cluster;
    if (blocks <= layout.block_count && table <= layout.refcount_table_clusters) return layout;
    layout.block_count = std::max(blocks, layout.block_count);
    layout.refcount_table_clusters = std::max(table, layout.refcount_table_clusters);
  }
}

void make_image(BlockNode& file, Header header, Preallocation preallocation) {
  header.l1_size = static_cast<u32>(header.l1_entries(header.size));
  if (header.l1_entries(header.size) * sizeof(u64) > kMaxL1Bytes)
    throw Error(fmt::format("an image with clusters of {} bytes cannot have {} bytes",
                            header.cluster_size(), header.size),
                "a larger cluster_size allows for more");
  const bool is_preallocated = preallocation != Preallocation::Off;
  const u64 clusters = is_preallocated ? header.to_clusters(header.size) : 0;
  const Layout layout = layout_of(header, is_preallocated ? header.l1_size : 0, clusters);
  if (layout.refcount_table_clusters << header.cluster_bits > kMaxRefcountTableBytes)
    throw Error(fmt::format("{} bytes are too many to be set aside", header.size));
  header.l1_table_offset = layout.l1 << header.cluster_bits;
  header.refcount_table_offset = layout.refcount_table << header.cluster_bits;
  header.refcount_table_clusters = static_cast<u32>(layout.refcount_table_clusters);

  const std::vector<u8> packed = pack_header(header);
  if (const int error = file.grow(layout.end << header.cluster_bits); error != 0)
    throw Error(file.explain(error));
  if (preallocation == Preallocation::Falloc || preallocation == Preallocation::Full)
    if (const int error = set_aside(file, layout.data << header.cluster_bits,
                                    clusters << header.cluster_bits, preallocation);
        error != 0)
      throw Error(file.explain(error));
  write(file, header.refcount_table_offset,
        consecutive(layout.block_count, layout.refcount_blocks, header, 0,
                    layout.refcount_table_clusters << header.cluster_bits));
  const u64 in_block = refcounts_in_block(header);
  for (u64 i = 0; i < layout.block_count; ++i) {
    std::vector<u8> block(header.cluster_size());
    for (u64 n = 0; n < std::min(in_block, layout.end - std::min(layout.end, i * in_block)); ++n)
      set_refcount_in(header, block, n, 1);
    write(file, (layout.refcount_blocks + i) << header.cluster_bits, block);
  }
  const u64 l2_entries = u64{1} << header.l2_bits();
  for (u64 i = 0; i < layout.l2_count; ++i)
    write(file, (layout.l2 + i) << header.cluster_bits,
          consecutive(std::min(l2_entries, clusters - i * l2_entries), layout.data + i * l2_entries,
                      header, kCopied, header.cluster_size()));
  write(file, header.l1_table_offset,
        consecutive(layout.l2_count, layout.l2, header, kCopied,
                    (layout.l2 - layout.l1) << header.cluster_bits));
  // An image is one only once all of it is there.
  if (const int error = file.flush(); error != 0) throw Error(file.explain(error));
  write(file, 0, packed);
  if (const int error = file.flush(); error != 0) throw Error(file.explain(error));
}

}  // namespace backplane::qcow2
