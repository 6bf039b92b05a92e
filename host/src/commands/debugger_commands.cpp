// SPDX-License-Identifier: MIT
// gdbserver: the server of -gdb, while the machine runs.
#include "backplane/machine.h"
#include "commands/commands.h"
#include "gdb/service.h"

namespace backplane::host {

namespace {

Value serve(CommandContext& context, const Arguments& arguments) {
  gdb::Service* const service = context.machine.service<gdb::Service>();
  if (service == nullptr) throw Error("this program serves no debugger");
  const std::string device = arguments.text_or("device", gdb::kUsualDevice);
  service->serve(device);
  return service->serving() ? fmt::format("waiting for gdb at {}", device)
                            : std::string("nobody waits for gdb");
}

constexpr CommandArgument kServe[] = {
    {.name = "device",
     .type = &kText,
     .optional = true,
     .help = "where: a character device as of -gdb, or none to end it"}};

constexpr Command kCommands[] = {
    {.name = "gdbserver",
     .help = "wait for gdb, as with -gdb, or with none do so no more",
     .arguments = kServe,
     .returns = &kText,
     .run = serve},
};

}  // namespace

std::span<const Command> debugger_commands() { return kCommands; }

}  // namespace backplane::host
