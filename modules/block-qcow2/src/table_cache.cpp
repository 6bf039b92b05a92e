// SPDX-License-Identifier: MIT
#include "table_cache.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace backplane::qcow2 {

namespace {

// Of the largest tables as well: as many as are worked on at a time, several times over.
constexpr std::size_t kAtLeast = 16;

}  // namespace

TableCache::TableCache(BlockNode& file, u64 cluster_size, u64 bytes)
    : file_(file),
      cluster_size_(cluster_size),
      most_(std::max<std::size_t>(kAtLeast, bytes / cluster_size)) {}

Table* TableCache::find(u64 offset) const {
  const auto at = tables_.find(offset);
  if (at == tables_.end()) return nullptr;
  at->second->used_at.store(++count_, std::memory_order_relaxed);
  return at->second.get();
}

int TableCache::load(u64 offset, Table*& table) {
  table = find(offset);
  if (table != nullptr) return 0;
  auto loaded = std::make_unique<Table>(cluster_size_);
  // The last cluster of a file need not be whole.
  const u64 end = file_.size();
  const u64 there = offset < end ? std::min(cluster_size_, end - offset) : 0;
  if (there != 0)
    if (const int error = file_.read(offset, loaded->bytes.data(), there); error != 0) return error;
  loaded->used_at = ++count_;
  table = tables_.emplace(offset, std::move(loaded)).first->second.get();
  return 0;
}

Table& TableCache::add(u64 offset) {
  std::unique_ptr<Table>& table = tables_[offset];
  table = std::make_unique<Table>(cluster_size_);
  table->dirty = true;
  table->used_at = ++count_;
  return *table;
}

bool TableCache::has_dirty() const {
  return std::any_of(tables_.begin(), tables_.end(),
                     [](const auto& entry) { return entry.second->dirty; });
}

int TableCache::write_dirty() {
  for (const auto& [offset, table] : tables_) {
    if (!table->dirty) continue;
    if (const int error = file_.write(offset, table->bytes.data(), table->bytes.size()); error != 0)
      return error;
    table->dirty = false;
  }
  return 0;
}

bool TableCache::trim() {
  if (tables_.size() <= most_) return false;
  std::vector<std::pair<u64, u64>> clean;  // when it was used, where it is
  for (const auto& [offset, table] : tables_)
    if (!table->dirty) clean.emplace_back(table->used_at, offset);
  // Some more than must be, so that this is seldom done.
  const std::size_t surplus = std::min(clean.size(), tables_.size() - most_ + most_ / 4);
  std::nth_element(clean.begin(), clean.begin() + static_cast<std::ptrdiff_t>(surplus),
                   clean.end());
  for (std::size_t i = 0; i < surplus; ++i) tables_.erase(clean[i].second);
  return tables_.size() > most_;
}

}  // namespace backplane::qcow2
