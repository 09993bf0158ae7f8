package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
)

// errDeclined: whoever was asked didn't say yes.
var errDeclined = errors.New("nothing was done")

// confirm asks a person whether they mean it. Where nobody can be asked, --yes must have been said.
func (c *call) confirm(yes bool, format string, args ...any) error {
	if yes {
		return nil
	}
	if !c.terminal.asks {
		return wrong("this can't be undone, and there is no terminal to ask on: say --yes")
	}
	say(c.terminal.err, "%s [y/N] ", clean(fmt.Sprintf(format, args...)))
	answers := make(chan string, 1)
	go func() { // a read can't be interrupted; Ctrl-C ends the program anyway
		line, _ := bufio.NewReader(c.terminal.in).ReadString('\n') // an end without a line is no yes
		answers <- line
	}()
	select {
	case <-c.ctx.Done():
		say(c.terminal.err, "\n")
	case line := <-answers:
		if word := strings.ToLower(strings.TrimSpace(line)); word == "y" || word == "yes" {
			return nil
		}
	}
	return errDeclined
}
