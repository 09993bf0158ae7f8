// Command local is the whole of Fleet on one machine: the real state machines and step code, against simulators of all five
// vendors and a real PostgreSQL.
//
//	go run ./internal/local demo     plays one signup to its end
//	go run ./internal/local serve    keeps the system up
//	go run ./internal/local export INSTANCE -o DIR    exports one of its instances
//	go run ./internal/local run-machine -definition FILE    runs any state machine's definition alone
package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/project-gimbal/fleet/internal/local/world"
)

// Exit codes.
const (
	exitDone   = 0 // what was asked for is there
	exitFailed = 1 // it isn't
	exitUsage  = 2 // the command line is wrong, or what it names can't be run
)

func main() {
	os.Exit(run(os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}, signals()))
}

// terminal is what a command reads from and writes to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

// command is one of the program's.
type command struct {
	name, synopsis, what string
	run                  func(args []string, t terminal, stop *interrupts) int
}

func commands() []command {
	return []command{
		{"demo", "demo [-event FILE] [-until STATE] [-json] [-faults SPEC] [-seed N] [-speed N] [-reject] [-processes]", "plays a signup, or an instance's whole life, to its end and says what happens", demo},
		{"export", "export INSTANCE -o DIR [-data DIR]", "exports an instance of what serve keeps up, into a folder", exported},
		{"run-machine", "run-machine -definition FILE [-input FILE] [-mocks FILE -case NAME] [-history]", "runs any state machine's definition alone, in virtual time", runMachine},
		{"serve", "serve [-addr HOST:PORT] [-data DIR] [-speed N] [-auto-approve PLANS] [-processes]", "keeps the system up until Ctrl-C", serve},
	}
}

// run runs the command that args name and gives the code to exit with.
func run(args []string, t terminal, stop *interrupts) int {
	if len(args) == 0 {
		usage(t.err)
		return exitUsage
	}
	switch args[0] {
	case functionCommand:
		world.Function()
	case "help", "-h", "-help", "--help":
		if len(args) > 1 && args[0] == "help" {
			return run([]string{args[1], "-h"}, t, stop)
		}
		usage(t.out)
		return exitDone
	}
	i := slices.IndexFunc(commands(), func(c command) bool { return c.name == args[0] })
	if i < 0 {
		say(t.err, "there is no command %q\n\n", args[0])
		usage(t.err)
		return exitUsage
	}
	return commands()[i].run(args[1:], t, stop)
}

func usage(w io.Writer) {
	say(w, "Gimbal Fleet on one machine: the real workflows and steps, simulators of the five vendors, a real PostgreSQL.\n\n")
	for _, c := range commands() {
		say(w, "  go run ./internal/local %s\n        %s\n", c.synopsis, c.what)
	}
	say(w, "\n\"demo -h\", \"export -h\", \"run-machine -h\" and \"serve -h\" explain the flags, and \"demo -h\" the faults that can be scripted.\n")
}

// functionCommand makes this program one of the functions: what -processes starts. It is none for people.
const functionCommand = "function"

// say writes to a person. Whoever closed that pipe doesn't want to know.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
