// SPDX-License-Identifier: MIT
// Typing and pointing for the user.
#include <algorithm>

#include "backplane/input.h"
#include "backplane/machine.h"
#include "backplane/property.h"
#include "commands/choices.h"
#include "commands/commands.h"
#include "input/typing.h"

namespace backplane::host {

namespace {

constexpr u64 kUsualHold = 100;                            // ms
constexpr u64 kLongestHold = 60'000;                       // ms
constexpr std::size_t kMostKeys = 16, kMostEvents = 1024;  // of one command
// A number of QMP is a scan code in one byte: with this bit, E0h comes first.
constexpr u64 kExtended = 0x80;

KeyCode code_of_number(u64 number) {
  const u64 scan_code = number > 0xff               ? number
                        : (number & kExtended) != 0 ? 0xe000 | (number & 0x7f)
                                                    : number;
  const Key* const key =
      scan_code <= 0xffff ? find_scan_code(static_cast<u16>(scan_code)) : nullptr;
  if (key == nullptr) throw Error::of("{:#x}: no key has this scan code", number);
  return key->code;
}

KeyCode code_of_name(std::string_view name) {
  if (const Key* const key = find_key(name)) return key->code;
  if (name.starts_with("0x")) return code_of_number(parse_unsigned(name, 0, 0xffff));
  throw Error::of("{}: there is no such key", name);
}

KeyCode code_of(const Value& key) {
  const Value& data = *key.find("data");
  return key.find("type")->as_string() == "number" ? code_of_number(data.as_unsigned())
                                                   : code_of_name(data.as_string());
}

template <class Service>
Service& service(const CommandContext& context) {
  if (auto* const found = context.machine.service<Service>()) return *found;
  throw Error("nothing passes input on to the machine");
}

Inputs& inputs(const CommandContext& context) { return service<Inputs>(context); }

void expect_keyboard(CommandContext& context) {
  for (const InputDevice* const device : objects_offering<InputDevice>(context.machine))
    if ((device->takes() & InputDevice::kKeys) != 0) return;
  throw Error("the machine has no keyboard");
}

void type(CommandContext& context, std::vector<KeyCode> keys, u64 hold) {
  expect_keyboard(context);
  if (keys.size() > kMostKeys)
    throw Error::of("{} keys: at most {} are pressed together", keys.size(), kMostKeys);
  service<Typing>(context).type(std::move(keys), std::min(hold, kLongestHold));
}

u64 hold_of(const Arguments& arguments, std::string_view name) {
  return arguments.has(name) ? arguments.number(name) : kUsualHold;
}

// --- send-key, sendkey --------------------------------------------------------------------------

Value send_key(CommandContext& context, const Arguments& arguments) {
  std::vector<KeyCode> keys;
  for (const Value& key : arguments.at("keys").as_list()) keys.push_back(code_of(key));
  type(context, std::move(keys), hold_of(arguments, "hold-time"));
  return {};
}

Value sendkey(CommandContext& context, const Arguments& arguments) {
  std::vector<KeyCode> keys;
  std::string_view names = arguments.text("keys");
  while (true) {
    const std::size_t end = names.find('-');
    const std::string_view name = names.substr(0, end);
    keys.push_back(code_of_name(name == "<" ? "less" : name));
    if (end == std::string_view::npos) break;
    names.remove_prefix(end + 1);
  }
  type(context, std::move(keys), hold_of(arguments, "hold-time"));
  return {};
}

std::vector<std::string> key_names(Machine&) {
  std::vector<std::string> names;
  for (const Key& key : keys()) names.emplace_back(key.name);
  return names;
}

// --- input-send-event ---------------------------------------------------------------------------

PointerButton button_of(const std::string& name) {
  const auto names = pointer_button_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw Error::of("{}: there is no such button", name);
  return static_cast<PointerButton>(found - names.begin());
}

const Value& field(const Value& record, std::string_view name) {
  const Value* const value = record.find(name);
  if (value == nullptr) throw Error::of("Parameter '{}' is missing", name);
  return *value;
}

// One event, looked at before any of them happens.
class InputEvent {
 public:
  explicit InputEvent(const Value& event) : type_(event.find("type")->as_string()) {
    const Value& data = *event.find("data");
    if (type_ == "key") {
      code_ = code_of(checked_key(field(data, "key")));
      down_ = field(data, "down").as_bool();
    } else if (type_ == "btn") {
      button_ = button_of(field(data, "button").as_string());
      down_ = field(data, "down").as_bool();
    } else {
      axis_ = field(data, "axis").as_string();
      if (axis_ != "x" && axis_ != "y") throw Error::of("axis {}: expects x or y", axis_);
      value_ = field(data, "value").as_signed();
    }
  }

