// SPDX-License-Identifier: MIT
// Screens: pictures of them, and who looks at them from outside.
#include <cerrno>
#include <fstream>

#include "backplane/display.h"
#include "backplane/machine.h"
#include "commands/choices.h"
#include "commands/commands.h"
#include "commands/picture_file.h"

namespace backplane::host {

namespace {

// --- screendump ---------------------------------------------------------------------------------

DisplayDevice& display_device(CommandContext& context, const Arguments& arguments) {
  const std::vector<DisplayDevice*> devices = objects_offering<DisplayDevice>(context.machine);
  if (arguments.has("device")) {
    const std::string& id = arguments.text("device");
    Device* const device = context.machine.find_device(id);
    if (device == nullptr)
      throw CommandError("DeviceNotFound", fmt::format("Device '{}' not found", shown(id)));
    if (auto* const display = dynamic_cast<DisplayDevice*>(device)) return *display;
    throw Error::of("'{}' is a {}, which has no screen", id, device->type_name());
  }
  if (arguments.has("head") && arguments.number("head") != 0)
    throw Error::of("head {}: each device has one screen, number 0", arguments.number("head"));
  if (devices.empty())
    throw Error("there is no screen to dump").with_hint("-vga std or -device VGA makes one");
  return *devices.front();
}

bool wants_png(const Arguments& arguments) {
  const std::string format = arguments.text_or("format", "");
  return format == "png" || (format.empty() && arguments.text("filename").ends_with(".png"));
}

Value screendump(CommandContext& context, const Arguments& arguments) {
  Screen& screen = display_device(context, arguments).screen();
  screen.refresh();
  const std::string picture = wants_png(arguments) ? png_of(screen) : ppm_of(screen);
  const std::string& name = arguments.text("filename");
  std::ofstream file(name, std::ios::binary | std::ios::trunc);
  if (!file) throw Error::system(name, errno);
  file.write(picture.data(), static_cast<std::streamsize>(picture.size()));
  file.close();
  if (!file) throw Error::system(name, errno);
  return {};
}

// --- query-vnc, set_password --------------------------------------------------------------------

constexpr std::string_view kVncType = "display-vnc";

std::vector<Display*> vnc_displays(const CommandContext& context) {
  std::vector<Display*> displays =
      objects_offering<Display>(*context.machine.find(Backends::kPath));
  std::erase_if(displays, [](const Display* display) { return display->type_name() != kVncType; });
  return displays;
}

Value query_vnc(CommandContext& context, const Arguments&) {
  const std::vector<Display*> displays = vnc_displays(context);
  if (displays.empty()) return Value::Record{{"enabled", false}};
  return displays.front()->status();
}

std::string print_vnc(const Value& status) {
  if (!status.find("enabled")->as_bool()) return "nobody shows the screen: see -vnc\n";
  const auto text = [&](const char* name) { return status.find(name)->as_string(); };
  std::string lines = fmt::format("at {}{}{}, authentication: {}\n", text("host"),
                                  status.find("service")->as_string().empty() ? "" : ":",
                                  text("service"), text("auth"));
  const Value::List& clients = status.find("clients")->as_list();
  for (const Value& client : clients) {
    const std::string& service = client.find("service")->as_string();
    lines += fmt::format("client {}{}{}{}\n", client.find("host")->as_string(),
                         service.empty() ? "" : ":", service,
                         client.find("websocket")->as_bool() ? " (websocket)" : "");
  }
  return clients.empty() ? lines + "no clients\n" : lines;
}

Value set_password(CommandContext& context, const Arguments& arguments) {
  const std::string& protocol = arguments.text("protocol");
  if (protocol != "vnc") throw Error::of("protocol {}: expects vnc", protocol);
  const std::vector<Display*> displays = vnc_displays(context);
  if (displays.empty()) throw Error("there is no VNC display: see -vnc");
  for (Display* const display : displays)
    if (!arguments.has("display") || display->id() == arguments.text("display"))
      display->set_password(arguments.text("password"));
  return {};
}

Value change_vnc_password(CommandContext& context, const Arguments& arguments) {
  const std::vector<Display*> displays = vnc_displays(context);
  if (displays.empty()) throw Error("there is no VNC display: see -vnc");
  for (Display* const display : displays) display->set_password(arguments.text("password"));
  return {};
}

constexpr std::string_view kFormats[] = {"png", "ppm"};
constexpr ValueType kFormat = one_of(kFormats);
constexpr CommandArgument kDump[] = {
    {.name = "filename", .type = &kText, .help = "FILE.png or FILE.ppm"},
    {.name = "device", .type = &kText, .optional = true, .choices = device_ids},
    {.name = "head", .type = &kInteger, .optional = true},
    {.name = "format",
     .type = &kFormat,
     .optional = true,
     .letter = 'f',
     .help = "instead of what the name says; else ppm"}};

constexpr TypeMember kClientMembers[] = {
    {"host", &kText}, {"service", &kText}, {"family", &kText}, {"websocket", &kBoolean}};
constexpr ValueType kClient = record_of(kClientMembers);
constexpr ValueType kClients = list_of(kClient);
constexpr TypeMember kVncMembers[] = {{"enabled", &kBoolean},   {"host", &kText, true},
                                      {"family", &kText, true}, {"service", &kText, true},
                                      {"auth", &kText, true},   {"clients", &kClients, true}};
constexpr ValueType kVnc = record_of(kVncMembers);

constexpr CommandArgument kSetPassword[] = {
    {.name = "protocol", .type = &kText, .help = "vnc"},
    {.name = "password", .type = &kText, .help = "empty: nobody is let in"},
    {.name = "display", .type = &kText, .optional = true, .letter = 'd'}};
constexpr CommandArgument kChangePassword[] = {{.name = "password", .type = &kText}};

constexpr Command kCommands[] = {
    {.name = "screendump",
     .help = "write a picture of the screen to a file",
     .arguments = kDump,
     .run = screendump},
    {.name = "query-vnc",
     .help = "where the screen is shown, and to whom",
     .returns = &kVnc,
     .run = query_vnc,
     .print = print_vnc},
    {.name = "set_password",
     .help = "what viewers have to say to be let in",
     .arguments = kSetPassword,
     .run = set_password},
    {.name = "change-vnc-password",
     .help = "the same",
     .arguments = kChangePassword,
     .run = change_vnc_password,
     .for_programs = true},
};

}  // namespace

std::span<const Command> display_commands() { return kCommands; }

}  // namespace backplane::host
