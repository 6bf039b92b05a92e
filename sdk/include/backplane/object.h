// SPDX-License-Identifier: MIT
// The object model: types registered by constructors, classes that inherit their parent's class
// object, instances that live in the composition tree.
//
// A type is declared in its class body with BACKPLANE_OBJECT (a type that others derive from) and
// registered in one .cpp file with BACKPLANE_REGISTER, or, for a leaf, by BACKPLANE_TYPE alone:
//
//   class PciDevice : public Device {
//     BACKPLANE_OBJECT(PciDevice, Device, "pci-device")
//    public:
//     using Class = PciDeviceClass;
//     static void class_init(PciDeviceClass& k);
//     ...
//   };
//   BACKPLANE_REGISTER_ABSTRACT(PciDevice);        // in pci_device.cpp
//
//   class Adder final : public PciDevice { ... };
//   BACKPLANE_TYPE(Adder, "adder",                 // parent: the nearest BACKPLANE_OBJECT base
//                  .category = "Misc", .description = "Adds what the guest writes");
//
// The fields after the name (TypeAbout in modinfo.h; .bus, .category, .board_only, .description, in
// this order, each optional) are what `-device help` prints without loading the module, and where
// the class starts from: class_init need not repeat them. BACKPLANE_REGISTER and
// BACKPLANE_REGISTER_ABSTRACT take them too: .bus belongs on the abstract type that all devices of
// a bus derive from.
//
// Threads: types are registered and classes initialised under the registry's own lock, on any
// thread. Objects are created, changed and destroyed under the machine lock.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "backplane/modinfo.h"
#include "backplane/property.h"
#include "backplane/room.h"
#include "backplane/state.h"
#include "backplane/value.h"
#include "backplane/visibility.h"

namespace backplane {

struct TypeInfo;
class Object;
class Machine;

// What is true of a type without any instance. Derived class structs add fields; each must be
// copy-constructible and constructible from its parent's struct (which copies every inherited
// field). A class object lives until the program ends.
struct ObjectClass {
  const TypeInfo* type = nullptr;
  const ObjectClass* parent = nullptr;
  std::string name;
  std::string description;
  bool abstract = false;
  std::vector<Property> properties;  // inherited ones first

  // Adds a property backed by the data member Member; its default is the member's initializer.
  // A property of the same name that was inherited is replaced. A member that is a pointer to an
  // Object is a link: set from the target's path, it does not own the target. A member of a class
  // that has property_type(), print() and assign(owner, text) does these itself, the text being
  // what it is called by.
  template <auto Member>
  Property& property(std::string name, std::string description);
  // Adds a property that a member function reads, of the type that this returns, and another one
  // sets, if there is one.
  template <auto Getter, auto Setter>
  Property& property(std::string name, std::string description);
  // Adds a property with its own accessors.
  Property& property(Property row);

  // --- state (state.h) ---
  // Says that the data member Member, or what it points to, is state of the object. It is reset by
  // its own reset(), if it has one, else by assigning a fresh one. `part` tells several of one
  // class apart.
  template <auto Member>
  void state(unsigned version, std::vector<StateMember> members, std::string_view part = {});
  // The same of something that has a table of its own.
  template <auto Member>
  void state(unsigned version, std::string_view part = {});
  // A Timer that is state by itself, or a pointer to one; cancelled at reset.
  template <auto Member>
  void state_timer(std::string_view name);
  // Says that this class adds no state to its parent's. A class that can be instantiated says one
  // or the other.
  void stateless() { says_state = true; }
  std::vector<StateSection> sections;  // inherited ones first
  bool says_state = false;             // this class does, by one of the above

