# Dictionaries, method calls, integers and strings, as often as the argument says.
import sys


class Account:
    def __init__(self, name):
        self.name = name
        self.total = 0

    def add(self, amount):
        self.total += amount


for _ in range(int(sys.argv[1])):
    accounts = {}
    for i in range(300000):
        name = "account%d" % (i * 7919 % 1000)
        if name not in accounts:
            accounts[name] = Account(name)
        accounts[name].add(i & 255)
    print(sum(account.total * len(account.name) for account in accounts.values()))
    print(sum(1 for n in range(2, 12000) if all(n % d for d in range(2, int(n ** 0.5) + 1))))
