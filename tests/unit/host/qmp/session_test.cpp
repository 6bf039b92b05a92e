// SPDX-License-Identifier: MIT
#include "qmp/session.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "backplane/descriptors.h"
#include "backplane/migration.h"
#include "backplane/testing/scratch_directory.h"
#include "backplane/testing/test_machine.h"
#include "commands/commands.h"

namespace backplane::host {
namespace {

// The other end of a session: keeps what it is sent, or lets it wait.
class Client final : public Chardev {
 public:
  void write(const u8* data, std::size_t size) override {
    text.append(reinterpret_cast<const char*>(data), size);
  }
  std::size_t pending() const override { return unread; }
  void accept_input() override { ++accepted; }
  int take_descriptor() override { return std::exchange(descriptor, -1); }
  std::string describe() const override { return "client"; }

  void connect() { client()->event(ChardevClient::Event::Opened); }
  void disconnect() { client()->event(ChardevClient::Event::Closed); }
  std::size_t room() { return client()->can_receive(); }
  void send(std::string_view bytes) {
    for (const char byte : bytes) client()->receive(reinterpret_cast<const u8*>(&byte), 1);
  }
  // The messages that have come, one a line.
  Value::List take() {
    Value::List messages;
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find("\r\n", begin)) != std::string::npos; begin = end + 2)
      messages.push_back(parse_json(std::string_view(text).substr(begin, end - begin)));
    text.erase(0, begin);
    return messages;
  }

  std::string text;
  std::size_t unread = 0;
  unsigned accepted = 0;
  int descriptor = -1;  // that comes with the next bytes
};

class Qmp : public ::testing::Test {
 protected:
  Qmp() {
    machine_.power_on();
    session_->open(client_);
  }

  // The answer to one request.
  Value ask(std::string_view request) {
    client_.take();
    client_.send(request);
    Value::List answers = client_.take();
    return answers.empty() ? Value() : answers.back();
  }
  void begin() {
    client_.connect();
    ask(R"({"execute": "qmp_capabilities"})");
  }
  static std::string description(const Value& answer) {
    const Value* const error = answer.find("error");
    return error == nullptr ? "" : error->find("desc")->as_string();
  }
  static std::string error_class(const Value& answer) {
    return answer.find("error")->find("class")->as_string();
  }

  backplane::testing::TestMachine machine_;
  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
  Client client_;
  Migration migration_{machine_};
  CommandContext context_{machine_, migration_};
  std::unique_ptr<QmpSession> session_ = std::make_unique<QmpSession>(context_);
};

TEST_F(Qmp, GreetsEachClientAndWantsCapabilitiesFirst) {
  for (int client = 0; client < 2; ++client) {
    client_.connect();
    const Value::List greeting = client_.take();
    ASSERT_EQ(greeting.size(), 1U);
    const Value* const version = greeting[0].find("QMP")->find("version");
    EXPECT_GE(version->find("qemu")->find("major")->as_signed(), 5);
    EXPECT_TRUE(version->find("package")->as_string().starts_with("Backplane "));
    EXPECT_EQ(error_class(ask(R"({"execute": "query-status"})")), "CommandNotFound");
    EXPECT_EQ(ask(R"({"execute": "qmp_capabilities", "arguments": {"enable": []}})"),
              Value(Value::Record{{"return", Value::Record{}}}));
    EXPECT_EQ(description(ask(R"({"execute": "query-status"})")), "");
    EXPECT_EQ(error_class(ask(R"({"execute": "qmp_capabilities"})")), "CommandNotFound");
    client_.disconnect();
  }
}

TEST_F(Qmp, ACapabilityThatIsNotThereIsRefused) {
  client_.connect();
  EXPECT_EQ(
      description(ask(R"({"execute": "qmp_capabilities", "arguments": {"enable": ["oob", "x"]}})")),
      "Capability 'x' not available");
  EXPECT_EQ(error_class(ask(R"({"execute": "query-status"})")), "CommandNotFound");
}

// --- out of band --------------------------------------------------------------------------------

