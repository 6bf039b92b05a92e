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
//   BACKPLANE_TYPE(Adder, "adder");                // parent: the nearest BACKPLANE_OBJECT base
//
// Threads: types are registered and classes initialised under the registry's own lock, on any
// thread. Objects are created, changed and destroyed under the machine lock.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "backplane/modinfo.h"
#include "backplane/property.h"

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
  // A property of the same name that was inherited is replaced.
  template <auto Member>
  Property& property(std::string name, std::string description);
  // Adds a property with its own accessors.
  Property& property(Property row);

  const Property* find_property(std::string_view name) const;
  // True if this class is `type_name` or derives from it.
  bool is_a(std::string_view type_name) const;
};

// A type's record, written by the registration macros; static storage.
struct TypeInfo {
  const char* name;
  const char* parent;  // null only for "object"
  bool abstract;
  Object* (*create)();  // null if abstract
  // Makes the class object from the parent's (null for the root) and runs class_init.
  std::unique_ptr<ObjectClass> (*make_class)(const ObjectClass* parent);
  // A symbol of the file that registered the type, to name that file in traces.
  const void* file_anchor;
  TypeInfo* next = nullptr;  // the file's hidden list
};

class Object {
 public:
  static constexpr const char* kTypeName = "object";
  using Class = ObjectClass;
  static void class_init(ObjectClass&) {}

  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object();

  const ObjectClass& object_class() const { return *class_; }
  std::string_view type_name() const { return class_->name; }

  // Composition: the parent owns its children. Returns the child. Throws Error if the name is
  // taken. A name ending in "[*]" gets the next free index.
  Object& add_child(std::string name, std::unique_ptr<Object> child);
  template <class T>
  T& add_child(std::string name, std::unique_ptr<T> child) {
    T& object = *child;
    add_child(std::move(name), std::unique_ptr<Object>(std::move(child)));
    return object;
  }
  std::unique_ptr<Object> remove_child(Object& child);
  Object* parent() const { return parent_; }
  const std::string& child_name() const { return child_name_; }
  const std::vector<std::unique_ptr<Object>>& children() const { return children_; }
  // "/machine/peripheral/balloon0".
  std::string path() const;
  // Resolves a path relative to this object ("a/b"); null if there is none.
  Object* find(std::string_view path);

  // Properties by name. Throw Error naming type and property ("tcg-accel.foo: no such property;
  // there are: ..."), or the value and what was expected.
  virtual void set_property(std::string_view name, std::string_view value);
  std::string get_property(std::string_view name) const;

 private:
  friend class TypeRegistry;
  const ObjectClass* class_ = nullptr;
  Object* parent_ = nullptr;
  std::string child_name_;
  std::vector<std::unique_ptr<Object>> children_;
};

// Which lists module_call_init hands over. (One kind today; the name is the field's.)
enum class ModuleInit { Qom };

// Hands the records linked by constructors since the last call over to the registry: those of the
// program at start, those of a module after it was accepted and loaded. Returns how many.
unsigned module_call_init(ModuleInit kind);

// All types known to the program. One instance, TypeRegistry::instance().
class TypeRegistry {
 public:
  static TypeRegistry& instance();

  // Adds a record. A duplicate name is an Error, never an abort; the first one stays.
  void add(const TypeInfo& type);
  bool has(std::string_view name) const;

  // The class of a registered type, initialised on first use, parent's first. Null if no type of
  // that name is registered. Does not load modules: see class_by_name in module.h.
  const ObjectClass* class_of(std::string_view name);

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
  T* typed = dynamic_cast<T*>(object.get());
  if (typed == nullptr) throw Error::of("{} is not a {}", name, T::kTypeName);
  object.release();
  return std::unique_ptr<T>(typed);
}