  const Property* find_property(std::string_view name) const;
  // True if this class is `type_name` or derives from it.
  bool is_a(std::string_view type_name) const;
  Room<8> room;
};

// A type's record, written by the registration macros; static storage.
struct TypeInfo {
  const char* name;
  const char* parent;  // null only for "object"
  bool abstract;
  Object* (*create)();  // null if abstract
  // Makes the class object from the parent's (null for the root) and runs class_init.
  std::unique_ptr<ObjectClass> (*make_class)(const TypeInfo& type, const ObjectClass* parent);
  // A symbol of the file that registered the type, to name that file in traces.
  const void* file_anchor;
  // The C++ class, for objects that were not made by name.
  const std::type_info* cpp_type;
  TypeAbout about;
  TypeInfo* next = nullptr;  // the file's hidden list
  Room<4> room;
};

class Object {
 public:
  static constexpr const char* kTypeName = "object";
  using SelfObject = Object;
  using Class = ObjectClass;
  static void class_init(ObjectClass&) {}

  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object();

  // Known from the end of TypeRegistry::create on, so not in constructors. An object made with
  // `new` or make_unique gets the class registered for its C++ class when it is first asked for.
  const ObjectClass& object_class() const {
    if (class_ == nullptr) find_class();
    return *class_;
  }
  std::string_view type_name() const { return object_class().name; }

  // Composition: the parent owns its children. Returns the child. Throws Error if the name is
  // taken. A name ending in "[*]" gets the next free index.
  Object& add_child(std::string name, std::unique_ptr<Object> child);
  template <class T>
  T& add_child(std::string name, std::unique_ptr<T> child) {
    T& object = *child;
    add_child(std::move(name), std::unique_ptr<Object>(std::move(child)));
    return object;
  }
  // Takes a child out of the tree; the caller owns it then. Null if it is not a child of this.
  std::unique_ptr<Object> remove_child(Object& child);
  Object* parent() const { return parent_; }
  const std::string& child_name() const { return child_name_; }
  const std::vector<std::unique_ptr<Object>>& children() const { return children_; }
  // "/machine/peripheral/balloon0"; "/" for the root of a tree.
  std::string path() const;
  // Resolves a path relative to this object ("a/b"), or to the root of its tree if it starts with
  // "/"; null if there is none.
  Object* find(std::string_view path);

  // Properties by name. Throw Error naming type and property ("tcg-accel.foo: no such property;
  // there are: ..."), or the value and what was expected. Null for one that cannot be read.
  Value get_value(std::string_view name) const;
  virtual void set_value(std::string_view name, const Value& value);
  // The same as people write them.
  std::string get_property(std::string_view name) const;
  void set_property(std::string_view name, std::string_view text) { set_value(name, text); }

  // --- state (state.h); machine lock, guest code does not run ---
  // Ends what is under way outside the machine (requests to a disk), so that all of it is in RAM
  // and in the state of objects. Called for every object before any of them is saved.
  virtual void settle() {}
  // Brings into the members of the table what is kept elsewhere while the guest runs.
  virtual void saving() {}
  // The whole machine was loaded, RAM included: checks what the table cannot (throws Error) and
  // does anew what follows from the state: mappings, routes. Owners are called before what they
  // own; an override calls its parent's first.
  virtual void loaded() {}

 private:
  friend class TypeRegistry;
  void find_class() const;
  const Property& require_property(std::string_view name) const;

  mutable const ObjectClass* class_ = nullptr;
  Object* parent_ = nullptr;
  std::string child_name_;
  std::vector<std::unique_ptr<Object>> children_;
  [[maybe_unused]] Room<4> room_;
};

// What `-device X,help` prints about a property.
struct PropertyDescription {
  std::string name;
  std::string type_name;
  std::string description;
  const ValueType* shape;
  Value default_value;  // of a fresh object; null for an abstract type
  bool read_only = false;
};
// The properties of a class, inherited ones included, sorted by name. Creates an object of it to
// read the defaults from, under the machine lock.
std::vector<PropertyDescription> describe_properties(const ObjectClass& k);

// Which lists module_call_init hands over. (One kind today; the name is the field's.)
enum class ModuleInit { Qom };

// Hands the records linked by constructors since the last call over to the registry: those of the
// program and its libraries at start, those of a module after it was accepted and loaded. Returns
// how many. A name that is taken is reported and left out. The registry calls it itself when it is
// first asked for a type.
unsigned module_call_init(ModuleInit kind);

// All types known to the program. One instance, TypeRegistry::instance().
class TypeRegistry {
 public:
  static TypeRegistry& instance();

