// SPDX-License-Identifier: MIT
// Backends: the host's side of what a device uses (a network, an image, a terminal). Each is an
// object of a type that is found and loaded by its name, lives in the tree as /backends/ID, and is
// named by the property of whoever uses it.
//
// A backend's life: created -> properties set -> opened -> claimed by its user, one at a time ->
// released -> closed and destroyed. All under the machine lock.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/catalogue.h"
#include "backplane/object.h"
#include "backplane/room.h"

namespace backplane {

class Machine;

class Backend : public Object {
  BACKPLANE_OBJECT(Backend, Object, "backend")
 public:
  static void class_init(ObjectClass&) {}

  // What the user called it.
  const std::string& id() const { return child_name(); }

  // One line for `info`: what it is and where it leads.
  virtual std::string describe() const = 0;

  // How the command line spells one of its properties: that of a backend that was made in place,
  // below another one, begins with that one's link ("file.locking").
  std::string spelled(std::string_view property) const;
  // Properties that one made in place below this one takes over, where it is not told otherwise.
  virtual std::span<const std::string_view> passed_down() const { return {}; }

  // What the user called the outermost one that this is below of; its own id if it is below none.
  const std::string& label() const;

  // Takes it for one user, and gives what that one is to use: this, or a part of its own of one
  // that several share. Throws Error naming both if it has a user already.
  virtual Backend& claim(const Object& user);
  // The user has done with what claim() gave, which may be gone after this.
  virtual void release() { user_ = nullptr; }
  // Who has it; null if nobody.
  virtual const Object* user() const { return user_; }
  // The same for `info`: "virtio-net-pci (/machine/peripheral/net0)", or "not used".
  std::string describe_user() const;
  // It was opened, and can be claimed.
  bool is_open() const { return open_; }

 protected:
  // Puts it into operation, its properties set; throws Error, and leaves nothing behind. What it
  // opened is closed by its destructor.
  virtual void open() {}
  // Whose event loop and clocks it uses. Valid from open() on.
  Machine& machine() const { return *machine_; }

 private:
  friend class Backends;
  Machine* machine_ = nullptr;
  bool open_ = false;
  const Object* user_ = nullptr;
  [[maybe_unused]] Room<4> room_;
};

// All backends of a machine: "/backends" in the tree.
class Backends final : public Object {
  BACKPLANE_OBJECT(Backends, Object, "backends")
 public:
  static constexpr const char* kPath = "/backends";
  static void class_init(ObjectClass&) {}

  // The machine must outlive it.
  explicit Backends(Machine& machine) : machine_(machine) {}
  ~Backends() override;

  // Finds the type (loading its module), sets the properties, opens it. Throws Error, and leaves
  // nothing behind: a name that is malformed or taken, an unknown type, a property, or why it
  // cannot be opened.
  //
  // Where LINK is a property that names a backend of the same kind, LINK.driver=NAME and other
  // LINK.KEY=VALUE make that one in place, as a child of the new one called LINK.
  Backend& add(const Kind& kind, std::string_view name, const std::string& id,
               const std::vector<std::pair<std::string, std::string>>& properties);
  // Closes and destroys one. Throws Error if there is none of that name, or if it is in use.
  void remove(std::string_view id);

  using Properties = std::vector<std::pair<std::string, std::string>>;
  // The second for one that finds out while it is opened what it stands on: makes a child of it
  // called `link`, of the type that the property "driver" names. It is gone with its parent.
  void add_below(Backend& parent, const Kind& kind, const std::string& link, Properties properties);

 private:
  // One that has its place in the tree already.
  void set_up(Backend& backend, const Kind& kind, const Properties& properties);

  Machine& machine_;
};

namespace detail {

// The backend that a property's text names: an id, or a path. Throws Error if there is none, or it
// is not open yet.
Backend& find_backend(Object& from, std::string_view id_or_path);

}  // namespace detail

// A data member that is a property: names a backend of type T and has it claimed for the object
// that it is a member of.
//
//   k.property<&VirtioNet::netdev_>("netdev", "id of the -netdev behind it");
//   BackendLink<Netdev> netdev_;
template <class T>
class BackendLink {
 public:
  BackendLink() = default;
  ~BackendLink() { disconnect(); }
  BackendLink(const BackendLink&) = delete;
  BackendLink& operator=(const BackendLink&) = delete;

  T* get() const { return target_; }
  T* operator->() const { return target_; }
  T& operator*() const { return *target_; }
  explicit operator bool() const { return target_ != nullptr; }

  // Lets go of what was claimed before. Throws Error, and changes nothing then.
  void connect(T& target, const Object& user) {
    if (&target == named_) return;
    T& claimed = dynamic_cast<T&>(target.claim(user));
    disconnect();
    named_ = &target;
    target_ = &claimed;
  }
  void disconnect() {
    if (target_ != nullptr) target_->release();
    named_ = target_ = nullptr;
  }

  // As a property: see ObjectClass::property.
  static std::string property_type() { return fmt::format("link<{}>", T::kTypeName); }
  std::string print() const { return named_ == nullptr ? std::string() : named_->id(); }
  void assign(Object& owner, std::string_view text) {
    if (text.empty()) return disconnect();
    auto* const target = dynamic_cast<T*>(&detail::find_backend(owner, text));
    if (target == nullptr) detail::raise(Error::of("expects the id of a {}", T::kTypeName));
    connect(*target, owner);
  }

 private:
  T* named_ = nullptr;
  T* target_ = nullptr;  // that, or this user's part of it
};

}  // namespace backplane
