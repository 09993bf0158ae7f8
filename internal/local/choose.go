package main

import (
	"os"

	"golang.org/x/term"

	"github.com/project-gimbal/fleet/internal/clock"
)

// chooseScreen gives a terminal its picture, and everything else lines. With -json the document has standard output to
// itself, and a person at a terminal sees the play on standard error.
func chooseScreen(o demoOptions, t terminal, c clock.Clock, stop *interrupts) screen {
	out := t.out
	if o.json {
		if out = t.err; !isTerminal(out) {
			return silent{}
		}
	}
	if !isTerminal(out) || t.getenv("TERM") == "dumb" || t.getenv("TERM") == "" {
		return newPlain(t.readable(out), c)
	}
	in := t.in
	if !isTerminal(in) {
		in = nil // Ctrl-C comes as a signal then
	}
	return newLive(in, out, "Gimbal Fleet demo", c, o.speed, showsUnicode(t.getenv), stop)
}

// isTerminal reports whether a person sees or types it.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns is how wide a terminal is, 0 for what isn't one.
func columns(stream any) int {
	f, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
