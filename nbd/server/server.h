// SPDX-License-Identifier: MIT
// Takes clients, each with threads of its own.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/session.h"
#include "wire/channel.h"

namespace backplane::nbd {

struct ServerSettings {
  unsigned most_clients = 1;  // at a time; 0: any number. Those beyond wait.
  bool persistent = false;    // goes on when the last client has left
};

class Server {
 public:
  // At one socket, or several.
  Server(const Export& exported, std::vector<Socket> listening, const ServerSettings& settings);
  ~Server();

  // Until the last client that chose the export has left, or `ending` can be read from.
  void run(int ending);

 private:
  struct Client {
    std::unique_ptr<Session> session;
    std::thread thread;
    bool has_left = false;
    bool chose = false;
  };

  void accept_one(const Socket& listening);
  // Whether the last one that chose the export did.
  bool remove_those_that_left();

  const Export& export_;
  const std::vector<Socket> listening_;
  const ServerSettings settings_;
  const Socket wake_;            // an eventfd
  std::mutex mutex_;             // of what is in clients_
  bool somebody_chose_ = false;  // of those that have left; run()'s thread
  std::list<Client> clients_;
};

}  // namespace backplane::nbd
