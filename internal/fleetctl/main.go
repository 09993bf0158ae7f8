// Command fleetctl is the operator's command line: it shows what the fleet does and lets an operator decide. It talks to the
// operators' API, signed with the operator's own AWS credentials, or with a token to the system that "serve" keeps up on
// this machine.
//
//	go run ./internal/fleetctl --help
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/project-gimbal/fleet/internal/clock"
)

// Exit codes.
const (
	exitDone   = 0 // done
	exitFailed = 1 // the API refused or failed, or could not be reached
	exitUsage  = 2 // the command line is wrong
	exitFound  = 3 // what was asked about is not in order
)

const exitHelp = `Exit codes: 0 done; 1 the API refused, failed, or could not be reached; 2 wrong usage; ` +
	`3 what was asked about is not in order: "doctor" found something broken, "incidents --fail" an open one, "show" a broken ` +
	`audit chain, or a message that "resend" sent was refused or may be lost.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], system())
	stop()
	os.Exit(code)
}

// terminal is what fleetctl reads from and writes to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	// asks: a person sits there and can be asked.
	asks bool
	// width is that of out in columns, 0 where it is no terminal; colours says whether it may have any.
	width   int
	colours bool
}

// system is this process's terminal.
func system() terminal {
	t := terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr,
		asks: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd()))}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		t.width, t.colours = width, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return t
}

// wrongUsage is a command line that can't be carried out as it is.
type wrongUsage struct{ text string }

func (e wrongUsage) Error() string { return e.text }

func wrong(format string, args ...any) error { return wrongUsage{fmt.Sprintf(format, args...)} }

// errFound: what was asked about is not in order, as was just shown.
var errFound = errors.New("not in order")

// run carries one command line out and gives the code to exit with.
func run(ctx context.Context, args []string, t terminal) int {
	var c commands
	helped := false
	parser, err := newParser(&c, t, func(int) { helped = true })
	if err != nil {
		say(t.err, "fleetctl: %v\n", err)
		return exitFailed
	}
	parsed, err := parser.Parse(doubleDashes(parser.Model, args))
	switch {
	case helped: // what is wrong after --help doesn't matter
		return exitDone
	case err != nil:
		return complain(t, parsed, err)
	}
	call := &call{ctx: ctx, flags: c.flags, terminal: t, clock: clock.System()}
	return call.end(parsed.Run(call), parsed)
}

// complain tells of a command line that doesn't parse.
func complain(t terminal, parsed *kong.Context, err error) int {
	command := "fleetctl"
	if p, ok := errors.AsType[*kong.ParseError](err); ok {
		parsed = p.Context
	}
	if parsed != nil && parsed.Selected() != nil {
		command = parsed.Selected().FullPath()
	}
	say(t.err, "fleetctl: %v\n%q explains.\n", err, command+" --help")
	return exitUsage
}

// end tells of what went wrong and gives the code to exit with.
func (c *call) end(err error, parsed *kong.Context) int {
	if _, ok := errors.AsType[wrongUsage](err); ok {
		return complain(c.terminal, parsed, err)
	}
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFound):
		return exitFound
	case c.ctx.Err() != nil && !errors.Is(err, errDeclined):
		say(c.terminal.err, "\nfleetctl: interrupted; what was asked for may have been done all the same\n")
	default:
		say(c.terminal.err, "fleetctl: %s\n", clean(err.Error()))
	}
	return exitFailed
}

// say writes to a person. Whoever closed that pipe doesn't want to know.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