class QmpOutOfBand : public Qmp {
 protected:
  QmpOutOfBand() {
    client_.connect();
    ask(R"({"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}})");
  }
  // The ids of the answers to what is sent at once, in the order in which they come.
  std::vector<i64> order_of(std::string_view requests, std::size_t answers) {
    client_.take();
    client_.send(requests);
    Value::List all;
    EXPECT_TRUE(machine_.run_main_loop_until([&] {
      for (Value& message : client_.take()) all.push_back(std::move(message));
      return all.size() >= answers;
    }));
    std::vector<i64> ids;
    for (const Value& message : all) ids.push_back(message.find("id")->as_signed());
    return ids;
  }
};

TEST_F(QmpOutOfBand, IsOffered) {
  client_.connect();
  EXPECT_EQ(*client_.take()[0].find("QMP")->find("capabilities"), Value(Value::List{"oob"}));
}

TEST_F(QmpOutOfBand, GoesBeforeWhatWaits) {
  EXPECT_EQ(order_of(R"({"execute": "query-block", "id": 1}
                        {"execute": "frob", "id": 2}
                        {"exec-oob": "query-status", "id": 3}
                        {"execute": "query-status", "id": 4}
                        {"exec-oob": "frob", "id": 5})",
                     5),
            (std::vector<i64>{3, 5, 1, 2, 4}));
}

TEST_F(QmpOutOfBand, IsForCommandsWhoseRowSaysSo) {
  EXPECT_EQ(description(ask(R"({"exec-oob": "query-version"})")), "");
  EXPECT_EQ(description(ask(R"({"exec-oob": "stop"})")), "The command stop does not support OOB");
  EXPECT_EQ(error_class(ask(R"({"exec-oob": "frob"})")), "CommandNotFound");
  EXPECT_NE(description(ask(R"({"exec-oob": "query-version", "arguments": {"x": 1}})")), "");
}

TEST_F(QmpOutOfBand, IsWrittenAsOne) {
  EXPECT_EQ(order_of(R"({"exec-oob": 1, "id": 1}{"execute": "stop", "exec-oob": "x", "id": 2}
                        {"exec-oob": "query-status", "arguments": [], "id": 3})",
                     3),
            (std::vector<i64>{1, 2, 3}));
}

TEST_F(QmpOutOfBand, ManyRequestsAreTakenOnlyAsTheyAreAnswered) {
  std::string requests;
  for (unsigned id = 0; id < 8; ++id)
    requests += fmt::format(R"({{"execute": "query-status", "id": {}}})", id);
  client_.send(requests);
  EXPECT_EQ(client_.room(), 0U);
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return client_.accepted != 0; }));
  EXPECT_NE(client_.room(), 0U);
}

TEST_F(QmpOutOfBand, ADescriptorStaysWithItsRequest) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  client_.take();
  client_.descriptor = ends[0];
  client_.send(R"({"execute": "getfd", "arguments": {"fdname": "one"}})");
  client_.descriptor = ends[1];
  client_.send(R"({"execute": "getfd", "arguments": {"fdname": "two"}})");
  std::size_t answers = 0;
  EXPECT_TRUE(
      machine_.run_main_loop_until([&] { return (answers += client_.take().size()) == 2; }));
  EXPECT_EQ(descriptors::take("one"), ends[0]);
  EXPECT_EQ(descriptors::take("two"), ends[1]);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(QmpOutOfBand, IsForgottenWithItsClient) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  client_.descriptor = ends[0];
  client_.send(R"({"execute": "quit"})");
  client_.disconnect();
  EXPECT_EQ(fcntl(ends[0], F_GETFD), -1) << "closed";
  close(ends[1]);
  begin();
  EXPECT_EQ(description(ask(R"({"exec-oob": "query-status"})")),
            "QMP input member 'exec-oob' is unexpected");
  EXPECT_EQ(description(ask(R"({"execute": "query-status"})")), "");
}

TEST_F(Qmp, AnAnswerHasTheIdOfItsRequest) {
  begin();
  for (const char* id : {"1", "\"a\"", "{\"x\": [1, null]}", "null"}) {
    const Value wanted = parse_json(id);
    for (const char* name : {"query-status", "no-such-command"}) {
      const Value answer = ask(fmt::format(R"({{"execute": "{}", "id": {}}})", name, id));
      ASSERT_NE(answer.find("id"), nullptr) << id;
      EXPECT_EQ(*answer.find("id"), wanted);
    }
  }
  EXPECT_EQ(ask(R"({"execute": "query-status"})").find("id"), nullptr);
}

