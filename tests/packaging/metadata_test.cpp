// SPDX-License-Identifier: MIT
// What listings print without loading a module is what its classes say once it is loaded.
#include <gtest/gtest.h>

#include "backplane/device.h"
#include "backplane/module.h"

namespace backplane {
namespace {

class EachModule : public testing::TestWithParam<std::string> {};

TEST_P(EachModule, PromisesWhatItsClassesSay) {
  ModuleIndex& index = ModuleIndex::instance();
  const std::vector<ModuleIndex::TypeListing> before = index.list_types("object");
  index.load(GetParam());
  for (const ModuleIndex::TypeListing& listing : before) {
    if (listing.module == nullptr || listing.module->name != GetParam()) continue;
    SCOPED_TRACE(listing.name);
    const ObjectClass* k = TypeRegistry::instance().class_of(listing.name);
    ASSERT_NE(k, nullptr);
    EXPECT_EQ(k->abstract, listing.abstract);
    EXPECT_EQ(k->parent->name, listing.parent);
    EXPECT_EQ(k->description, listing.description);
    if (!k->is_a(Device::kTypeName)) continue;
    const auto& device = static_cast<const DeviceClass&>(*k);
    EXPECT_EQ(device.bus_type, listing.bus);
    EXPECT_EQ(device.category, listing.category);
    EXPECT_EQ(device.user_creatable, !listing.board_only);
  }
}

std::vector<std::string> module_names() {
  std::vector<std::string> names;
  for (const ModuleRecord& record : ModuleIndex::instance().records()) names.push_back(record.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Built, EachModule, testing::ValuesIn(module_names()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
                           return name;
                         });

}  // namespace
}  // namespace backplane