  // Adds a record. A duplicate name is an Error, never an abort; the first one stays.
  void add(const TypeInfo& type);
  bool has(std::string_view name) const;
  // The record of a registered type, or null; initialises nothing.
  const TypeInfo* find(std::string_view name) const;
  // All records, sorted by name; initialises nothing.
  std::vector<const TypeInfo*> types() const;

  // The class of a registered type, initialised on first use, parent's first. Null if no type of
  // that name is registered. Does not load modules: see class_by_name in module.h. Throws Error if
  // the type's parent is unknown.
  const ObjectClass* class_of(std::string_view name);
  // The class of the first type registered with that C++ class; null if there is none.
  const ObjectClass* class_of(const std::type_info& cpp_type);

  // All registered types deriving from `base` (inclusive), sorted by name. Initialises classes.
  std::vector<const ObjectClass*> list(std::string_view base);

  // A new instance. Throws Error if unknown or abstract.
  std::unique_ptr<Object> create(std::string_view name);

 private:
  TypeRegistry();
  struct Impl;
  Impl* impl_;  // never destroyed: constructors of other files may register at any time
};

// Creates an instance of a known C++ type through its registered name.
template <class T>
std::unique_ptr<T> create_object(std::string_view name) {
  std::unique_ptr<Object> object = TypeRegistry::instance().create(name);
  if (dynamic_cast<T*>(object.get()) == nullptr)
    detail::raise(Error::of("{} is not a {}", name, T::kTypeName));
  return std::unique_ptr<T>(dynamic_cast<T*>(object.release()));
}

namespace detail {

// Called by constructors: links a record into the file's own list, which module_call_init drains.
// Hidden, so that each shared object and program has its own (src/module_anchor).
BACKPLANE_DETAIL_HIDDEN void link_type(TypeInfo& type);

template <class T>
using class_of_t = typename T::Class;

template <auto Function>
struct FunctionTag {};

// A class without a class_init of its own inherits its parent's function, which already ran.
template <class T, class ParentT>
inline constexpr bool has_own_class_init =
    !std::is_same_v<FunctionTag<&T::class_init>, FunctionTag<&ParentT::class_init>>;

// Fills in what every class object starts with.
void begin_class(ObjectClass& k, const TypeInfo& type, const ObjectClass* parent);

template <class T, class ParentT>
std::unique_ptr<ObjectClass> make_class(const TypeInfo& type, const ObjectClass* parent) {
  using K = class_of_t<T>;
  using P = class_of_t<ParentT>;
  auto k = std::make_unique<K>(*static_cast<const P*>(parent));
  begin_class(*k, type, parent);
  if constexpr (requires { k->bus_type = type.about.bus; })
    if (!is_empty(type.about.bus)) k->bus_type = type.about.bus;
  if constexpr (requires { k->category = type.about.category; })
    if (!is_empty(type.about.category)) k->category = type.about.category;
  if constexpr (requires { k->user_creatable = false; })
    if (type.about.board_only) k->user_creatable = false;
  if constexpr (requires { k->template add_realize_step<T, ParentT>(type); })
    k->template add_realize_step<T, ParentT>(type);
  if constexpr (has_own_class_init<T, ParentT>) T::class_init(*k);
  return k;
}

// The object a link property's text names: a path, absolute or from the root of the tree that
// `from` is in. Null for the empty text and for a path that leads nowhere.
Object* resolve_link(Object& from, std::string_view path);

}  // namespace detail

template <auto Member>
Property& ObjectClass::property(std::string name, std::string description) {
  using Owner = typename detail::MemberOf<decltype(Member)>::Owner;
  using Held = typename detail::MemberOf<decltype(Member)>::Held;
  if constexpr (std::is_function_v<Held>) {
    return property<Member, nullptr>(std::move(name), std::move(description));
  } else if constexpr (std::is_pointer_v<Held>) {
    using Target = std::remove_pointer_t<Held>;
    Property row = property_row<std::string>(std::move(name), std::move(description));
    row.type_name = fmt::format("link<{}>", Target::kTypeName);
    row.get = [](const Object& o, const Property&) -> Value {
      const Target* target = static_cast<const Owner&>(o).*Member;
      return target == nullptr ? std::string() : target->path();
    };
    row.set = [](Object& o, const Property&, const Value& value) {
      const std::string text = scalar_text(value);
      auto* target = dynamic_cast<Held>(detail::resolve_link(o, text));
      if (target == nullptr && !text.empty())
        detail::raise(Error::of("expects the path of a {}", Target::kTypeName));
      static_cast<Owner&>(o).*Member = target;
    };
    return property(std::move(row));
  } else if constexpr (requires { Held::property_type(); }) {
    Property row = property_row<std::string>(std::move(name), std::move(description));
    row.type_name = Held::property_type();
    row.get = [](const Object& o, const Property&) -> Value {
      return (static_cast<const Owner&>(o).*Member).print();
    };
    row.set = [](Object& o, const Property&, const Value& value) {
      (static_cast<Owner&>(o).*Member).assign(o, scalar_text(value));
    };
    return property(std::move(row));
  } else {
    Property row = property_row<Held>(std::move(name), std::move(description));
    row.get = [](const Object& o, const Property&) {
      return to_value(static_cast<const Owner&>(o).*Member);
    };
    row.set = [](Object& o, const Property&, const Value& value) {
      Held held = from_value<Held>(value);
      static_cast<Owner&>(o).*Member = std::move(held);
    };
    return property(std::move(row));
  }
}

template <auto Getter, auto Setter>
Property& ObjectClass::property(std::string name, std::string description) {
  using Owner = typename detail::MemberOf<decltype(Getter)>::Owner;
  using Held = std::remove_cvref_t<std::invoke_result_t<decltype(Getter), const Owner&>>;
  Property row = property_row<Held>(std::move(name), std::move(description));
  row.get = [](const Object& o, const Property&) {
    return to_value<Held>((static_cast<const Owner&>(o).*Getter)());
  };
  if constexpr (!std::is_null_pointer_v<decltype(Setter)>)
    row.set = [](Object& o, const Property&, const Value& value) {
      (static_cast<Owner&>(o).*Setter)(from_value<Held>(value));
    };
  return property(std::move(row));
}

template <auto Member>
void ObjectClass::state(unsigned version, std::vector<StateMember> members, std::string_view part) {
  using Owner = typename detail::MemberOf<decltype(Member)>::Owner;
  using Subject = std::remove_pointer_t<decltype(detail::held(std::declval<Owner&>().*Member))>;
  StateSection section;
  section.name = part.empty() ? name : fmt::format("{}/{}", name, part);
  section.version = version;
  section.members = std::move(members);
  section.subject = [](Object& object) -> void* {
    return detail::held(static_cast<Owner&>(object).*Member);
  };
  section.reset = [](void* subject) {
    auto& value = *static_cast<Subject*>(subject);
    if constexpr (requires { value.reset(); })
      value.reset();
    else
      value = Subject{};
  };
  sections.push_back(std::move(section));
  says_state = true;
}

template <auto Member>
void ObjectClass::state(unsigned version, std::string_view part) {
  using Owner = typename detail::MemberOf<decltype(Member)>::Owner;
  using Subject = std::remove_pointer_t<decltype(detail::held(std::declval<Owner&>().*Member))>;
  const std::span<const StateMember> table = Subject::members();
  state<Member>(version, {table.begin(), table.end()}, part);
}

template <auto Member>
void ObjectClass::state_timer(std::string_view timer_name) {
  using Owner = typename detail::MemberOf<decltype(Member)>::Owner;
  StateSection section;
  section.name = fmt::format("{}/{}", name, timer_name);
  section.members = {{kDeadline,
                      {},
                      [](const void* timer, StateWriter& to) {
                        detail::save_timer(*static_cast<const Timer*>(timer), to);
                      },
                      [](void* timer, StateReader& from, const StateLimits&) {
                        detail::load_timer(*static_cast<Timer*>(timer), from);
                      },
                      [](const void* timer) {
                        return detail::describe_timer(*static_cast<const Timer*>(timer));
                      }}};
  section.subject = [](Object& object) -> void* {
    return detail::held(static_cast<Owner&>(object).*Member);
  };
  section.reset = [](void* timer) { static_cast<Timer*>(timer)->cancel(); };
  sections.push_back(std::move(section));
  says_state = true;
}

}  // namespace backplane