TEST_F(Qmp, WhatIsNoRequestIsAnswered) {
  begin();
  const std::map<std::string, std::string> wrong{
      {"{}", "QMP input lacks member 'execute'"},
      {"[1]\n", "QMP input must be a JSON object"},
      {R"({"execute": 1})", "QMP input member 'execute' must be a string"},
      {R"({"execute": "stop", "arguments": [1]})",
       "QMP input member 'arguments' must be an object"},
      {R"({"execute": "stop", "control": {}})", "QMP input member 'control' is unexpected"},
      {R"({"execute": "frob"})", "The command frob has not been found"},
      {R"({"execute": "stop", "execute": "cont"})", "JSON parse error, duplicate key 'execute'"}};
  for (const auto& [request, answer] : wrong) EXPECT_EQ(description(ask(request)), answer);
  EXPECT_TRUE(description(ask("hello\n")).starts_with("JSON parse error"));
  EXPECT_TRUE(description(ask("{'execute': 'stop'}")).starts_with("JSON parse error"));
  EXPECT_EQ(description(ask(R"({"execute": "query-status"})")), "");
}

TEST_F(Qmp, NonsenseOfAnyLengthIsAnsweredOnceALine) {
  begin();
  client_.take();
  client_.send(std::string(3'000'000, '{') + "\n");
  client_.send(std::string(3'000'000, 'x') + "\n");
  EXPECT_EQ(client_.take().size(), 2U);
  EXPECT_EQ(description(ask(R"({"execute": "query-status"})")), "");
}

TEST_F(Qmp, HalfARequestIsForgottenWithItsClient) {
  begin();
  client_.send(R"({"execute": "qu)");
  client_.disconnect();
  begin();
  EXPECT_EQ(description(ask(R"({"execute": "query-status"})")), "");
}

TEST_F(Qmp, EventsAreTold) {
  machine_.run_control().start();
  client_.connect();
  machine_.run_control().stop();
  EXPECT_EQ(client_.take().size(), 1U);  // the greeting: nothing else before capabilities
  ask(R"({"execute": "qmp_capabilities"})");
  machine_.run_control().start();
  const Value::List events = client_.take();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].find("event")->as_string(), "RESUME");
  EXPECT_GT(events[0].find("timestamp")->find("seconds")->as_signed(), 1'600'000'000);
  EXPECT_LT(events[0].find("timestamp")->find("microseconds")->as_signed(), 1'000'000);
}

TEST_F(Qmp, AClientThatReadsNothingIsNotListenedTo) {
  begin();
  client_.unread = 100_MiB;
  EXPECT_EQ(client_.room(), 0U);
  client_.take();
  machine_.run_control().start();
  machine_.run_control().stop();
  EXPECT_TRUE(client_.take().empty());
  EXPECT_EQ(client_.accepted, 0U);
  client_.unread = 0;
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return client_.accepted != 0; }));
  EXPECT_NE(client_.room(), 0U);
}

TEST_F(Qmp, QuitIsAnsweredBeforeTheEnd) {
  begin();
  client_.take();
  client_.send(R"({"execute": "quit", "id": 1}{"execute": "query-status", "id": 2})");
  machine_.run_main_loop();
  const Value::List messages = client_.take();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_NE(messages[0].find("return"), nullptr);
  EXPECT_EQ(messages[1].find("event")->as_string(), "SHUTDOWN");
  EXPECT_EQ(*messages[1].find("data"),
            Value(Value::Record{{"guest", false}, {"reason", "host-qmp-quit"}}));
}

TEST_F(Qmp, TheHumanMonitorIsWithinReach) {
  begin();
  const Value answer =
      ask(R"({"execute": "human-monitor-command", "arguments": {"command-line": "info status"}})");
  EXPECT_EQ(answer.find("return")->as_string(), "VM status: paused (prelaunch)\n");
}