  bool is_position() const { return type_ == "abs"; }
  bool is_x() const { return axis_ == "x"; }
  i64 value() const { return value_; }
  void happen(Inputs& to) const {
    const auto by = static_cast<i32>(std::clamp<i64>(value_, -0x7fff, 0x7fff));
    if (type_ == "key")
      to.key(code_, down_);
    else if (type_ == "btn")
      to.button(button_, down_);
    else if (type_ == "rel")
      to.move_by(is_x() ? by : 0, is_x() ? 0 : by);
  }

 private:
  static const Value& checked_key(const Value& key) {
    field(key, "type");
    field(key, "data");
    return key;
  }

  std::string type_;
  KeyCode code_ = 0;
  PointerButton button_ = PointerButton::Left;
  bool down_ = false;
  std::string axis_;
  i64 value_ = 0;
};

Value input_send_event(CommandContext& context, const Arguments& arguments) {
  const Value::List& given = arguments.at("events").as_list();
  if (given.size() > kMostEvents)
    throw Error::of("{} events: at most {} happen at once", given.size(), kMostEvents);
  const std::vector<InputEvent> events(given.begin(), given.end());
  Inputs& to = inputs(context);
  std::optional<i64> x, y;
  for (const InputEvent& event : events)
    if (event.is_position()) (event.is_x() ? x : y) = event.value();
  const auto place = [](const std::optional<i64>& value) {
    return static_cast<u32>(std::clamp<i64>(value.value_or(0), 0, InputDevice::kMostPosition));
  };
  if (x || y) to.move_to(place(x), place(y));
  for (const InputEvent& event : events) event.happen(to);
  to.sync();
  return {};
}

// --- mouse_move, mouse_button, mouse_set, query-mice
// ----------------------------------------------

void turn_wheel(Inputs& to, i64 steps) {
  const PointerButton step = steps < 0 ? PointerButton::WheelUp : PointerButton::WheelDown;
  for (i64 left = std::min<i64>(std::abs(steps), 64); left > 0; --left) {
    to.button(step, true);
    to.sync();
    to.button(step, false);
    to.sync();
  }
}

Value mouse_move(CommandContext& context, const Arguments& arguments) {
  const auto number = [&](std::string_view name) {
    return std::clamp<i64>(arguments.at(name).as_signed(), -0x7fff, 0x7fff);
  };
  Inputs& to = inputs(context);
  to.move_by(static_cast<i32>(number("dx")), static_cast<i32>(number("dy")));
  to.sync();
  if (arguments.has("dz")) turn_wheel(to, number("dz"));
  return {};
}

Value mouse_button(CommandContext& context, const Arguments& arguments) {
  constexpr std::pair<u64, PointerButton> kBits[] = {
      {1, PointerButton::Left}, {2, PointerButton::Right}, {4, PointerButton::Middle}};
  for (const auto& [bit, button] : kBits)
    inputs(context).button(button, (arguments.number("button_state") & bit) != 0);
  inputs(context).sync();
  return {};
}

Value mouse_set(CommandContext& context, const Arguments& arguments) {
  const std::vector<InputDevice*> pointers = inputs(context).pointers();
  const u64 index = arguments.number("index");
  if (index >= pointers.size())
    throw Error::of("{}: there is no such mouse; 'info mice' lists them", index);
  inputs(context).choose_pointer(*pointers[index]);
  return {};
}

Value query_mice(CommandContext& context, const Arguments&) {
  Value::List mice;
  if (context.machine.service<Inputs>() == nullptr) return mice;
  const std::vector<InputDevice*> pointers = inputs(context).pointers();
  for (std::size_t index = 0; index < pointers.size(); ++index)
    mice.push_back(
        Value::Record{{"name", pointers[index]->input_name()},
                      {"index", index},
                      {"current", pointers[index] == inputs(context).pointer()},
                      {"absolute", (pointers[index]->takes() & InputDevice::kPosition) != 0}});
  return mice;
}

std::string print_mice(const Value& mice) {
  std::string text;
  for (const Value& mouse : mice.as_list())
    text += fmt::format("{}Mouse #{}: {}{}\n", mouse.find("current")->as_bool() ? "* " : "  ",
                        mouse.find("index")->as_unsigned(), mouse.find("name")->as_string(),
                        mouse.find("absolute")->as_bool() ? " (absolute)" : "");
  return text.empty() ? "no mouse\n" : text;
}

constexpr std::string_view kKeyTypes[] = {"number", "qcode"};
constexpr ValueType kKeyType = one_of(kKeyTypes);
constexpr TypeMember kKeyMembers[] = {{"type", &kKeyType}, {"data", &kAnything}};
constexpr ValueType kKey = record_of(kKeyMembers);
constexpr ValueType kKeyList = list_of(kKey);
constexpr CommandArgument kSendKey[] = {
    {.name = "keys", .type = &kKeyList},
    {.name = "hold-time", .type = &kInteger, .optional = true, .help = "ms"}};
constexpr CommandArgument kSendKeyWords[] = {
    {.name = "keys",
     .type = &kText,
     .help = "pressed together: ctrl-alt-delete",
     .choices = key_names},
    {.name = "hold-time", .type = &kInteger, .optional = true, .help = "ms (100)"}};

constexpr std::string_view kEventTypes[] = {"key", "btn", "rel", "abs"};
constexpr ValueType kEventType = one_of(kEventTypes);
constexpr TypeMember kEventMembers[] = {{"type", &kEventType}, {"data", &kAnything}};
constexpr ValueType kEvent = record_of(kEventMembers);
constexpr ValueType kEventList = list_of(kEvent);
constexpr CommandArgument kSendEvent[] = {
    {.name = "device", .type = &kText, .optional = true, .help = "has no effect"},
    {.name = "head", .type = &kInteger, .optional = true, .help = "has no effect"},
    {.name = "events", .type = &kEventList}};

constexpr CommandArgument kMove[] = {
    {.name = "dx", .type = &kInteger, .help = "to the right"},
    {.name = "dy", .type = &kInteger, .help = "downwards"},
    {.name = "dz", .type = &kInteger, .optional = true, .help = "steps of the wheel, downwards"}};
constexpr CommandArgument kButton[] = {
    {.name = "button_state", .type = &kInteger, .help = "pressed: 1 left, 2 right, 4 middle"}};
constexpr CommandArgument kSet[] = {{.name = "index", .type = &kInteger}};
constexpr TypeMember kMouseMembers[] = {
    {"name", &kText}, {"index", &kInteger}, {"current", &kBoolean}, {"absolute", &kBoolean}};
constexpr ValueType kMouse = record_of(kMouseMembers);
constexpr ValueType kMice = list_of(kMouse);

constexpr Command kCommands[] = {
    {.name = "send-key",
     .help = "press keys together, and release them",
     .arguments = kSendKey,
     .in = {Presence::Here},
     .run = send_key,
     .for_programs = true},
    {.name = "sendkey",
     .help = "press keys together, and release them",
     .arguments = kSendKeyWords,
     .in = {Presence::Here},
     .run = sendkey},
    {.name = "input-send-event",
     .help = "press and release keys and buttons, move the pointer",
     .arguments = kSendEvent,
     .in = {Presence::Here},
     .run = input_send_event,
     .for_programs = true},
    {.name = "mouse_move",
     .help = "move the mouse",
     .arguments = kMove,
     .in = {Presence::Here},
     .run = mouse_move},
    {.name = "mouse_button",
     .help = "press and release the mouse's buttons",
     .arguments = kButton,
     .in = {Presence::Here},
     .run = mouse_button},
    {.name = "mouse_set",
     .help = "choose the mouse that moves",
     .arguments = kSet,
     .run = mouse_set},
    {.name = "query-mice",
     .help = "what the pointer can be moved by",
     .returns = &kMice,
     .run = query_mice,
     .print = print_mice},
};

}  // namespace

std::span<const Command> input_commands() { return kCommands; }

}  // namespace backplane::host