namespace detail {

// Each shared object has its own list: hidden visibility, linked by constructors only.
[[gnu::visibility("hidden")]] extern TypeInfo* file_types;
// Called by constructors: links a record into the list that module_call_init drains.
void link_type(TypeInfo& type);

template <class T>
using class_of_t = typename T::Class;

template <class T, class ParentT>
std::unique_ptr<ObjectClass> make_class(const ObjectClass* parent) {
  using K = class_of_t<T>;
  using P = class_of_t<ParentT>;
  std::unique_ptr<K> k;
  if constexpr (std::is_same_v<K, P>)
    k = std::make_unique<K>(*static_cast<const P*>(parent));
  else
    k = std::make_unique<K>(*static_cast<const P*>(parent));
  k->description.clear();
  // A class without its own class_init inherits its parent's function, which already ran.
  if constexpr (&T::class_init != &ParentT::class_init) T::class_init(*k);
  return k;
}

template <class M>
struct MemberOf;
template <class C, class V>
struct MemberOf<V C::*> {
  using Owner = C;
  using Value = V;
};

}  // namespace detail

template <auto Member>
Property& ObjectClass::property(std::string name, std::string description) {
  using Owner = typename detail::MemberOf<decltype(Member)>::Owner;
  using Value = typename detail::MemberOf<decltype(Member)>::Value;
  using Traits = PropertyTraits<Value>;
  Property row;
  row.name = std::move(name);
  row.type_name = Traits::kTypeName;
  row.description = std::move(description);
  row.get = [](const Object& o) { return Traits::print(static_cast<const Owner&>(o).*Member); };
  row.set = [](Object& o, std::string_view text) {
    Value value = Traits::parse(text);
    static_cast<Owner&>(o).*Member = std::move(value);
  };
  return property(std::move(row));
}

}  // namespace backplane

// In the body of a class that others derive from: its own type name and its parent.
#define BACKPLANE_OBJECT(T, ParentT, type_name_literal)   \
 public:                                                  \
  using SelfObject = T;                                   \
  using ParentObject = ParentT;                           \
  static constexpr const char* kTypeName = type_name_literal;

#define BACKPLANE_DETAIL_CAT2(a, b) a##b
#define BACKPLANE_DETAIL_CAT(a, b) BACKPLANE_DETAIL_CAT2(a, b)

#define BACKPLANE_DETAIL_REGISTER(T, ParentT, name_literal, parent_literal, is_abstract, factory)  \
  BACKPLANE_MODINFO_TYPE(name_literal, parent_literal)                                             \
  namespace {                                                                                      \
  ::backplane::TypeInfo BACKPLANE_DETAIL_CAT(backplane_type_, __LINE__){                           \
      name_literal,                                                                                \
      parent_literal,                                                                              \
      is_abstract,                                                                                 \
      factory,                                                                                     \
      &::backplane::detail::make_class<T, ParentT>,                                                \
      &BACKPLANE_DETAIL_CAT(backplane_type_, __LINE__)};                                           \
  [[gnu::constructor]] void BACKPLANE_DETAIL_CAT(backplane_link_, __LINE__)() {                    \
    ::backplane::detail::link_type(BACKPLANE_DETAIL_CAT(backplane_type_, __LINE__));               \
  }                                                                                                \
  }

// Registers a concrete type declared with BACKPLANE_OBJECT.
#define BACKPLANE_REGISTER(T)                                                           \
  BACKPLANE_DETAIL_REGISTER(T, T::ParentObject, T::kTypeName, T::ParentObject::kTypeName, false, \
                            []() -> ::backplane::Object* { return new T; })
// Registers an abstract one.
#define BACKPLANE_REGISTER_ABSTRACT(T) \
  BACKPLANE_DETAIL_REGISTER(T, T::ParentObject, T::kTypeName, T::ParentObject::kTypeName, true, nullptr)
// Registers a leaf type: T has no BACKPLANE_OBJECT of its own.
#define BACKPLANE_TYPE(T, name_literal)                                              \
  BACKPLANE_DETAIL_REGISTER(T, T::SelfObject, name_literal, T::kTypeName, false,     \
                            []() -> ::backplane::Object* { return new T; })
