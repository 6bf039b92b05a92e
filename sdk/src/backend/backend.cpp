// SPDX-License-Identifier: MIT
#include "backplane/backend.h"

#include "backplane/device.h"

namespace backplane {

namespace {

// The user as the command line knows it: a device that is part of another one is shown as that one.
const Object& shown_user(const Object& user) {
  const Object* shown = &user;
  while (dynamic_cast<const Device*>(shown->parent()) != nullptr) shown = shown->parent();
  return *shown;
}

}  // namespace

std::string Backend::spelled(std::string_view property) const {
  std::string text(property);
  for (const Object* at = this; dynamic_cast<const Backend*>(at->parent()) != nullptr;
       at = at->parent())
    text.insert(0, at->child_name() + ".");
  return text;
}

const std::string& Backend::label() const {
  const auto* const above = dynamic_cast<const Backend*>(parent());
  return above != nullptr ? above->label() : id();
}

Backend& Backend::claim(const Object& user) {
  if (user_ != nullptr)
    throw Error::of("{} is used by {} already: {} needs one of its own", id(),
                    shown_user(*user_).path(), shown_user(user).path());
  user_ = &user;
  return *this;
}

std::string Backend::describe_user() const {
  if (this->user() == nullptr) return "not used";
  const Object& user = shown_user(*this->user());
  return fmt::format("{} ({})", user.type_name(), user.path());
}

BACKPLANE_REGISTER_ABSTRACT(Backend)

}  // namespace backplane
