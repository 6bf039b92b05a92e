// SPDX-License-Identifier: MIT
#include "migration/images.h"

#include "backplane/block.h"
#include "machine/tree.h"

namespace backplane {

namespace {

// Those that are not below another one, which has its part in what becomes of them.
std::vector<BlockNode*> outermost_nodes(const Object& in_tree) {
  const Object* root = &in_tree;
  while (root->parent() != nullptr) root = root->parent();
  std::vector<BlockNode*> nodes = objects_below<BlockNode>(*root);
  std::erase_if(nodes, [](const BlockNode* node) {
    return dynamic_cast<const BlockNode*>(node->user()) != nullptr;
  });
  return nodes;
}

}  // namespace

void hand_images_over(const Object& in_tree) {
  try {
    for (BlockNode* const node : outermost_nodes(in_tree)) node->hand_over();
  } catch (const Error&) {
    take_images_over(in_tree);
    throw;
  }
}

void take_images_over(const Object& in_tree) {
  for (BlockNode* const node : outermost_nodes(in_tree)) node->take_over();
}

}  // namespace backplane