TEST_F(Qmp, BackendsComeAndGo) {
  begin();
  const auto call = [&](const std::string& name, const std::string& arguments) {
    return description(
        ask(fmt::format(R"({{"execute": "{}", "arguments": {}}})", name, arguments)));
  };
  EXPECT_EQ(call("chardev-add", R"({"id": "c", "backend": {"type": "null", "data": {}}})"), "");
  EXPECT_NE(call("chardev-add", R"({"id": "c", "backend": {"type": "null"}})"), "");
  EXPECT_NE(call("chardev-add", R"({"id": "d", "backend": {"type": "null", "data": {"x": 1}}})"),
            "");
  EXPECT_NE(call("netdev_del", R"({"id": "c"})"), "");
  EXPECT_NE(call("chardev-remove", R"({"id": "../backends"})"), "");
  EXPECT_EQ(call("chardev-remove", R"({"id": "c"})"), "");
  EXPECT_EQ(call("object-add", R"({"qom-type": "chardev-null", "id": "c"})"), "");
  EXPECT_EQ(call("object-del", R"({"id": "c"})"), "");
}

TEST_F(Qmp, ADiskIsMadeLonger) {
  begin();
  const backplane::testing::ScratchDirectory directory("/var/tmp");
  const std::string image = directory / "disk";
  std::ofstream(image) << std::string(1_MiB, '\0');
  const auto call = [&](const std::string& name, const std::string& arguments) {
    return description(
        ask(fmt::format(R"({{"execute": "{}", "arguments": {}}})", name, arguments)));
  };
  EXPECT_EQ(call("blockdev-add", fmt::format(R"({{"driver": "raw", "node-name": "d", "file":
                             {{"driver": "file", "filename": "{}"}}}})",
                                             image)),
            "");
  EXPECT_EQ(call("block_resize", R"({"node-name": "d", "size": 2097152})"), "");
  EXPECT_EQ(call("block_resize", R"({"device": "d", "size": 3145728})"), "");
  EXPECT_EQ(std::filesystem::file_size(image), 3_MiB);
  EXPECT_EQ(call("block_resize", R"({"device": "d", "node-name": "d", "size": 4194304})"),
            "Need exactly one of 'device' and 'node-name'");
  EXPECT_EQ(call("block_resize", R"({"size": 4194304})"),
            "Need exactly one of 'device' and 'node-name'");
  EXPECT_EQ(call("block_resize", R"({"device": "e", "size": 4194304})"), "Device 'e' not found");
  EXPECT_NE(call("block_resize", R"({"device": "d", "size": 1048576})"), "");
  EXPECT_NE(call("block_resize", R"({"device": "d", "size": -1})"), "");
  EXPECT_EQ(std::filesystem::file_size(image), 3_MiB);
  EXPECT_EQ(ask(R"({"execute": "human-monitor-command", "arguments":
                    {"command-line": "block_resize d 4"}})")
                .find("return")
                ->as_string(),
            "");
  EXPECT_EQ(std::filesystem::file_size(image), 4_MiB);
}

TEST_F(Qmp, ADescriptorThatComesAlongIsKeptUnderAName) {
  begin();
  const auto call = [&](const std::string& name, const std::string& fdname) {
    return description(
        ask(fmt::format(R"({{"execute": "{}", "arguments": {{"fdname": "{}"}}}})", name, fdname)));
  };
  EXPECT_EQ(call("getfd", "stream"), "No file descriptor supplied via SCM_RIGHTS");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  client_.descriptor = ends[0];
  EXPECT_NE(call("getfd", "0"), "");
  EXPECT_EQ(call("getfd", "stream"), "");
  EXPECT_EQ(descriptors::take("stream"), ends[0]);
  client_.descriptor = ends[1];
  EXPECT_EQ(call("getfd", "stream"), "");
  EXPECT_EQ(call("closefd", "stream"), "");
  EXPECT_NE(call("closefd", "stream"), "");
  close(ends[0]);
}

TEST_F(Qmp, WhatIsChosenForMigrationsIsKept) {
  begin();
  const auto choose = [&](const std::string& arguments) {
    return description(
        ask(fmt::format(R"({{"execute": "migrate-set-parameters", "arguments": {}}})", arguments)));
  };
  EXPECT_EQ(choose(R"({"max-bandwidth": 1000000, "downtime-limit": 50})"), "");
  EXPECT_EQ(migration_.parameters().max_bandwidth, 1'000'000U);
  EXPECT_EQ(migration_.parameters().downtime_limit_ms, 50U);
  EXPECT_EQ(choose(R"({"max-bandwidth": 9223372036853727232})"), "");
  EXPECT_EQ(migration_.parameters().max_bandwidth, 0U) << "no limit";
  EXPECT_NE(choose(R"({"downtime-limit": 3000000})"), "");
  EXPECT_NE(description(ask(R"({"execute": "migrate-set-capabilities", "arguments":
      {"capabilities": [{"capability": "postcopy-ram", "state": true}]}})")),
            "");
  EXPECT_NE(description(ask(R"({"execute": "migrate-incoming", "arguments": {"uri": "unix:x"}})")),
            "");
}

