// SPDX-License-Identifier: MIT
// The composition tree.
#include <gtest/gtest.h>

#include "backplane/object.h"

namespace backplane {
namespace {

Object& add(Object& parent, const char* name) {
  return parent.add_child(name, std::make_unique<Object>());
}

TEST(Tree, NamesObjectsByPath) {
  Object root;
  EXPECT_EQ(root.path(), "/");
  Object& leaf = add(add(add(root, "machine"), "peripheral"), "balloon0");
  EXPECT_EQ(leaf.path(), "/machine/peripheral/balloon0");
}

TEST(Tree, FindsByRelativeAndAbsolutePath) {
  Object root;
  Object& machine = add(root, "machine");
  Object& leaf = add(add(machine, "a"), "b");
  EXPECT_EQ(machine.find("a/b"), &leaf);
  EXPECT_EQ(leaf.find("/machine/a/b"), &leaf);
  EXPECT_EQ(machine.find(""), &machine);
  EXPECT_EQ(machine.find("a/nosuch"), nullptr);
  EXPECT_EQ(machine.find("nosuch/b"), nullptr);
}

TEST(Tree, RefusesASecondChildOfOneName) {
  Object root;
  add(root, "x");
  EXPECT_THROW(add(root, "x"), Error);
  EXPECT_EQ(root.children().size(), 1U);
}

TEST(Tree, NumbersChildrenWithAStar) {
  Object root;
  Object& first = add(root, "cpu[*]");
  EXPECT_EQ(first.child_name(), "cpu[0]");
  EXPECT_EQ(add(root, "cpu[*]").child_name(), "cpu[1]");
  root.remove_child(first);
  EXPECT_EQ(add(root, "cpu[*]").child_name(), "cpu[0]");
}

TEST(Tree, HandsARemovedChildBack) {
  Object root;
  Object& child = add(root, "x");
  const std::unique_ptr<Object> owned = root.remove_child(child);
  ASSERT_EQ(owned.get(), &child);
  EXPECT_EQ(owned->parent(), nullptr);
  EXPECT_EQ(root.find("x"), nullptr);
  EXPECT_EQ(root.remove_child(child), nullptr);
}

TEST(Tree, DestroysTheYoungestChildFirst) {
  static std::vector<int> order;
  struct Noted final : Object {
    explicit Noted(int n) : n(n) {}
    ~Noted() override { order.push_back(n); }
    int n;
  };
  order.clear();
  {
    Object root;
    root.add_child("a", std::make_unique<Noted>(1));
    root.add_child("b", std::make_unique<Noted>(2));
  }
  EXPECT_EQ(order, (std::vector<int>{2, 1}));
}

}  // namespace
}  // namespace backplane
