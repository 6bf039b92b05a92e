// SPDX-License-Identifier: MIT
#include "backplane/machine.h"

#include <cassert>

#include "machine/tree.h"

namespace backplane {

namespace {

constexpr u64 kPortSpaceSize = 64_KiB;

// Where devices live, in the order in which they are made.
constexpr const char* kDeviceGroups[] = {"unattached", "peripheral", "peripheral-anon"};

}  // namespace

void Machine::class_init(MachineClass& k) {
  k.state<&Machine::state_>(1,
                            {member<&State::virtual_time>("virtual_time", within(0, kTime.most))});
}

void Machine::saving() {
  Object::saving();
  state_.virtual_time = virtual_clock_.now();
}

// Where the accelerator is the clock's source, the time is its own to load.
void Machine::loaded() {
  Object::loaded();
  if (virtual_clock_.follows_host()) virtual_clock_.set_time(state_.virtual_time);
}

Machine::Machine()
    : memory_root_(MemoryRegion::container("system", MemoryRegion::kMaxSize)),
      io_root_(MemoryRegion::container("io", kPortSpaceSize)),
      memory_(std::make_unique<AddressSpace>("memory", *memory_root_)),
      io_(std::make_unique<AddressSpace>("I/O", *io_root_)) {
  for (const char* const group : kDeviceGroups) add_child(group, std::make_unique<Object>());
  for (Clock* const clock : {&virtual_clock_, &realtime_clock_, &host_clock_})
    main_loop_.attach_clock(*clock);
}

Machine::~Machine() {
  tear_down();
  for (Clock* const clock : {&virtual_clock_, &realtime_clock_, &host_clock_})
    main_loop_.detach_clock(*clock);
}

void Machine::tear_down() {
  const MachineLock::Guard lock;
  if (torn_down_) return;
  torn_down_ = true;
  run_control_.stop();
  if (accelerator_ != nullptr) accelerator_->shutdown();
  services_.clear();
  for (auto group = std::rbegin(kDeviceGroups); group != std::rend(kDeviceGroups); ++group) {
    Object& devices = *find(*group);
    while (!devices.children().empty()) {
      Object& last = *devices.children().back();
      if (auto* const device = dynamic_cast<Device*>(&last)) device->set_unrealized();
      devices.remove_child(last);
    }
  }
  cpus_.clear();
  if (accelerator_ != nullptr) remove_child(*accelerator_);
  accelerator_ = nullptr;
}

void Machine::set_accelerator(std::unique_ptr<Accelerator> accelerator) {
  assert(accelerator_ == nullptr);
  accelerator_ = &add_child("accel", std::move(accelerator));
  try {
    accelerator_->init_machine(*this);
    accelerator_ready_ =
        phases_.on_reached(Phase::MachineReady, [this] { accelerator_->machine_ready(); });
  } catch (...) {
    remove_child(*accelerator_);
    accelerator_ = nullptr;
    throw;
  }
}

void Machine::add_cpu(std::unique_ptr<Cpu> cpu) {
  Object& group = *find("unattached");
  Cpu& added = group.add_child("cpu[*]", std::move(cpu));
  added.set_index(static_cast<unsigned>(cpus_.size()));
  cpus_.push_back(&added);
  try {
    added.set_realized(*this);
    accelerator_->create_vcpu(added);
  } catch (...) {
    cpus_.pop_back();
    added.set_unrealized();
    group.remove_child(added);
    throw;
  }
}

std::vector<Bus*> Machine::buses() const { return objects_below<Bus>(*this); }

Bus* Machine::find_bus(std::string_view name_or_path) const {
  for (Bus* const bus : buses())
    if (bus->child_name() == name_or_path || bus->path() == name_or_path) return bus;
  return nullptr;
}

Device* Machine::find_device(std::string_view id_or_path) const {
  if (id_or_path.empty()) return nullptr;
  for (Device* const device : objects_below<Device>(*this))
    if (device->id() == id_or_path || device->path() == id_or_path) return device;
  return nullptr;
}

void* Machine::find_service(std::type_index type) const {
  const auto at = services_.find(type);
  return at == services_.end() ? nullptr : at->second;
}

void Machine::add_service(std::type_index type, void* service) { services_[type] = service; }

BACKPLANE_REGISTER_ABSTRACT(Machine)

}  // namespace backplane
