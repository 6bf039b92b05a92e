// SPDX-License-Identifier: MIT
// What tells one set of modules from another.
#include <glib.h>

#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "backplane/module.h"

namespace backplane {

namespace {

// SHA-256. [FIPS 180-4]
class Digest {
 public:
  void add(std::string_view bytes) {
    g_checksum_update(checksum_.get(), reinterpret_cast<const guchar*>(bytes.data()),
                      static_cast<gssize>(bytes.size()));
  }
  std::string text() const { return g_checksum_get_string(checksum_.get()); }

 private:
  struct Free {
    void operator()(GChecksum* checksum) const { g_checksum_free(checksum); }
  };
  std::unique_ptr<GChecksum, Free> checksum_{g_checksum_new(G_CHECKSUM_SHA256)};
};

std::string digest_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  Digest digest;
  digest.add(std::string(std::istreambuf_iterator<char>(file), {}));
  return digest.text();
}

}  // namespace

std::string ModuleIndex::digest() const {
  // By name: where they were found does not matter, nor in which order.
  std::map<std::string, std::string> parts;
  for (const ModuleRecord& module : records())
    if (unavailable_reason(module).empty())
      parts[module.name] = module.path.empty() ? module.version : digest_of_file(module.path);
  Digest digest;
  for (const auto& [name, part] : parts) digest.add(fmt::format("{} {}\n", name, part));
  return digest.text();
}

}  // namespace backplane
