// SPDX-License-Identifier: MIT
#include "qmp/session.h"

#include <chrono>
#include <utility>

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

// The capability, and the member that it brings.
constexpr std::string_view kOob = "oob";

// Throws Error unless it is what a client may send: then it has `execute`, or `out_of_band` where
// the client has enabled that, which are strings.
void check_request(const Value& request, std::string_view out_of_band) {
  constexpr std::string_view kExecute = "execute";
  if (request.kind() != Value::Kind::Record) throw Error("QMP input must be a JSON object");
  const Value* command = nullptr;
  for (const auto& [name, value] : request.as_record()) {
    const bool is_command = name == kExecute || (!out_of_band.empty() && name == out_of_band);
    if (!is_command && name != "arguments" && name != "id")
      throw Error::of("QMP input member '{}' is unexpected", name);
    if (!is_command) continue;
    if (command != nullptr)
      throw Error::of("QMP input member '{}' clashes with '{}'", out_of_band, kExecute);
    if (value.kind() != Value::Kind::String)
      throw Error::of("QMP input member '{}' must be a string", name);
    command = &value;
  }
  if (command == nullptr) throw Error::of("QMP input lacks member '{}'", kExecute);
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

// Nobody has asked for it.
void drop_descriptor(int fd) {
  if (fd < 0) return;
  descriptors::keep(kHandedOver, fd);
  descriptors::close_kept(kHandedOver);
}

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
    : context_(std::move(context)),
      drained_(context_.machine.realtime_clock(),
               [this] {
                 if (is_behind())
                   drained_.arm_in(10'000'000);
                 else
                   chardev_->accept_input();
               }),
      next_(context_.machine.realtime_clock(), [this] { answer_next(); }) {}

QmpSession::~QmpSession() {
  forget_requests();
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
  if (waiting_.size() >= kMostWaiting) return 0;
  if (!is_behind()) return kPortion;
  if (!drained_.armed()) drained_.arm_in(0);
  return 0;
}

void QmpSession::event(Event event) {
  if (event == Event::Break) return;
  splitter_.clear();
  forget_requests();
  negotiated_ = out_of_band_ = false;
  if (event != Event::Opened) return;
  const Value version = run_command(find_command(context_.machine, "query-version"), context_, {});
  send(Value::Record{
      {"QMP", Value::Record{{"version", version}, {"capabilities", Value::List{kOob}}}}});
}

void QmpSession::receive(const u8* data, std::size_t size) {
  if (const int fd = chardev_->take_descriptor(); fd >= 0) {
    drop_descriptor(descriptor_);
    descriptor_ = fd;
  }
  for (std::size_t i = 0; i < size && !context_.quit; ++i) {
    try {
      if (const auto text = splitter_.take(static_cast<char>(data[i]))) take(read(*text));
    } catch (const Error& error) {
      take({.failure = error});
    }
  }
}

QmpSession::Request QmpSession::read(const std::string& text) {
  Request request;
  try {
    request.value = parse_json(text);
    check_request(request.value, out_of_band_ ? kOutOfBand : "");
  } catch (const Error& failure) {
    request.failure = failure;
  }
  return request;
}

void QmpSession::take(Request request) {
  request.descriptor = std::exchange(descriptor_, -1);
  if (!out_of_band_ || request.is_out_of_band()) return answer(request);
  waiting_.push_back(std::move(request));
  if (!next_.armed()) next_.arm_in(0);
}

// One at a time, so that what has come meanwhile is seen.
void QmpSession::answer_next() {
  if (waiting_.empty() || context_.quit) return;
  const bool was_full = waiting_.size() >= kMostWaiting;
  const Request request = std::move(waiting_.front());
  waiting_.pop_front();
  answer(request);
  if (!waiting_.empty()) next_.arm_in(0);
  if (was_full && waiting_.size() < kMostWaiting) chardev_->accept_input();
}

void QmpSession::forget_requests() {
  next_.cancel();
  for (const Request& request : waiting_) drop_descriptor(request.descriptor);
  waiting_.clear();
  drop_descriptor(std::exchange(descriptor_, -1));
}

void QmpSession::answer(const Request& request) {
  if (request.descriptor >= 0) descriptors::keep(kHandedOver, request.descriptor);
  Value::Record reply;
  try {
    if (request.failure) throw Error(*request.failure);
    Value result = carry_out(request.value);
    if (result.is_null()) result = Value::Record{};
    reply.push_back({"return", std::move(result)});
  } catch (const CommandError& failure) {
    reply.push_back({"error", error_of(failure.error_class(), description_of(failure))});
  } catch (const Error& failure) {
    reply.push_back({"error", error_of(kGenericError, description_of(failure))});
  }
  if (const Value* const id = request.value.find("id")) reply.push_back({"id", *id});
  send(std::move(reply));
}

void QmpSession::negotiate(const Value* wanted) {
  bool out_of_band = false;
  if (wanted != nullptr) {
    check(kCapabilities, *wanted, "enable");
    for (const Value& capability : wanted->as_list()) {
      if (capability.as_string() != kOob)
        throw Error::of("Capability '{}' not available", capability.as_string());
      out_of_band = true;
    }
  }
  out_of_band_ = out_of_band;
  negotiated_ = true;
}

Value QmpSession::carry_out(const Value& request) {
  const Value* const out_of_band = request.find(kOutOfBand);
  const std::string& name =
      (out_of_band != nullptr ? out_of_band : request.find("execute"))->as_string();
  const Value* const arguments = request.find("arguments");
  if (!negotiated_) {
    if (name != kNegotiate)
      throw CommandError(std::string(kNotFound),
                         fmt::format("Expecting capabilities negotiation with '{}'", kNegotiate));
    negotiate(arguments != nullptr ? arguments->find("enable") : nullptr);
    return {};
  }
  const KnownCommand known = find_command(context_.machine, name);
  if (known.command == nullptr)
    throw CommandError(std::string(kNotFound),
                       fmt::format("The command {} has not been found", shown(name)));
  if (out_of_band != nullptr && !known.command->out_of_band)
    throw Error::of("The command {} does not support OOB", name);
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
