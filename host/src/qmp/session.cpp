// SPDX-License-Identifier: MIT
#include "qmp/session.h"

#include <chrono>

#include "backplane/descriptors.h"
#include "backplane/machine.h"
#include "commands/commands.h"

namespace backplane::host {

namespace {

constexpr std::string_view kNegotiate = "qmp_capabilities";
constexpr std::string_view kGenericError = "GenericError";
constexpr std::string_view kNotFound = "CommandNotFound";

Value error_of(std::string_view error_class, std::string_view description) {
  return Value::Record{{"class", error_class}, {"desc", description}};
}

// The description has the hint, since QMP has no place of its own for it.
std::string description_of(const Error& error) {
  return error.hint().empty() ? error.what() : fmt::format("{}; {}", error.what(), error.hint());
}

// Throws Error unless it is what a client may send. `execute` is a string afterwards.
void check_request(const Value& request) {
  if (request.kind() != Value::Kind::Record) throw Error("QMP input must be a JSON object");
  for (const Value::Field& field : request.as_record())
    if (field.name != "execute" && field.name != "arguments" && field.name != "id")
      throw Error::of("QMP input member '{}' is unexpected", field.name);
  const Value* const execute = request.find("execute");
  if (execute == nullptr) throw Error("QMP input lacks member 'execute'");
  if (execute->kind() != Value::Kind::String)
    throw Error("QMP input member 'execute' must be a string");
  const Value* const arguments = request.find("arguments");
  if (arguments != nullptr && arguments->kind() != Value::Kind::Record)
    throw Error("QMP input member 'arguments' must be an object");
}

Value timestamp() {
  using namespace std::chrono;
  const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  constexpr i64 kPerSecond = 1'000'000;
  return Value::Record{{"seconds", now / kPerSecond}, {"microseconds", now % kPerSecond}};
}

Value negotiate_again(CommandContext&, const Arguments&) {
  throw CommandError(
      std::string(kNotFound),
      fmt::format("Capabilities negotiation is already complete, command '{}' ignored",
                  kNegotiate));
}

// What came last along with a request; a request has no empty name.
constexpr std::string_view kHandedOver = "";

Value get_descriptor(CommandContext&, const Arguments& arguments) {
  const std::string& name = arguments.text("fdname");
  if (name.empty() || (name.front() >= '0' && name.front() <= '9'))
    throw Error("Parameter 'fdname' expects a name not starting with a digit");
  int fd = -1;
  try {
    fd = descriptors::take(kHandedOver);
  } catch (const Error&) {
    throw Error("No file descriptor supplied via SCM_RIGHTS");
  }
  descriptors::keep(name, fd);
  return {};
}

Value close_descriptor(CommandContext&, const Arguments& arguments) {
  descriptors::close_kept(arguments.text("fdname"));
  return {};
}

constexpr CommandArgument kDescriptorName[] = {{.name = "fdname", .type = &kText}};
constexpr ValueType kCapabilities = list_of(kText);
constexpr CommandArgument kNegotiateArguments[] = {
    {.name = "enable", .type = &kCapabilities, .optional = true}};
constexpr Command kCommands[] = {
    {.name = kNegotiate,
     .help = "begin",
     .arguments = kNegotiateArguments,
     .run = negotiate_again,
     .for_programs = true},
    {.name = "getfd",
     .help = "keep the file descriptor that came with this request under a name",
     .arguments = kDescriptorName,
     .run = get_descriptor,
     .for_programs = true},
    {.name = "closefd",
     .help = "close one that was kept",
     .arguments = kDescriptorName,
     .run = close_descriptor,
     .for_programs = true},
};

}  // namespace

std::span<const Command> session_commands() { return kCommands; }

QmpSession::QmpSession(CommandContext context)
    : context_(std::move(context)), drained_(context_.machine.realtime_clock(), [this] {
        if (is_behind())
          drained_.arm_in(10'000'000);
        else
          chardev_->accept_input();
      }) {}

QmpSession::~QmpSession() {
  if (chardev_) chardev_->set_client(nullptr);
}

void QmpSession::open(Chardev& chardev) {
  chardev_.connect(chardev, *this);
  chardev_->set_client(this);
  events_ = context_.machine.events().subscribe(
      [this](const EventType& type, const Value& data) { tell(type, data); });
}

bool QmpSession::is_behind() const { return chardev_->pending() > kMostUnread; }

std::size_t QmpSession::can_receive() {
  if (!is_behind()) return kPortion;
  if (!drained_.armed()) drained_.arm_in(0);
  return 0;
}

void QmpSession::event(Event event) {
  if (event == Event::Break) return;
  splitter_.clear();
  negotiated_ = false;
  if (event != Event::Opened) return;
  const Value version = run_command(find_command(context_.machine, "query-version"), context_, {});
  send(
      Value::Record{{"QMP", Value::Record{{"version", version}, {"capabilities", Value::List{}}}}});
}

void QmpSession::receive(const u8* data, std::size_t size) {
  if (const int fd = chardev_->take_descriptor(); fd >= 0) descriptors::keep(kHandedOver, fd);
  for (std::size_t i = 0; i < size && !context_.quit; ++i) {
    try {
      if (const auto text = splitter_.take(static_cast<char>(data[i]))) answer(*text);
    } catch (const Error& error) {
      send(Value::Record{{"error", error_of(kGenericError, error.what())}});
    }
  }
}

void QmpSession::answer(const std::string& text) {
  Value request, error;
  Value::Record reply;
  try {
    request = parse_json(text);
    check_request(request);
    Value result = carry_out(request);
    if (result.is_null()) result = Value::Record{};
    reply.push_back({"return", std::move(result)});
  } catch (const CommandError& failure) {
    reply.push_back({"error", error_of(failure.error_class(), description_of(failure))});
  } catch (const Error& failure) {
    reply.push_back({"error", error_of(kGenericError, description_of(failure))});
  }
  if (const Value* const id = request.find("id")) reply.push_back({"id", *id});
  send(std::move(reply));
}

Value QmpSession::carry_out(const Value& request) {
  const std::string& name = request.find("execute")->as_string();
  const Value* const arguments = request.find("arguments");
  if (!negotiated_) {
    if (name != kNegotiate)
      throw CommandError(std::string(kNotFound),
                         fmt::format("Expecting capabilities negotiation with '{}'", kNegotiate));
    if (const Value* const wanted = arguments != nullptr ? arguments->find("enable") : nullptr) {
      check(kCapabilities, *wanted, "enable");
      if (!wanted->as_list().empty())
        throw Error::of("Capability '{}' not available", wanted->as_list().front().as_string());
    }
    negotiated_ = true;
    return {};
  }
  const KnownCommand known = find_command(context_.machine, name);
  if (known.command == nullptr)
    throw CommandError(std::string(kNotFound),
                       fmt::format("The command {} has not been found", shown(name)));
  return run_command(known, context_, arguments != nullptr ? *arguments : Value());
}

void QmpSession::tell(const EventType& type, const Value& data) {
  if (!negotiated_ || is_behind()) return;
  Value::Record message{{"timestamp", timestamp()}, {"event", type.name}};
  if (!data.is_null()) message.push_back({"data", data});
  send(std::move(message));
}

void QmpSession::send(const Value& message) {
  const std::string text = to_json(message) + "\r\n";
  chardev_->write(reinterpret_cast<const u8*>(text.data()), text.size());
}

BACKPLANE_REGISTER_ABSTRACT(QmpSession)

}  // namespace backplane::host
