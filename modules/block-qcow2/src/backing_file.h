// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "backplane/backend.h"
#include "backplane/block.h"
#include "header.h"

namespace backplane::qcow2 {

// The property that says what an image stands on: a node's name, nothing (empty, "off"), or, if it
// is not given, what the image says.
class BackingLink {
 public:
  bool is_given() const { return given_; }
  BlockNode* get() const { return link_.get(); }

  static std::string property_type() { return BackendLink<BlockNode>::property_type(); }
  std::string print() const { return link_.print(); }
  void assign(Object& owner, std::string_view text) {
    link_.assign(owner, text == "off" ? std::string_view() : text);
    given_ = true;
  }

 private:
  BackendLink<BlockNode> link_;
  bool given_ = false;
};

// The path of what an image names: relative ones are beside it.
std::string path_beside(const std::string& image, const std::string& name);

// What the node is made of that an image says it stands on, of the format that the image says, for
// reading alone. Throws Error: it says no format, it is no file, or the images stand on each other
// in a circle.
Backends::Properties backing_properties(const BlockNode& node, const Header& header);

}  // namespace backplane::qcow2