// In the body of a class that others derive from: its own type name and its parent.
#define BACKPLANE_OBJECT(T, ParentT, type_name_literal) \
 public:                                                \
  using SelfObject = T;                                 \
  using ParentObject = ParentT;                         \
  static constexpr const char* kTypeName = type_name_literal;

#define BACKPLANE_DETAIL_REGISTER(T, ParentT, name, parent, is_abstract, factory, ...)         \
  BACKPLANE_DETAIL_REGISTER_AS(BACKPLANE_DETAIL_CAT(backplane_type_, __COUNTER__), T, ParentT, \
                               name, parent, is_abstract, factory, __VA_ARGS__)

#define BACKPLANE_DETAIL_REGISTER_AS(id, T, ParentT, name, parent, is_abstract, factory, ...)   \
  namespace {                                                                                   \
  static_assert(::backplane::detail::is_valid_name(name), "type names: letters, digits, ._+-"); \
  constexpr ::backplane::TypeAbout BACKPLANE_DETAIL_CAT(id, _about){__VA_ARGS__};               \
  }                                                                                             \
  BACKPLANE_DETAIL_MODINFO_TYPE(name, parent, is_abstract, BACKPLANE_DETAIL_CAT(id, _about))    \
  namespace {                                                                                   \
  constinit ::backplane::TypeInfo id{name,                                                      \
                                     parent,                                                    \
                                     is_abstract,                                               \
                                     factory,                                                   \
                                     &::backplane::detail::make_class<T, ParentT>,              \
                                     &BACKPLANE_DETAIL_CAT(id, _about),                         \
                                     &typeid(T),                                                \
                                     BACKPLANE_DETAIL_CAT(id, _about),                          \
                                     nullptr,                                                   \
                                     {}};                                                       \
  [[gnu::constructor]] void BACKPLANE_DETAIL_CAT(id, _link)() {                                 \
    ::backplane::detail::link_type(id);                                                         \
  }                                                                                             \
  }

// Registers a concrete type declared with BACKPLANE_OBJECT.
#define BACKPLANE_REGISTER(T, ...)                                         \
  BACKPLANE_DETAIL_REGISTER(                                               \
      T, T::ParentObject, T::kTypeName, T::ParentObject::kTypeName, false, \
      []() -> ::backplane::Object* { return new T; }, __VA_ARGS__)
// Registers an abstract one.
#define BACKPLANE_REGISTER_ABSTRACT(T, ...)                                                     \
  BACKPLANE_DETAIL_REGISTER(T, T::ParentObject, T::kTypeName, T::ParentObject::kTypeName, true, \
                            nullptr, __VA_ARGS__)
// Registers a leaf type: T has no BACKPLANE_OBJECT of its own.
#define BACKPLANE_TYPE(T, name_literal, ...)                                          \
  static_assert(!::std::is_same_v<T, T::SelfObject>,                                  \
                "a class with BACKPLANE_OBJECT is registered by BACKPLANE_REGISTER"); \
  BACKPLANE_DETAIL_REGISTER(                                                          \
      T, T::SelfObject, name_literal, T::kTypeName, false,                            \
      []() -> ::backplane::Object* { return new T; }, __VA_ARGS__)