// --- every row --------------------------------------------------------------------------------

bool needs_arguments(const Command& command) {
  return std::any_of(command.arguments.begin(), command.arguments.end(),
                     [](const CommandArgument& argument) { return !argument.optional; });
}

TEST_F(Qmp, EveryCommandRefusesAnArgumentThatItDoesNotTake) {
  for (const KnownCommand& known : known_commands(machine_)) {
    if (known.command->takes_properties) continue;
    Value::Record arguments{{"no-such-argument", 1}};
    for (const CommandArgument& argument : known.command->arguments)
      if (!argument.optional) arguments.push_back({std::string(argument.name), Value::List{}});
    EXPECT_THROW(run_command(known, context_, arguments), Error) << known.command->name;
  }
}

TEST_F(Qmp, EveryCommandRefusesArgumentsOfAnotherType) {
  for (const KnownCommand& known : known_commands(machine_)) {
    const std::vector<TypeMember> members = members_of(known.command->arguments);
    for (const TypeMember& wrong : members) {
      if (wrong.type->kind == ValueType::Kind::Any) continue;
      Value::Record arguments;
      for (const TypeMember& member : members)
        arguments.push_back(
            {std::string(member.name), member.name == wrong.name ? Value(1.5) : Value("text")});
      EXPECT_THROW(run_command(known, context_, arguments), Error)
          << known.command->name << " " << wrong.name;
    }
  }
}

TEST_F(Qmp, EveryCommandWantsWhatIsNotOptional) {
  for (const KnownCommand& known : known_commands(machine_))
    if (needs_arguments(*known.command)) {
      EXPECT_THROW(run_command(known, context_, {}), Error) << known.command->name;
    }
}

TEST_F(Qmp, EveryQueryReturnsWhatItsTypeSays) {
  unsigned queries = 0;
  for (const KnownCommand& known : known_commands(machine_)) {
    const Command& command = *known.command;
    if (command.name.find("query-") == std::string_view::npos || needs_arguments(command)) continue;
    ++queries;
    const Value result = run_command(known, context_, {});
    EXPECT_NO_THROW(check(*command.returns, result)) << command.name << ": " << to_json(result);
    if (command.print != nullptr) {
      EXPECT_FALSE(command.print(result).empty()) << command.name;
    }
  }
  EXPECT_GE(queries, 20U);
}

TEST_F(Qmp, TheSchemaNamesEveryCommandWithTheArgumentsThatItTakes) {
  const Value schema = run_command(find_command(machine_, "query-qmp-schema"), context_, {});
  std::map<std::string, const Value*> entries;
  for (const Value& entry : schema.as_list())
    EXPECT_TRUE(entries.emplace(entry.find("name")->as_string(), &entry).second) << to_json(entry);
  for (const Value& entry : schema.as_list())
    for (const char* reference : {"arg-type", "ret-type", "element-type"})
      if (const Value* const name = entry.find(reference)) {
        EXPECT_TRUE(entries.contains(name->as_string())) << to_json(entry);
      }
  for (const KnownCommand& known : known_commands(machine_)) {
    const auto entry = entries.find(std::string(known.command->name));
    ASSERT_NE(entry, entries.end()) << known.command->name;
    std::set<std::string> named, taken;
    const Value& record = *entries.at(entry->second->find("arg-type")->as_string());
    for (const Value& member : record.find("members")->as_list()) {
      named.insert(member.find("name")->as_string());
      EXPECT_TRUE(entries.contains(member.find("type")->as_string())) << to_json(member);
    }
    for (const CommandArgument& argument : known.command->arguments) taken.emplace(argument.name);
    EXPECT_EQ(named, taken) << known.command->name;
  }
}

}  // namespace
}  // namespace backplane::host
