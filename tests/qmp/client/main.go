// SPDX-License-Identifier: MIT
// Drives a machine with github.com/digitalocean/go-qemu, as a program that uses it would: asks,
// changes, waits for events, and ends the machine. Prints what it saw.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/digitalocean/go-qemu/qemu"
	"github.com/digitalocean/go-qemu/qmp"
)

func check(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

// Waits for the event of that name; others may come before.
func expect(events <-chan qmp.Event, name string) {
	deadline := time.After(30 * time.Second)
	for {
		select {
		case event, open := <-events:
			if !open {
				log.Fatalf("no %s: the stream ended", name)
			}
			if event.Event == name {
				fmt.Println("event", name)
				return
			}
		case <-deadline:
			log.Fatalf("no %s", name)
		}
	}
}

func main() {
	monitor, err := qmp.NewSocketMonitor("unix", os.Args[1], 10*time.Second)
	check(err, "dial")
	check(monitor.Connect(), "connect")

	raw, err := monitor.Run([]byte(`{"execute": "query-commands"}`))
	check(err, "query-commands")
	var commands struct {
		Return []struct{ Name string } `json:"return"`
	}
	check(json.Unmarshal(raw, &commands), "query-commands")
	fmt.Println("has commands", len(commands.Return) > 40)

	_, err = monitor.Run([]byte(`{"execute": "no-such-command"}`))
	fmt.Println("unknown:", err)

	domain, err := qemu.NewDomain(monitor, "test")
	check(err, "domain")
	// The other channel is to be closed when no more events are wanted.
	events, _, err := domain.Events()
	check(err, "events")
	status, err := domain.Status()
	check(err, "status")
	fmt.Println("status", status)
	version, err := domain.Version()
	check(err, "version")
	fmt.Println("version", version)
	raw, err = monitor.Run([]byte(`{"execute": "query-cpus-fast"}`))
	check(err, "query-cpus-fast")
	var cpus struct {
		Return []struct {
			Path string `json:"qom-path"`
		} `json:"return"`
	}
	check(json.Unmarshal(raw, &cpus), "query-cpus-fast")
	fmt.Println("cpus", len(cpus.Return), cpus.Return[0].Path)
	disks, err := domain.BlockDevices()
	check(err, "disks")
	fmt.Println("disks", len(disks), disks[0].Device, disks[0].Inserted.File != "")
	_, err = domain.PackageVersion()
	check(err, "package")

	_, err = monitor.Run([]byte(`{"execute": "cont"}`))
	check(err, "cont")
	expect(events, "RESUME")
	_, err = monitor.Run([]byte(`{"execute": "stop"}`))
	check(err, "stop")
	expect(events, "STOP")
	check(domain.SystemReset(), "reset")
	expect(events, "RESET")
	check(domain.SystemPowerdown(), "powerdown")
	expect(events, "POWERDOWN")
	_, err = monitor.Run([]byte(`{"execute": "quit"}`))
	check(err, "quit")
	expect(events, "SHUTDOWN")
}
